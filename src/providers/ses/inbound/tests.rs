//! Mail as SES hands it over, and what odd notifications come to.

use proptest::prelude::*;

use super::*;
use crate::domain::value::inbound::Automatic;

const RECEIVED: &str = include_str!("tests/received.json");
/// What SES wrote of a mail that bounced (`sisimai/set-of-emails`, BSD-2-Clause; shortened).
const BOUNCE: &str = "From: MAILER-DAEMON@us-west-2.amazonses.com\r\nTo: news@shop.example\r\n\
    Message-ID: <01010157b3c0c752-ee5b6bff-a3a2-42a2-a4ea-7fbeb7b65f30-000000@us-west-2.amazonses.com>\r\n\
    Subject: Delivery Status Notification (Failure)\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/report; \r\n\tboundary=\"b\"; \r\n\treport-type=delivery-status\r\n\
    Date: Tue, 11 Oct 2016 12:38:58 +0000\r\n\r\n\
    --b\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
    An error occurred while trying to deliver the mail to the following recipients:\r\n\
    bounce@simulator.amazonses.com\r\n\
    --b\r\nContent-Type: message/delivery-status\r\n\r\n\
    Reporting-MTA: dsn; a27-33.smtp-out.us-west-2.amazonses.com\r\n\r\n\
    Action: failed\r\nFinal-Recipient: rfc822; bounce@simulator.amazonses.com\r\n\
    Diagnostic-Code: smtp; 550 5.1.1 user unknown\r\nStatus: 5.1.1\r\n\r\n\
    --b\r\nContent-Type: message/rfc822\r\n\r\nFrom: news@shop.example\r\nTo: bounce@simulator.amazonses.com\r\n\
    Message-ID: <01010157b3c0c026-110cf920-4be1-4c36-87c0-1f48d0cc6639-000000@us-west-2.amazonses.com>\r\n\r\n\
    Nyaan\r\n--b--\r\n";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("a time")
}

fn received() -> Map<String, Value> {
    serde_json::from_str(RECEIVED).expect("JSON")
}

fn holding(mail: &str) -> Map<String, Value> {
    let mut fields = received();
    fields.insert("content".to_owned(), json!(mail));
    fields
}

fn read(fields: Map<String, Value>) -> Inbound {
    match parse(fields, now()).kind {
        NoticeKind::Inbound(inbound) => *inbound,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mail_inside_its_notification_is_read() {
    let mail = read(received());
    assert_eq!(mail.provider_message_id, "d6iitobk75ur44p8kdnnp7g2n800 recipient@example.com");
    assert_eq!((mail.from.as_str(), mail.to.as_deref()), ("sender@example.com", Some("recipient@example.com")));
    assert_eq!((mail.subject.as_deref(), mail.text.trim()), (Some("Example subject"), "Example content"));
    assert_eq!(mail.message_id.as_deref(), Some("<61967230-7A45-4A9D-BEC9-87CBCF2211C9@example.com>"));
    assert_eq!((mail.hints.spf.as_deref(), mail.hints.dkim.as_deref()), (Some("pass"), Some("PASS")));
    assert_eq!(mail.hints.spam_score.as_deref(), Some("PASS"));
    assert!(mail.original.starts_with("Return-Path:") && mail.hints.automatic.is_none());
    assert!(!parse(received(), now()).raw.contains("Example content"));
}

#[test]
fn base64_keeps_every_charset() {
    let mail = b"From: a@example.org\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nGr\xfc\xdfe\r\n";
    let mut fields = received();
    fields.insert("content".to_owned(), json!(STANDARD.encode(mail)));
    fields["receipt"]["action"]["encoding"] = json!("BASE64");
    assert_eq!(read(fields.clone()).text.trim(), "Grüße");
    fields.insert("content".to_owned(), json!("%%%"));
    assert!(matches!(parse(fields, now()).kind, NoticeKind::Unclear { .. }));
}

#[test]
fn a_mail_that_came_back_is_a_machines_and_says_what_came_back() {
    let mail = read(holding(BOUNCE));
    assert_eq!(mail.hints.automatic, Some(Automatic::Bounce));
    assert_eq!(mail.hints.reports.len(), 1);
    assert_eq!(mail.hints.reports[0].mailboxes, ["bounce@simulator.amazonses.com"]);
    let about = "<01010157b3c0c026-110cf920-4be1-4c36-87c0-1f48d0cc6639-000000@us-west-2.amazonses.com>";
    assert!(mail.references.iter().any(|id| id == about), "{:?}", mail.references);
    assert_eq!(read(holding(BOUNCE)).provider_message_id, mail.provider_message_id, "a repetition is the same mail");
}

#[test]
fn files_with_a_virus_are_not_handed_on() {
    let mail = "From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee file\r\n\
                --b\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nEICAR\r\n--b--\r\n";
    let clean = read(holding(mail));
    assert_eq!(clean.media.len(), 1);
    let mut fields = holding(mail);
    fields["receipt"]["virusVerdict"]["status"] = json!("FAIL");
    let infected = read(fields);
    assert_eq!((infected.text.trim(), infected.media.as_slice()), ("see file", [MediaRef::default()].as_slice()));
    assert!(!infected.original.contains("EICAR"));
}

fn stored(bucket: &str, key: &str) -> Vec<u8> {
    let mut fields = received();
    fields.remove("content");
    fields["receipt"]["action"] = json!({ "type": "S3", "bucketName": bucket, "objectKey": key, "topicArn": "arn" });
    Value::Object(fields).to_string().into_bytes()
}

#[test]
fn only_a_mail_that_was_put_elsewhere_is_fetched() {
    assert!(Stored::read(&stored("mail", "in/1")).is_some());
    assert!(Stored::read(RECEIVED.as_bytes()).is_none(), "it is here");
    let lambda = String::from_utf8(stored("mail", "in/1")).expect("text").replace("\"S3\"", "\"Lambda\"");
    assert!(Stored::read(lambda.as_bytes()).is_none());
    for message in [&b""[..], b"{}", b"[]", br#"{"notificationType":"Received","receipt":7}"#] {
        assert!(Stored::read(message).is_none());
    }
    let Value::Object(fields) = serde_json::from_slice(&stored("mail", "in/1")).expect("JSON") else { panic!() };
    assert!(matches!(parse(fields, now()).kind, NoticeKind::Unclear { .. }), "never fetched, and kept");
}

#[test]
fn a_key_leads_into_its_bucket_only() {
    let bucket = Bucket { name: "mail.shop".to_owned(), region: "eu-west-1".to_owned(), base: None };
    let url = |key: &str| bucket.url(key).map(String::from);
    let at = |path: &str| Some(format!("https://s3.eu-west-1.amazonaws.com/mail.shop/{path}"));
    assert_eq!(url("in/d6iitobk75ur44p8kdnnp7g2n800"), at("in/d6iitobk75ur44p8kdnnp7g2n800"));
    assert_eq!(url("a b+c=ü?#%"), at("a%20b%2Bc%3D%C3%BC%3F%23%25"));
    for key in ["../other/1", "a/../../other/1", "./1", "a/./1", ".."] {
        assert_eq!(url(key), None, "{key}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(text in ".{0,200}", key in "[a-zA-Z]{0,12}") {
        parse(holding(&text), now());
        let mut fields = holding(&format!("From: {text}\r\n{key}: {text}\r\n\r\n{text}"));
        fields.insert(key, json!(text));
        fields["receipt"] = json!(text);
        parse(fields, now());
        Stored::read(text.as_bytes());
    }
}
