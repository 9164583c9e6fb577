//! What the mails of mail servers, mailbox providers and mail programs say: a table. Each is made like a real one, with what
//! is odd about it and nothing else.

use serde_json::{Value, json};

use super::bounces::reason;
use super::mailroom::{Mailroom, reply_to};
use crate::sending::story::MAILBOX;
use crate::support::app::Engine;
use crate::support::doubles::sendgrid::{SendgridDouble, SendgridMail};

/// A mail, and what is made of it.
struct Sample {
    file: &'static str,
    /// The kind of machine; absent: a person.
    automatic: Option<&'static str>,
    /// What becomes of the message that it is about.
    state: &'static str,
    code: Option<&'static str>,
    /// A piece of the server's own words.
    words: Option<&'static str>,
    /// Whether nothing more is sent to the address.
    is_hard: bool,
}

macro_rules! samples {
    ($($file:literal: $automatic:expr, $state:literal, $code:expr, $words:expr, $is_hard:literal;)*) => {
        const SAMPLES: &[(Sample, &str)] = &[$((
            Sample { file: $file, automatic: $automatic, state: $state, code: $code, words: $words, is_hard: $is_hard },
            include_str!(concat!("bounce_mails/", $file, ".eml")),
        )),*];
    };
}

samples! {
    "sendmail": Some("BOUNCE"), "BOUNCED", Some("5.1.1"), Some("User Unknown"), true;
    "no-longer-on-server": Some("BOUNCE"), "BOUNCED", Some("5.1.6"), Some("no longer on server"), true;
    "without-from-or-copy": Some("BOUNCE"), "BOUNCED", Some("4.0.0"), Some("426 connection timed out"), false;
    "late-at-google": Some("BOUNCE"), "DEFERRED", Some("4.4.1"), Some("did not accept our requests"), false;
    "late-in-a-mixed-mail": Some("BOUNCE"), "DEFERRED", Some("4.3.0"), Some("delivery failed to /var/mail/box"), false;
    "postfix-given-up": Some("BOUNCE"), "BOUNCED", Some("4.1.1"), Some("User unknown in virtual alias table"), false;
    "postfix-policy": Some("BOUNCE"), "BOUNCED", Some("5.7.1"), Some("addresses in From: header"), false;
    "exim-of-two": Some("BOUNCE"), "BOUNCED", Some("5.2.2"), Some("Mailbox full"), false;
    "exim-report": Some("BOUNCE"), "BOUNCED", Some("5.7.1"), Some("without a valid sender domain"), false;
    "sendgrid": Some("BOUNCE"), "BOUNCED", Some("5.1.1"), Some("User Unknown"), true;
    "ses": Some("BOUNCE"), "BOUNCED", Some("5.1.1"), Some("user unknown"), true;
    "outlook-of-two": Some("BOUNCE"), "BOUNCED", Some("5.2.2"), Some("Mailbox Full"), false;
    "expanded-and-unauthenticated": Some("BOUNCE"), "BOUNCED", Some("5.7.26"), Some("hard fail policy"), false;
    "late-in-an-mbox": Some("BOUNCE"), "DEFERRED", Some("4.4.7"), None, false;
    "complaint": Some("FEEDBACK"), "COMPLAINED", None, None, true;
    "unsubscription-of-a-mail-program": None, "SENT", None, None, false;
    "out-of-office": Some("REPLY"), "SENT", None, None, false;
    "a-person": None, "REPLIED", None, None, false;
    "of-three-the-failed": Some("BOUNCE"), "BOUNCED", Some("5.1.1"), Some("User unknown"), true;
    "of-three-the-late": Some("BOUNCE"), "DEFERRED", Some("4.2.2"), Some("452 4.2.2 Mailbox full"), false;
    "of-three-the-relayed": Some("BOUNCE"), "DELIVERED", None, None, false;
}

async fn each_sample_is_read_as_its_server_meant_it(engine: Engine) {
    for (sample, mail) in SAMPLES {
        let room = Mailroom::open(engine).await;
        let (ada, sent, letter) = room.ada_with_mail().await;
        let mail = mail.replace("{id}", &letter.mail_id()).replace("{receiver}", MAILBOX).replace('\n', "\r\n");
        // Only the mail that names no message of ours comes to the address that does.
        let elsewhere =
            SendgridMail { request: json!({ "reply_to": { "email": "news@reply.shop.example" } }), ..letter.clone() };
        let to = if sample.file == "without-from-or-copy" { &letter } else { &elsewhere };
        let envelope_from = if sample.automatic.is_some() { "" } else { MAILBOX };
        for _ in 0..2 {
            room.take(&SendgridDouble::raw(&Mailroom::hook(), envelope_from, &reply_to(to), &mail)).await;
        }
        let message = room.message(&sent).await;
        let file = sample.file;
        assert_eq!(message["state"], sample.state, "{file}: {message:#}");
        if let Some(code) = sample.code {
            let reason = reason(&message, sample.state);
            assert_eq!(reason["code"], code, "{file}: {reason:#}");
            let detail = reason["detail"].as_str();
            assert_eq!(detail.is_some(), sample.words.is_some(), "{file}: {reason:#}");
            assert!(detail.unwrap_or_default().contains(sample.words.unwrap_or_default()), "{file}: {reason:#}");
        }
        assert_eq!(room.events("AddressSuppressed").await.len(), usize::from(sample.is_hard), "{file}");
        let shown = room.only().await;
        assert_eq!(shown["automatic"].as_str(), sample.automatic, "{file}: {shown:#}");
        assert_eq!(shown["customerId"], format!("Customer:{ada}"), "{file}: {shown:#}");
        let about = sample.automatic.filter(|kind| *kind != "REPLY").map(|_| sent.clone());
        if sample.automatic != Some("REPLY") {
            assert_eq!(shown["about"].as_str(), about.as_deref(), "{file}: {shown:#}");
        }
        assert_eq!(shown["inReplyTo"].is_string(), sample.state == "REPLIED", "{file}: {shown:#}");
        assert_eq!((room.customers().await, room.events("CallbackKept").await.len()), (1, 0), "{file}");
        room.wire.app.finish().await;
    }
}

async fn who_unsubscribes_with_a_mail_program_is_opted_out_and_still_gets_what_is_no_marketing(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let (ada, _, letter) = room.ada_with_mail().await;
    let apple = SAMPLES.iter().find(|(sample, _)| sample.file == "unsubscription-of-a-mail-program");
    let apple = apple.expect("the sample").1.replace("{receiver}", MAILBOX);
    room.take(&Mailroom::bounce(&letter, &apple)).await;
    let (said, _) = room.events("ConsentChanged").await.remove(0);
    assert_eq!(
        (&said["channel"], &said["topic"], &said["state"]),
        (&json!("email"), &json!("all"), &json!("opted_out"))
    );
    let (_, rule) = room.wire.send(ada, "EMAIL", "MARKETING").await;
    assert!(rule.is_some(), "marketing is kept back");
    let (_, rule) = room.wire.send(ada, "EMAIL", "TRANSACTIONAL").await;
    assert_eq!(rule, None, "an invoice is not");
    // The subject alone, as other programs write it; a text below it is for a person to read.
    let words = |subject: &str, text: &str| {
        let mail = format!("From: {MAILBOX}\nMessage-ID: <{}@x.example>\nSubject: {subject}\n\n{text}", text.len());
        SendgridDouble::raw(&Mailroom::hook(), MAILBOX, "hello@reply.shop.example", &mail)
    };
    room.take(&words("Unsubscribe", "No more of the red ones, please.")).await;
    assert_eq!(room.events("ConsentChanged").await.len(), 1);
    room.take(&words("Unsubscribe", "")).await;
    let received: Vec<Value> = room.received().await;
    assert!(received.iter().all(|message| message["isAutomatic"] == false), "{received:#?}");
    room.wire.app.finish().await;
}

on_each_engine! {
    each_sample_is_read_as_its_server_meant_it
    who_unsubscribes_with_a_mail_program_is_opted_out_and_still_gets_what_is_no_marketing
}
