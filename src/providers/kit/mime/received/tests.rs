//! Real mail that came back, and mail that looks like it (sisimai/set-of-emails, BSD-2-Clause, made anonymous there).

use super::*;
use crate::domain::value::Keyword;
use crate::domain::value::inbound::Automatic::{self, Bounce, Feedback, Reply};
use crate::domain::value::message::{BounceKind, Report};
use crate::domain::value::token::seal_reply;
use crate::ids::{MessageId, TenantId, TenantSecret};

fn read(mail: &str) -> Option<Inbound> {
    of_raw(mail.as_bytes(), DateTime::from_timestamp(1_790_000_000, 0).expect("a time"))
}

/// What a report says, in short.
fn short(report: &Report) -> String {
    let or_none = |code: &Option<String>| code.clone().unwrap_or_else(|| "-".to_owned());
    match report {
        Report::Bounced { bounce: BounceKind::Hard, code, .. } => format!("hard {}", or_none(code)),
        Report::Bounced { bounce: BounceKind::Soft, code, .. } => format!("soft {}", or_none(code)),
        Report::Deferred { code, .. } => format!("delayed {}", or_none(code)),
        Report::Delivered => "delivered".to_owned(),
        Report::Complained { kind } => format!("complained {}", or_none(kind)),
        other => format!("{other:?}"),
    }
}

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("samples/", $name, ".eml"))
    };
}

/// A sample, what wrote it, what it says of whom, and the id of the mail that it is about.
type Case = (&'static str, Option<Automatic>, &'static [&'static str], Option<&'static str>);

const CASES: &[Case] = &[
    (
        sample!("rfc3464-01"),
        Some(Bounce),
        &["hard 5.1.1 userunknown@bouncehammer.jp"],
        Some("<E1C50F1B-1C83-4820-BC36-AC6FBFBE8568@example.org>"),
    ),
    (
        sample!("rfc3464-10"),
        Some(Bounce),
        &["hard 5.1.6 kijitora@example.jp"],
        Some("<c15e793e1c6acf9fbc39d1547bbd98b4@example.com>"),
    ),
    (sample!("rfc3464-36"), Some(Bounce), &["soft 4.0.0 kijitora@nyaan.example.com"], None),
    (
        sample!("rfc3464-55"),
        Some(Bounce),
        &["delayed 4.4.1 sotoneko@nora.nyaan.jp"],
        Some("<CAByYQsFyrGN=Aa73R9b-3-tiR7uFpUan+9CAWRmKP4z_GriF5Q@mail.gmail.example.com>"),
    ),
    (
        sample!("rfc3464-09"),
        Some(Bounce),
        &["delayed 4.3.0 kijitora-nyaaaaaan@example.co.jp"],
        Some("<00000000000000000000000000000000000000000@example.org>"),
    ),
    (
        sample!("lhost-postfix-05"),
        Some(Bounce),
        &["soft 4.1.1 kijitora@example.org"],
        Some("<FFFFFFFF.0000000@example.co.jp>"),
    ),
    (
        sample!("lhost-postfix-28"),
        Some(Bounce),
        &["soft 5.7.1 kijitora@gmail.example.com"],
        Some("<20170511082043.260A0D29197@gojo.example.jp>"),
    ),
    (
        sample!("lhost-exim-02"),
        Some(Bounce),
        &["hard 5.1.1 kijitora@example.jp", "hard 5.2.1 sabatora@example.jp"],
        Some("<E1X58pB-0004bW-2s@marutamachi.example.org>"),
    ),
    (
        sample!("lhost-exim-43"),
        Some(Bounce),
        &["soft 5.7.1 kijitora@example.net"],
        Some("<neko222-nyaaan-22@neko.example.com>"),
    ),
    (
        sample!("lhost-sendgrid-01"),
        Some(Bounce),
        &["hard 5.1.1 kijitora@example.jp"],
        Some("<F9B4AEED-722D-47FD-929E-3625AF2161BB@example.jp>"),
    ),
    (
        sample!("lhost-amazonses-05"),
        Some(Bounce),
        &["hard 5.1.1 bounce@simulator.amazonses.com"],
        Some("<01010157b3c0c026-110cf920-4be1-4c36-87c0-1f48d0cc6639-000000@us-west-2.amazonses.com>"),
    ),
    (
        sample!("lhost-outlook-04"),
        Some(Bounce),
        &["hard 5.1.1 sabineko@example.co.jp", "soft 5.2.2 mikeneko@example.co.jp"],
        Some("<BLU436-SMTP695D62048105F50EF3A1B8BA770@phx.gbl>"),
    ),
    (
        sample!("rhost-google-03"),
        Some(Bounce),
        &["soft 5.7.26 neko@example.co.jp"],
        Some("<vDcsF1hr4zzywp69@mail4.example.com>"),
    ),
    (
        sample!("lhost-opensmtpd-06"),
        Some(Bounce),
        &["delayed 4.4.7 nekochan@libsisimai.org"],
        Some("<201612140903.uBE938DJ094645@nyaan.example.jp>"),
    ),
    (
        sample!("arf-02"),
        Some(Feedback),
        &["complained abuse this-local-part-does-not-exist-on-yahoo@yahoo.com"],
        Some("<000000000000000000000000.smtp@example.com>"),
    ),
    (sample!("arf-26"), None, &[], None),
    (sample!("rfc3834-02"), Some(Reply), &[], None),
    (sample!("is-not-bounce-01"), None, &[], None),
    (
        sample!("envelope-id"),
        Some(Bounce),
        &["hard 5.1.1 alice+2Bnews@example.net", "delayed 4.2.2 bob@example.org", "delivered carol@example.com"],
        Some("<0190b6b2-7c1e-7b6a-9d2e-5f0a6c3d1e2f@crm.example>"),
    ),
];

#[test]
fn real_mail_that_came_back_says_of_whom_and_of_what() {
    for (mail, automatic, reports, about) in CASES {
        let name = mail.lines().find(|line| line.starts_with("Subject:")).unwrap_or_default();
        // As it is stored, and as it comes over the wire.
        let stored = mail.replace("\r\n", "\n");
        for mail in [stored.replace('\n', "\r\n"), stored] {
            let inbound = read(&mail).expect(name);
            assert_eq!(inbound.hints.automatic, *automatic, "{name}");
            let told = inbound.hints.reports.iter();
            let told: Vec<_> = told.map(|told| format!("{} {}", short(&told.report), told.mailboxes[0])).collect();
            assert_eq!(told, *reports, "{name}");
            assert_eq!(inbound.references.first().map(String::as_str), *about, "{name}");
        }
    }
    let unsubscribes = read(sample!("arf-26")).expect("a mail");
    assert_eq!(unsubscribes.opt_out, Some(Keyword::Stop));
}

fn token() -> String {
    seal_reply(TenantId(uuid::Uuid::nil()), MessageId(uuid::Uuid::nil()), &TenantSecret::new([7; 32]))
}

#[test]
fn a_token_is_found_in_the_address_that_it_came_back_to_and_in_the_envelopes_id() {
    let came_to = |header: &str| read(&format!("{header}\n{}", sample!("rfc3464-36"))).expect("a mail").reply_token;
    let path = format!("bounce+{}@shop.example", token());
    for name in ["Delivered-To", "X-Original-To", "Envelope-To", "To"] {
        assert_eq!(came_to(&format!("{name}: {path}")), Some(token()), "{name}");
    }
    assert_eq!(came_to(&format!("To: <{}>", path.to_uppercase())), Some(token()));
    // A gateway signs the address anew (knadh/listmonk#492).
    assert_eq!(came_to(&format!("To: prvs=190694bd6d={path}")), Some(token()));
    assert_eq!(came_to("X-A: b"), None);
    let with_id = |id: &str| read(&sample!("envelope-id").replace("crm+2D0190b6b2", id)).expect("a mail").reply_token;
    assert_eq!(with_id(&token()), Some(token()));
    assert_eq!(with_id("crm+2D0190b6b2"), None);
}

/// hMailServer (knadh/listmonk#1162), and a bounce whose headers alone come back, in a part of their own
/// (knadh/listmonk#492).
#[test]
fn bounces_without_a_status_and_with_headers_alone_are_read() {
    let plain = "Return-Path: <>\nFrom: mailer-daemon@mail.example\nTo: news@shop.example\n\
        Subject: Message undeliverable: Test Campaign\nContent-Type: text/plain\n\n\
        Your message did not reach some or all of the intended recipients.\n\n\
        The following recipient(s) could not be reached:\n\ngone@example.org\n   Error Type: SMTP\n\
        Remote server replied: 550 5.5.0 Requested action not taken: mailbox unavailable\n";
    let inbound = read(plain).expect("a mail");
    assert_eq!(inbound.hints.automatic, Some(Bounce));
    assert_eq!(short(&inbound.hints.reports[0].report), "hard 5.5.0");
    let headers = format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mail.example\nTo: news@shop.example\nSubject: Returned mail\n\
        Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nsee transcript\n--b\n\
        Content-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example\n\n\
        Final-Recipient: RFC822; gone@example.org\nAction: failed\nStatus: 5.1.1\n\n--b\n\
        Content-Type: text/rfc822-headers\n\nSubject: News\nMessage-ID: <reply+{}@shop.example>\n\n--b--\n",
        token()
    );
    let inbound = read(&headers).expect("a mail");
    assert_eq!(inbound.references, [format!("<reply+{}@shop.example>", token())]);
}

#[test]
fn a_mail_is_the_same_whatever_its_lines_end_in() {
    for head in ["Message-ID: <a@example.org>\n", ""] {
        let piped =
            format!("From ada@example.org Mon Sep 21\nFrom: ada@example.org\n{head}Subject: Hi\n\nHello\nAda\n\n");
        let in_a_mailbox = format!("From: ada@example.org\n{head}Subject: Hi\n\nHello\nAda\n").replace('\n', "\r\n");
        let [one, other] = [piped, in_a_mailbox].map(|mail| read(&mail).expect("a mail"));
        assert_eq!((one.text.as_str(), other.text.as_str()), ("Hello\nAda", "Hello\nAda"));
        assert_eq!(one.provider_message_id, other.provider_message_id, "{head}");
    }
}
