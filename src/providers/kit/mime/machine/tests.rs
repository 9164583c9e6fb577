//! Machines' mails, and people's that look like them.

use bytes::Bytes;

use super::*;
use crate::domain::value::message::BounceKind::{Hard, Soft};

fn recognised(mail: &str) -> Option<Machine> {
    let mail = super::super::parse(mail.as_bytes());
    recognise(&Signs {
        headers: &mail.headers,
        subject: mail.headers.get("subject").unwrap_or_default(),
        from: texts::address_in(mail.headers.get("from").unwrap_or_default()),
        envelope_from: None,
        text: mail.text.as_deref().unwrap_or_default(),
        files: &mail.files,
    })
}

fn kind(headers: &str) -> Option<Automatic> {
    recognised(&format!("From: a@example.org\n{headers}\n\nWords")).map(|machine| machine.kind)
}

#[test]
fn automatic_replies_and_lists_are_recognised_and_people_are_not() {
    for headers in [
        "Auto-Submitted: auto-replied",
        "X-Autoreply: yes",
        "Return-Path: <>",
        "Subject: Automatic reply: your offer",
        "Subject: =?utf-8?q?R=C3=A9ponse_automatique_=3A_offre?=",
        "Subject: Out of Office",
        "Subject: Out of Office AutoReply: hello",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
    ] {
        assert_eq!(kind(headers), Some(Automatic::Reply), "{headers}");
    }
    for headers in ["Precedence: bulk", "List-Id: <x.example>", "List-Unsubscribe: <mailto:x@y.example>"] {
        assert_eq!(kind(headers), Some(Automatic::List), "{headers}");
    }
    for headers in [
        "Auto-Submitted: no",
        "Subject: Out of office next week?",
        "Subject: Re: Automatic reply: your offer",
        "Subject: returned mail",
        "Subject: Autosvaret",
        "X-Auto-Response-Suppress: All",
    ] {
        assert_eq!(kind(headers), None, "{headers}");
    }
}

fn bounce_of(mail: &str) -> (BounceKind, Option<String>, Vec<String>) {
    let machine = recognised(mail).expect("a machine");
    assert_eq!(machine.kind, Automatic::Bounce, "{mail}");
    let Some(Report::Bounced { bounce, code, .. }) = machine.report else { panic!("{:?}", machine.report) };
    (bounce, code, machine.ids)
}

#[test]
fn a_delivery_status_gives_class_code_and_the_mail_that_it_is_about() {
    let mail = |status: &str, diagnostic: &str| {
        format!(
            "From: MAILER-DAEMON@mx.example\nSubject: Undelivered\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
             --b\n\nIt did not work.\n--b\nContent-Type: message/delivery-status\n\n\
             Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@example.org\nAction: failed\n\
             Status: {status}\nDiagnostic-Code: smtp; {diagnostic}\n\n--b\nContent-Type: message/rfc822\n\n\
             From: us@example.com\nMessage-ID:\n <token@example.com>\n\nHello\n--b--\n"
        )
    };
    let ids = vec!["<token@example.com>".to_owned()];
    let cases = [
        ("5.1.1", "550 5.1.1 User unknown", Hard, "5.1.1"),
        ("5.0.0", "550 5.1.1 no such user", Hard, "5.1.1"),
        ("5.0.0 (permanent)", "550 no such user here", Hard, "5.0.0"),
        ("5.2.2", "552 mailbox full", Soft, "5.2.2"),
        ("4.4.1", "connection timed out", Soft, "4.4.1"),
        ("5.7.1", "554 message refused as spam", Soft, "5.7.1"),
        ("5.4.4", "host not found", Hard, "5.4.4"),
    ];
    for (status, diagnostic, class, code) in cases {
        let found = bounce_of(&mail(status, diagnostic));
        assert_eq!(found, (class, Some(code.to_owned()), ids.clone()), "{status} {diagnostic}");
    }
    let late = mail("4.0.0", "busy").replace("Action: failed", "Action: delayed");
    assert!(matches!(recognised(&late).and_then(|machine| machine.report), Some(Report::Deferred { .. })));
}

#[test]
fn bounces_of_older_servers_are_read_by_their_words() {
    let qmail = "From: MAILER-DAEMON@example.org\nSubject: failure notice\n\nHi. This is the qmail-send program at example.org.\n\
        <a@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n\
        Message-ID: <token@example.com>\nSubject: Offer\n";
    assert_eq!(bounce_of(qmail), (Hard, Some("5.1.1".to_owned()), vec!["<token@example.com>".to_owned()]));
    let exim = "From: Mail Delivery System <Mailer-Daemon@example.org>\nX-Failed-Recipients: a@example.org\n\
        Subject: Mail delivery failed: returning message to sender\n\nThis message was created automatically by mail delivery \
        software.\n  a@example.org\n    SMTP error: 552 Mailbox is full\n";
    assert_eq!(bounce_of(exim), (Soft, Some("552".to_owned()), vec![]));
}

#[test]
fn a_complaint_names_the_mail_that_it_is_about() {
    let report = "From: fbl@mailbox.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n\
        --b\n\nA complaint\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n--b\n\
        Content-Type: message/rfc822\n\nMessage-ID: <token@example.com>\nSubject: Offer\n\nHello\n--b--\n";
    let machine = recognised(report).expect("a machine");
    assert_eq!(machine.kind, Automatic::Feedback);
    assert_eq!(machine.report, Some(Report::Complained { kind: Some("abuse".to_owned()) }));
    assert_eq!(machine.ids, ["<token@example.com>"]);
}

proptest::proptest! {
    #[test]
    fn nothing_makes_it_panic(text in "[-:<>.@a-zA-Z0-9ü \r\n\t]{0,300}", bytes in proptest::prelude::any::<Vec<u8>>()) {
        let mail = format!("From: mailer-daemon@x\nSubject: failure notice\n\n{text}");
        recognised(&mail);
        recognised(&text);
        let status = MediaRef {
            content_type: Some("message/delivery-status".to_owned()),
            content: Some(Bytes::from(bytes)),
            ..MediaRef::default()
        };
        let headers = Headers::parse(text.as_bytes());
        recognise(&Signs { headers: &headers, subject: &text, from: &text, envelope_from: None, text: &text, files: &[status] });
    }
}
