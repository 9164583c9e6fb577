//! SMTP against its double: what leaves us, what every refusal and every lost connection comes to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::routing::post;
use axum::{Form, Json, Router};
use bytes::Bytes;
use commlog::domain::value::Channel;
use commlog::domain::value::message::RetryClass;
use commlog::domain::value::token::{mail_id, open_reply, reply_address, reply_token_in, seal_reply};
use commlog::ids::MessageId;
use commlog::providers::smtp::{OauthSettings, Security, Smtp, SmtpSettings};
use commlog::providers::{Attachment, Content, EmailContent, OutboundMessage, Provider, Secret, SendError};
use serde_json::json;
use uuid::Uuid;

use super::{ambient, class_of, client, message, secret};
use crate::support::doubles::smtp::{At, Does, Offers, PASSWORD, SmtpDouble, TOKEN, USER, something_else};

fn provider(settings: SmtpSettings) -> Smtp {
    Smtp::try_new(settings, client(), ambient(1)).expect("valid settings")
}

async fn start() -> (SmtpDouble, Smtp) {
    let double = SmtpDouble::start(Offers::default()).await;
    let smtp = provider(double.settings());
    (double, smtp)
}

fn token() -> String {
    seal_reply(message(Channel::Email, 9).tenant, MessageId(Uuid::from_u128(9)), &secret())
}

/// As the dispatcher makes it.
fn mail() -> OutboundMessage {
    let mut message = message(Channel::Email, 9);
    let id = mail_id(&token(), "shop.example");
    email(&mut message).headers = vec![("Message-ID".to_owned(), id)];
    message
}

fn email(message: &mut OutboundMessage) -> &mut EmailContent {
    let Content::Email(email) = &mut message.content else { panic!("no mail") };
    email
}

/// Class and code of a refusal.
fn refusal(error: SendError) -> (RetryClass, String) {
    match error {
        SendError::Refused { class, code, .. } => (class, code.unwrap_or_default()),
        ambiguous @ SendError::Ambiguous { .. } => panic!("{ambiguous}"),
    }
}

#[tokio::test]
async fn a_mail_is_handed_over_with_everything_that_matters() {
    let double = SmtpDouble::start(Offers::default()).await;
    let mut settings = double.settings();
    settings.return_path = Some("bounce@shop.example".parse().expect("an address"));
    let mut mail = mail();
    mail.to = "ada+news@example.org".to_owned();
    email(&mut mail).text = "Grüße\n.\n..and dots".to_owned();
    email(&mut mail).html = Some("<img src=cid:logo>".to_owned());
    email(&mut mail).reply_to = Some(reply_address(&token(), "replies.shop.example"));
    let unsubscribe = format!("<https://crm.example/u/{}>, <mailto:u@shop.example>", "x".repeat(200));
    email(&mut mail).headers.extend([
        ("List-Unsubscribe".to_owned(), unsubscribe.clone()),
        ("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned()),
    ]);
    let file = |name: &str, id: Option<&str>| Attachment {
        name: name.to_owned(),
        content_type: "image/png".to_owned(),
        content_id: id.map(str::to_owned),
        content: Bytes::from_static(b"\x89PNG"),
    };
    email(&mut mail).attachments = vec![file("logo.png", Some("logo")), file("Übersicht.png", None)];
    let accepted = provider(settings).send(mail).await.expect("taken");
    let taken = double.taken().remove(0);
    let id = mail_id(&token(), "shop.example");
    assert_eq!(accepted.provider_message_id.as_deref(), Some(id.as_str()));
    assert_eq!((accepted.segments, accepted.cost), (1, None));
    assert_eq!(taken.from, format!("bounce+{}@shop.example", token()));
    assert!(taken.from.split('@').next().expect("a local part").len() <= 64);
    let expected = ["RET=HDRS".to_owned(), format!("ENVID={}", token()), "NOTIFY=FAILURE,DELAY".to_owned()];
    assert!(expected.iter().all(|parameter| taken.parameters.contains(parameter)), "{:?}", taken.parameters);
    assert!(taken.parameters.contains(&"ORCPT=rfc822;ada+2Bnews@example.org".to_owned()), "{:?}", taken.parameters);
    assert_eq!(taken.header("message-id"), Some(id));
    assert_eq!(taken.header("list-unsubscribe"), Some(unsubscribe));
    assert_eq!(taken.header("list-unsubscribe-post").as_deref(), Some("List-Unsubscribe=One-Click"));
    assert_eq!(taken.header("reply-to"), Some(reply_address(&token(), "replies.shop.example")));
    assert_eq!(taken.header("from").as_deref(), Some("Shop <news@shop.example>"));
    assert_eq!(taken.header("to").as_deref(), Some("ada+news@example.org"));
    assert_eq!(taken.header("subject").as_deref(), Some("News"));
    assert_eq!(taken.header("date").as_deref(), Some("Mon, 21 Sep 2026 14:13:20 +0000"));
    assert!(taken.content.is_ascii() && taken.content.lines().all(|line| line.len() <= 998));
    let order = ["multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "<logo>"];
    let places: Vec<_> = order.iter().map(|part| taken.content.find(part).expect("is there")).collect();
    assert!(places.is_sorted(), "{}", taken.content);
    assert!(taken.content.contains("Gr=C3=BC=C3=9Fe\r\n.\r\n..and dots"), "{}", taken.content);
    assert!(!taken.content.contains("localhost"));
}

#[tokio::test]
async fn the_address_that_a_mail_comes_back_to_is_authenticated() {
    let double = SmtpDouble::start(Offers::default()).await;
    let mut settings = double.settings();
    settings.return_path = Some("bounce@shop.example".parse().expect("an address"));
    provider(settings.clone()).send(mail()).await.expect("taken");
    settings.has_return_token = false;
    provider(settings.clone()).send(mail()).await.expect("taken");
    settings.return_path = None;
    provider(settings).send(mail()).await.expect("taken");
    let from: Vec<_> = double.taken().into_iter().map(|mail| mail.from).collect();
    assert_eq!(from[1..], ["bounce@shop.example", "news@shop.example"]);
    let back = reply_token_in(&from[0]).expect("a token");
    let tenant = mail().tenant;
    assert_eq!(open_reply(&back, tenant, &secret()), Some(MessageId(Uuid::from_u128(9))));
    let forged = format!("{}a", &back[..51]);
    assert!(forged == back || open_reply(&forged, tenant, &secret()).is_none());
}

#[tokio::test]
async fn a_server_without_extensions_gets_none_of_them() {
    let double = SmtpDouble::start(Offers { dsn: false, ..Offers::default() }).await;
    let smtp = provider(double.settings());
    let mut plain = message(Channel::Email, 9);
    let accepted = smtp.send(plain.clone()).await.expect("taken");
    let taken = double.taken().remove(0);
    assert!(taken.parameters.iter().all(|parameter| parameter.starts_with("SIZE=")), "{:?}", taken.parameters);
    // A mail that brings no id gets one.
    assert_eq!(taken.header("message-id"), accepted.provider_message_id);
    plain.to = "josé@example.org".to_owned();
    let error = smtp.send(plain.clone()).await.expect_err("refused");
    assert_eq!(refusal(error), (RetryClass::Permanent, "smtputf8".to_owned()));
    let able = SmtpDouble::start(Offers { utf8: true, ..Offers::default() }).await;
    provider(able.settings()).send(plain).await.expect("taken");
    let taken = able.taken().remove(0);
    assert_eq!(taken.to, "josé@example.org");
    assert!(["SMTPUTF8", "BODY=8BITMIME"].iter().all(|word| taken.parameters.iter().any(|given| given == word)));
    let small = SmtpDouble::start(Offers { size: 200, ..Offers::default() }).await;
    let error = provider(small.settings()).send(mail()).await.expect_err("refused");
    assert_eq!(refusal(error), (RetryClass::ContentRefused, "size".to_owned()));
}

#[tokio::test]
async fn no_header_brings_another_one_along_and_none_sends_the_mail_elsewhere() {
    let (double, smtp) = start().await;
    for (name, value) in [("X-A", "a\r\nBcc: b@x.example"), ("X\r\nBcc", "b"), ("Bcc", "b@x.example"), ("a b", "c")] {
        let mut mail = mail();
        email(&mut mail).headers.push((name.to_owned(), value.to_owned()));
        let error = smtp.send(mail).await.expect_err("refused");
        assert_eq!(refusal(error), (RetryClass::ContentRefused, "header".to_owned()), "{name}");
    }
    let mut odd = mail();
    odd.to = "ada@example.org>\r\nRCPT TO:<eve@x.example".to_owned();
    assert_eq!(refusal(smtp.send(odd).await.expect_err("refused")), (RetryClass::Permanent, "to".to_owned()));
    assert!(double.taken().is_empty() && double.connections() == 0);
    let mut mail = mail();
    email(&mut mail).subject = Some("Hello\r\nBcc: eve@x.example".to_owned());
    mail.from = Some("\"A\r\nBcc: eve@x.example\" <news@shop.example>".to_owned());
    smtp.send(mail).await.expect("taken");
    let taken = double.taken().remove(0);
    assert_eq!(taken.header("bcc"), None);
    assert_eq!(taken.header("subject").as_deref(), Some("Hello  Bcc: eve@x.example"));
}

#[tokio::test]
async fn a_password_goes_by_the_way_that_the_server_offers_and_never_in_clear_text() {
    let signing_in = |settings: &mut SmtpSettings, password: &str| {
        settings.username = Some(USER.to_owned());
        settings.password = Some(Secret::new(password));
    };
    // What a server offers counts behind STARTTLS (symfony/symfony#34522).
    for auth in ["PLAIN LOGIN", "LOGIN XOAUTH2"] {
        let offers = Offers { starttls: true, needs_tls: true, needs_auth: true, auth, ..Offers::default() };
        let double = SmtpDouble::start(offers).await;
        let mut settings = double.settings_with(Security::StartTls);
        signing_in(&mut settings, PASSWORD);
        provider(settings.clone()).send(mail()).await.expect("taken");
        assert!(double.taken()[0].was_secure);
        signing_in(&mut settings, "wrong");
        let wrong = provider(settings);
        let (class, code) = refusal(wrong.send(mail()).await.expect_err("refused"));
        assert_eq!((class, code.as_str()), (RetryClass::Configuration, "535 5.7.8"));
        assert_eq!(class_of(&wrong.check().await.expect_err("refused")), Some(RetryClass::Configuration));
    }
    let double = SmtpDouble::start_in_tls(Offers { needs_auth: true, ..Offers::default() }).await;
    let mut settings = double.settings_with(Security::Tls);
    signing_in(&mut settings, PASSWORD);
    assert_eq!(provider(settings.clone()).check().await, Ok(()));
    // Another authority gave the certificate.
    settings.authority = None;
    let (class, code) = refusal(provider(settings).send(mail()).await.expect_err("refused"));
    assert_eq!((class, code.as_str()), (RetryClass::Configuration, "tls"));
    let plain = SmtpDouble::start(Offers { needs_auth: true, ..Offers::default() }).await;
    for (security, expected) in [(Security::StartTls, "no_starttls"), (Security::Opportunistic, "no_tls")] {
        let mut settings = plain.settings_with(security);
        signing_in(&mut settings, PASSWORD);
        let (class, code) = refusal(provider(settings).send(mail()).await.expect_err("refused"));
        assert_eq!((class, code.as_str()), (RetryClass::Configuration, expected));
    }
    assert!(plain.said().iter().all(|line| !line.starts_with("AUTH")), "{:?}", plain.said());
    let unsigned = provider(plain.settings_with(Security::Opportunistic)).send(mail()).await.expect_err("refused");
    assert_eq!(refusal(unsigned), (RetryClass::Configuration, "530 5.7.0".to_owned()));
}

#[tokio::test]
async fn words_put_into_the_clear_text_before_tls_are_not_heard_in_it() {
    let injected = "\n250-mx.double.example\n250 SMTPUTF8";
    let double = SmtpDouble::start(Offers { starttls: true, injected, ..Offers::default() }).await;
    let smtp = provider(double.settings_with(Security::StartTls));
    let mut abroad = mail();
    abroad.to = "josé@example.org".to_owned();
    assert_eq!(refusal(smtp.send(abroad).await.expect_err("refused")).1, "smtputf8");
    smtp.send(mail()).await.expect("taken");
    assert!(double.taken()[0].was_secure);
}

#[tokio::test]
async fn an_access_token_is_got_once_used_alone_and_renewed_when_it_is_refused() {
    let given = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&given);
    let give = async move |Form(form): Form<Vec<(String, String)>>| {
        let has = |name: &str, value: &str| form.iter().any(|(n, v)| n == name && v == value);
        assert!(has("grant_type", "refresh_token") && has("refresh_token", "1//refresh") && has("client_id", "app"));
        // The first one is refused: it was withdrawn.
        let number = counting.fetch_add(1, Ordering::SeqCst);
        Json(json!({ "access_token": if number == 0 { "ya29.old" } else { TOKEN }, "expires_in": 3599 }))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/token", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move { axum::serve(listener, Router::new().route("/token", post(give))).await });
    let offers = Offers { auth: "LOGIN XOAUTH2", needs_auth: true, ..Offers::default() };
    let double = SmtpDouble::start_in_tls(offers).await;
    let mut settings = double.settings_with(Security::Tls);
    settings.username = Some(USER.to_owned());
    settings.oauth = Some(OauthSettings {
        token_url: url.parse().expect("a URL"),
        client_id: "app".to_owned(),
        client_secret: None,
        refresh_token: Secret::new("1//refresh"),
        scope: None,
    });
    let smtp = provider(settings);
    let (class, code) = refusal(smtp.send(mail()).await.expect_err("refused"));
    assert_eq!((class, code.as_str()), (RetryClass::Configuration, "auth"));
    for _ in 0..2 {
        smtp.send(mail()).await.expect("taken");
    }
    assert_eq!((given.load(Ordering::SeqCst), double.taken().len()), (2, 2));
    let said = double.said();
    assert!(said.iter().filter(|line| line.starts_with("AUTH")).all(|line| line.starts_with("AUTH XOAUTH2")));
    server.abort();
}

#[tokio::test]
async fn every_refusal_means_something_by_where_it_comes() {
    use RetryClass::{Configuration, ContentRefused, Permanent, RateLimited, Transient};
    let (double, smtp) = start().await;
    let cases = [
        (At::Greeting, "554 5.3.2 no service for you", Configuration, "554 5.3.2"),
        (At::Greeting, "421 4.7.0 too many connections", RateLimited, "421 4.7.0"),
        (At::Hello, "550 5.7.1 bad name", Configuration, "550 5.7.1"),
        (At::Mail, "451 4.3.0 try later", Transient, "451 4.3.0"),
        (At::Mail, "550 5.4.5 Daily user sending limit exceeded", RateLimited, "550 5.4.5"),
        (At::Mail, "552 5.3.4 too big", ContentRefused, "552 5.3.4"),
        (At::Mail, "553 5.7.1 Sender address rejected: not owned by user", Configuration, "553 5.7.1"),
        (At::Rcpt, "450 4.7.1 Greylisted, try again in 300 seconds", Transient, "450 4.7.1"),
        (At::Rcpt, "452 4.2.2 mailbox full", Transient, "452 4.2.2"),
        (At::Rcpt, "550-5.1.1 The account does not exist\n550 5.1.1 x", Permanent, "no_such_address: 550 5.1.1"),
        (At::Rcpt, "550 No such user here", Permanent, "no_such_address: 550"),
        (At::Rcpt, "554 5.7.1 Relay access denied", Configuration, "554 5.7.1"),
        (At::Rcpt, "550 5.7.1 policy", Permanent, "550 5.7.1"),
        (At::Data, "554 5.5.1 no valid recipients", Permanent, "554 5.5.1"),
        (At::Data, "250 Ok", Transient, "connection:data"),
        (At::Dot, "554 5.7.1 Message looks like spam", ContentRefused, "554 5.7.1"),
        (At::Dot, "552 5.2.2 over quota", Transient, "552 5.2.2"),
        (At::Dot, "550-5.7.26 unauthenticated\n550 5.7.26 sender", Configuration, "550 5.7.26"),
        (At::Dot, "421 4.7.28 unusual rate", RateLimited, "421 4.7.28"),
    ];
    for (at, says, class, code) in cases {
        // A conversation of its own, so that greeting and EHLO come again.
        let smtp = if at <= At::Hello { &provider(double.settings()) } else { &smtp };
        double.script([(at, Does::Says(says))]);
        let error = smtp.send(mail()).await.expect_err(says);
        assert_eq!(refusal(error), (class, code.to_owned()), "{says}");
    }
    assert!(double.taken().is_empty());
    double.script([(At::Rcpt, Does::Says("450 4.7.1 Greylisted, try again in 5 minutes"))]);
    let SendError::Refused { retry_after, .. } = smtp.send(mail()).await.expect_err("refused") else { panic!() };
    assert_eq!(retry_after, Some(Duration::from_mins(5)));
    smtp.send(mail()).await.expect("taken");
}

#[tokio::test]
async fn a_refusal_in_another_charset_is_a_refusal() {
    let (double, smtp) = start().await;
    double.script([(At::Dot, Does::SaysBytes(b"550 5.1.1 \xd3\xc3\xbb\xa7\xb2\xbb\xb4\xe6\xd4\xda\r\n"))]);
    let error = smtp.send(mail()).await.expect_err("refused");
    assert_eq!(refusal(error), (RetryClass::Permanent, "no_such_address: 550 5.1.1".to_owned()));
}

#[tokio::test]
async fn what_ends_before_the_last_dot_is_refused_and_may_be_tried_again() {
    let ended = |at: At, does: Does, double: SmtpDouble, smtp: Smtp| async move {
        double.script([(at, does.clone())]);
        let error = smtp.send(mail()).await.expect_err("no success");
        assert_eq!(class_of(&error), Some(RetryClass::Transient), "{at:?} {does:?}: {error}");
        assert_eq!((double.taken().len(), double.connections()), (0, 1), "{at:?} {does:?}");
        smtp.send(mail()).await.expect("taken later");
    };
    let mut cases = vec![];
    for at in [At::Greeting, At::Hello, At::Mail, At::Rcpt, At::Data] {
        for does in [Does::HangsUp, Does::Sleeps, Does::SaysHalf] {
            let (double, smtp) = start().await;
            cases.push(ended(at, does, double, smtp));
        }
    }
    futures::future::join_all(cases).await;
}

#[tokio::test]
async fn a_message_that_the_network_took_only_in_part_was_certainly_not_accepted() {
    for does in [Does::Sleeps, Does::HangsUp] {
        let double = SmtpDouble::start(Offers { size: 100_000_000, ..Offers::default() }).await;
        let smtp = provider(double.settings());
        double.script([(At::Body, does.clone())]);
        let mut mail = mail();
        email(&mut mail).text = "long text ".repeat(3_000_000);
        let error = smtp.send(mail).await.expect_err("no success");
        let expected = (RetryClass::Transient, "connection:body".to_owned());
        assert_eq!(refusal(error), expected, "{does:?}");
    }
}

#[tokio::test]
async fn a_connection_carries_many_messages_and_a_new_one_stands_in_when_it_is_gone() {
    let (double, smtp) = start().await;
    for _ in 0..3 {
        smtp.send(mail()).await.expect("taken");
    }
    double.script([(At::Rcpt, Does::Says("550 5.1.1 no such user"))]);
    assert!(smtp.send(mail()).await.is_err());
    smtp.send(mail()).await.expect("taken after a refusal");
    assert_eq!((double.connections(), double.taken().len()), (1, 4));
    // The server closes it after each message, or announces that it will (symfony/symfony#49744).
    double.script([(At::Mail, Does::Says("421 4.4.2 idle for too long"))]);
    smtp.send(mail()).await.expect("taken over a new connection");
    let short = SmtpDouble::start(Offers { per_connection: 1, ..Offers::default() }).await;
    let smtp = provider(short.settings());
    for _ in 0..3 {
        smtp.send(mail()).await.expect("taken");
    }
    assert_eq!((short.connections(), short.taken().len()), (3, 3));
}

#[tokio::test]
async fn at_most_so_many_connections_are_open_at_once() {
    let double = SmtpDouble::start(Offers::default()).await;
    let mut settings = double.settings();
    (settings.connections, settings.timeout) = (2, Duration::from_secs(20));
    let smtp = provider(settings);
    let sent = futures::future::join_all((0..20).map(|_| smtp.send(mail()))).await;
    assert!(sent.iter().all(Result::is_ok));
    assert_eq!((double.connections(), double.taken().len()), (2, 20));
}

#[tokio::test]
async fn a_port_behind_which_no_mail_server_stands_is_said_to_be_one() {
    let (double, _) = start().await;
    let mut settings = double.settings();
    for (greeting, expected) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", (RetryClass::Configuration, "not_smtp")),
        ("* OK IMAP4rev1 ready\r\n", (RetryClass::Configuration, "not_smtp")),
        ("", (RetryClass::Transient, "connection:hello")),
    ] {
        let (address, task) = something_else(greeting).await;
        settings.server.port = address.port();
        let (class, code) = refusal(provider(settings.clone()).send(mail()).await.expect_err("refused"));
        assert_eq!((class, code.as_str()), expected, "{greeting}");
        task.abort();
    }
    // Nobody is there, and nobody of that name.
    settings.server.port = 1;
    assert_eq!(refusal(provider(settings.clone()).send(mail()).await.expect_err("refused")).1, "connect");
    settings.server.reach = commlog::providers::kind::Reach::Public;
    let inside = refusal(provider(settings).send(mail()).await.expect_err("refused"));
    assert_eq!(inside, (RetryClass::Configuration, "not_public".to_owned()));
}
