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
    for headers in [
        "Precedence: bulk",
        "Precedence: bulk\nIn-Reply-To: <a@x.example>",
        "List-Id: <x.example>",
        "List-Id: <x.example>\nList-Post: NO",
        "List-Unsubscribe: <mailto:x@y.example>",
    ] {
        assert_eq!(kind(headers), Some(Automatic::List), "{headers}");
    }
    let notice = "From: Notifications <noreply@forge.example>\nPrecedence: list\nList-Id: <x.example>\n\nMerged";
    assert_eq!(recognised(notice).map(|machine| machine.kind), Some(Automatic::List));
    for headers in [
        "Auto-Submitted: no",
        "Subject: Out of office next week?",
        "Subject: Re: Automatic reply: your offer",
        "Subject: returned mail",
        "Subject: Autosvaret",
        "X-Auto-Response-Suppress: All",
        "Precedence: list\nList-Id: <support.shop.example>\nX-Google-Group-Id: 71",
        "List-Id: <support.shop.example>\nList-Post: <mailto:support@shop.example>",
        "List-Unsubscribe: <https://crm.example/u>\nIn-Reply-To: <a@x.example>",
        "Auto-Submitted: auto-replied\nX-Apple-Unsubscribe: true\nSubject: unsubscribe",
    ] {
        assert_eq!(kind(headers), None, "{headers}");
    }
}

fn bounce_of(mail: &str) -> (BounceKind, Option<String>, Vec<String>) {
    let machine = recognised(mail).expect("a machine");
    assert_eq!(machine.kind, Automatic::Bounce, "{mail}");
    let Some(ReceiverReport { report: Report::Bounced { bounce, code, .. }, .. }) = machine.reports.into_iter().next()
    else {
        panic!("no bounce: {mail}")
    };
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
    let reports = recognised(&late).expect("a machine").reports;
    assert!(matches!(reports[..], [ReceiverReport { report: Report::Deferred { .. }, .. }]), "{reports:?}");
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
    let complained = Report::Complained { kind: Some("abuse".to_owned()) };
    assert_eq!(machine.reports, [ReceiverReport { mailboxes: vec![], report: complained }]);
    assert_eq!(machine.ids, ["<token@example.com>"]);
}

#[test]
fn a_mailbox_that_takes_no_answers_is_a_machines_unless_it_names_a_person() {
    let kind = |mail: &str| recognised(mail).map(|machine| machine.kind);
    for from in ["noreply@shop.example", "No-Reply <no-reply@shop.example>", "do.not.reply@x.example"] {
        let notice = format!("From: {from}\nSubject: Your package is on the way!\n\nSoon.");
        assert_eq!(kind(&notice), Some(Automatic::List), "{from}");
        let answer = format!("From: {from}\nSubject: Re: Hello\nIn-Reply-To: <a@x.example>\n\nNobody reads this.");
        assert_eq!(kind(&answer), Some(Automatic::Reply), "{from}");
    }
    assert_eq!(kind("From: a@x.example\nSubject: Automated Response: Re: Hello\n\nHi"), Some(Automatic::Reply));
    let form = "From: noreply@shop.example\nReply-To: Ada <ada@example.org>\nSubject: Contact\n\nAre you open?";
    assert_eq!(kind(form), None, "a form of a website");
    assert_eq!(kind("From: Norep Lyons <norep@x.example>\n\nHello"), None);
}

#[test]
fn a_bounce_says_of_each_receiver_what_became_of_it() {
    let status = "From: MAILER-DAEMON@mx.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
        --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n\
        Final-Recipient: rfc822; carol@example.com\nAction: relayed\nStatus: 2.0.0\n\n\
        Final-Recipient: rfc822; bob@example.org\nStatus: 4.2.2\n\n\
        Original-Recipient: rfc822;ada+2Bnews@example.net\nFinal-Recipient: rfc822; ada@store.example.net\n\
        Action: failed\nStatus: 5.1.1\n--b--\n";
    let reports = recognised(status).expect("a machine").reports;
    let mailboxes: Vec<_> = reports.iter().map(|told| told.mailboxes.join(" ")).collect();
    assert_eq!(
        mailboxes,
        ["ada+2Bnews@example.net ada+news@example.net ada@store.example.net", "bob@example.org", "carol@example.com",]
    );
    assert!(matches!(reports[0].report, Report::Bounced { bounce: Hard, .. }));
    assert!(matches!(reports[1].report, Report::Deferred { .. }));
    assert_eq!(reports[2].report, Report::Delivered);
    let prose = "From: Mailer-Daemon@mx.example\nX-Failed-Recipients: ada@example.org,\n  bob@example.org\n\
        Subject: Mail delivery failed\n\nThis message was created automatically by mail delivery software.\n\n  \
        ada@example.org\n    550 5.1.1 User Unknown\n  bob@example.org\n    552 5.2.2 Mailbox full\n\n\
        ------ This is a copy of the message. ------\n\nX-Mailer: 4.0.0\n";
    let reports = recognised(prose).expect("a machine").reports;
    let code = |told: &ReceiverReport| match &told.report {
        Report::Bounced { bounce, code, .. } => (told.mailboxes.join(" "), *bounce, code.clone().expect("a code")),
        other => panic!("{other:?}"),
    };
    let codes: Vec<_> = reports.iter().map(code).collect();
    let expected = [("ada@example.org", Hard, "5.1.1"), ("bob@example.org", Soft, "5.2.2")];
    assert_eq!(codes, expected.map(|(mailbox, class, code)| (mailbox.to_owned(), class, code.to_owned())));
}

#[test]
fn who_wrote_a_post_that_a_list_sends_on_in_its_own_name_is_known() {
    let author = |headers: &str| {
        let headers = Headers::parse(headers.as_bytes());
        let from = headers.get("from").unwrap_or_default().to_owned();
        author_of_post(&headers, &from).map(str::to_owned)
    };
    let renamed = "From: 'Ada' via Support <support@shop.example>\nList-Id: <support.shop.example>\n";
    let written = |more: &str| author(&format!("{renamed}{more}"));
    assert_eq!(written("X-Original-From: Ada <ada@example.org>\n").as_deref(), Some("Ada <ada@example.org>"));
    assert_eq!(written("Reply-To: Ada <ada@example.org>\n").as_deref(), Some("Ada <ada@example.org>"));
    assert_eq!(written("Reply-To: support@shop.example\n"), None);
    let bare =
        "From: Support <support@shop.example>\nList-ID: <support.shop.example>\nX-Original-Sender: ada@example.org\n";
    assert_eq!(author(bare).as_deref(), Some("ada@example.org"), "the list alone");
    let persons = "From: Ada <ada@example.org>\nList-ID: <support.shop.example>\nReply-To: support@shop.example\n";
    assert_eq!(author(persons), None, "as it was written");
    assert_eq!(author("From: Eve <eve@example.org>\nX-Original-From: ada@example.org\n"), None, "no list");
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
