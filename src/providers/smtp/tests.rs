//! Mail as it is written and signed.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use super::*;
use crate::providers::Secret;

/// A key that signs nothing but the mails of this test, in both of its forms.
const PKCS8: &str = include_str!("tests/rsa-pkcs8.pem");
const PKCS1: &str = include_str!("tests/rsa-pkcs1.pem");
const PUBLIC: &str = include_str!("tests/rsa-public.txt");

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("a time")
}

fn written(content: &EmailContent, dkim: Option<&DkimConfig>) -> Result<Written, Cause> {
    let to: Address = "ada@example.org".parse().expect("an address");
    let from = mail::mailbox("Käte <news@shop.example>").expect("a mailbox");
    mail::write(Draft { from, to: &to, content, id: "<1@shop.example>".to_owned(), now: now() }, dkim)
}

fn letter() -> EmailContent {
    EmailContent {
        subject: Some(
            "Grüße, a subject that is long enough to be folded into more than one line of its header".to_owned(),
        ),
        text: "Hello  Ada \nbye\n\n\n".to_owned(),
        html: Some("<p>Hello</p>".to_owned()),
        headers: vec![("List-Unsubscribe".to_owned(), "<https://crm.example/u/x>".to_owned())],
        ..EmailContent::default()
    }
}

/// RFC 6376, 3.4.4: white space in lines is one space, at their end nothing; empty lines at the end do not count.
fn relaxed_body(body: &str) -> String {
    let line = |line: &str| {
        let words: Vec<_> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        let lead = if line.starts_with([' ', '\t']) && !words.is_empty() { " " } else { "" };
        format!("{lead}{}\r\n", words.join(" "))
    };
    let whole: String = body.split("\r\n").map(line).collect();
    format!("{}\r\n", whole.trim_end_matches("\r\n"))
}

/// RFC 6376, 3.4.2.
fn relaxed_header(name: &str, value: &str) -> String {
    let words: Vec<_> = value.split_ascii_whitespace().collect();
    format!("{}:{}", name.to_ascii_lowercase(), words.join(" "))
}

/// Checks a signature as a receiver does.
fn is_signed_by(mail: &str, public: &[u8]) -> bool {
    let (head, body) = mail.split_once("\r\n\r\n").expect("a head");
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let headers: HashMap<String, String> = unfolded
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let signature = &headers["dkim-signature"];
    let tags: HashMap<&str, String> = signature
        .split(';')
        .filter_map(|tag| tag.split_once('='))
        .map(|(name, value)| (name.trim(), value.split_ascii_whitespace().collect()))
        .collect();
    assert_eq!(
        (tags["a"].as_str(), tags["c"].as_str(), tags["d"].as_str()),
        ("rsa-sha256", "relaxed/relaxed", "shop.example")
    );
    if tags["bh"] != STANDARD.encode(Sha256::digest(relaxed_body(body))) {
        return false;
    }
    let named = tags["h"].split(':').filter_map(|name| Some((name, headers.get(&name.to_ascii_lowercase())?)));
    let mut signed: String = named.map(|(name, value)| format!("{}\r\n", relaxed_header(name, value))).collect();
    let (before, _) = signature.rsplit_once("b=").expect("the signature stands last");
    signed.push_str(&relaxed_header("dkim-signature", &format!("{before}b=")));
    let given = STANDARD.decode(&tags["b"]).expect("base64");
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).verify(signed.as_bytes(), &given).is_ok()
}

#[test]
fn a_signature_holds_for_the_mail_that_it_came_with_and_for_no_other() {
    let public = STANDARD.decode(PUBLIC.trim()).expect("base64");
    for pem in [PKCS8, PKCS1] {
        let key = keys::read(&Secret::new(pem)).expect("a key");
        let dkim = mail::signing("s1".to_owned(), "shop.example".to_owned(), key);
        for content in [letter(), EmailContent { html: None, headers: vec![], ..letter() }] {
            let mail = String::from_utf8(written(&content, Some(&dkim)).expect("a mail").bytes).expect("ASCII");
            assert!(is_signed_by(&mail, &public), "{mail}");
            for (from, to) in [("Ada", "Eve"), ("news@shop", "fake@shop"), ("To: ada@", "To: eve@")] {
                assert!(!is_signed_by(&mail.replacen(from, to, 1), &public), "{from}");
            }
        }
    }
    assert!(keys::read(&Secret::new(STANDARD.encode([7; 32]))).is_some(), "Ed25519");
    for text in ["", "AAAA", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", &PKCS8[..200]] {
        assert!(keys::read(&Secret::new(text)).is_none(), "{text}");
    }
}

#[test]
fn an_id_is_written_in_one_line_however_long_it_is() {
    // jstedfast/MimeKit#479, PHPMailer/PHPMailer#1878.
    let id = format!("<{}@{}.example>", "a".repeat(60), "b".repeat(60));
    let mut content = letter();
    content.headers = vec![("Message-ID".to_owned(), id.clone()), ("In-Reply-To".to_owned(), id.clone())];
    let references = vec![id.as_str(); 20].join(" ");
    content.headers.push(("References".to_owned(), references.clone()));
    let written = written(&content, None).expect("a mail");
    assert_eq!(written.id, id);
    let mail = String::from_utf8(written.bytes).expect("ASCII");
    assert!(
        mail.contains(&format!("\r\nMessage-ID: {id}\r\n")) && mail.contains(&format!("\r\nIn-Reply-To: {id}\r\n"))
    );
    assert!(mail.lines().all(|line| line.len() <= 998 && !line.contains("=?us-ascii")), "{mail}");
    let unfolded = mail.replace("\r\n ", " ");
    assert!(unfolded.replace("  ", " ").contains(&format!("References: {references}")), "{mail}");
}

#[test]
fn a_mail_has_one_part_where_one_is_enough() {
    let of = |text: &str, html: Option<&str>| {
        let content = EmailContent { text: text.to_owned(), html: html.map(str::to_owned), ..EmailContent::default() };
        String::from_utf8(written(&content, None).expect("a mail").bytes).expect("ASCII")
    };
    for (text, html, kind) in [
        ("a", None, "text/plain"),
        ("", Some("<p>a"), "text/html"),
        ("", None, "text/plain"),
        ("a", Some("<p>a"), "multipart/alternative"),
    ] {
        let mail = of(text, html);
        assert!(mail.contains(&format!("\r\nContent-Type: {kind};")), "{mail}");
        assert!(mail.contains("\r\nMessage-ID: <1@shop.example>\r\n") && mail.contains("\r\nFrom: "), "{mail}");
    }
}

#[test]
fn receivers_with_names_that_no_standard_allows_are_written_to_and_injections_are_not() {
    for text in
        ["a..b@docomo.example", "a.@docomo.example", ".a@ezweb.example", "josé@example.org", "o'neil@example.org"]
    {
        assert_eq!(mail::receiver(text).map(|address| address.to_string()).as_deref(), Some(text));
    }
    for text in [
        "",
        "a",
        "@b.example",
        "a@",
        "a b.@c.example",
        "a..@b.example>\r\nRCPT TO:<c@d.example",
        "a..b@c d",
        "a..\"@b.example",
    ] {
        assert!(mail::receiver(text).is_none(), "{text}");
    }
}
