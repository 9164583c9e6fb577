//! A mail, at any provider of mail: sent, reported on, answered, and no longer wanted.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Odd, shuffled, start};
use crate::sending::desk::Desk;
use crate::sending::story::{PUBLIC, count};
use crate::support::app::Engine;
use crate::support::doubles::{Act, Signed};

const ADA: &str = "ada@example.org";
const BOB: &str = "bob@example.org";
const CLEO: &str = "cleo@example.org";
const REPLY_DOMAIN: &str = "reply.shop.example";

/// What becomes of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sending) enum Told {
    Sent,
    Delivered,
    Opened,
    Clicked,
    /// Nobody has the mailbox.
    Bounced,
    Complained,
}

/// A mail that a double took.
#[derive(Debug)]
pub(in crate::sending) struct Letter {
    pub(in crate::sending) id: String,
    pub(in crate::sending) to: String,
    pub(in crate::sending) headers: Vec<(String, String)>,
}

impl Letter {
    pub(in crate::sending) fn header(&self, name: &str) -> &str {
        let header = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

/// A mail that somebody writes to us.
#[derive(Debug, Clone)]
pub(in crate::sending) struct Reply<'a> {
    pub(in crate::sending) from: &'a str,
    pub(in crate::sending) to: &'a str,
    pub(in crate::sending) text: &'a str,
    /// Its `Message-ID`.
    pub(in crate::sending) id: &'a str,
    pub(in crate::sending) in_reply_to: &'a str,
}

impl Reply<'_> {
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let own = [
            ("From", self.from),
            ("To", self.to),
            ("Subject", "Re: A new vintage"),
            ("Message-ID", self.id),
            ("In-Reply-To", self.in_reply_to),
        ];
        own.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.to_owned())).collect()
    }

    /// As it was written.
    pub(super) fn raw(&self) -> String {
        let head: String = self.headers().iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{head}\r\n{}\r\n", self.text)
    }
}

/// A provider of mail with its double.
pub(in crate::sending) trait Mails {
    const PROVIDER: &'static str;
    /// Whether it writes a `Feedback-ID` of its own.
    const HAS_FEEDBACK_ID: bool = false;

    async fn start() -> Self;

    /// What an account at the double is set up with.
    fn settings(&self) -> Vec<(&'static str, String)>;

    fn script(&self, act: Act);

    fn calls(&self) -> usize;

    fn taken(&self) -> Vec<Letter>;

    /// What the provider tells of one of the mails that it took, by its number.
    fn tell(&self, number: usize, told: Told, at: DateTime<Utc>) -> Signed;

    /// A report that is signed, and odd.
    fn odd(&self, number: usize, odd: Odd, now: DateTime<Utc>) -> Signed;

    /// A mail that comes in.
    fn receive(&self, reply: &Reply<'_>) -> Signed;
}

/// Which mail is answered, by what is asked of the messages that came in.
async fn received(desk: &Desk<'_>) -> Vec<(Value, Value)> {
    let received = desk.events("MessageReceived").await;
    received.into_iter().map(|(data, personal)| (data["in_reply_to"].clone(), personal["body"].clone())).collect()
}

pub(super) async fn story<M: Mails>(engine: Engine) {
    let double = M::start().await;
    let mut settings = double.settings();
    settings.push(("reply_domain", REPLY_DOMAIN.to_owned()));
    let (app, agent) = start(engine, M::PROVIDER, &settings).await;
    let desk = Desk { app: &app, agent: &agent };
    let (mut people, mut sent) = (vec![], vec![]);
    for (name, mailbox) in [("Ada", ADA), ("Bob", BOB), ("Cleo", CLEO)] {
        let person = desk.customer(name, &[("EMAIL", mailbox)]).await;
        sent.push(desk.send(person, "EMAIL", "MARKETING", json!({})).await.0);
        people.push(person);
    }
    for person in &people {
        app.until(*person, |types| count(types, "MessageSent") == 1).await;
    }
    let taken = double.taken();
    let number = |to: &str| taken.iter().position(|letter| letter.to == to).expect("it was taken");
    let [ada, bob, cleo] = [ADA, BOB, CLEO].map(number);
    let letter = &taken[ada];
    assert_eq!(taken.len(), 3);
    assert_eq!(letter.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    let link = letter.header("List-Unsubscribe").trim_start_matches('<').trim_end_matches('>').to_owned();
    assert!(link.starts_with(&format!("{PUBLIC}/u/")), "{link}");
    let (reply_to, mail_id) = (letter.header("Reply-To").to_owned(), letter.header("Message-ID").to_owned());
    assert!(reply_to.ends_with(&format!("@{REPLY_DOMAIN}")), "{reply_to}");
    assert!(mail_id.starts_with('<') && mail_id.ends_with('>'), "{mail_id}");

    // The same in all mail of a kind, and nobody's.
    let feedback: Vec<_> = taken.iter().map(|letter| letter.header("Feedback-ID")).collect();
    let is_right = |id: &str| id.starts_with("none:none:marketing:") && id.split(':').count() == 4;
    assert!(feedback.iter().all(|id| *id == feedback[0] && is_right(id) != M::HAS_FEEDBACK_ID), "{feedback:?}");

    // All that happens, three times each and in any order.
    let now = app.now();
    let happened = [
        (ada, Told::Sent),
        (ada, Told::Delivered),
        (ada, Told::Opened),
        (ada, Told::Clicked),
        (bob, Told::Sent),
        (bob, Told::Bounced),
        (cleo, Told::Delivered),
        (cleo, Told::Complained),
    ];
    for told in shuffled(happened.map(|(number, told)| double.tell(number, told, now))) {
        desk.take(&told).await;
    }
    let ada_now = desk.message(&sent[0]).await;
    assert_eq!((&ada_now["state"], &ada_now["clicks"]), (&json!("CLICKED"), &json!({ "total": 1 })));
    assert_eq!(ada_now["opens"]["total"], 1);
    assert_eq!(desk.message(&sent[1]).await["state"], "BOUNCED");
    assert_eq!(desk.message(&sent[2]).await["state"], "COMPLAINED");
    for (name, times) in [("MessageDelivered", 2), ("MessageOpened", 1), ("MessageClicked", 1), ("MessageBounced", 1)] {
        let told = desk.events(name).await;
        assert_eq!(told.len(), times, "{name}");
        let is_kept =
            |said: &Value| said["raw"].as_str().is_some_and(|raw| taken.iter().any(|of| raw.contains(&of.id)));
        assert!(told.iter().all(|(_, said)| is_kept(said)), "{told:#?}");
    }
    assert!(desk.events("CallbackKept").await.is_empty());

    // Ada answers twice: to the address that the mail named, and by its id alone.
    let elsewhere = format!("hello@{REPLY_DOMAIN}");
    let first = Reply { from: ADA, to: &reply_to, text: "Perfect", id: "<a1@example.org>", in_reply_to: "" };
    let second = Reply { to: &elsewhere, text: "Two, please", id: "<a2@example.org>", in_reply_to: &mail_id, ..first };
    for reply in [&first, &second] {
        let came = double.receive(reply);
        for _ in 0..3 {
            desk.take(&came).await;
        }
    }
    assert_eq!(desk.message(&sent[0]).await["conversation"], json!({ "state": "OPEN", "unread": 2 }));
    assert_ne!(desk.message(&sent[1]).await["conversation"]["state"], "OPEN");
    let ours = json!(sent[0].trim_start_matches("Message:"));
    let replies = received(&desk).await;
    assert_eq!(replies.iter().filter(|(of, _)| *of == ours).count(), 2, "{replies:#?}");
    let said = |text: &str| replies.iter().any(|(_, body)| body.as_str().is_some_and(|body| body.trim() == text));
    assert!(said("Perfect") && said("Two, please"), "{replies:#?}");
    assert_eq!(desk.events("CustomerRegistered").await.len(), 3);

    // One click ends the newsletter, and nothing else.
    let click = Signed {
        method: "POST",
        url: link,
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: "List-Unsubscribe=One-Click".into(),
    };
    for _ in 0..2 {
        desk.take(&click).await;
    }
    let (_, rule) = desk.send(people[0], "EMAIL", "MARKETING", json!({})).await;
    assert_eq!(rule.as_deref(), Some("consent"));
    for (person, reason) in [(people[1], "hard_bounce"), (people[2], "complaint")] {
        let (id, rule) = desk.send(person, "EMAIL", "TRANSACTIONAL", json!({})).await;
        assert_eq!(rule.as_deref(), Some("suppressed_address"));
        let decisions = desk.message(&id).await["decisions"].take();
        assert_eq!(decisions[0]["inputs"]["reasons"], json!([reason]), "{decisions:#}");
    }

    // The reply of ours stands below what it answers, in her mail program too.
    let events = desk.events("MessageReceived").await;
    let answered = events.iter().find(|(_, said)| said["details"]["mail_id"] == "<a2@example.org>");
    let answered = answered.and_then(|(data, _)| data["message_id"].as_str()).expect("it came in").to_owned();
    let more = json!({ "inReplyTo": format!("Message:{answered}"), "subject": null });
    let (_, rule) = desk.send(people[0], "EMAIL", "TRANSACTIONAL", more).await;
    assert_eq!(rule, None);
    app.until(people[0], |types| types.last().is_some_and(|last| last == "MessageSent")).await;
    let taken = double.taken();
    let reply = taken.last().expect("it was taken");
    assert_eq!((reply.header("In-Reply-To"), reply.header("List-Unsubscribe")), ("<a2@example.org>", ""));
    assert!(reply.header("References").starts_with(&format!("{mail_id} <a2@example.org>")), "{reply:?}");
    assert_eq!((double.calls(), taken.len()), (4, 4), "each was sent once");
    app.finish().await;
}
