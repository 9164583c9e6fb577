//! A bounce or complaint that names our message is that message's, in whatever form mail servers write it.

use serde_json::{Value, json};

use super::mailroom::Mailroom;
use crate::support::app::Engine;
use crate::support::doubles::sendgrid::SendgridMail;

/// A bounce, made of the id of the mail that it is about.
struct Case {
    what: &'static str,
    mail: fn(&str) -> String,
    /// State, code, and a piece of the server's words.
    outcome: (&'static str, Option<&'static str>, &'static str),
    suppresses: bool,
}

/// A bounce by RFC 3464 with the mail that it is about.
fn report(from: &str, status: &str, action: &str, diagnostic: &str, id: &str) -> String {
    format!(
        "From: {from}\r\nSubject: Delivery report\r\nMessage-ID: <d1@mx.example>\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b/1\"\r\n\r\n\
         --b/1\r\nContent-Type: text/plain\r\n\r\nYour message could not be delivered.\r\n\
         --b/1\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; ada@example.org\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; {diagnostic}\r\n\r\n\
         --b/1\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: news@shop.example\r\nMessage-ID: {id}\r\n--b/1--\r\n"
    )
}

const CASES: &[Case] = &[
    Case {
        what: "postfix",
        mail: |id| {
            let words = "550 5.1.1 <ada@example.org>: Recipient address rejected: User unknown";
            report("MAILER-DAEMON@mx.example (Mail Delivery System)", "5.1.1", "failed", words, id)
        },
        outcome: ("BOUNCED", Some("5.1.1"), "User unknown"),
        suppresses: true,
    },
    Case {
        what: "Gmail, full",
        mail: |id| {
            let words = "452-4.2.2 The email account that you tried to reach is over quota";
            report("Mail Delivery Subsystem <mailer-daemon@googlemail.com>", "4.2.2", "failed", words, id)
        },
        outcome: ("BOUNCED", Some("4.2.2"), "over quota"),
        suppresses: false,
    },
    Case {
        what: "Gmail, late",
        mail: |id| {
            let words = "The recipient server did not accept our requests to connect";
            report("Mail Delivery Subsystem <mailer-daemon@googlemail.com>", "4.4.1", "delayed", words, id)
        },
        outcome: ("DEFERRED", Some("4.4.1"), "did not accept"),
        suppresses: false,
    },
    Case {
        what: "Exchange",
        mail: |id| {
            let words = "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup";
            report("Microsoft Outlook <postmaster@bricks.example>", "5.1.10", "failed", words, id)
        },
        outcome: ("BOUNCED", Some("5.1.10"), "RecipientNotFound"),
        suppresses: true,
    },
    Case {
        what: "policy",
        mail: |id| report("MAILER-DAEMON@mx.example", "5.7.26", "failed", "550-5.7.26 blocked by SPF", id),
        outcome: ("BOUNCED", Some("5.7.26"), "blocked by SPF"),
        suppresses: false,
    },
    Case {
        what: "exim",
        mail: |id| {
            format!(
                "From: Mail Delivery System <Mailer-Daemon@mx.example>\r\nX-Failed-Recipients: ada@example.org\r\n\
                 Auto-Submitted: auto-replied\r\nMessage-ID: <e1@mx.example>\r\n\
                 Subject: Mail delivery failed: returning message to sender\r\n\r\n\
                 This message was created automatically by mail delivery software.\r\n\r\n  ada@example.org\r\n\
                     host mx.example.org [192.0.2.1]: 550 5.1.1 <ada@example.org>... User Unknown\r\n\r\n\
                 ------ This is a copy of the message, including all the headers. ------\r\n\r\n\
                 Message-Id: {id}\r\nSubject: A new vintage\r\n"
            )
        },
        outcome: ("BOUNCED", Some("5.1.1"), "User Unknown"),
        suppresses: true,
    },
    Case {
        what: "qmail",
        mail: |id| {
            format!(
                "From: MAILER-DAEMON@mx.example\r\nSubject: failure notice\r\nMessage-ID: <q1@mx.example>\r\n\r\n\
                 Hi. This is the qmail-send program at mx.example.\r\n\r\n<ada@example.org>:\r\n\
                 Sorry, no mailbox here by that name. (#5.1.1)\r\n\r\n\
                 --- Below this line is a copy of the message.\r\n\r\nMessage-ID: {id}\r\nSubject: A new vintage\r\n"
            )
        },
        outcome: ("BOUNCED", Some("5.1.1"), "no mailbox here"),
        suppresses: true,
    },
    Case {
        what: "complaint",
        mail: |id| {
            format!(
                "From: feedback@mailbox.example\r\nSubject: Fw: A new vintage\r\nMessage-ID: <f1@mailbox.example>\r\n\
                 Content-Type: multipart/report; boundary=\"c\"; report-type=\"feedback-report\"\r\n\r\n\
                 --c\r\n\r\nAn abuse report.\r\n--c\r\nContent-Type: message/feedback-report\r\n\r\n\
                 Feedback-Type: abuse\r\nVersion: 0.1\r\n\r\n--c\r\nContent-Type: message/rfc822\r\n\r\n\
                 Message-ID: {id}\r\nSubject: A new vintage\r\n\r\nHello\r\n--c--\r\n"
            )
        },
        outcome: ("COMPLAINED", None, ""),
        suppresses: true,
    },
];

/// The reason that a message has for its state.
pub(super) fn reason<'a>(message: &'a Value, state: &str) -> &'a Value {
    let reasons = message["reasons"].as_array().expect("reasons");
    let found =
        reasons.iter().find(|reason| reason["state"].as_str().is_some_and(|word| word.eq_ignore_ascii_case(state)));
    found.unwrap_or_else(|| panic!("{message:#}"))
}

async fn a_bounce_in_any_form_is_that_of_the_message_that_it_names(engine: Engine) {
    for case in CASES {
        let room = Mailroom::open(engine).await;
        let (ada, sent, letter) = room.ada_with_mail().await;
        // The address of the bounce names nothing: what it holds must.
        let elsewhere =
            SendgridMail { request: json!({ "reply_to": { "email": "news@reply.shop.example" } }), ..letter.clone() };
        let bounce = Mailroom::bounce(&elsewhere, &(case.mail)(&letter.mail_id()));
        for _ in 0..2 {
            room.take(&bounce).await;
        }
        let message = room.message(&sent).await;
        let (state, code, words) = case.outcome;
        assert_eq!(message["state"], state, "{}: {message:#}", case.what);
        if state != "COMPLAINED" {
            let reason = reason(&message, state);
            assert_eq!(reason["code"].as_str(), code, "{}", case.what);
            assert!(
                reason["detail"].as_str().is_some_and(|detail| detail.contains(words)),
                "{}: {reason:#}",
                case.what
            );
        }
        assert_eq!(room.events("AddressSuppressed").await.len(), usize::from(case.suppresses), "{}", case.what);
        // It is shown beside what Ada was sent, once, and is nobody's reply.
        let bounce = room.only().await;
        assert_eq!(bounce["about"], json!(sent), "{}", case.what);
        assert_eq!(bounce["customerId"], format!("Customer:{ada}"), "{}", case.what);
        assert_eq!((&bounce["isAutomatic"], &bounce["inReplyTo"]), (&json!(true), &Value::Null), "{}", case.what);
        assert_eq!((room.customers().await, room.events("ConversationChanged").await.len()), (1, 0), "{}", case.what);
        room.wire.app.finish().await;
    }
}

async fn the_address_that_a_bounce_comes_to_names_the_message_too(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let (_, sent, letter) = room.ada_with_mail().await;
    let words = "550 5.1.1 no such user";
    room.take(&Mailroom::bounce(
        &letter,
        &report("MAILER-DAEMON@mx.example", "5.1.1", "failed", words, "<x@y.example>"),
    ))
    .await;
    assert_eq!(room.message(&sent).await["state"], "BOUNCED");
    room.wire.app.finish().await;
}

async fn a_large_bounce_is_kept_whole_beside_a_short_event(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let (_, sent, letter) = room.ada_with_mail().await;
    let mail = report("MAILER-DAEMON@mx.example", "5.1.1", "failed", "550 5.1.1 no such user", "<x@y.example>");
    let mail = mail.replace("Your message", &format!("{}Your message", "Sorry. ".repeat(12_000)));
    room.take(&Mailroom::bounce(&letter, &mail)).await;
    assert_eq!(room.message(&sent).await["state"], "BOUNCED");
    let (_, bounced) = room.events("MessageBounced").await.remove(0);
    let raw = bounced["raw"].as_str().expect("its words");
    assert!(raw.len() < 66_000 && raw.ends_with("[…] (cut)"), "{}", raw.len());
    let original = &room.only().await["attachments"][0];
    assert_eq!(original["name"], "original.txt");
    assert!(original["size"].as_u64().is_some_and(|size| size > 84_000), "{original:#}");
    room.wire.app.finish().await;
}

async fn why_a_mail_is_late_is_said_in_the_words_of_the_server(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let (_, sent, letter) = room.ada_with_mail().await;
    let at = commlog::clock::Ambient::system().now().timestamp();
    let response = "451 4.7.1 Greylisted, please try again in 300 seconds";
    let deferred = letter.event("deferred", "d1", at, json!({ "response": response, "attempt": "1" }));
    room.take(&room.wire.sendgrid.events(&Mailroom::hook(), &[deferred])).await;
    let message = room.message(&sent).await;
    assert_eq!(reason(&message, "deferred")["detail"], response);
    room.wire.app.finish().await;
}

on_each_engine! {
    a_bounce_in_any_form_is_that_of_the_message_that_it_names
    the_address_that_a_bounce_comes_to_names_the_message_too
    a_large_bounce_is_kept_whole_beside_a_short_event
    why_a_mail_is_late_is_said_in_the_words_of_the_server
}
