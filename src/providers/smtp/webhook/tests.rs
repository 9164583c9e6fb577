//! Raw mail as pipes post it.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::settings::tests::settings;
use super::*;
use crate::domain::value::token::{reply_address, seal_reply};
use crate::ids::{MessageId, TenantId, TenantSecret};

const KEY: &str = "0123456789abcdef-secret";

fn webhook(secret: Option<&str>) -> SmtpWebhook {
    let mut settings = settings();
    settings.inbound_secret = secret.map(Secret::new);
    SmtpWebhook::try_new(&settings).expect("they work")
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("a time")
}

fn request(url: &str, authorization: Option<&str>, body: &[u8]) -> WebhookRequest {
    // What curl says of `--data-binary`, whatever it is.
    let mut headers = vec![("content-type".to_owned(), Bytes::from_static(b"application/x-www-form-urlencoded"))];
    headers.extend(authorization.map(|given| ("Authorization".to_owned(), Bytes::from(given.to_owned()))));
    let body = Bytes::copy_from_slice(body);
    WebhookRequest { method: "POST".to_owned(), url: url.to_owned(), headers, body }
}

fn heard(body: &[u8]) -> Notice {
    futures::executor::block_on(webhook(None).parse(&request("https://x.example/", None, body), now())).remove(0)
}

#[test]
fn only_who_shows_the_secret_is_believed() {
    fn check(secret: Option<&str>, url: &str, given: Option<&str>) -> Result<(), SignatureError> {
        webhook(secret).verify(&request(url, given, b""), now())
    }
    let url = "https://crm.example.com/webhooks/smtp/main";
    let bearer = format!("Bearer {KEY}");
    let basic = format!("Basic {}", STANDARD.encode(format!("mail:{KEY}")));
    for given in [&bearer, &basic, &format!("bearer  {KEY} ")] {
        assert_eq!(check(Some(KEY), url, Some(given)), Ok(()), "{given}");
    }
    assert_eq!(check(Some(KEY), &format!("{url}?secret={KEY}"), None), Ok(()));
    for given in ["Bearer wrong", "Bearer ", "Digest x", "Basic !", "Basic eA=="] {
        assert!(check(Some(KEY), url, Some(given)).is_err(), "{given}");
    }
    // A header that is wrong is not made good by the URL.
    assert_eq!(check(Some(KEY), &format!("{url}?secret={KEY}"), Some("Bearer wrong")), Err(SignatureError::Forged));
    assert_eq!(check(Some(KEY), url, None), Err(SignatureError::Missing));
    assert_eq!(check(None, url, Some(&bearer)), Err(SignatureError::Missing));
    assert_eq!(check(None, url, Some("Bearer ")), Err(SignatureError::Missing));
}

#[test]
fn a_reply_is_read_with_the_envelope_that_the_pipe_wrote_above_it() {
    let secret = TenantSecret::new([7; 32]);
    let token = seal_reply(TenantId(uuid::Uuid::nil()), MessageId(uuid::Uuid::nil()), &secret);
    let to = reply_address(&token, "replies.shop.example");
    let mail = format!(
        "From ada@example.org  Mon Sep 21 14:13:20 2026\nReturn-Path: <ada@example.org>\nX-Original-To: {to}\n\
         Delivered-To: pipe@localhost\nFrom: Ada <ada@example.org>\nTo: Shop <news@shop.example>\nSubject: Re: News\n\
         Message-ID: <a@example.org>\nIn-Reply-To: <x@shop.example>\n\nThank you\n"
    );
    let NoticeKind::Inbound(inbound) = heard(mail.as_bytes()).kind else { panic!("no mail") };
    assert_eq!((inbound.from.as_str(), inbound.text.as_str()), ("ada@example.org", "Thank you"));
    assert_eq!((inbound.sender_name.as_deref(), inbound.subject.as_deref()), (Some("Ada"), Some("Re: News")));
    assert_eq!((inbound.reply_token, inbound.to.clone()), (Some(token), Some(to.clone())));
    assert_eq!(inbound.provider_message_id, format!("<a@example.org> {to}"));
    assert!(inbound.original.starts_with("From ada") && inbound.hints.automatic.is_none());
}

#[test]
fn what_is_kept_carries_no_secret_and_says_the_same_again() {
    let (webhook, given) = (webhook(Some(KEY)), format!("Bearer {KEY}"));
    let body = b"From: ada@example.org\nSubject: Hi\n\nHello";
    let whole = request(&format!("https://x.example/?secret={KEY}"), Some(&given), body);
    let first = futures::executor::block_on(webhook.parse(&whole, now()));
    let part = webhook.part(&whole, &first[0].raw);
    assert!(part.url.is_empty() && part.header("authorization").is_none());
    assert_eq!(futures::executor::block_on(webhook.parse(&part, now())), first);
}

#[test]
fn what_is_no_mail_is_kept_and_looked_at() {
    for body in [&b""[..], b"\0\0", b"to=ada%40example.org&text=hi", b"From: nobody\n\nHi", b"From "] {
        assert!(matches!(heard(body).kind, NoticeKind::Unclear { .. }), "{body:?}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(bytes in any::<Vec<u8>>(), text in "[-=?_:;/\"'*<>%@a-zA-Z0-9 \r\n\t]{0,300}") {
        heard(&bytes);
        heard(text.as_bytes());
        let odd = request("https://x.example/", Some(&text), b"");
        prop_assert!(webhook(Some(KEY)).verify(&odd, now()).is_err());
    }
}
