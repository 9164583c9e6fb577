//! SendGrid against its double.

use bytes::Bytes;
use chrono::TimeDelta;
use commlog::domain::value::Channel;
use commlog::domain::value::message::{BounceKind, EngagementClass, Report, RetryClass};
use commlog::domain::value::token::{open, reply_address, seal_reply};
use commlog::ids::MessageId;
use commlog::providers::sendgrid::{Sendgrid, SendgridSettings, SendgridWebhook};
use commlog::providers::{
    Attachment, Content, EmailContent, NoticeKind, OutboundMessage, Provider, SendError, SignatureError, Webhook,
};
use serde_json::json;
use uuid::Uuid;

use super::{NOW, ambient, client, correlation, message, now, secret};
use crate::support::doubles::Act;
use crate::support::doubles::sendgrid::SendgridDouble;

const URL: &str = "https://crm.example.com/hooks/sendgrid/main";

fn provider(settings: SendgridSettings) -> Sendgrid {
    Sendgrid::try_new(settings, client(), ambient(1)).expect("valid settings")
}

async fn start() -> (SendgridDouble, Sendgrid) {
    let double = SendgridDouble::start(ambient(2)).await;
    let sendgrid = provider(double.settings());
    (double, sendgrid)
}

fn mail() -> OutboundMessage {
    message(Channel::Email, 9)
}

/// What a message of this channel holds.
fn email(message: &mut OutboundMessage) -> &mut EmailContent {
    let Content::Email(email) = &mut message.content else { panic!("no mail") };
    email
}

#[tokio::test]
async fn a_mail_is_handed_over_with_everything_that_matters() {
    let (double, sendgrid) = start().await;
    let mut mail = mail();
    email(&mut mail).html = Some("<p>Hello</p>".to_owned());
    email(&mut mail).reply_to = Some("Shop <reply+abc@replies.shop.example>".to_owned());
    email(&mut mail).headers = vec![
        ("List-Unsubscribe".to_owned(), "<https://crm.example/u/x>".to_owned()),
        ("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned()),
    ];
    email(&mut mail).attachments = vec![Attachment {
        name: "a.txt".to_owned(),
        content_type: "text/plain".to_owned(),
        content_id: None,
        content: Bytes::from_static(b"hello"),
    }];
    let accepted = sendgrid.send(mail.clone()).await.expect("taken");
    let taken = double.taken().remove(0);
    assert_eq!(accepted.provider_message_id, Some(taken.id.clone()));
    assert_eq!((accepted.segments, accepted.cost), (1, None));
    let expected = json!({
        "personalizations": [{
            "to": [{ "email": "ada@example.org" }],
            "custom_args": { "commlog_token": mail.token },
        }],
        "from": { "email": "news@shop.example", "name": "Shop" },
        "subject": "News",
        "content": [
            { "type": "text/plain", "value": "Hello" },
            { "type": "text/html", "value": "<p>Hello</p>" },
        ],
        "reply_to": { "email": "reply+abc@replies.shop.example", "name": "Shop" },
        "headers": {
            "List-Unsubscribe": "<https://crm.example/u/x>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        "attachments": [
            { "content": "aGVsbG8=", "filename": "a.txt", "type": "text/plain", "disposition": "attachment" },
        ],
    });
    assert_eq!(taken.request, expected);
    assert_eq!((double.times(&mail.token.expect("a token")), double.most_per_token()), (1, 1));
    assert_eq!(sendgrid.route().domain.as_deref(), Some("shop.example"));
}

#[tokio::test]
async fn settings_switch_tracking_and_trying_out() {
    let double = SendgridDouble::start(ambient(2)).await;
    let mut settings = double.settings();
    settings.track_clicks = Some(false);
    settings.track_opens = Some(true);
    provider(settings.clone()).send(mail()).await.expect("taken");
    let request = double.taken().remove(0).request;
    assert_eq!(request["tracking_settings"]["click_tracking"], json!({ "enable": false, "enable_text": false }));
    assert_eq!(request["tracking_settings"]["open_tracking"], json!({ "enable": true }));
    settings.is_sandbox = true;
    assert!(provider(settings).send(mail()).await.is_ok());
    assert_eq!(double.taken().len(), 1, "a trial is not sent");
}

#[tokio::test]
async fn what_sendgrid_refuses_is_refused_for_its_reason() {
    let (double, sendgrid) = start().await;
    let refused = |change: fn(&mut OutboundMessage)| {
        let mut mail = mail();
        change(&mut mail);
        let call = sendgrid.send(mail);
        async move {
            match call.await.expect_err("refused") {
                SendError::Refused { class, code, .. } => (class, code.unwrap_or_default()),
                ambiguous @ SendError::Ambiguous { .. } => panic!("{ambiguous}"),
            }
        }
    };
    let expect = |class, code: &str| (class, code.to_owned());
    let to = refused(|mail| mail.to = "nobody".to_owned()).await;
    assert_eq!(to, expect(RetryClass::Permanent, "http_400:personalizations.0.to.0.email"));
    let from = refused(|mail| mail.from = Some("x@other.example".to_owned())).await;
    assert_eq!(from, expect(RetryClass::Configuration, "http_403:from"));
    let subject = refused(|mail| email(mail).subject = None).await;
    assert_eq!(subject, expect(RetryClass::ContentRefused, "http_400:subject"));
    let empty = refused(|mail| email(mail).text = String::new()).await;
    assert_eq!(empty, expect(RetryClass::ContentRefused, "http_400:content.0.value"));
    let header = refused(|mail| email(mail).headers = vec![("Bcc".to_owned(), "x@y.example".to_owned())]).await;
    assert_eq!(header, expect(RetryClass::ContentRefused, "http_400:headers.Bcc"));
    let split = refused(|mail| email(mail).headers = vec![("X-A".to_owned(), "a\r\nBcc: b".to_owned())]).await;
    assert_eq!(split, expect(RetryClass::ContentRefused, "header"));
    let token = refused(|mail| mail.token = Some("x".repeat(10_001))).await;
    assert_eq!(token.0, RetryClass::Permanent);
    assert!(double.taken().is_empty());
}

#[tokio::test]
async fn a_limit_says_until_when() {
    let (double, sendgrid) = start().await;
    let body = json!({ "errors": [{ "field": null, "message": "too many requests" }] });
    double.script([Act::Refuse(429, vec![("x-ratelimit-reset", (NOW + 17).to_string())], body)]);
    let error = sendgrid.send(mail()).await.expect_err("refused");
    let SendError::Refused { class: RetryClass::RateLimited, detail, retry_after, .. } = error else {
        panic!("{error}")
    };
    assert_eq!((detail.as_str(), retry_after.map(|pause| pause.as_secs())), ("too many requests", Some(17)));
}

#[tokio::test]
async fn a_batch_of_events_carries_the_mail_back_to_us() {
    let (double, sendgrid) = start().await;
    sendgrid.send(mail()).await.expect("taken");
    let sent = double.taken().remove(0);
    let webhook = SendgridWebhook::try_new(&double.settings()).expect("valid settings");
    let apple = json!({ "useragent": "Mozilla/5.0", "ip": "192.0.2.1", "sg_machine_open": true });
    let events = [
        sent.event("processed", "e1", NOW, json!({})),
        sent.event("delivered", "e2", NOW + 1, json!({ "response": "250 OK" })),
        sent.event("open", "e3", NOW + 2, apple),
        sent.event("bounce", "e4", NOW + 3, json!({ "type": "blocked", "status": "5.7.1", "reason": "no" })),
        sent.event("supernova", "e5", NOW + 4, json!({})),
    ];
    let request = double.events(URL, &events).request();
    assert_eq!(webhook.verify(&request, now()), Ok(()));
    let told = webhook.parse(&request, now()).await;
    let mut reports = vec![];
    for told in &told[..4] {
        let NoticeKind::Report { token, provider_message_id, report, .. } = &told.kind else { panic!("{told:?}") };
        assert_eq!(open(token.as_deref().expect("our token"), &secret()), Some(correlation(Channel::Email, 9)));
        assert_eq!(*provider_message_id, Some(sent.id.clone()));
        reports.push(report.clone());
    }
    assert!(matches!(&reports[0], Report::Sent { provider_message_id: Some(id), .. } if *id == sent.id));
    assert_eq!(reports[1], Report::Delivered);
    assert!(matches!(&reports[2], Report::Opened { class: EngagementClass::Machine, .. }));
    assert!(matches!(&reports[3], Report::Bounced { bounce: BounceKind::Soft, .. }));
    assert!(matches!(&told[4].kind, NoticeKind::Unclear { .. }) && told[4].raw.contains("supernova"));
}

#[tokio::test]
async fn events_are_believed_only_as_they_were_signed_and_not_for_ever() {
    let (double, sendgrid) = start().await;
    sendgrid.send(mail()).await.expect("taken");
    let sent = double.taken().remove(0);
    let webhook = SendgridWebhook::try_new(&double.settings()).expect("valid settings");
    let genuine = double.events(URL, &[sent.event("delivered", "e1", NOW, json!({}))]).request();
    let mut trimmed = genuine.clone();
    trimmed.body = trimmed.body.slice(..trimmed.body.len() - 2);
    assert_eq!(webhook.verify(&trimmed, now()), Err(SignatureError::Forged));
    let other = SendgridDouble::start(ambient(3)).await;
    let foreign = other.events(URL, &[sent.event("delivered", "e1", NOW, json!({}))]).request();
    assert_eq!(webhook.verify(&foreign, now()), Err(SignatureError::Forged));
    let late = now() + TimeDelta::hours(26);
    assert_eq!(webhook.verify(&genuine, late), Err(SignatureError::Stale { age: TimeDelta::hours(26) }));
}

#[tokio::test]
async fn a_reply_finds_its_message() {
    let double = SendgridDouble::start(ambient(2)).await;
    let webhook = SendgridWebhook::try_new(&double.settings()).expect("valid settings");
    let token = seal_reply(mail().tenant, MessageId(Uuid::from_u128(9)), &secret());
    let to = reply_address(&token, "replies.shop.example");
    let headers = "Message-ID: <a@example.org>\nIn-Reply-To: <x@shop.example>\n";
    let request = SendgridDouble::inbound(URL, "ada@example.org", &to, "Thank you", headers).request();
    assert_eq!(webhook.verify(&request, now()), Ok(()));
    let NoticeKind::Inbound(inbound) = webhook.parse(&request, now()).await.remove(0).kind else { panic!() };
    assert_eq!((inbound.from.as_str(), inbound.text.as_str()), ("ada@example.org", "Thank you"));
    assert_eq!((inbound.reply_token, inbound.in_reply_to), (Some(token), Some("<x@shop.example>".to_owned())));
    let mut unproved = request.clone();
    unproved.url = URL.to_owned();
    assert_eq!(webhook.verify(&unproved, now()), Err(SignatureError::Missing));
}
