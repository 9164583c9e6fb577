//! Messages that SNS signed (`aws-sdk-java-v2`, tests of `sns-message-manager`), with the certificate that it signed them with,
//! and what others would make of them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::certificate::{Certificate, is_name_of_sns, location};
use super::{Envelope, Kind};
use crate::providers::SignatureError;

const CERTIFICATE: &[u8] = include_bytes!("tests/certificate.pem");
const MESSAGES: &str = include_str!("tests/messages.json");
const TOPIC: &str = "arn:aws:sns:us-west-2:131990247566:dongie-standard-topic";

/// A body as SNS posted it.
pub(in crate::providers::ses) fn message(name: &str) -> Value {
    let mut messages: Value = serde_json::from_str(MESSAGES).expect("JSON");
    messages[name].take()
}

fn envelope(message: &Value) -> Envelope {
    Envelope::read(message.to_string().as_bytes()).expect("an envelope")
}

fn certificate() -> Certificate {
    Certificate::parse(CERTIFICATE).expect("a certificate")
}

/// Some minutes after the messages were signed.
fn now() -> DateTime<Utc> {
    "2026-03-06T20:05:00Z".parse().expect("a time")
}

fn check(message: &Value, now: DateTime<Utc>) -> Result<(), SignatureError> {
    envelope(message).verify(&certificate(), TimeDelta::hours(2), now)
}

#[test]
fn what_sns_signed_is_genuine_in_both_versions_and_all_kinds() {
    for (name, kind) in [
        ("notification_v2_no_subject", Kind::Notification),
        ("notification_v1_with_subject", Kind::Notification),
        ("subscription_confirmation_v1", Kind::SubscriptionConfirmation),
        ("unsubscribe_confirmation_v2", Kind::UnsubscribeConfirmation),
    ] {
        let message = message(name);
        assert_eq!(check(&message, now()), Ok(()), "{name}");
        assert_eq!(envelope(&message).kind, kind);
    }
}

#[test]
fn whatever_was_changed_is_forged() {
    let changes = [
        ("Message", "This message uses signature version 3."),
        ("MessageId", "9d2c5580-b61d-550c-8583-37a582870908"),
        ("TopicArn", "arn:aws:sns:us-west-2:131990247566:other"),
        ("Timestamp", "2026-03-06T20:00:26.894Z"),
        ("Timestamp", "2026-03-06T20:00:26.893000Z"),
        ("Subject", "A subject that was not there"),
        ("SignatureVersion", "1"),
        ("SignatureVersion", "3"),
        ("Signature", "AAAA"),
        ("Type", "SubscriptionConfirmation"),
    ];
    for (field, value) in changes {
        let mut message = message("notification_v2_no_subject");
        message[field] = value.into();
        let expected = match field {
            // Which kind it is decides what must be there.
            "Type" => SignatureError::Malformed,
            _ => SignatureError::Forged,
        };
        assert_eq!(check(&message, now()), Err(expected), "{field}");
    }
    let mut message = message("notification_v1_with_subject");
    message["Subject"] = Value::Null;
    assert_eq!(check(&message, now()), Err(SignatureError::Forged));
    message["Signature"] = "not base64!".into();
    assert_eq!(check(&message, now()), Err(SignatureError::Malformed));
}

#[test]
fn a_genuine_message_gets_stale_and_its_certificate_expires() {
    let message = message("notification_v2_no_subject");
    let signed_at: DateTime<Utc> = "2026-03-06T20:00:26.893Z".parse().expect("a time");
    let age = TimeDelta::hours(3);
    assert_eq!(check(&message, signed_at + age), Err(SignatureError::Stale { age }));
    let ahead = TimeDelta::minutes(-10);
    assert_eq!(check(&message, signed_at + ahead), Err(SignatureError::Stale { age: ahead }));
    let forever = TimeDelta::days(10_000);
    for (time, expected) in [
        ("2025-11-09T23:59:59Z", Err(SignatureError::Forged)),
        ("2026-10-14T23:59:59Z", Ok(())),
        ("2026-10-15T00:00:00Z", Err(SignatureError::Forged)),
    ] {
        let at = time.parse().expect("a time");
        assert_eq!(envelope(&message).verify(&certificate(), forever, at), expected, "{time}");
    }
}

#[test]
fn a_topic_that_is_not_named_proves_nothing() {
    let envelope = envelope(&message("notification_v2_no_subject"));
    assert_eq!(envelope.region(&[TOPIC.to_owned()]), Some("us-west-2"));
    for topics in [vec![], vec![format!("{TOPIC}s")], vec![TOPIC.to_uppercase()]] {
        assert_eq!(envelope.region(&topics), None);
    }
}

#[test]
fn certificates_lie_on_the_host_of_sns_in_the_topics_region_only() {
    let good = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem";
    assert_eq!(location(good, "us-west-2").map(String::from), Some(good.to_owned()));
    assert!(
        location("https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-x.pem", "cn-north-1").is_some()
    );
    let bad = [
        good.replace("https:", "http:"),
        good.replace("us-west-2", "eu-west-1"),
        good.replace("amazonaws.com/", "amazonaws.com.evil.test/"),
        good.replace("amazonaws.com/", "amazonaws.com@evil.test/"),
        good.replace("amazonaws.com/", "amazonaws.com:8443/"),
        good.replace("sns.us", "user@sns.us"),
        good.replace("sns.us-west-2", "mybucket.s3.us-west-2"),
        good.replace("sns.us-west-2.amazonaws.com", "s3.amazonaws.com/bucket"),
        good.replace("sns.us-west-2.amazonaws.com", "evil.test/sns.us-west-2.amazonaws.com"),
        good.replace(".pem", ".txt"),
        good.replace("SimpleNotificationService-", "other-"),
        good.replace("SimpleNotificationService-", "x/../SimpleNotificationService-%2e"),
        format!("{good}?x=.pem"),
        format!("{good}#.pem"),
        "file:///etc/passwd.pem".to_owned(),
        "not a url".to_owned(),
    ];
    for url in bad {
        assert_eq!(location(&url, "us-west-2"), None, "{url}");
    }
}

#[test]
fn a_certificate_is_one_of_sns_by_its_name() {
    assert!(certificate().is_of("us-west-2"));
    for (name, region, expected) in [
        ("sns.amazonaws.com", "us-west-2", true),
        ("sns-signing.me-south-1.amazonaws.com", "me-south-1", true),
        ("sns-signing.me-south-1.amazonaws.com", "eu-west-1", false),
        ("sns-cn-north-1.amazonaws.com.cn", "cn-north-1", true),
        ("sns-cn-north-1.amazonaws.com.cn", "us-east-1", false),
        ("sns-us-gov-west-1.amazonaws.com", "us-gov-east-1", true),
        ("sns-us-gov-west-1.amazonaws.com", "us-east-1", false),
        ("s3.amazonaws.com", "us-west-2", false),
        ("sns.amazonaws.com.evil.test", "us-west-2", false),
    ] {
        assert_eq!(is_name_of_sns(name, region), expected, "{name}");
    }
}

#[test]
fn only_certificates_are_certificates() {
    for pem in
        [&b""[..], b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &CERTIFICATE[..900], b"<html>"]
    {
        assert!(Certificate::parse(pem).is_none());
    }
}

#[test]
fn a_body_with_a_field_twice_is_no_envelope() {
    let body = message("notification_v2_no_subject").to_string();
    assert!(Envelope::read(body.as_bytes()).is_some());
    let twice = body.replacen('{', "{\"Message\":\"other\",", 1);
    assert!(Envelope::read(twice.as_bytes()).is_none());
}
