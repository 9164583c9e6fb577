//! Amazon SES against its double.

use std::borrow::Cow;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use commlog::domain::value::Channel;
use commlog::domain::value::inbound::Automatic;
use commlog::domain::value::message::{BounceKind, Report, RetryClass};
use commlog::domain::value::token::{mail_id, open, reply_address, seal, seal_reply};
use commlog::ids::MessageId;
use commlog::providers::ses::{Ses, SesSettings, SesWebhook};
use commlog::providers::{
    Attachment, Content, EmailContent, Inbound, Incomplete, Notice, NoticeKind, OutboundMessage, Provider, Secret,
    SendError, SignatureError, Webhook, WebhookRequest,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ambient, class_of, client, correlation, message, now, secret};
use crate::support::doubles::ses::{SesDouble, WEBHOOK_SECRET};
use crate::support::doubles::{Act, Signed};

const URL: &str = "https://crm.example.com/webhooks/ses/main";

fn provider(settings: SesSettings) -> Ses {
    Ses::try_new(settings, client(), ambient(1)).expect("valid settings")
}

fn hears(settings: &SesSettings) -> SesWebhook {
    SesWebhook::try_new(settings, client(), ambient(1)).expect("valid settings")
}

async fn start() -> (SesDouble, Ses) {
    let double = SesDouble::start(ambient(2)).await;
    let ses = provider(double.settings());
    (double, ses)
}

fn mail() -> OutboundMessage {
    message(Channel::Email, 9)
}

/// What a message of this channel holds.
fn email(message: &mut OutboundMessage) -> &mut EmailContent {
    let Content::Email(email) = &mut message.content else { panic!("no mail") };
    email
}

/// Takes a request in as the intake does.
async fn take(webhook: &SesWebhook, request: &WebhookRequest, now: DateTime<Utc>) -> Result<Vec<Notice>, String> {
    webhook.prepare(request).await.map_err(|error| error.to_string())?;
    webhook.verify(request, now).map_err(|error| error.to_string())?;
    let whole = webhook.complete(request).await.map_err(|error| error.to_string())?;
    Ok(webhook.parse(&whole, now).await)
}

async fn told(webhook: &SesWebhook, signed: &Signed) -> NoticeKind {
    let mut told = take(webhook, &signed.request(), now()).await.expect("believed");
    assert_eq!(told.len(), 1, "{told:?}");
    told.remove(0).kind
}

async fn heard(webhook: &SesWebhook, signed: &Signed) -> Inbound {
    match told(webhook, signed).await {
        NoticeKind::Inbound(inbound) => *inbound,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_mail_is_handed_over_with_everything_that_matters() {
    let (double, ses) = start().await;
    let id = mail_id(&seal_reply(mail().tenant, MessageId(Uuid::from_u128(9)), &secret()), "shop.example");
    let mut mail = mail();
    email(&mut mail).subject = Some("Grüße".to_owned());
    email(&mut mail).text = "it's badFunction() [x] * ~ !".to_owned();
    email(&mut mail).html = Some("<p>Grüße</p>".to_owned());
    email(&mut mail).reply_to = Some("reply+abc@replies.shop.example".to_owned());
    email(&mut mail).headers = vec![
        ("Message-ID".to_owned(), id.clone()),
        ("List-Unsubscribe".to_owned(), "<https://crm.example/u/x>".to_owned()),
        ("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned()),
    ];
    email(&mut mail).attachments = vec![Attachment {
        name: "a.txt".to_owned(),
        content_type: "text/plain".to_owned(),
        content_id: None,
        content: Bytes::from_static(b"hello"),
    }];
    let accepted = ses.send(mail.clone()).await.expect("taken");
    let taken = double.taken().remove(0);
    assert_eq!(accepted.provider_message_id, Some(taken.id.clone()));
    assert_eq!((accepted.segments, accepted.cost), (1, None));
    assert_eq!((taken.to.as_str(), Some(taken.token())), ("ada@example.org", mail.token.clone()));
    assert_eq!(taken.request["ConfigurationSetName"], "news");
    let header = |name: &str| taken.header(name);
    assert_eq!(header("From").as_deref(), Some("Shop <news@shop.example>"));
    assert_eq!(header("Reply-To").as_deref(), Some("reply+abc@replies.shop.example"));
    assert_eq!(header("List-Unsubscribe").as_deref(), Some("<https://crm.example/u/x>"));
    assert_eq!(header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    // SES replaces the id of the mail; answers name it all the same.
    assert_eq!((header("Message-ID"), header("References")), (Some(id.clone()), Some(id)));
    assert!(taken.mail.contains("aGVsbG8=") && taken.mail.contains("filename=\"a.txt\""), "{}", taken.mail);
    assert_eq!(double.times(&taken.token()), 1);
    assert_eq!((ses.route().provider.as_str(), ses.route().domain.as_deref()), ("ses", Some("shop.example")));
}

#[tokio::test]
async fn a_token_that_fills_several_tags_comes_back_in_one_piece() {
    let (double, ses) = start().await;
    let mut long = correlation(Channel::Email, 9);
    long.key.variant = Some("v".repeat(400));
    let mut mail = mail();
    mail.token = Some(seal(&long, &secret()));
    ses.send(mail.clone()).await.expect("taken");
    let sent = double.taken().remove(0);
    assert!(sent.tags.len() > 2);
    let event = sent.event("Delivery", "delivery", &json!({ "timestamp": "2026-09-21T14:13:21.000Z" }));
    let NoticeKind::Report { token, .. } =
        told(&hears(&double.settings()), &double.published(URL, &event.to_string())).await
    else {
        panic!("no report")
    };
    assert_eq!(token, mail.token);
}

#[tokio::test]
async fn what_ses_refuses_is_refused_for_its_reason() {
    let (double, ses) = start().await;
    let refused = |change: fn(&mut OutboundMessage)| {
        let mut mail = mail();
        change(&mut mail);
        let call = ses.send(mail);
        async move {
            match call.await.expect_err("refused") {
                SendError::Refused { class, code, .. } => (class, code.unwrap_or_default()),
                ambiguous @ SendError::Ambiguous { .. } => panic!("{ambiguous}"),
            }
        }
    };
    let expect = |class, code: &str| (class, code.to_owned());
    let to = refused(|mail| mail.to = "nobody".to_owned()).await;
    assert_eq!(to, expect(RetryClass::Permanent, "BadRequestException"));
    let from = refused(|mail| mail.from = Some("x@other.example".to_owned())).await;
    assert_eq!(from, expect(RetryClass::Configuration, "MessageRejected"));
    let split = refused(|mail| email(mail).headers = vec![("X-A".to_owned(), "a\r\nBcc: b".to_owned())]).await;
    assert_eq!(split, expect(RetryClass::ContentRefused, "header"));
    let token = refused(|mail| mail.token = Some("a:b".to_owned())).await;
    assert_eq!(token, expect(RetryClass::Configuration, "BadRequestException"));
    assert_eq!(
        class_of(&ses.send(message(Channel::Sms, 1)).await.expect_err("no mail")),
        Some(RetryClass::Configuration)
    );
    let mut settings = double.settings();
    settings.configuration_set = Some("other".to_owned());
    let unknown = provider(settings).send(mail()).await.expect_err("refused");
    assert_eq!(class_of(&unknown), Some(RetryClass::Configuration));
    assert!(double.taken().is_empty());
}

#[tokio::test]
async fn each_kind_of_refusal_has_its_class_and_its_pause() {
    let (double, ses) = start().await;
    let kind = |name: &str| vec![("x-amzn-errortype", name.to_owned())];
    let paused = json!({ "__type": "com.amazonaws.ses#SendingPausedException", "message": "paused" });
    let cases = [
        (Act::Refuse(400, vec![], paused), RetryClass::Configuration, None),
        (Act::Refuse(400, kind("AccountSuspendedException"), json!({})), RetryClass::Configuration, None),
        (Act::Refuse(429, kind("TooManyRequestsException"), json!({})), RetryClass::RateLimited, None),
        (
            Act::Refuse(400, kind("ThrottlingException"), json!({ "message": "Maximum sending rate exceeded." })),
            RetryClass::RateLimited,
            None,
        ),
        (
            Act::Refuse(400, kind("LimitExceededException"), json!({ "Message": "Daily message quota exceeded." })),
            RetryClass::RateLimited,
            Some(4 * 3600),
        ),
        (
            Act::Refuse(429, vec![("retry-after", "3".to_owned())], json!({ "code": "TooManyRequestsException" })),
            RetryClass::RateLimited,
            Some(3),
        ),
        (Act::Refuse(400, kind("MessageRejected"), json!({ "message": "Virus" })), RetryClass::ContentRefused, None),
        (Act::Refuse(403, kind("ExpiredTokenException"), json!({})), RetryClass::Configuration, None),
        (Act::Refuse(400, kind("BrandNewException"), json!({})), RetryClass::Permanent, None),
        (Act::Refuse(413, vec![], json!("a page of something in between")), RetryClass::ContentRefused, None),
    ];
    for (act, expected, pause) in cases {
        double.script([act.clone()]);
        let error = ses.send(mail()).await.expect_err("refused");
        let SendError::Refused { class, retry_after, .. } = error else { panic!("{act:?}: {error}") };
        assert_eq!((class, retry_after.map(|pause| pause.as_secs())), (expected, pause), "{act:?}");
    }
}

#[tokio::test]
async fn a_test_of_the_account_says_what_stops_it() {
    let double = SesDouble::start(ambient(2)).await;
    let ses = provider(double.settings());
    assert_eq!(ses.check().await, Ok(()));
    let code = |error: SendError| match error {
        SendError::Refused { class: RetryClass::Configuration, code, .. } => code.unwrap_or_default(),
        other => panic!("{other}"),
    };
    double.change_account("ProductionAccessEnabled", json!(false));
    assert_eq!(code(ses.check().await.expect_err("the sandbox")), "sandbox");
    let mut trying = double.settings();
    trying.may_be_sandbox = true;
    assert_eq!(provider(trying).check().await, Ok(()));
    double.change_account("SendingEnabled", json!(false));
    assert_eq!(code(ses.check().await.expect_err("paused")), "sending_paused");
    double.change_account("EnforcementStatus", json!("SHUTDOWN"));
    assert_eq!(code(ses.check().await.expect_err("stopped")), "shutdown");
    double.change_account("SendingEnabled", Value::Null);
    assert!(ses.check().await.is_err());
    let mut wrong = double.settings();
    wrong.credentials.secret_access_key = Secret::new("wrong");
    assert_eq!(code(provider(wrong.clone()).check().await.expect_err("refused")), "SignatureDoesNotMatch");
    assert_eq!(code(provider(wrong).send(mail()).await.expect_err("refused")), "SignatureDoesNotMatch");
}

#[tokio::test]
async fn events_carry_the_mail_back_to_us() {
    let (double, ses) = start().await;
    ses.send(mail()).await.expect("taken");
    let sent = double.taken().remove(0);
    let webhook = hears(&double.settings());
    let recipient =
        json!({ "emailAddress": "ada@example.org", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1" });
    let bounce = json!({
        "bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [recipient],
        "timestamp": "2026-09-21T14:13:21.000Z", "feedbackId": "f-1",
    });
    let events = [
        sent.event("Send", "send", &json!({})),
        sent.event("Delivery", "delivery", &json!({ "recipients": ["ada@example.org"] })),
        sent.event("Bounce", "bounce", &bounce),
        sent.notification("Bounce", "bounce", &bounce),
    ];
    let mut reports = vec![];
    for event in &events {
        let kind = told(&webhook, &double.published(URL, &event.to_string())).await;
        let NoticeKind::Report { token, provider_message_id, to, provider_event_id, report, .. } = kind else {
            panic!("{kind:?}")
        };
        assert_eq!(provider_message_id, Some(sent.id.clone()));
        assert_eq!(to.as_deref(), Some("ada@example.org"));
        // A notification of the identity has no tags: its message is found by its id.
        assert_eq!(token.is_some(), event.get("eventType").is_some());
        if let Some(token) = token {
            assert_eq!(open(&token, &secret()), Some(correlation(Channel::Email, 9)));
        }
        reports.push((report, provider_event_id));
    }
    let expected = format!("<{}@eu-west-1.amazonses.com>", sent.id);
    assert!(matches!(&reports[0].0, Report::Sent { mail_id: Some(id), .. } if *id == expected));
    assert_eq!(reports[1].0, Report::Delivered);
    assert!(matches!(&reports[2].0, Report::Bounced { bounce: BounceKind::Hard, .. }));
    assert_eq!(reports[2].1, reports[3].1, "the bounce that is told twice is one");
    assert_eq!(double.other_calls(), 1, "the certificate is fetched once");
}

#[tokio::test]
async fn messages_are_believed_only_as_they_were_signed_and_not_for_ever() {
    let double = SesDouble::start(ambient(2)).await;
    let webhook = hears(&double.settings());
    let genuine = double.published(URL, "{\"eventType\":\"Send\"}").request();
    assert_eq!(take(&webhook, &genuine, now()).await.map(|told| told.len()), Ok(1));
    let changed = |from: &str, to: &str| {
        let body = String::from_utf8(genuine.body.to_vec()).expect("text").replace(from, to);
        WebhookRequest { body: Bytes::from(body), ..genuine.clone() }
    };
    let calls = double.other_calls();
    for (from, to) in [
        ("\\\"Send\\\"", "\\\"Open\\\""),
        (":events\"", ":other\""),
        ("\"SignatureVersion\":\"2\"", "\"SignatureVersion\":\"1\""),
        ("sns.eu-west-1.amazonaws.com", "sns.eu-west-1.amazonaws.com.evil.example"),
        ("sns.eu-west-1", "sns.us-east-1"),
    ] {
        let request = changed(from, to);
        assert_ne!(request.body, genuine.body, "{from}");
        assert_eq!(webhook.prepare(&request).await, Ok(()));
        assert_eq!(webhook.verify(&request, now()), Err(SignatureError::Forged), "{from}");
    }
    assert_eq!(double.other_calls(), calls, "nothing is fetched for what cannot be genuine");
    let invented = changed("Service-double", "Service-invented");
    assert_eq!(webhook.prepare(&invented).await, Ok(()));
    assert_eq!(webhook.verify(&invented, now()), Err(SignatureError::Forged));
    let age = TimeDelta::hours(3);
    assert_eq!(webhook.verify(&genuine, now() + age), Err(SignatureError::Stale { age }));
}

#[tokio::test]
async fn a_message_whose_certificate_cannot_be_had_is_to_come_again() {
    let double = SesDouble::start(ambient(2)).await;
    let webhook = hears(&double.settings());
    let request = double.published(URL, "{\"eventType\":\"Send\"}").request();
    for act in [Act::Hang { taken: false }, Act::ServerError { status: 503, taken: false }] {
        double.script_others([act.clone()]);
        assert!(matches!(webhook.prepare(&request).await, Err(Incomplete::Later(_))), "{act:?}");
        assert_eq!(webhook.verify(&request, now()), Err(SignatureError::Forged));
    }
    // What comes back in its place is not remembered as one.
    double.script_others([Act::Html { taken: false }, Act::Endless { taken: false }]);
    for _ in 0..2 {
        assert_eq!(webhook.prepare(&request).await, Ok(()));
        assert_eq!(webhook.verify(&request, now()), Err(SignatureError::Forged));
    }
    assert_eq!(take(&webhook, &request, now()).await.map(|told| told.len()), Ok(1));
}

#[tokio::test]
async fn one_certificate_is_fetched_for_many_messages_at_once() {
    let double = SesDouble::start(ambient(2)).await;
    let webhook = hears(&double.settings());
    let requests: Vec<_> = (0..20).map(|_| double.published(URL, "{\"eventType\":\"Send\"}").request()).collect();
    let taken = futures::future::join_all(requests.iter().map(|request| take(&webhook, request, now()))).await;
    assert!(taken.iter().all(Result::is_ok));
    assert!(double.other_calls() <= 2, "{} calls", double.other_calls());
}

#[tokio::test]
async fn the_subscription_of_a_topic_of_ours_is_confirmed_or_is_to_come_again() {
    let double = SesDouble::start(ambient(2)).await;
    let webhook = hears(&double.settings());
    let request = double.confirmation(URL, "token-1").request();
    assert_eq!(take(&webhook, &request, now()).await, Ok(vec![]));
    assert_eq!(double.confirmed(), ["token-1"]);
    for act in [Act::Hang { taken: false }, Act::ServerError { status: 500, taken: false }] {
        double.script_others([act.clone()]);
        assert!(matches!(webhook.complete(&request).await, Err(Incomplete::Later(_))), "{act:?}");
    }
    double.script_others([Act::Refuse(400, vec![], json!({}))]);
    assert_eq!(webhook.complete(&request).await.err(), Some(Incomplete::Never("not_confirmed")));
    assert!(matches!(webhook.complete(&request).await, Ok(Cow::Borrowed(_))), "a repetition does no harm");
    let mut settings = double.settings();
    settings.topic_arns = vec!["arn:aws:sns:eu-west-1:123456789012:other".to_owned()];
    assert!(take(&hears(&settings), &request, now()).await.is_err());
    assert_eq!(double.confirmed(), ["token-1", "token-1"]);
}

#[tokio::test]
async fn raw_messages_are_believed_by_the_secret_of_their_url() {
    let (double, ses) = start().await;
    ses.send(mail()).await.expect("taken");
    let sent = double.taken().remove(0);
    let mut settings = double.settings();
    settings.webhook_secret = Some(Secret::new(WEBHOOK_SECRET));
    let webhook = hears(&settings);
    let open =
        sent.event("Open", "open", &json!({ "timestamp": "2026-09-21T14:13:22.000Z", "userAgent": "Mozilla/5.0" }));
    let raw = SesDouble::raw(URL, &open);
    let (kind, enveloped) =
        (told(&webhook, &raw).await, told(&webhook, &double.published(URL, &open.to_string())).await);
    assert_eq!(kind, enveloped, "the same event, whichever way it comes");
    let without = WebhookRequest { url: URL.to_owned(), ..raw.request() };
    assert_eq!(webhook.verify(&without, now()), Err(SignatureError::Missing));
    assert_eq!(hears(&double.settings()).verify(&raw.request(), now()), Err(SignatureError::Missing));
}

#[tokio::test]
async fn a_reply_finds_its_message_wherever_its_mail_was_put() {
    let double = SesDouble::start(ambient(2)).await;
    let webhook = hears(&double.settings());
    let token = seal_reply(mail().tenant, MessageId(Uuid::from_u128(9)), &secret());
    let to = reply_address(&token, "replies.shop.example");
    let id = mail_id(&token, "shop.example");
    let reply = format!(
        "From: Ada <ada@example.org>\r\nTo: Shop <{to}>\r\nSubject: Re: News\r\nMessage-ID: <a@example.org>\r\n\
         In-Reply-To: <0102-000000@eu-west-1.amazonses.com>\r\nReferences: {id} <0102-000000@eu-west-1.amazonses.com>\r\n\
         \r\nThank you\r\n"
    );
    double.store("in/d6iitobk75ur44p8kdnnp7g2n800", &reply);
    let inside = double.published(URL, &SesDouble::received(&to, Ok(&reply)).to_string());
    let elsewhere = SesDouble::received(&to, Err("in/d6iitobk75ur44p8kdnnp7g2n800")).to_string();
    let elsewhere = double.published(URL, &elsewhere);
    let (inside, fetched) = (heard(&webhook, &inside).await, heard(&webhook, &elsewhere).await);
    assert_eq!(inside, fetched);
    assert_eq!((inside.from.as_str(), inside.text.trim()), ("ada@example.org", "Thank you"));
    assert_eq!(inside.reply_token, Some(token));
    assert_eq!(inside.references.first(), Some(&id), "also where the address was changed");
}

#[tokio::test]
async fn a_mail_that_cannot_be_fetched_comes_again_or_is_kept() {
    let double = SesDouble::start(ambient(2)).await;
    let webhook = hears(&double.settings());
    let request = double.published(URL, &SesDouble::received("a@shop.example", Err("in/1")).to_string()).request();
    let failures = [
        (Act::Hang { taken: false }, Incomplete::Later("timeout")),
        (Act::ServerError { status: 503, taken: false }, Incomplete::Later("server_error")),
        (Act::Refuse(403, vec![], json!({})), Incomplete::Never("not_authorised")),
        (Act::Refuse(301, vec![], json!({})), Incomplete::Never("other_region")),
        (Act::Usual, Incomplete::Never("gone")),
    ];
    for (act, expected) in failures {
        double.script_others([act.clone()]);
        assert_eq!(webhook.complete(&request).await.err(), Some(expected), "{act:?}");
    }
    let encrypted = vec![("x-amz-meta-x-amz-key-v2", "AAAA".to_owned())];
    double.script_others([Act::Refuse(200, encrypted, json!({}))]);
    assert_eq!(webhook.complete(&request).await.err(), Some(Incomplete::Never("encrypted")));
    let told = webhook.parse(&request, now()).await;
    assert!(matches!(&told[..], [Notice { kind: NoticeKind::Unclear { .. }, raw }] if raw.contains("in/1")));
}

#[tokio::test]
async fn a_mail_that_came_back_is_no_answer_of_a_persons() {
    let double = SesDouble::start(ambient(2)).await;
    let webhook = hears(&double.settings());
    let bounce = "From: MAILER-DAEMON@eu-west-1.amazonses.com\r\nTo: news@shop.example\r\n\
        Subject: Delivery Status Notification (Failure)\r\n\
        Content-Type: multipart/report; boundary=b; report-type=delivery-status\r\n\r\n\
        --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nAction: failed\r\n\
        Final-Recipient: rfc822; ada@example.org\r\nStatus: 5.1.1\r\n\r\n\
        --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <0102-000000@eu-west-1.amazonses.com>\r\n--b--\r\n";
    let received = SesDouble::received("news@shop.example", Ok(bounce)).to_string();
    let (first, again) = (
        heard(&webhook, &double.published(URL, &received)).await,
        heard(&webhook, &double.published(URL, &received)).await,
    );
    assert_eq!(first.hints.automatic, Some(Automatic::Bounce));
    assert!(matches!(&first.hints.reports[0].report, Report::Bounced { bounce: BounceKind::Hard, .. }));
    assert!(first.references.iter().any(|id| id == "<0102-000000@eu-west-1.amazonses.com>"));
    assert_eq!(first.provider_message_id, again.provider_message_id);
}
