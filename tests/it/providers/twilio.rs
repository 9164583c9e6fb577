//! Twilio against its double.

use chrono::TimeDelta;
use commlog::domain::value::message::{BounceKind, Report, RetryClass};
use commlog::domain::value::token::{open, tenant_of};
use commlog::domain::value::{Channel, Keyword};
use commlog::providers::twilio::{Twilio, TwilioSender, TwilioSettings, TwilioWebhook};
use commlog::providers::{
    Content, NoticeKind, OutboundMessage, Provider, SendError, TextContent, Unconfirmed, Webhook,
};
use serde_json::json;

use super::{NOW, ambient, client, correlation, message, now, secret};
use crate::support::doubles::Act;
use crate::support::doubles::twilio::{NUMBER, TwilioDouble, TwilioMessage};

const CALLBACK: &str = "https://crm.example.com/hooks/twilio/main";

fn provider(settings: TwilioSettings) -> Twilio {
    Twilio::try_new(settings, client(), ambient(1)).expect("valid settings")
}

async fn start() -> (TwilioDouble, Twilio) {
    let double = TwilioDouble::start(ambient(2)).await;
    let twilio = provider(double.settings(CALLBACK));
    (double, twilio)
}

fn sms() -> OutboundMessage {
    message(Channel::Sms, 9)
}

/// What a message of this channel holds.
fn text(message: &mut OutboundMessage) -> &mut TextContent {
    let Content::Text(text) = &mut message.content else { panic!("no text message") };
    text
}

fn unconfirmed(body: &str) -> Unconfirmed {
    Unconfirmed {
        key: sms().key,
        token: sms().token,
        to: sms().to,
        subject: None,
        body: body.to_owned(),
        called_at: now(),
        given_up_at: now() + TimeDelta::seconds(30),
        claimed: vec![],
    }
}

#[tokio::test]
async fn a_message_is_handed_over_with_everything_that_matters() {
    let (double, twilio) = start().await;
    let accepted = twilio.send(sms()).await.expect("taken");
    let taken = double.taken().remove(0);
    assert_eq!(accepted.provider_message_id.as_deref(), Some(taken.sid.as_str()));
    assert_eq!((accepted.segments, accepted.cost), (1, None));
    assert_eq!((taken.field("To"), taken.field("From")), (Some("+14155550101"), Some(NUMBER)));
    assert_eq!((taken.field("Body"), taken.field("MessagingServiceSid")), (Some("Hello"), None));
    assert_eq!(double.times(&sms().token.expect("a token")), 1);
    assert!(
        taken.field("StatusCallback").is_some_and(|url| url.starts_with(CALLBACK) && url.ends_with("#rc=5&rp=all"))
    );
}

#[tokio::test]
async fn a_service_picks_the_sender_and_segments_are_counted_here() {
    let double = TwilioDouble::start(ambient(2)).await;
    let mut settings = double.settings(CALLBACK);
    settings.sender = Some(TwilioSender::Service(format!("MG{}", "3".repeat(32))));
    let mut long = sms();
    text(&mut long).body = "ж".repeat(71);
    let accepted = provider(settings).send(long).await.expect("taken");
    assert_eq!(accepted.segments, 2);
    assert_eq!(double.taken()[0].field("From"), None);
}

#[tokio::test]
async fn pictures_go_as_links_and_need_no_text() {
    let (double, twilio) = start().await;
    let mut picture = sms();
    text(&mut picture).body = String::new();
    text(&mut picture).media_urls =
        vec!["https://shop.example/a.png".to_owned(), "https://shop.example/b.png".to_owned()];
    picture.from = Some(NUMBER.to_owned());
    twilio.send(picture).await.expect("taken");
    let urls: Vec<_> = double.taken()[0].form.iter().filter(|(name, _)| name == "MediaUrl").cloned().collect();
    assert_eq!(urls.len(), 2);
}

#[tokio::test]
async fn what_twilio_refuses_is_refused_for_its_reason() {
    let (double, twilio) = start().await;
    double.opt_out("+14155550177");
    let refused = |change: fn(&mut OutboundMessage)| {
        let mut message = sms();
        change(&mut message);
        let call = twilio.send(message);
        async move {
            match call.await.expect_err("refused") {
                SendError::Refused { class, code, .. } => (class, code.unwrap_or_default()),
                ambiguous @ SendError::Ambiguous { .. } => panic!("{ambiguous}"),
            }
        }
    };
    let expect = |class, code: &str| (class, code.to_owned());
    let gone = refused(|message| message.to = "+14155550177".to_owned()).await;
    assert_eq!(gone, expect(RetryClass::OptedOut, "21610"));
    let wrong = refused(|message| message.to = "4155550101".to_owned()).await;
    assert_eq!(wrong, expect(RetryClass::Permanent, "21211"));
    let long = refused(|message| text(message).body = "x".repeat(1601)).await;
    assert_eq!(long, expect(RetryClass::ContentRefused, "21617"));
    let empty = refused(|message| text(message).body = String::new()).await;
    assert_eq!(empty, expect(RetryClass::Permanent, "21602"));
    let foreign = refused(|message| message.from = Some("+4930123456".to_owned())).await;
    assert_eq!(foreign, expect(RetryClass::Configuration, "21606"));
    let many = refused(|message| text(message).media_urls = vec!["https://x.example/a".to_owned(); 11]).await;
    assert_eq!(many, expect(RetryClass::ContentRefused, "21623"));
    assert!(double.taken().is_empty());
}

#[tokio::test]
async fn a_limit_says_how_long_to_wait() {
    let (double, twilio) = start().await;
    let body = json!({ "code": 20429, "message": "Too Many Requests", "status": 429 });
    double.script([Act::Refuse(429, vec![("retry-after", "3".to_owned())], body)]);
    let error = twilio.send(sms()).await.expect_err("refused");
    let SendError::Refused { class: RetryClass::RateLimited, code, retry_after, .. } = error else { panic!("{error}") };
    assert_eq!((code.as_deref(), retry_after.map(|pause| pause.as_secs())), (Some("20429"), Some(3)));
}

#[tokio::test]
async fn a_message_in_doubt_is_found_by_what_was_sent() {
    let (double, twilio) = start().await;
    // The list has several pages: others to the same number stand around ours.
    for number in 20..24 {
        let mut other = message(Channel::Sms, number);
        text(&mut other).body = format!("Other {number}");
        twilio.send(other).await.expect("taken");
    }
    double.script([Act::ServerError { status: 500, taken: true }]);
    assert!(twilio.send(sms()).await.is_err());
    twilio.send(message(Channel::Sms, 25)).await.expect("taken");
    let mut ours = unconfirmed("Hello");
    let taken = double.taken();
    // Both have the same text: without knowing whose the last one is, neither proves anything.
    assert_eq!(twilio.find(&ours).await, Ok(None));
    ours.claimed = vec![taken[5].sid.clone()];
    let found = twilio.find(&ours).await.expect("it answers").expect("found");
    assert_eq!(found.accepted.provider_message_id.as_deref(), Some(taken[4].sid.as_str()));
    assert_eq!((found.report, found.accepted_at), (None, Some(now())));
}

#[tokio::test]
async fn absence_and_likeness_prove_nothing() {
    let (double, twilio) = start().await;
    assert_eq!(twilio.find(&unconfirmed("Hello")).await, Ok(None));
    twilio.send(sms()).await.expect("taken");
    let sent = double.taken().remove(0);
    assert_eq!(twilio.find(&unconfirmed("Hello!")).await, Ok(None));
    let mut earlier = unconfirmed("Hello");
    earlier.called_at = now() + TimeDelta::seconds(10);
    assert_eq!(twilio.find(&earlier).await, Ok(None));
    let mut later = unconfirmed("Hello");
    later.given_up_at = now() - TimeDelta::seconds(100);
    assert_eq!(twilio.find(&later).await, Ok(None));
    let mut claimed = unconfirmed("Hello");
    claimed.claimed = vec![sent.sid];
    assert_eq!(twilio.find(&claimed).await, Ok(None));
}

#[tokio::test]
async fn what_is_found_tells_its_price_and_fate() {
    let (double, twilio) = start().await;
    let form = [("To", "+14155550101"), ("From", NUMBER), ("Body", "Hello")];
    double.plant(TwilioMessage {
        sid: format!("SM{}", "5".repeat(32)),
        form: form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        created: now(),
        status: "delivered".to_owned(),
        price: Some("-0.00750".to_owned()),
    });
    let found = twilio.find(&unconfirmed("Hello")).await.expect("it answers").expect("found");
    assert_eq!(
        found.accepted.cost.map(|(micros, currency)| (micros, currency.to_string())),
        Some((7_500, "USD".into()))
    );
    assert_eq!(found.report, Some(Report::Delivered));
}

#[tokio::test]
async fn callbacks_about_a_message_carry_it_back_to_us() {
    let (double, twilio) = start().await;
    twilio.send(sms()).await.expect("taken");
    let sent = double.taken().remove(0);
    let webhook = TwilioWebhook::try_new(&double.settings(CALLBACK)).expect("valid settings");
    for (status, code, expected) in
        [("sending", None, 0), ("sent", None, 1), ("delivered", None, 1), ("undelivered", Some(30005), 1)]
    {
        let request = TwilioDouble::status(&sent, status, code).request();
        assert_eq!(webhook.verify(&request, now()), Ok(()), "{status}");
        let told = webhook.parse(&request, now()).await;
        assert_eq!(told.len(), expected, "{status}");
        let Some(told) = told.into_iter().next() else { continue };
        let NoticeKind::Report { token, provider_message_id, report, .. } = told.kind else { panic!("{status}") };
        let token = token.expect("our token came back");
        assert_eq!(tenant_of(&token), Some(sms().tenant));
        assert_eq!(open(&token, &secret()), Some(correlation(Channel::Sms, 9)));
        assert_eq!(provider_message_id, Some(sent.sid.clone()));
        let is_hard = matches!(report, Report::Bounced { bounce: BounceKind::Hard, .. });
        assert_eq!(is_hard, code.is_some(), "{status}");
    }
    assert_eq!(webhook.answer().content_type, "text/xml");
}

#[tokio::test]
async fn somebodys_message_is_believed_only_as_it_was_signed() {
    let double = TwilioDouble::start(ambient(2)).await;
    let webhook = TwilioWebhook::try_new(&double.settings(CALLBACK)).expect("valid settings");
    let sid = format!("SM{}", "6".repeat(32));
    let signed = TwilioDouble::inbound(CALLBACK, &sid, "+14155550101", "Stop", &[("OptOutType", "STOP")]);
    assert_eq!(webhook.verify(&signed.request(), now()), Ok(()));
    let NoticeKind::Inbound(inbound) = webhook.parse(&signed.request(), now()).await.remove(0).kind else { panic!() };
    assert_eq!((inbound.provider_message_id, inbound.opt_out), (sid, Some(Keyword::Stop)));
    let mut elsewhere = signed.request();
    elsewhere.url.push_str("?x=1");
    assert!(webhook.verify(&elsewhere, now()).is_err());
    assert!(now().timestamp() == NOW && double.most_per_token() == 0);
}
