//! Mail as Inbound Parse posts it, and what hostile forms come to.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::value::{Channel, token};
use crate::ids::{MessageId, TenantId, TenantSecret};

/// A real request of July 2020, made anonymous (`django-anymail`, `tests/test_sendgrid_inbound.py`): each field in another
/// charset.
const CAPTURE: &str = "\
    LS14WXpaWQ0KQ29udGVudC1EaXNwb3NpdGlvbjogZm9ybS1kYXRhOyBuYW1lPSJoZWFkZXJzIg0KDQpEYXRlOiBGcmksIDI0IEp1bCAyMDIwID\
    E2OjQzOjQ2IFVUQw0KVG86ID0/dXRmLTg/cT9SPUMzPUE5Y2lwaWVuZGFpcmVfcHI9QzM9QTljaWV1eD89IDxpbmJvdW5kQHNnLmV4YW1wbGUu\
    Y29tPg0KRnJvbTogPT91dGYtOD9xP09wPUMzPUE5cmF0ZXVyPz0gZGUgdGVzdCA8c2VuZGVyQGV4YW1wbGUuY29tPg0KU3ViamVjdDogPT9jcD\
    g1MD9xP0NvbW9fdXN0ZWRfcGlkaT1BMj89DQoNCi0teFl6WlkNCkNvbnRlbnQtRGlzcG9zaXRpb246IGZvcm0tZGF0YTsgbmFtZT0ic3ViamVj\
    dCINCg0KQ29tbyB1c3RlZCBwaWRpog0KLS14WXpaWQ0KQ29udGVudC1EaXNwb3NpdGlvbjogZm9ybS1kYXRhOyBuYW1lPSJ0byINCg0KUsOpY2\
    lwaWVuZGFpcmUgcHLDqWNpZXV4IDxpbmJvdW5kQHNnLmV4YW1wbGUuY29tPg0KLS14WXpaWQ0KQ29udGVudC1EaXNwb3NpdGlvbjogZm9ybS1k\
    YXRhOyBuYW1lPSJodG1sIg0KDQo8cD6/RXN0byBzZSB2ZSBjb21vIGVzcGVyYWJhcz88L3A+DQotLXhZelpZDQpDb250ZW50LURpc3Bvc2l0aW\
    9uOiBmb3JtLWRhdGE7IG5hbWU9ImZyb20iDQoNCk9ww6lyYXRldXIgZGUgdGVzdCA8c2VuZGVyQGV4YW1wbGUuY29tPg0KLS14WXpaWQ0KQ29u\
    dGVudC1EaXNwb3NpdGlvbjogZm9ybS1kYXRhOyBuYW1lPSJ0ZXh0Ig0KDQpUZXN0IHRoZSBFU1CScyBpbmJvdW5kIGNoYXJzZXQgaGFuZGxpbm\
    eFDQotLXhZelpZDQpDb250ZW50LURpc3Bvc2l0aW9uOiBmb3JtLWRhdGE7IG5hbWU9ImNoYXJzZXRzIg0KDQp7InRvIjoiVVRGLTgiLCJjYyI6\
    IlVURi04IiwiaHRtbCI6Imlzby04ODU5LTEiLCJzdWJqZWN0IjoiY3A4NTAiLCJmcm9tIjoiVVRGLTgiLCJ0ZXh0Ijoid2luZG93cy0xMjUyIn\
    0NCi0teFl6WlktLQ0K";

const HEADERS: &str = "Received: from mail.example.org by mx987654321.sendgrid.net ...\n\
    DKIM-Signature: v=1; a=rsa-sha256;\n\td=example.org; ...\n\
    From: \"Displayed From\" <from+test@example.org>\n\
    Date: Wed, 11 Oct 2017 18:31:04 -0700 (PDT)\n\
    Message-ID: <CAEPk3R+4Zr@mail.example.org>\n\
    In-Reply-To: <first@crm.example>\n\
    References: <zero@crm.example>\n  <first@crm.example>\n\
    Subject: Test subject\n";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).expect("a time")
}

fn posted(boundary: &str, body: impl Into<Bytes>) -> WebhookRequest {
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let headers = vec![("Content-Type".to_owned(), Bytes::from(content_type))];
    WebhookRequest { method: "POST".to_owned(), url: "https://x.example/".to_owned(), headers, body: body.into() }
}

fn form(fields: &[(&str, &str)], files: &[(&str, &str, &str)]) -> WebhookRequest {
    let mut body = String::new();
    for (name, value) in fields {
        let _ = write!(body, "--xYzZY\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    for (name, file, value) in files {
        let _ = write!(
            body,
            "--xYzZY\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
            Content-Type: text/plain\r\n\r\n{value}\r\n"
        );
    }
    body.push_str("--xYzZY--\r\n");
    posted("xYzZY", body)
}

fn parse_request(request: &WebhookRequest) -> Notice {
    futures::executor::block_on(parse(request, now()))
}

fn inbound(request: &WebhookRequest) -> Inbound {
    match parse_request(request).kind {
        NoticeKind::Inbound(inbound) => *inbound,
        other => panic!("{other:?}"),
    }
}

fn usual() -> Vec<(&'static str, &'static str)> {
    vec![
        ("headers", HEADERS),
        ("from", "Displayed From <from+test@example.org>"),
        ("to", "Test Inbound <test@inbound.example.com>, other@example.com"),
        ("subject", "Test subject"),
        ("text", "Test body plain"),
        ("html", "<div>Test body html</div>"),
        ("attachments", "0"),
        ("charsets", r#"{"to":"UTF-8","html":"UTF-8","subject":"UTF-8","from":"UTF-8","text":"UTF-8"}"#),
        ("envelope", r#"{"to":["test@inbound.example.com"],"from":"envelope-from@example.org"}"#),
        ("sender_ip", "10.10.1.71"),
        ("dkim", "{@example.org : pass}"),
        ("SPF", "Pass"),
        ("spam_score", "1.7"),
    ]
}

#[test]
fn a_mail_is_read_with_its_headers_and_hints() {
    let mail = inbound(&form(&usual(), &[]));
    assert_eq!(mail.channel, Channel::Email);
    assert_eq!(mail.provider_message_id, "<CAEPk3R+4Zr@mail.example.org> test@inbound.example.com");
    assert_eq!((mail.from.as_str(), mail.to.as_deref()), ("from+test@example.org", Some("test@inbound.example.com")));
    assert_eq!(mail.subject.as_deref(), Some("Test subject"));
    assert_eq!((mail.text.as_str(), mail.html.as_deref()), ("Test body plain", Some("<div>Test body html</div>")));
    assert_eq!(mail.message_id.as_deref(), Some("<CAEPk3R+4Zr@mail.example.org>"));
    assert_eq!(mail.in_reply_to.as_deref(), Some("<first@crm.example>"));
    assert_eq!(mail.references, ["<zero@crm.example>", "<first@crm.example>"]);
    assert_eq!(mail.occurred_at.map(|at| at.to_rfc3339()), Some("2017-10-12T01:31:04+00:00".to_owned()));
    assert_eq!((mail.hints.spam_score.as_deref(), mail.hints.spf.as_deref()), (Some("1.7"), Some("pass")));
    assert_eq!(mail.hints.dkim.as_deref(), Some("{@example.org : pass}"));
    assert!(mail.hints.automatic.is_none() && !mail.hints.is_cut);
}

#[test]
fn each_field_has_its_own_charset() {
    let body = STANDARD.decode(CAPTURE).expect("base64");
    let mail = inbound(&posted("xYzZY", body));
    assert_eq!(mail.subject.as_deref(), Some("Como usted pidió"));
    assert_eq!(mail.html.as_deref(), Some("<p>¿Esto se ve como esperabas?</p>"));
    assert_eq!(mail.text, "Test the ESP’s inbound charset handling…");
    assert_eq!((mail.from.as_str(), mail.to.as_deref()), ("sender@example.com", Some("inbound@sg.example.com")));
}

#[test]
fn the_whole_mail_may_come_in_one_field() {
    let whole = "From: A tester <test@example.org>\nDate: Thu, 12 Oct 2017 18:03:30 -0700\n\
        Message-ID: <CAEPk3RKEx@mail.example.org>\nSubject: Raw MIME test\nMIME-Version: 1.0\n\
        Content-Type: multipart/alternative; boundary=\"94eb2c05e174adb140055b6339c5\"\n\n\
        --94eb2c05e174adb140055b6339c5\nContent-Type: text/plain; charset=\"UTF-8\"\n\
        Content-Transfer-Encoding: quoted-printable\n\nIt's a body=E2=80=A6\n\n\
        --94eb2c05e174adb140055b6339c5\nContent-Type: text/html; charset=\"UTF-8\"\n\
        Content-Transfer-Encoding: quoted-printable\n\n<div dir=3D\"ltr\">It's a body=E2=80=A6</div>\n\n\
        --94eb2c05e174adb140055b6339c5--\n";
    let fields = [
        ("email", whole),
        ("from", "A tester <test@example.org>"),
        ("envelope", r#"{"to":["test@inbound.example.com"],"from":"envelope-from@example.org"}"#),
    ];
    let mail = inbound(&form(&fields, &[]));
    assert_eq!(mail.message_id.as_deref(), Some("<CAEPk3RKEx@mail.example.org>"));
    assert_eq!(mail.subject.as_deref(), Some("Raw MIME test"));
    assert_eq!(mail.text.trim(), "It's a body…");
    assert_eq!(mail.html.as_deref().map(str::trim), Some("<div dir=\"ltr\">It's a body…</div>"));
}

#[test]
fn files_are_kept_with_what_is_said_of_them() {
    let info = r#"{"attachment2":{"filename":"image.png","type":"image/png","content-id":"abc123"},
        "attachment1":{"filename":"..\\share\\test.txt","charset":"UTF-8","type":"text/plain"}}"#;
    let mut fields = usual();
    fields.push(("attachment-info", info));
    let mail = inbound(&form(&fields, &[("attachment1", "test.txt", "test attachment"), ("attachment2", "x", "png")]));
    let [text, picture] = &mail.media[..] else { panic!("{:?}", mail.media) };
    assert_eq!(text.content.as_deref(), Some(&b"test attachment"[..]));
    assert_eq!(text.name.as_deref(), Some("..\\share\\test.txt"));
    assert_eq!((picture.content_type.as_deref(), picture.content_id.as_deref()), (Some("image/png"), Some("abc123")));
    assert!(picture.url.is_none());
    assert!(!parse_request(&form(&fields, &[("attachment1", "a", "what is inside")])).raw.contains("what is inside"));
}

#[test]
fn a_reply_token_is_found_in_the_envelope_and_in_the_headers() {
    let (tenant, message) = (TenantId(Uuid::from_u128(1)), MessageId(Uuid::from_u128(2)));
    let written = token::seal_reply(tenant, message, &TenantSecret::new([1; 32]));
    let address = token::reply_address(&written, "replies.example.com").to_uppercase();
    let envelope = format!(r#"{{"to":["{address}"],"from":"a@example.org"}}"#);
    let mail = inbound(&form(&[("from", "a@example.org"), ("envelope", &envelope)], &[]));
    assert_eq!(mail.reply_token.as_deref(), Some(written.as_str()));
    let listed = format!("Someone <x@example.org>, Shop <{address}>");
    let mail = inbound(&form(&[("from", "a@example.org"), ("to", &listed)], &[]));
    assert_eq!(mail.reply_token.as_deref(), Some(written.as_str()));
}

#[test]
fn machines_that_write_are_told_from_people() {
    for header in [
        "Auto-Submitted: auto-replied",
        "Precedence: bulk",
        "List-Id: <x.example>",
        "Content-Type: multipart/report; report-type=delivery-status",
    ] {
        let mail = inbound(&form(&[("from", "a@example.org"), ("headers", header)], &[]));
        assert!(mail.hints.automatic.is_some(), "{header}");
    }
    let bounce = [("from", "MAILER-DAEMON@example.org"), ("envelope", r#"{"to":["x@y.example"],"from":""}"#)];
    assert!(inbound(&form(&bounce, &[])).hints.automatic.is_some());
    let person = [("from", "a@example.org"), ("headers", "Auto-Submitted: no")];
    assert!(inbound(&form(&person, &[])).hints.automatic.is_none());
}

#[test]
fn without_a_message_id_the_same_mail_has_the_same_id() {
    let id = |text: &str| inbound(&form(&[("from", "a@example.org"), ("text", text)], &[])).provider_message_id;
    assert_eq!(id("one"), id("one"));
    assert_ne!(id("one"), id("two"));
}

#[test]
fn hostile_forms_are_kept_and_harm_nobody() {
    let request = |content_type: &str, body: Vec<u8>| WebhookRequest {
        method: "POST".to_owned(),
        headers: vec![("content-type".to_owned(), Bytes::copy_from_slice(content_type.as_bytes()))],
        body: body.into(),
        ..WebhookRequest::default()
    };
    let multipart = "multipart/form-data; boundary=x";
    let cases = [
        request("multipart/form-data", b"--x--".to_vec()),
        request(multipart, vec![]),
        request(multipart, b"--x\r\nContent-Disposition: form-data; name=\"from\"\r\n\r\na@b.c".to_vec()),
        request(multipart, b"--x\r\n\r\n\r\n--x--\r\n".to_vec()),
        request(multipart, vec![0xff; 100_000]),
        request(multipart, b"--x\r\n".repeat(10_000)),
        form(&[("text", "no sender")], &[]),
        form(&[("from", "nobody"), ("envelope", "[[[[")], &[]),
    ];
    for request in cases {
        let notice = parse_request(&request);
        assert!(matches!(notice.kind, NoticeKind::Unclear { .. }), "{notice:?}");
    }
}

#[test]
fn a_form_of_very_many_parts_is_cut_and_says_so() {
    let mut fields = usual();
    fields.extend(std::iter::repeat_n(("x", "y"), 5_000));
    let mail = inbound(&form(&fields, &[]));
    assert!(mail.hints.is_cut);
    assert_eq!(mail.text, "Test body plain");
}

#[test]
fn long_and_odd_texts_are_cut_and_cleaned() {
    let long = "x".repeat(300_000);
    let notice = parse_request(&form(&[("from", "a@example.org"), ("text", &long), ("subject", "a\0b")], &[]));
    assert!(notice.raw.len() <= texts::MAX_RAW);
    let NoticeKind::Inbound(mail) = notice.kind else { panic!() };
    assert_eq!((mail.text.len(), mail.hints.is_cut), (100_000, true));
    assert_eq!(mail.subject.as_deref(), Some("a\u{FFFD}b"));
    let odd = [("from", "a@example.org"), ("charsets", r#"{"text":"no-such","from":7}"#), ("text", "ü")];
    assert_eq!(inbound(&form(&odd, &[])).text, "ü");
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(body in any::<Vec<u8>>(), text in ".{0,200}", name in "[a-zA-Z-]{0,12}") {
        parse_request(&posted("x", body));
        parse_request(&form(&[("from", "a@example.org"), (&name, &text), ("headers", &text), ("email", &text)], &[]));
        let mut cut = form(&[("from", &text), ("envelope", &text), ("charsets", &text)], &[(&name, "f", &text)]);
        cut.body = cut.body.slice(..cut.body.len() / 2);
        parse_request(&cut);
    }
}
