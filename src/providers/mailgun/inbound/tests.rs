//! Mail as routes post it, and what hostile forms come to.

use std::sync::LazyLock;

use bytes::Bytes;
use proptest::prelude::*;
use url::form_urlencoded;
use uuid::Uuid;

use super::super::api::tests::api;
use super::*;
use crate::domain::value::inbound::Automatic;
use crate::domain::value::token;
use crate::ids::{MessageId, TenantId, TenantSecret};
use crate::providers::Inbound;

/// The fields of `django-anymail`, `tests/test_mailgun_inbound.py`.
const HEADERS: &str = r#"[["X-Mailgun-Spf", "Pass"], ["X-Mailgun-Dkim-Check-Result", "Pass"], ["X-Mailgun-Sscore", "1.7"],
    ["Received", "from mail.example.org by mxa.mailgun.org ..."], ["Received", "by mail.example.org ..."],
    ["From", "\"Displayed From\" <from+test@example.org>"], ["Date", "Wed, 11 Oct 2017 18:31:04 -0700"],
    ["Message-Id", "<CAEPk3R+4Zr@mail.example.org>"], ["Subject", "Test subject"], ["In-Reply-To", "<ours@shop.example>"],
    ["To", "\"Test Inbound\" <test@inbound.example.com>, other@example.com"], ["Cc", "cc@example.com"]]"#;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("a time")
}

fn request(content_type: &str, body: Vec<u8>) -> WebhookRequest {
    let headers = vec![("content-type".to_owned(), Bytes::from(content_type.to_owned()))];
    WebhookRequest { method: "POST".to_owned(), headers, body: Bytes::from(body), ..WebhookRequest::default() }
}

fn form(fields: &[(&str, &str)]) -> WebhookRequest {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    request("application/x-www-form-urlencoded", body.into_bytes())
}

/// A part for each: the field, further parameters, what it holds.
fn multipart(parts: &[(&str, &str, &str)]) -> WebhookRequest {
    let parts = parts.iter().map(|(name, more, value)| {
        format!("--xYz\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}\r\n")
    });
    request("multipart/form-data; boundary=xYz", format!("{}--xYz--\r\n", parts.collect::<String>()).into_bytes())
}

const PARSED: [(&str, &str); 9] = [
    ("recipient", "test@inbound.example.com"),
    ("sender", "envelope-from@example.org"),
    ("from", "\"Displayed From\" <from+test@example.org>"),
    ("subject", "Test subject"),
    ("message-headers", HEADERS),
    ("body-plain", "Test body plain"),
    ("body-html", "<div>Test body html</div>"),
    ("token", "secret-token"),
    ("signature", "secret-signature"),
];

async fn notice(request: &WebhookRequest) -> Notice {
    static API: LazyLock<Api> = LazyLock::new(api);
    parse(request, &API, now()).await
}

async fn mail(request: &WebhookRequest) -> Inbound {
    match notice(request).await.kind {
        NoticeKind::Inbound(inbound) => *inbound,
        other => panic!("{other:?}"),
    }
}

async fn unclear(request: &WebhookRequest) -> String {
    match notice(request).await.kind {
        NoticeKind::Unclear { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_mail_is_read_with_its_headers_and_hints() {
    let mail = mail(&form(&PARSED)).await;
    assert_eq!((mail.from.as_str(), mail.sender_name.as_deref()), ("from+test@example.org", Some("Displayed From")));
    assert_eq!((mail.to.as_deref(), mail.cc), (Some("test@inbound.example.com"), vec!["cc@example.com".to_owned()]));
    assert_eq!((mail.subject.as_deref(), mail.text.as_str()), (Some("Test subject"), "Test body plain"));
    assert_eq!(mail.html.as_deref(), Some("<div>Test body html</div>"));
    assert_eq!(mail.message_id.as_deref(), Some("<CAEPk3R+4Zr@mail.example.org>"));
    assert_eq!(mail.provider_message_id, "<CAEPk3R+4Zr@mail.example.org> test@inbound.example.com");
    assert_eq!(mail.in_reply_to.as_deref(), Some("<ours@shop.example>"));
    assert_eq!(mail.occurred_at, DateTime::from_timestamp(1_507_771_864, 0));
    assert_eq!((mail.hints.spf.as_deref(), mail.hints.dkim.as_deref()), (Some("pass"), Some("Pass")));
    assert_eq!((mail.hints.spam_score.as_deref(), mail.hints.automatic), (Some("1.7"), None));
}

#[tokio::test]
async fn nothing_that_is_kept_proves_a_sender() {
    let notice = notice(&form(&PARSED)).await;
    let NoticeKind::Inbound(mail) = &notice.kind else { panic!("{notice:?}") };
    for text in [&notice.raw, &mail.original] {
        assert!(text.contains("Test body plain") && !text.contains("secret-"), "{text}");
    }
}

#[tokio::test]
async fn the_whole_mail_may_come_in_one_field() {
    let whole = "From: A tester <test@example.org>\nDate: Thu, 12 Oct 2017 18:03:30 -0700\n\
        Message-ID: <CAEPk3RKEx@mail.example.org>\nSubject: Raw MIME test\nTo: test@inbound.example.com\nMIME-Version: 1.0\n\
        Content-Type: multipart/alternative; boundary=\"94eb\"\n\n--94eb\nContent-Type: text/plain; charset=\"UTF-8\"\n\
        Content-Transfer-Encoding: quoted-printable\n\nIt's a body=E2=80=A6\n\n--94eb\n\
        Content-Type: text/html\n\n<p>a body</p>\n--94eb--\n";
    let mail =
        mail(&form(&[("recipient", "test@inbound.example.com"), ("sender", "x@example.org"), ("body-mime", whole)]))
            .await;
    assert_eq!((mail.from.as_str(), mail.subject.as_deref()), ("test@example.org", Some("Raw MIME test")));
    assert_eq!((mail.text.trim(), mail.html.as_deref().map(str::trim)), ("It's a body…", Some("<p>a body</p>")));
    assert_eq!(mail.receivers, ["test@inbound.example.com"]);
}

/// Gmail's web page gives an id to each file, others give none, or the same twice (anymail/django-anymail#389).
#[tokio::test]
async fn files_are_kept_whatever_is_said_of_their_content_ids() {
    let map = r#"{"": "attachment-1", "": "attachment-2", "<abc>": "attachment-3", "<abc>": "attachment-4"}"#;
    let mail = mail(&multipart(&[
        ("from", "", "a@b.example"),
        ("recipient", "", "test@inbound.example.com"),
        ("body-plain", "", "with files"),
        ("content-id-map", "", map),
        ("attachment-1", "; filename=\"a.txt\"\r\nContent-Type: text/plain", "one"),
        ("attachment-2", "; filename=\"unicøde.txt\"", "two"),
        ("attachment-3", "; filename=\"c.png\"\r\nContent-Type: image/png", "three"),
        ("attachment-4", "; filename=\"\"", "four"),
    ]))
    .await;
    let files: Vec<_> = mail
        .media
        .iter()
        .map(|file| (file.name.as_deref(), file.content_id.as_deref(), file.content.as_deref().unwrap_or_default()))
        .collect();
    let expected: [(_, _, &[u8]); 4] = [
        (Some("a.txt"), None, b"one"),
        (Some("unicøde.txt"), None, b"two"),
        (Some("c.png"), Some("abc"), b"three"),
        (None, Some("abc"), b"four"),
    ];
    assert_eq!(files, expected);
    assert_eq!(mail.media[2].content_type.as_deref(), Some("image/png"));
    assert!(!mail.original.contains("three") && mail.text == "with files");
}

/// A notice of a stored mail has no files, and says where they are (anymail/django-anymail#132).
#[tokio::test]
async fn the_files_of_a_stored_mail_are_named_and_not_fetched_here() {
    let url = "https://storage.eu.mailgun.net/v3/domains/mg.shop.example/messages/eyJw/attachments/0";
    let list = json!([{ "url": url, "content-type": "application/pdf", "name": "invoice.pdf", "size": 59_121 }, {}])
        .to_string();
    let map = json!({ "<img1>": url }).to_string();
    let store = [("attachments", list.as_str()), ("content-id-map", &map), ("message-url", "https://unused.example/")];
    let mail = mail(&form(&[&PARSED[..], &store].concat())).await;
    let [file] = &mail.media[..] else { panic!("{:?}", mail.media) };
    assert_eq!((file.url.as_deref(), file.name.as_deref()), (Some(url), Some("invoice.pdf")));
    assert_eq!((file.content_id.as_deref(), file.content.as_deref()), (Some("img1"), None));
    assert_eq!(mail.text, "Test body plain");
}

#[tokio::test]
async fn a_stored_mail_elsewhere_is_never_asked_for() {
    for url in ["http://169.254.169.254/v3/domains/x/messages/y", "https://evil.example/v3/domains/x/messages/y", "no"]
    {
        let reason =
            unclear(&form(&[("recipient", "a@b.example"), ("sender", "c@d.example"), ("message-url", url)])).await;
        assert_eq!(reason, "a stored mail that is not fetched: foreign_host");
    }
}

#[tokio::test]
async fn a_reply_token_is_found_in_the_envelope() {
    let secret = TenantSecret::new([7; 32]);
    let token = token::seal_reply(TenantId(Uuid::from_u128(1)), MessageId(Uuid::from_u128(2)), &secret);
    let to = token::reply_address(&token, "replies.shop.example");
    let mail = mail(&form(&[("from", "ada@example.org"), ("recipient", &to), ("body-plain", "Yes")])).await;
    assert_eq!(mail.reply_token, Some(token));
}

#[tokio::test]
async fn machines_that_write_are_told_from_people() {
    let away = r#"[["From", "ada@example.org"], ["Auto-Submitted", "auto-replied"], ["Subject", "Away"]]"#;
    let mail =
        mail(&form(&[("message-headers", away), ("recipient", "a@b.example"), ("body-plain", "I am away")])).await;
    assert_eq!(mail.hints.automatic, Some(Automatic::Reply));
}

#[tokio::test]
async fn without_a_message_id_the_same_mail_has_the_same_id() {
    let fields = |text| form(&[("from", "ada@example.org"), ("recipient", "a@b.example"), ("body-plain", text)]);
    let ids = [mail(&fields("x")).await, mail(&fields("x")).await, mail(&fields("y")).await]
        .map(|mail| mail.provider_message_id);
    assert!(ids[0] == ids[1] && ids[1] != ids[2] && ids[0].ends_with(" a@b.example"), "{ids:?}");
}

#[tokio::test]
async fn hostile_forms_are_kept_and_harm_nobody() {
    assert_eq!(unclear(&form(&[])).await, "an incoming mail without a sender");
    assert_eq!(unclear(&request("multipart/form-data", b"x".to_vec())).await, "a form that is damaged");
    assert_eq!(
        unclear(&request("multipart/form-data; boundary=x", b"--x\r\n\r\nhalf".to_vec())).await,
        "a form that is damaged"
    );
    let legacy = form(&[("event", "delivered"), ("recipient", "a@b.example"), ("commlog_token", "t")]);
    assert_eq!(unclear(&legacy).await, "a webhook of before 2018: set up the present ones");
    let many: Vec<_> = (0..2_000).map(|_| ("From", "ada@example.org")).collect();
    let cut = mail(&form(&many)).await;
    assert!(cut.hints.is_cut && cut.original.len() > 2_000);
    let long = format!("a\0b{}", "\u{1F377}".repeat(200_000));
    let long = mail(&form(&[("from", "ada@example.org"), ("body-plain", &long), ("subject", "a\0b")])).await;
    assert!(long.hints.is_cut && long.text.starts_with("a\u{FFFD}b") && !long.original.contains('\0'));
    for odd in ["{", "[1]", "[[\"From\"]]", "null"] {
        let odd = form(&[
            ("from", "ada@example.org"),
            ("message-headers", odd),
            ("content-id-map", odd),
            ("attachments", odd),
        ]);
        assert_eq!(mail(&odd).await.from, "ada@example.org");
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(
        fields in proptest::collection::vec(
            ("from|sender|recipient|message-headers|attachments|content-id-map|body-mime|[a-z-]{0,9}", ".{0,60}"),
            0..9,
        ),
        body in any::<Vec<u8>>(),
    ) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        futures::executor::block_on(notice(&form(&fields)));
        futures::executor::block_on(notice(&request("multipart/form-data; boundary=x", [b"--x\r\n", &body[..]].concat())));
    }
}
