//! Vonage against its double, by both of its APIs.

use std::time::Duration;

use commlog::domain::value::Channel;
use commlog::domain::value::message::{Report, RetryClass};
use commlog::domain::value::token::{open, tenant_of};
use commlog::providers::vonage::{Vonage, VonageApi, VonageSettings, VonageWebhook};
use commlog::providers::{
    Content, NoticeKind, OutboundMessage, Provider, Secret, SendError, TextContent, Unconfirmed, Webhook,
};
use serde_json::json;

use super::{ambient, cause_of, class_of, client, correlation, message, now, secret};
use crate::support::doubles::Act;
use crate::support::doubles::vonage::{NUMBER, VonageDouble};

const CALLBACK: &str = "https://crm.example.com/webhooks/vonage/main";

fn provider(settings: VonageSettings) -> Vonage {
    Vonage::try_new(settings, client(), ambient(1)).expect("valid settings")
}

/// A double and the account by each of its APIs.
async fn start() -> (VonageDouble, [Vonage; 2]) {
    let double = VonageDouble::start(ambient(2)).await;
    let accounts = [double.sms_settings(CALLBACK), double.messages_settings(CALLBACK)].map(provider);
    (double, accounts)
}

/// Spoils a message.
type Change = fn(&mut OutboundMessage);

fn sms() -> OutboundMessage {
    message(Channel::Sms, 9)
}

fn text(message: &mut OutboundMessage) -> &mut TextContent {
    let Content::Text(text) = &mut message.content else { panic!("no text message") };
    text
}

fn reference() -> String {
    sms().key.message_id.to_string()
}

#[tokio::test]
async fn a_message_is_handed_over_with_everything_that_matters() {
    let (double, accounts) = start().await;
    let mut long = sms();
    text(&mut long).body = "ж".repeat(71);
    for account in &accounts {
        account.send(sms()).await.expect("taken");
        account.send(long.clone()).await.expect("taken");
    }
    let taken = double.taken();
    for (message, kind) in taken.iter().zip(["text", "unicode", "text", "unicode"]) {
        assert_eq!((message.field("to"), message.field("from")), (Some("14155550101"), Some(&NUMBER[1..])));
        let by_messages = message.field("message_type").is_some();
        let encoding = message.fields["sms"]["encoding_type"].as_str().filter(|_| by_messages);
        assert_eq!(encoding.or(message.field("type")), Some(kind));
        let url = message.field("callback").or(message.field("webhook_url")).expect("a URL");
        assert!(url.starts_with(CALLBACK), "{url}");
        assert_eq!(message.token(), sms().token.filter(|_| by_messages), "a callback has no room for a token");
    }
    assert_eq!(double.times(&reference()), 4);
}

#[tokio::test]
async fn parts_and_their_prices_are_read_from_the_answer() {
    let (_double, [by_sms, by_messages]) = start().await;
    let mut long = sms();
    text(&mut long).body = "a".repeat(161);
    let accepted = by_sms.send(long.clone()).await.expect("taken");
    let cost = accepted.cost.map(|(micros, currency)| (micros, currency.to_string()));
    assert_eq!((accepted.segments, cost), (2, Some((82_400, "EUR".to_owned()))));
    let accepted = by_messages.send(long).await.expect("taken");
    assert_eq!((accepted.segments, accepted.cost), (2, None));
}

#[tokio::test]
async fn a_callback_that_is_too_long_stands_in_the_accounts_settings() {
    let double = VonageDouble::start(ambient(2)).await;
    let long = format!("https://{}.example.com/webhooks/vonage/main", "crm".repeat(30));
    provider(double.sms_settings(&long)).send(sms()).await.expect("taken");
    assert_eq!(double.taken()[0].field("callback"), None);
}

#[tokio::test]
async fn what_vonage_refuses_is_refused_for_its_reason() {
    let (double, [by_sms, by_messages]) = start().await;
    double.bar("14155550177");
    let refused = async |account: &Vonage, change: Change| {
        let mut message = sms();
        change(&mut message);
        match account.send(message).await.expect_err("refused") {
            SendError::Refused { class, code, .. } => (class, code.unwrap_or_default()),
            ambiguous @ SendError::Ambiguous { .. } => panic!("{ambiguous}"),
        }
    };
    let cases: [(Change, RetryClass, &str, &str); 4] = [
        (|message| message.to = "+14155550177".to_owned(), RetryClass::Permanent, "7", "1050"),
        (|message| message.to = "+0155550101".to_owned(), RetryClass::Permanent, "3", "1150"),
        (|message| message.from = Some("+4930123456".to_owned()), RetryClass::Configuration, "15", "1120"),
        (|message| text(message).body = "x".repeat(3_201), RetryClass::ContentRefused, "12", "1090"),
    ];
    for (change, class, sms_code, messages_code) in cases {
        assert_eq!(refused(&by_sms, change).await, (class, sms_code.to_owned()));
        assert_eq!(refused(&by_messages, change).await, (class, messages_code.to_owned()));
    }
    let calls = double.calls();
    let picture: Change = |message| text(message).media_urls.push("https://x.example/a".to_owned());
    let (class, _) = refused(&by_sms, picture).await;
    assert_eq!((class, double.calls()), (RetryClass::ContentRefused, calls), "no file is left out silently");
    let mut mail = sms();
    mail.content = Content::of(Channel::Email, None, "Hello".to_owned());
    assert_eq!(class_of(&by_messages.send(mail).await.expect_err("refused")), Some(RetryClass::Configuration));
    assert!(double.taken().is_empty());
}

#[tokio::test]
async fn credentials_that_are_wrong_are_the_operators_business() {
    let (double, [by_sms, by_messages]) = start().await;
    assert_eq!((by_sms.check().await, by_messages.check().await), (Ok(()), Ok(())));
    let mut wrong = double.sms_settings(CALLBACK);
    let VonageApi::Sms { secret, .. } = &mut wrong.api else { panic!() };
    *secret = Secret::new("wrong");
    let mut other = double.messages_settings(CALLBACK);
    let VonageApi::Messages { application_id, .. } = &mut other.api else { panic!() };
    "00000000-0000-0000-0000-000000000000".clone_into(application_id);
    for settings in [wrong, other] {
        let account = provider(settings);
        assert_eq!(class_of(&account.send(sms()).await.expect_err("refused")), Some(RetryClass::Configuration));
        assert_eq!(class_of(&account.check().await.expect_err("refused")), Some(RetryClass::Configuration));
    }
    assert!(double.taken().is_empty() && double.calls() == 0, "a check sends nothing");
}

#[tokio::test]
async fn a_limit_says_how_long_to_wait() {
    let (double, [by_sms, by_messages]) = start().await;
    let words = "Throughput Rate Exceeded - please wait [ 978 ] and retry";
    let throttled = json!({ "message-count": "1", "messages": [{ "status": "1", "error-text": words }] });
    let problem = json!({ "type": "https://developer.vonage.com/api-errors/messages#1000", "title": "Rate Limit Hit" });
    double.script([
        Act::Refuse(200, vec![], throttled),
        Act::Refuse(429, vec![("retry-after", "3".to_owned())], problem),
    ]);
    for (account, code, pause) in [(&by_sms, "1", 978), (&by_messages, "1000", 3_000)] {
        let error = account.send(sms()).await.expect_err("refused");
        let SendError::Refused { class: RetryClass::RateLimited, code: given, retry_after, .. } = error else {
            panic!("{error}")
        };
        assert_eq!((given.as_deref(), retry_after), (Some(code), Some(Duration::from_millis(pause))));
    }
}

#[tokio::test]
async fn no_credit_is_the_operators_business() {
    let (double, [by_sms, by_messages]) = start().await;
    let quota = json!({ "messages": [{ "status": "9", "error-text": "Partner quota exceeded" }] });
    let low = json!({ "type": "https://developer.nexmo.com/api-errors/#low-balance", "title": "Low balance" });
    double.script([Act::Refuse(200, vec![], quota), Act::Refuse(402, vec![], low)]);
    for (account, code) in [(&by_sms, "9"), (&by_messages, "low-balance")] {
        let error = account.send(sms()).await.expect_err("refused");
        assert!(
            matches!(&error, SendError::Refused { class: RetryClass::Configuration, code: Some(c), .. } if c == code)
        );
    }
}

#[tokio::test]
async fn trouble_that_the_sms_api_reports_with_status_200_leaves_doubt() {
    let (double, [by_sms, _]) = start().await;
    let internal = json!({ "messages": [{ "status": "5", "error-text": "Internal Error" }] });
    let half =
        json!({ "messages": [{ "status": "0", "message-id": "1" }, { "status": "1", "error-text": "Throttled" }] });
    for (body, expected) in [(internal, "server_error"), (half, "partly_accepted")] {
        double.script([Act::Refuse(200, vec![], body)]);
        assert_eq!(cause_of(&by_sms.send(sms()).await.expect_err("no success")), Some(expected));
    }
    assert_eq!(double.calls(), 2, "called once each");
}

#[tokio::test]
async fn a_message_in_doubt_cannot_be_looked_for() {
    let (double, accounts) = start().await;
    for account in accounts {
        account.send(sms()).await.expect("taken");
        let doubt = Unconfirmed {
            key: sms().key,
            token: sms().token,
            to: sms().to,
            subject: None,
            body: "Hello".to_owned(),
            called_at: now(),
            given_up_at: now(),
            claimed: vec![],
        };
        assert_eq!(account.find(&doubt).await, Ok(None));
    }
    assert_eq!(double.calls(), 2);
}

#[tokio::test]
async fn receipts_of_the_sms_api_carry_our_reference() {
    let (double, [by_sms, _]) = start().await;
    let mut long = sms();
    text(&mut long).body = "a".repeat(161);
    let accepted = by_sms.send(long).await.expect("taken");
    let sent = double.taken().remove(0);
    assert_eq!((sent.ids.len(), accepted.provider_message_id.as_ref()), (2, sent.ids.first()));
    let webhook = VonageWebhook::try_new(&double.sms_settings(CALLBACK)).expect("valid settings");
    for (part, status, code) in [(0, "accepted", 0), (0, "delivered", 0), (1, "failed", 9)] {
        let request = VonageDouble::receipt(&sent, part, status, code, now()).request();
        assert_eq!(webhook.verify(&request, now()), Ok(()), "{status}");
        let NoticeKind::Report { token, provider_message_id, to, report, .. } =
            webhook.parse(&request, now()).await.remove(0).kind
        else {
            panic!("{status}")
        };
        assert_eq!((token, to.as_deref()), (Some(reference()), Some("+14155550101")));
        assert_eq!(provider_message_id.as_ref(), Some(&sent.ids[part]));
        assert_eq!(matches!(report, Report::Failed { class: RetryClass::OptedOut, .. }), code == 9);
        let mut forged = request;
        forged.url = forged.url.replace("status=", "status=un");
        assert!(webhook.verify(&forged, now()).is_err());
    }
}

#[tokio::test]
async fn statuses_of_the_messages_api_carry_our_token() {
    let (double, [_, by_messages]) = start().await;
    by_messages.send(sms()).await.expect("taken");
    let sent = double.taken().remove(0);
    let webhook = VonageWebhook::try_new(&double.messages_settings(CALLBACK)).expect("valid settings");
    let error = json!({ "error": { "type": "https://developer.vonage.com/api-errors/messages#1050", "title": 1050 } });
    for (status, more) in [("submitted", json!({})), ("delivered", json!({})), ("rejected", error)] {
        let request = VonageDouble::status(&sent, status, more, now()).request();
        assert_eq!(webhook.verify(&request, now()), Ok(()), "{status}");
        let NoticeKind::Report { token, provider_message_id, report, .. } =
            webhook.parse(&request, now()).await.remove(0).kind
        else {
            panic!("{status}")
        };
        let token = token.expect("our token came back");
        assert_eq!(tenant_of(&token), Some(sms().tenant));
        assert_eq!(open(&token, &secret()), Some(correlation(Channel::Sms, 9)));
        assert_eq!(provider_message_id.as_ref(), sent.ids.first());
        assert_eq!(matches!(report, Report::Failed { class: RetryClass::Permanent, .. }), status == "rejected");
        let mut forged = request;
        forged.body = String::from_utf8_lossy(&forged.body).replace("14155550101", "14155550102").into();
        assert!(webhook.verify(&forged, now()).is_err());
    }
}

#[tokio::test]
async fn somebodys_message_is_believed_only_as_it_was_signed() {
    let double = VonageDouble::start(ambient(2)).await;
    let by_sms = VonageWebhook::try_new(&double.sms_settings(CALLBACK)).expect("valid settings");
    let by_messages = VonageWebhook::try_new(&double.messages_settings(CALLBACK)).expect("valid settings");
    let part = [("concat", "true"), ("concat-ref", "1"), ("concat-total", "2"), ("concat-part", "2")];
    let cases = [
        (&by_sms, VonageDouble::text(CALLBACK, "0A1", "Stop", &[], now()), "Stop"),
        (&by_sms, VonageDouble::text(CALLBACK, "0A2", "a & b = c \u{1F377}", &[], now()), "a & b = c \u{1F377}"),
        (&by_sms, VonageDouble::text(CALLBACK, "0A3", "world", &part, now()), "(2/2) world"),
        (&by_messages, VonageDouble::inbound(CALLBACK, "aaaa", "Stop", now()), "Stop"),
    ];
    for (webhook, signed, expected) in cases {
        let request = signed.request();
        assert_eq!(webhook.verify(&request, now()), Ok(()), "{expected}");
        let NoticeKind::Inbound(inbound) = webhook.parse(&request, now()).await.remove(0).kind else { panic!() };
        assert_eq!((inbound.text.as_str(), inbound.from.as_str()), (expected, "+14155550101"));
        assert_eq!((inbound.to.as_deref(), inbound.occurred_at), (Some(NUMBER), Some(now())));
        let late = now() + chrono::TimeDelta::hours(26);
        assert!(webhook.verify(&request, late).is_err(), "stale");
    }
    let foreign = VonageDouble::inbound(CALLBACK, "aaaa", "Stop", now()).request();
    assert!(by_sms.verify(&foreign, now()).is_err(), "each API has its own proof");
}
