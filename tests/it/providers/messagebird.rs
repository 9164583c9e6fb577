//! MessageBird against its double.

use chrono::TimeDelta;
use commlog::domain::value::Channel;
use commlog::domain::value::message::{Report, RetryClass};
use commlog::domain::value::token::open;
use commlog::providers::messagebird::{Messagebird, MessagebirdSettings, MessagebirdWebhook, sign};
use commlog::providers::{
    Content, NoticeKind, OutboundMessage, Provider, Secret, SendError, TextContent, Unconfirmed, Webhook,
};
use serde_json::json;

use super::{ambient, class_of, client, correlation, message, now, secret};
use crate::support::doubles::Act;
use crate::support::doubles::messagebird::{MessagebirdDouble, MessagebirdMessage, NUMBER, SIGNING_KEY};

const CALLBACK: &str = "https://crm.example.com/webhooks/messagebird/main";

fn provider(settings: MessagebirdSettings) -> Messagebird {
    Messagebird::try_new(settings, client(), ambient(1)).expect("valid settings")
}

async fn start() -> (MessagebirdDouble, Messagebird) {
    let double = MessagebirdDouble::start(ambient(2)).await;
    let account = provider(double.settings(CALLBACK));
    (double, account)
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

fn unconfirmed() -> Unconfirmed {
    Unconfirmed {
        key: sms().key,
        token: sms().token,
        to: sms().to,
        subject: None,
        body: "Hello".to_owned(),
        called_at: now(),
        given_up_at: now() + TimeDelta::seconds(30),
        claimed: vec![],
    }
}

#[tokio::test]
async fn a_message_is_handed_over_with_everything_that_matters() {
    let (double, account) = start().await;
    let accepted = account.send(sms()).await.expect("taken");
    let mut long = message(Channel::Sms, 10);
    text(&mut long).body = "ж".repeat(71);
    assert_eq!(account.send(long).await.expect("taken").segments, 2);
    let taken = double.taken();
    assert_eq!(accepted.provider_message_id.as_deref(), Some(taken[0].id.as_str()));
    assert_eq!((accepted.segments, accepted.cost), (1, None));
    assert_eq!((taken[0].recipient(), taken[0].field("originator")), ("14155550101", Some(&NUMBER[1..])));
    assert_eq!([&taken[0], &taken[1]].map(|message| message.field("datacoding")), [Some("plain"), Some("unicode")]);
    assert_eq!(taken[0].field("reference"), Some(sms().key.message_id.to_string().as_str()));
    assert_eq!(double.times(&sms().token.expect("a token")), 1);
}

#[tokio::test]
async fn pictures_go_as_links_where_the_sender_can_send_them() {
    let (double, account) = start().await;
    let mut picture = sms();
    text(&mut picture).media_urls = vec!["https://shop.example/a.png".to_owned()];
    account.send(picture.clone()).await.expect("taken");
    assert_eq!(double.taken()[0].fields["mediaUrls"], json!(["https://shop.example/a.png"]));
    assert!(account.carries_files(Channel::Sms));
    let mut settings = double.settings(CALLBACK);
    settings.can_send_media = false;
    let without = provider(settings);
    assert!(!without.carries_files(Channel::Sms));
    assert_eq!(class_of(&without.send(picture).await.expect_err("refused")), Some(RetryClass::ContentRefused));
}

#[tokio::test]
async fn what_messagebird_refuses_is_refused_for_its_reason() {
    let (double, account) = start().await;
    let refused = async |change: Change| {
        let mut message = sms();
        change(&mut message);
        match account.send(message).await.expect_err("refused") {
            SendError::Refused { class, code, .. } => (class, code.unwrap_or_default()),
            ambiguous @ SendError::Ambiguous { .. } => panic!("{ambiguous}"),
        }
    };
    let national = refused(|message| message.to = "601234567".to_owned()).await;
    assert_eq!(
        (national, double.calls()),
        ((RetryClass::Permanent, "not_e164".to_owned()), 0),
        "it would go elsewhere"
    );
    let cases: [(Change, RetryClass); 3] = [
        (|message| message.from = Some("A much too long name".to_owned()), RetryClass::Configuration),
        (|message| text(message).body = String::new(), RetryClass::ContentRefused),
        (|message| text(message).body = "ж".repeat(604), RetryClass::ContentRefused),
    ];
    for (change, class) in cases {
        assert_eq!(refused(change).await, (class, "9".to_owned()));
    }
    let failed = json!({ "id": "1", "recipients": { "items": [
        { "recipient": 1, "status": "delivery_failed", "statusErrorCode": 103, "statusReason": "opted out" }] } });
    double.script([Act::Refuse(201, vec![], failed)]);
    assert_eq!(refused(|_| {}).await, (RetryClass::OptedOut, "103".to_owned()));
    let errors = |code: u32| json!({ "errors": [{ "code": code, "description": "", "parameter": null }] });
    double.script([Act::Refuse(402, vec![], errors(25)), Act::Refuse(400, vec![], errors(98))]);
    assert_eq!(refused(|_| {}).await, (RetryClass::Configuration, "25".to_owned()));
    assert_eq!(refused(|_| {}).await, (RetryClass::Transient, "98".to_owned()));
    double.script([Act::Refuse(429, vec![("retry-after", "3".to_owned())], json!({}))]);
    let error = account.send(sms()).await.expect_err("refused");
    let SendError::Refused { class: RetryClass::RateLimited, retry_after, .. } = error else { panic!("{error}") };
    assert_eq!(retry_after.map(|pause| pause.as_secs()), Some(3));
    assert!(double.taken().is_empty());
}

#[tokio::test]
async fn credentials_and_an_empty_balance_are_the_operators_business() {
    let (double, account) = start().await;
    assert_eq!(account.check().await, Ok(()));
    let mut settings = double.settings(CALLBACK);
    settings.access_key = Secret::new("wrong");
    let wrong = provider(settings);
    assert_eq!(class_of(&wrong.send(sms()).await.expect_err("refused")), Some(RetryClass::Configuration));
    assert_eq!(class_of(&wrong.check().await.expect_err("refused")), Some(RetryClass::Configuration));
    let empty = MessagebirdDouble::with_balance(ambient(3), 0.0).await;
    let error = provider(empty.settings(CALLBACK)).check().await.expect_err("refused");
    assert_eq!(class_of(&error), Some(RetryClass::Configuration));
    assert!(double.calls() == 0 && empty.calls() == 0, "a check sends nothing");
}

#[tokio::test]
async fn a_message_in_doubt_is_found_by_its_reference() {
    let (double, account) = start().await;
    assert_eq!(account.find(&unconfirmed()).await, Ok(None));
    account.send(message(Channel::Sms, 20)).await.expect("taken");
    double.script([Act::ServerError { status: 500, taken: true }]);
    assert!(account.send(sms()).await.is_err());
    for number in 21..24 {
        account.send(message(Channel::Sms, number)).await.expect("taken");
    }
    // The list has several pages, and others with the same text and number stand around ours.
    let found = account.find(&unconfirmed()).await.expect("it answers").expect("found");
    assert_eq!(found.accepted.provider_message_id.as_ref(), Some(&double.taken()[1].id));
    assert_eq!(found.accepted_at, Some(now()));
    assert!(matches!(found.report, Some(Report::Sent { segments: 1, .. })));
    let mut claimed = unconfirmed();
    claimed.claimed = vec![double.taken()[1].id.clone()];
    assert_eq!(account.find(&claimed).await, Ok(None));
    let mut other = unconfirmed();
    other.to = "+14155550102".to_owned();
    assert_eq!(account.find(&other).await, Ok(None));
}

#[tokio::test]
async fn what_is_found_tells_its_price_and_fate() {
    let (double, account) = start().await;
    let fields =
        json!({ "recipients": ["14155550101"], "body": "Hello", "reference": sms().key.message_id.to_string() });
    let status = "delivered".to_owned();
    double.plant(MessagebirdMessage { id: "5".repeat(32), created: now(), status, fields });
    let found = account.find(&unconfirmed()).await.expect("it answers").expect("found");
    let cost = found.accepted.cost.map(|(micros, currency)| (micros, currency.to_string()));
    assert_eq!((cost, found.report), (Some((75_000, "EUR".to_owned())), Some(Report::Delivered)));
}

#[tokio::test]
async fn reports_carry_our_token_and_are_believed_only_as_they_were_signed() {
    let (double, account) = start().await;
    account.send(sms()).await.expect("taken");
    let sent = double.taken().remove(0);
    let webhook = MessagebirdWebhook::try_new(&double.settings(CALLBACK)).expect("valid settings");
    for (status, more) in
        [("sent", vec![]), ("delivered", vec![]), ("delivery_failed", vec![("statusErrorCode", "103")])]
    {
        let request = MessagebirdDouble::report(&sent, status, &more, now()).request();
        assert_eq!(request.method, "GET");
        assert_eq!(webhook.verify(&request, now()), Ok(()), "{status}");
        let NoticeKind::Report { token, provider_message_id, to, occurred_at, report, .. } =
            webhook.parse(&request, now()).await.remove(0).kind
        else {
            panic!("{status}")
        };
        assert_eq!(open(&token.expect("a token"), &secret()), Some(correlation(Channel::Sms, 9)));
        assert_eq!((provider_message_id.as_ref(), to.as_deref()), (Some(&sent.id), Some("+14155550101")));
        assert_eq!(occurred_at, Some(now()));
        let is_opted_out = matches!(report, Report::Failed { class: RetryClass::OptedOut, .. });
        assert_eq!(is_opted_out, status == "delivery_failed");
        let mut forged = request.clone();
        forged.url = forged.url.replace("recipient=1", "recipient=2");
        assert!(webhook.verify(&forged, now()).is_err());
        assert!(webhook.verify(&request, now() + TimeDelta::hours(1)).is_err(), "stale");
    }
    assert_eq!(webhook.answer().body, "OK");
}

#[tokio::test]
async fn reports_with_the_older_signature_are_believed_too() {
    let (double, account) = start().await;
    account.send(sms()).await.expect("taken");
    let webhook = MessagebirdWebhook::try_new(&double.settings(CALLBACK)).expect("valid settings");
    let mut request = MessagebirdDouble::report(&double.taken()[0], "delivered", &[], now()).request();
    let timestamp = now().timestamp().to_string();
    // It is made over the query sorted by name.
    let mut pairs: Vec<_> = url::form_urlencoded::parse(request.query().as_bytes()).into_owned().collect();
    pairs.sort();
    let sorted = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let signature = sign(&Secret::new(SIGNING_KEY), &timestamp, &sorted, b"");
    let headers = [("messagebird-signature", signature), ("messagebird-request-timestamp", timestamp)];
    request.headers = headers.map(|(name, value)| (name.to_owned(), value.into())).to_vec();
    assert_eq!(webhook.verify(&request, now()), Ok(()));
    request.url.push_str("&status=sent");
    assert!(webhook.verify(&request, now()).is_err());
}

#[tokio::test]
async fn somebodys_message_is_believed_only_as_it_was_signed() {
    let double = MessagebirdDouble::start(ambient(2)).await;
    let webhook = MessagebirdWebhook::try_new(&double.settings(CALLBACK)).expect("valid settings");
    let signed = MessagebirdDouble::inbound(CALLBACK, "3b53", "Stop \u{1F377} & more", now());
    let request = signed.request();
    assert_eq!(webhook.verify(&request, now()), Ok(()));
    let NoticeKind::Inbound(inbound) = webhook.parse(&request, now()).await.remove(0).kind else { panic!() };
    assert_eq!((inbound.text.as_str(), inbound.from.as_str()), ("Stop \u{1F377} & more", "+14155550101"));
    assert_eq!((inbound.to.as_deref(), inbound.occurred_at), (Some(NUMBER), Some(now())));
    let mut forged = request.clone();
    forged.body = "id=1&originator=1&body=Stop".into();
    assert!(webhook.verify(&forged, now()).is_err());
    let mut unset = double.settings(CALLBACK);
    unset.signing_keys.clear();
    let unset = MessagebirdWebhook::try_new(&unset).expect("valid settings");
    assert!(unset.verify(&request, now()).is_err(), "without a key nothing is believed");
}
