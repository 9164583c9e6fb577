//! Resend against its double.

use bytes::Bytes;
use chrono::TimeDelta;
use commlog::domain::value::Channel;
use commlog::domain::value::inbound::Automatic;
use commlog::domain::value::message::{BounceKind, Report, RetryClass};
use commlog::domain::value::token::open;
use commlog::providers::resend::{Resend, ResendSettings, ResendWebhook};
use commlog::providers::{
    Attachment, Content, EmailContent, Inbound, MediaError, NOT_FETCHED, NoticeKind, OutboundMessage, Provider, Secret,
    SendError, SignatureError, Unconfirmed, Webhook,
};
use serde_json::{Value, json};

use super::{NOW, ambient, cause_of, class_of, client, correlation, message, now, secret};
use crate::support::doubles::Act;
use crate::support::doubles::resend::{ResendDouble, SENDING_KEY};

const URL: &str = "https://crm.example.com/hooks/resend/main";

fn provider(settings: ResendSettings) -> Resend {
    Resend::try_new(settings, client(), ambient(1)).expect("valid settings")
}

async fn start() -> (ResendDouble, Resend, ResendWebhook) {
    let double = ResendDouble::start(ambient(2)).await;
    let resend = provider(double.settings());
    let webhook = ResendWebhook::try_new(&double.settings(), client()).expect("valid settings");
    (double, resend, webhook)
}

fn mail() -> OutboundMessage {
    message(Channel::Email, 9)
}

fn email(message: &mut OutboundMessage) -> &mut EmailContent {
    let Content::Email(email) = &mut message.content else { panic!("no mail") };
    email
}

fn unconfirmed(message: &OutboundMessage) -> Unconfirmed {
    Unconfirmed {
        key: message.key.clone(),
        token: message.token.clone(),
        to: message.to.clone(),
        subject: None,
        body: "Hello".to_owned(),
        called_at: now(),
        given_up_at: now() + TimeDelta::seconds(30),
        claimed: vec![],
    }
}

#[tokio::test]
async fn a_mail_is_handed_over_with_everything_that_matters() {
    let (double, resend, _) = start().await;
    let mut mail = mail();
    email(&mut mail).html = Some("<p>Hello</p>".to_owned());
    email(&mut mail).reply_to = Some("Shop (replies) <reply+abc@replies.shop.example>".to_owned());
    email(&mut mail).headers = vec![("List-Unsubscribe".to_owned(), "<https://crm.example/u/x>".to_owned())];
    // A mail whose file has a type at odds with its name is taken and never sent (anymail/django-anymail#440).
    email(&mut mail).attachments = vec![Attachment {
        name: "data.txt".to_owned(),
        content_type: "text/csv".to_owned(),
        content_id: Some("img1".to_owned()),
        content: Bytes::from_static(b"hello"),
    }];
    let accepted = resend.send(mail.clone()).await.expect("taken");
    let taken = double.taken().remove(0);
    assert_eq!((accepted.provider_message_id, accepted.segments), (Some(taken.id.clone()), 1));
    let expected = json!({
        // Names in quotes are refused there (anymail/django-anymail#341).
        "from": "Shop Inc. <news@shop.example>",
        "to": ["ada@example.org"],
        "subject": "News",
        "text": "Hello",
        "html": "<p>Hello</p>",
        "reply_to": ["Shop replies <reply+abc@replies.shop.example>"],
        "headers": { "List-Unsubscribe": "<https://crm.example/u/x>" },
        "tags": [{ "name": "commlog_token", "value": mail.token }],
        "attachments": [{ "content": "aGVsbG8=", "filename": "data.txt", "content_id": "img1" }],
    });
    assert_eq!(taken.request, expected);
    assert_eq!(taken.key, format!("commlog/{}/1", mail.key.message_id.0));
}

/// A time-out and a second call made two mails (resend/resend-node#387).
#[tokio::test]
async fn a_request_that_something_repeats_is_one_mail_and_a_new_attempt_is_another() {
    let (double, resend, _) = start().await;
    let first = resend.send(mail()).await.expect("taken");
    assert_eq!(resend.send(mail()).await.expect("the same answer"), first);
    assert_eq!(double.taken().len(), 1);
    let second = OutboundMessage { attempt: 2, ..mail() };
    assert_ne!(resend.send(second).await.expect("taken"), first);
    assert_eq!(double.taken().len(), 2);
}

/// Every send failed where anything else stood in tags (dittofeed/dittofeed#1849).
#[tokio::test]
async fn a_token_longer_than_a_tag_comes_back_whole() {
    let (double, resend, webhook) = start().await;
    let token: String = "Az09-_".chars().cycle().take(700).collect();
    resend.send(OutboundMessage { token: Some(token.clone()), ..mail() }).await.expect("taken");
    let event = double.taken().remove(0).event("email.delivered", "2026-09-21T13:33:21.000Z", json!({}));
    let request = double.event(URL, "msg_1", &event).request();
    let NoticeKind::Report { token: told, .. } = webhook.parse(&request, now()).await.remove(0).kind else { panic!() };
    assert_eq!(told, Some(token));
}

#[tokio::test]
async fn what_resend_refuses_is_refused_for_its_reason() {
    let (double, resend, _) = start().await;
    let refused = |change: fn(&mut OutboundMessage)| {
        let mut mail = mail();
        change(&mut mail);
        let call = resend.send(mail);
        async move { class_of(&call.await.expect_err("refused")) }
    };
    assert_eq!(refused(|mail| mail.to = "nobody".to_owned()).await, Some(RetryClass::Permanent));
    assert_eq!(refused(|mail| mail.from = Some("nobody".to_owned())).await, Some(RetryClass::Configuration));
    assert_eq!(refused(|mail| mail.from = Some("x@other.example".to_owned())).await, Some(RetryClass::Configuration));
    assert_eq!(refused(|mail| email(mail).subject = None).await, Some(RetryClass::ContentRefused));
    assert_eq!(refused(|mail| email(mail).text = String::new()).await, Some(RetryClass::ContentRefused));
    assert_eq!(refused(|mail| mail.token = Some("a.b".to_owned())).await, Some(RetryClass::Permanent));
    let split = |mail: &mut OutboundMessage| email(mail).headers = vec![("X-A".to_owned(), "a\r\nBcc: b".to_owned())];
    assert_eq!(refused(split).await, Some(RetryClass::ContentRefused));
    assert!(double.taken().is_empty());
}

#[tokio::test]
async fn an_account_is_tested_without_sending_with_either_kind_of_key() {
    let (double, resend, _) = start().await;
    let with = |spoil: fn(&mut ResendSettings)| {
        let mut settings = double.settings();
        spoil(&mut settings);
        provider(settings)
    };
    assert_eq!(resend.check().await, Ok(()));
    assert_eq!(with(|s| s.api_key = Secret::new(SENDING_KEY)).check().await, Ok(()));
    for wrong in [with(|s| s.api_key = Secret::new("re_wrong")), with(|s| s.domain = "other.example".to_owned())] {
        assert_eq!(class_of(&wrong.check().await.expect_err("refused")), Some(RetryClass::Configuration));
    }
    assert!(double.taken().is_empty());
}

fn named(status: u16, name: &str) -> Act {
    Act::Refuse(status, vec![], json!({ "statusCode": status, "name": name, "message": "" }))
}

#[tokio::test]
async fn a_limit_of_a_second_a_day_and_a_month_are_three_things() {
    let (double, resend, _) = start().await;
    let second = Act::Refuse(429, vec![("retry-after", "1".to_owned())], json!({ "name": "rate_limit_exceeded" }));
    let plain = Act::Refuse(429, vec![], json!("local_rate_limited"));
    double.script([second, plain, named(429, "daily_quota_exceeded"), named(429, "monthly_quota_exceeded")]);
    let mut refusals = vec![];
    for _ in 0..4 {
        let SendError::Refused { class, retry_after, .. } = resend.send(mail()).await.expect_err("refused") else {
            panic!()
        };
        refusals.push((class, retry_after.map(|pause| pause.as_secs())));
    }
    let to_midnight = u64::try_from(86_400 - NOW % 86_400).expect("seconds");
    let expected = [
        (RetryClass::RateLimited, Some(1)),
        (RetryClass::RateLimited, None),
        (RetryClass::RateLimited, Some(to_midnight)),
        (RetryClass::Configuration, None),
    ];
    assert_eq!(refusals, expected);
}

#[tokio::test]
async fn trouble_of_resends_own_leaves_doubt() {
    let (double, resend, _) = start().await;
    let cases = [
        (named(500, "application_error"), "server_error"),
        // The request that came first with this key is being worked on.
        (named(409, "concurrent_idempotent_requests"), "not_an_answer"),
    ];
    for (number, (act, expected)) in cases.into_iter().enumerate() {
        double.script([act.clone()]);
        let error = resend.send(mail()).await.expect_err("no success");
        assert_eq!(cause_of(&error), Some(expected), "{act:?}");
        assert_eq!(double.calls(), number + 1, "{act:?} is not repeated");
    }
}

#[tokio::test]
async fn a_message_in_doubt_is_found_by_its_token_and_looking_sends_nothing() {
    let (double, resend, _) = start().await;
    for number in 1..=3 {
        resend.send(message(Channel::Email, number)).await.expect("taken");
    }
    assert_eq!(resend.find(&unconfirmed(&mail())).await, Ok(None));
    double.script([Act::Hang { taken: true }]);
    assert!(resend.send(mail()).await.is_err());
    let found = resend.find(&unconfirmed(&mail())).await.expect("an answer").expect("found");
    assert_eq!(found.accepted.provider_message_id, double.taken().pop().map(|mail| mail.id));
    assert_eq!((found.accepted_at, found.report), (Some(now()), None));
    // Not one of before or after the call, nor one that is known to be another message's.
    let ago = TimeDelta::hours(1);
    let earlier = Unconfirmed { called_at: now() - ago * 2, given_up_at: now() - ago, ..unconfirmed(&mail()) };
    assert_eq!(resend.find(&earlier).await, Ok(None));
    let claimed = double.taken().iter().map(|mail| mail.id.clone()).collect();
    assert_eq!(resend.find(&Unconfirmed { claimed, ..unconfirmed(&mail()) }).await, Ok(None));
    let mut settings = double.settings();
    settings.api_key = Secret::new(SENDING_KEY);
    assert_eq!(provider(settings).find(&unconfirmed(&mail())).await, Ok(None));
    assert_eq!((double.taken().len(), double.calls()), (4, 4));
}

#[tokio::test]
async fn events_carry_the_mail_back_to_us() {
    let (double, resend, webhook) = start().await;
    resend.send(mail()).await.expect("taken");
    let sent = double.taken().remove(0);
    let at = "2026-09-21T13:33:21.000Z";
    let bounce =
        json!({ "bounce": { "type": "Permanent", "subType": "NoEmail", "message": "no", "diagnosticCode": [] } });
    let events = [
        sent.event("email.sent", at, json!({})),
        sent.event("email.delivered", at, json!({})),
        sent.event("email.opened", at, json!({})),
        sent.event("email.bounced", at, bounce),
    ];
    let mut reports = vec![];
    for (number, event) in events.iter().enumerate() {
        let id = format!("msg_{number}");
        let request = double.event(URL, &id, event).request();
        assert_eq!(webhook.verify(&request, now()), Ok(()));
        let told = webhook.parse(&request, now()).await.remove(0);
        let NoticeKind::Report { token, provider_message_id, provider_event_id, report, .. } = told.kind else {
            panic!()
        };
        assert_eq!(open(token.as_deref().expect("our token"), &secret()), Some(correlation(Channel::Email, 9)));
        assert_eq!((provider_message_id.as_ref(), provider_event_id), (Some(&sent.id), Some(id)));
        reports.push(report);
    }
    assert!(matches!(&reports[0], Report::Sent { provider_message_id: Some(id), .. } if *id == sent.id));
    assert_eq!(reports[1], Report::Delivered);
    assert!(matches!(&reports[2], Report::Opened { .. }));
    assert!(matches!(&reports[3], Report::Bounced { bounce: BounceKind::Hard, .. }));
    let genuine = double.event(URL, "msg_1", &events[1]).request();
    let late = now() + TimeDelta::minutes(6);
    assert_eq!(webhook.verify(&genuine, late), Err(SignatureError::Stale { age: TimeDelta::minutes(6) }));
}

fn said(more: Value) -> Value {
    let mut said = json!({
        "object": "email", "id": "5676", "from": "Ada <ada@example.org>", "to": ["reply@replies.shop.example"],
        "subject": "Re: News", "text": "Thank you", "html": null, "headers": { "In-Reply-To": "<ours@shop.example>" },
        "message_id": "<a@example.org>", "attachments": [],
    });
    said.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    said
}

async fn received(webhook: &ResendWebhook, double: &ResendDouble, event: &Value) -> Inbound {
    let request = double.event(URL, "msg_9", event).request();
    assert_eq!(webhook.verify(&request, now()), Ok(()));
    match webhook.parse(&request, now()).await.remove(0).kind {
        NoticeKind::Inbound(mail) => *mail,
        other => panic!("{other:?}"),
    }
}

/// The webhook has no text: whoever reads it there reads nothing (QuackbackIO/quackback#320).
#[tokio::test]
async fn a_mail_that_came_in_is_fetched_with_its_files_named() {
    let (double, resend, webhook) = start().await;
    double.store("2a0c-31", "a picture");
    let file = json!([{ "id": "2a0c-31", "filename": "a.png", "content_type": "image/png", "content_id": "img1" }]);
    let event = double.receive("5676", said(json!({ "attachments": file })));
    let mail = received(&webhook, &double, &event).await;
    assert_eq!((mail.from.as_str(), mail.text.as_str()), ("ada@example.org", "Thank you"));
    assert_eq!((mail.provider_message_id.as_str(), mail.in_reply_to.as_deref()), ("5676", Some("<ours@shop.example>")));
    let url = mail.media[0].url.clone().expect("a URL");
    assert_eq!(resend.fetch_media(&url).await, Ok(Bytes::from_static(b"a picture")));
    assert_eq!(resend.fetch_media(&url.replace("2a0c", "0000")).await, Err(MediaError::Never("gone")));
    double.script_store([Act::Half { taken: false }, Act::ServerError { status: 503, taken: false }]);
    for _ in 0..2 {
        assert!(matches!(resend.fetch_media(&url).await, Err(MediaError::Later(_))));
    }
}

const BOUNCE: &str = "From: MAILER-DAEMON@mx.example.org\r\nTo: news@shop.example\r\nSubject: Undelivered\r\n\
    Message-ID: <b@mx>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
    --b\r\n\r\nIt failed.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
    Reporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; ada@example.org\r\nAction: failed\r\n\
    Status: 5.1.1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <ours@shop.example>\r\n\r\n\
    Hello\r\n--b--\r\n";

#[tokio::test]
async fn the_mail_as_it_was_written_counts_and_its_link_is_not_kept() {
    let (double, _, webhook) = start().await;
    let link = double.store("raw-1", BOUNCE);
    let event = double.receive("5677", said(json!({ "raw": { "download_url": link, "expires_at": "2026-09-22" } })));
    let mail = received(&webhook, &double, &event).await;
    assert_eq!((mail.hints.automatic, mail.hints.reports.len()), (Some(Automatic::Bounce), 1));
    assert!(mail.references.contains(&"<ours@shop.example>".to_owned()), "{:?}", mail.references);
    assert!(!mail.original.contains("/files/"), "{}", mail.original);
    // Where it is gone, the fields of the API count.
    let event = double.receive("5678", said(json!({ "raw": { "download_url": link.replace("raw-1", "raw-2") } })));
    assert_eq!(received(&webhook, &double, &event).await.text, "Thank you");
}

#[tokio::test]
async fn a_mail_that_cannot_be_fetched_is_kept_until_it_can_be() {
    let (double, _, webhook) = start().await;
    let link = double.store("raw-1", "From: ada@example.org\r\n\r\nAs it was written");
    let event = double.receive("5676", said(json!({ "raw": { "download_url": link } })));
    let server_error = || Act::ServerError { status: 503, taken: false };
    double.script_store([
        server_error(),
        Act::Hang { taken: false },
        Act::Half { taken: false },
        Act::Html { taken: false },
        named(404, "not_found"),
        named(401, "restricted_api_key"),
        Act::Usual,
        server_error(),
    ]);
    let mut kept = double.event(URL, "msg_9", &event).request();
    for number in 0..7 {
        let told = webhook.parse(&kept, now()).await.remove(0);
        assert!(matches!(&told.kind, NoticeKind::Unclear { reason } if reason == NOT_FETCHED), "{number}: {told:?}");
        kept = webhook.part(&kept, &told.raw);
    }
    let NoticeKind::Inbound(mail) = webhook.parse(&kept, now()).await.remove(0).kind else { panic!("no mail") };
    assert_eq!((mail.text.trim(), mail.provider_message_id.as_str()), ("As it was written", "5676"));
}
