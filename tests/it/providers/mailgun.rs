//! Mailgun against its double.

use bytes::Bytes;
use chrono::TimeDelta;
use commlog::domain::value::Channel;
use commlog::domain::value::inbound::Automatic;
use commlog::domain::value::message::{BounceKind, EngagementClass, Report, RetryClass};
use commlog::domain::value::token::open;
use commlog::providers::mailgun::{Mailgun, MailgunSettings, MailgunWebhook};
use commlog::providers::{
    Attachment, Content, EmailContent, MediaError, NOT_FETCHED, NoticeKind, OutboundMessage, Provider, Secret,
    SendError, SignatureError, Unconfirmed, Webhook,
};
use serde_json::json;

use super::{NOW, ambient, class_of, client, correlation, message, now, secret};
use crate::support::doubles::Act;
use crate::support::doubles::mailgun::{MailgunDouble, SENDING_KEY};

const URL: &str = "https://crm.example.com/hooks/mailgun/main";

fn provider(settings: MailgunSettings) -> Mailgun {
    Mailgun::try_new(settings, client(), ambient(1)).expect("valid settings")
}

fn webhook(settings: &MailgunSettings) -> MailgunWebhook {
    MailgunWebhook::try_new(settings, client()).expect("valid settings")
}

async fn start() -> (MailgunDouble, Mailgun) {
    let double = MailgunDouble::start(ambient(2)).await;
    let mailgun = provider(double.settings());
    (double, mailgun)
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
    let (double, mailgun) = start().await;
    let mut mail = mail();
    email(&mut mail).html = Some("<p>Hello</p>".to_owned());
    email(&mut mail).reply_to = Some("Shop, Inc. <reply+abc@replies.shop.example>".to_owned());
    email(&mut mail).headers = vec![
        ("Message-ID".to_owned(), "<ours@shop.example>".to_owned()),
        ("List-Unsubscribe".to_owned(), "<https://crm.example/u/x>".to_owned()),
    ];
    let file = |name: &str, content_id: Option<&str>| Attachment {
        name: name.to_owned(),
        content_type: "text/plain".to_owned(),
        content_id: content_id.map(str::to_owned),
        content: Bytes::from_static(b"hello"),
    };
    // Names that are encoded the usual way are dropped there (anymail/django-anymail#125), as are files without one.
    email(&mut mail).attachments =
        vec![file("unicøde \"name\".txt", None), file("", None), file("logo.png", Some("img1@shop"))];
    let accepted = mailgun.send(mail.clone()).await.expect("taken");
    let taken = double.taken().remove(0);
    assert_eq!(accepted.provider_message_id.as_deref(), Some(taken.id.as_str()), "without angle brackets");
    let token = mail.token.clone().expect("a token");
    let expected = [
        ("from", "Shop <news@shop.example>"),
        ("to", "ada@example.org"),
        ("subject", "News"),
        ("text", "Hello"),
        ("html", "<p>Hello</p>"),
        ("h:Reply-To", "\"Shop, Inc.\" <reply+abc@replies.shop.example>"),
        ("h:Message-ID", "<ours@shop.example>"),
        ("h:List-Unsubscribe", "<https://crm.example/u/x>"),
        ("v:commlog_token", token.as_str()),
    ];
    let fields: Vec<_> = taken.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(fields, expected);
    let files: Vec<_> =
        taken.files.iter().map(|(field, name, kind, _)| (field.as_str(), name.as_str(), kind.as_str())).collect();
    let [(_, odd, _), unnamed, inline] = files[..] else { panic!("{files:?}") };
    assert!(odd.starts_with("unicøde"), "{odd}");
    assert_eq!((unnamed, inline), (("attachment", "file", "text/plain"), ("inline", "img1@shop", "text/plain")));
    assert_eq!(taken.files[0].3, b"hello"[..]);
    assert_eq!((double.times(&token), double.most_per_token()), (1, 1));
    assert_eq!(mailgun.route().domain.as_deref(), Some("mg.shop.example"));
}

#[tokio::test]
async fn settings_switch_tracking_and_trying_out() {
    let double = MailgunDouble::start(ambient(2)).await;
    let mut settings = double.settings();
    (settings.track_clicks, settings.track_opens, settings.is_test) = (Some(true), Some(true), true);
    let mailgun = provider(settings);
    assert!(mailgun.tracks().opens && mailgun.tracks().clicks);
    let mut tracked = mail();
    email(&mut tracked).tracked.clicks = true;
    mailgun.send(tracked).await.expect("taken");
    let taken = double.taken().remove(0);
    let options = ["o:tracking-clicks", "o:tracking-opens", "o:testmode"].map(|name| taken.field(name));
    assert_eq!(options, [Some("no"), Some("yes"), Some("yes")]);
}

#[tokio::test]
async fn what_mailgun_refuses_is_refused_for_its_reason() {
    let (double, mailgun) = start().await;
    let refused = |change: fn(&mut OutboundMessage)| {
        let mut mail = mail();
        change(&mut mail);
        let call = mailgun.send(mail);
        async move { class_of(&call.await.expect_err("refused")) }
    };
    assert_eq!(refused(|mail| mail.to = "nobody@nowhere".to_owned()).await, Some(RetryClass::Permanent));
    // A list would go to both, and show each the other's address.
    assert_eq!(refused(|mail| mail.to = "a@b.example,c@d.example".to_owned()).await, Some(RetryClass::Permanent));
    assert_eq!(refused(|mail| mail.from = Some("nobody".to_owned())).await, Some(RetryClass::Configuration));
    assert_eq!(refused(|mail| email(mail).subject = None).await, Some(RetryClass::ContentRefused));
    assert_eq!(refused(|mail| email(mail).text = String::new()).await, Some(RetryClass::ContentRefused));
    let split = |mail: &mut OutboundMessage| email(mail).headers = vec![("X-A".to_owned(), "a\r\nBcc: b".to_owned())];
    assert_eq!(refused(split).await, Some(RetryClass::ContentRefused));
    assert!(double.taken().is_empty());
}

type Spoil = fn(&mut MailgunSettings);

/// Half a day was lost to it again and again (mailgun/mailgun.js#64, awesomemotive/WP-Mail-SMTP#50).
#[tokio::test]
async fn a_wrong_key_or_region_says_what_to_look_at() {
    let (double, _) = start().await;
    let spoiled = |spoil: Spoil| {
        let mut settings = double.settings();
        spoil(&mut settings);
        provider(settings)
    };
    let wrong: [(Spoil, &str); 2] =
        [(|s| s.api_key = Secret::new("wrong"), "http_401"), (|s| s.domain = "eu.shop.example".to_owned(), "http_404")];
    for (spoil, expected) in wrong {
        for outcome in [spoiled(spoil).send(mail()).await.map(|_| ()), spoiled(spoil).check().await] {
            let SendError::Refused { class, code, detail, .. } = outcome.expect_err("refused") else { panic!() };
            assert_eq!((class, code.as_deref()), (RetryClass::Configuration, Some(expected)));
            assert!(detail.contains("region"), "{detail}");
        }
    }
}

#[tokio::test]
async fn an_account_is_tested_without_sending_with_either_kind_of_key() {
    let (double, mailgun) = start().await;
    assert_eq!(mailgun.check().await, Ok(()));
    let mut settings = double.settings();
    settings.api_key = Secret::new(SENDING_KEY);
    assert_eq!(provider(settings).check().await, Ok(()));
    double.domain_is("unverified");
    assert_eq!(class_of(&mailgun.check().await.expect_err("refused")), Some(RetryClass::Configuration));
    assert!(double.taken().is_empty());
}

#[tokio::test]
async fn a_limit_says_until_when() {
    let (double, mailgun) = start().await;
    let words = "Domain mg.shop.example is not allowed to send: recipient limit exceeded, try again after 120 seconds";
    double.script([
        Act::Refuse(429, vec![], json!({ "message": words })),
        Act::Refuse(402, vec![], json!({ "message": "plan" })),
    ]);
    let SendError::Refused { class: RetryClass::RateLimited, detail, retry_after, .. } =
        mailgun.send(mail()).await.expect_err("no")
    else {
        panic!("not limited")
    };
    assert_eq!((detail.as_str(), retry_after.map(|pause| pause.as_secs())), (words, Some(120)));
    assert_eq!(class_of(&mailgun.send(mail()).await.expect_err("no")), Some(RetryClass::Configuration));
}

#[tokio::test]
async fn a_message_in_doubt_is_found_by_its_token_and_by_nothing_else() {
    let (double, mailgun) = start().await;
    // Others to the same person, over more than one page.
    for number in 1..=3 {
        mailgun.send(message(Channel::Email, number)).await.expect("taken");
    }
    assert_eq!(mailgun.find(&unconfirmed(&mail())).await, Ok(None));
    double.script([Act::Hang { taken: true }]);
    assert!(mailgun.send(mail()).await.is_err());
    let found = mailgun.find(&unconfirmed(&mail())).await.expect("an answer").expect("found");
    assert_eq!(found.accepted.provider_message_id, double.taken().pop().map(|mail| mail.id));
    assert_eq!((found.accepted_at, found.report), (Some(now()), None));
    // A sending key may not look.
    let mut settings = double.settings();
    settings.api_key = Secret::new(SENDING_KEY);
    assert_eq!(provider(settings).find(&unconfirmed(&mail())).await, Ok(None));
}

#[tokio::test]
async fn events_carry_the_mail_back_to_us() {
    let (double, mailgun) = start().await;
    mailgun.send(mail()).await.expect("taken");
    let sent = double.taken().remove(0);
    let webhook = webhook(&double.settings());
    let apple = json!({ "client-info": { "user-agent": "Mozilla/5.0 (iPhone)", "bot": "apple" }, "ip": "192.0.2.1" });
    let status = json!({ "code": 550, "enhanced-code": "5.1.1" });
    let bounce = json!({ "severity": "permanent", "reason": "bounce", "delivery-status": status });
    let events = [
        sent.event("accepted", "e1", NOW, json!({})),
        sent.event("delivered", "e2", NOW + 1, json!({})),
        sent.event("opened", "e3", NOW + 2, apple),
        sent.event("failed", "e4", NOW + 3, bounce),
    ];
    let mut reports = vec![];
    for event in &events {
        let request = double.event(URL, event).request();
        assert_eq!(webhook.verify(&request, now()), Ok(()));
        let told = webhook.parse(&request, now()).await.remove(0);
        let NoticeKind::Report { token, provider_message_id, report, .. } = told.kind else { panic!("{told:?}") };
        assert_eq!(open(token.as_deref().expect("our token"), &secret()), Some(correlation(Channel::Email, 9)));
        assert_eq!(provider_message_id.as_ref(), Some(&sent.id));
        reports.push(report);
    }
    assert!(matches!(&reports[0], Report::Sent { provider_message_id: Some(id), .. } if *id == sent.id));
    assert_eq!(reports[1], Report::Delivered);
    assert!(matches!(&reports[2], Report::Opened { class: EngagementClass::Machine, flagged: Some(true), .. }));
    assert!(matches!(&reports[3], Report::Bounced { bounce: BounceKind::Hard, .. }));
    let other = MailgunSettings { signing_keys: vec![Secret::new("another-key")], ..double.settings() };
    let foreign = double.event(URL, &events[0]).request();
    assert_eq!(self::webhook(&other).verify(&foreign, now()), Err(SignatureError::Forged));
}

const BOUNCE: &str = "From: MAILER-DAEMON@mx.example.org\r\nTo: news@shop.example\r\nSubject: Undelivered\r\n\
    Message-ID: <b@mx>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
    --b\r\n\r\nIt failed.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
    Reporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; ada@example.org\r\nAction: failed\r\n\
    Status: 5.1.1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <ours@shop.example>\r\n\r\n\
    Hello\r\n--b--\r\n";

#[tokio::test]
async fn a_stored_report_is_fetched_whole_and_kept_until_it_can_be() {
    let (double, _) = start().await;
    let webhook = webhook(&double.settings());
    let url = double.store(BOUNCE);
    let headers = r#"[["Content-Type", "multipart/report; report-type=delivery-status"]]"#;
    let fields = [("recipient", "reply@replies.shop.example"), ("sender", ""), ("message-url", url.as_str())];
    let texts = [("message-headers", headers), ("body-plain", "It failed.")];
    let request = double.inbound(URL, &[&fields[..], &texts].concat()).request();
    assert_eq!(webhook.verify(&request, now()), Ok(()));
    double.script_store([
        Act::ServerError { status: 503, taken: false },
        Act::Half { taken: false },
        Act::Html { taken: false },
        Act::Hang { taken: false },
    ]);
    let mut kept = request;
    for _ in 0..4 {
        let told = webhook.parse(&kept, now()).await.remove(0);
        assert!(matches!(&told.kind, NoticeKind::Unclear { reason } if reason == NOT_FETCHED), "{told:?}");
        kept = webhook.part(&kept, &told.raw);
    }
    let NoticeKind::Inbound(mail) = webhook.parse(&kept, now()).await.remove(0).kind else { panic!("no mail") };
    assert_eq!((mail.hints.automatic, mail.hints.reports.len()), (Some(Automatic::Bounce), 1));
    assert!(mail.references.contains(&"<ours@shop.example>".to_owned()), "{:?}", mail.references);
    // A key that may not look leaves what the notice says.
    let settings = MailgunSettings { api_key: Secret::new(SENDING_KEY), ..double.settings() };
    let NoticeKind::Inbound(mail) = self::webhook(&settings).parse(&kept, now()).await.remove(0).kind else { panic!() };
    assert_eq!((mail.text.as_str(), mail.hints.automatic), ("It failed.", Some(Automatic::Bounce)));
}

#[tokio::test]
async fn a_stored_file_is_fetched_with_the_accounts_key() {
    let (double, mailgun) = start().await;
    let url = format!("{}/attachments/0", double.store("a file"));
    assert_eq!(mailgun.fetch_media(&url).await, Ok(Bytes::from_static(b"a file")));
    double.script_store([Act::ServerError { status: 500, taken: false }, Act::Half { taken: false }]);
    assert_eq!(mailgun.fetch_media(&url).await, Err(MediaError::Later("refused")));
    assert!(mailgun.fetch_media(&url).await.is_err());
    assert_eq!(
        mailgun.fetch_media("https://evil.example/v3/domains/x/messages/y").await,
        Err(MediaError::Never("foreign_host"))
    );
    let gone = url.replace("/messages/", "/messages/00");
    assert_eq!(mailgun.fetch_media(&gone).await, Err(MediaError::Never("gone")));
}
