//! A text, at any provider of texts: sent, reported on, answered and stopped.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Odd, shuffled, start};
use crate::sending::desk::{Desk, WORDS};
use crate::sending::story::count;
use crate::support::app::Engine;
use crate::support::doubles::{Act, Signed};

/// Who writes to us at every double.
pub(in crate::sending) const ADA: &str = "+14155550101";
pub(in crate::sending) const BOB: &str = "+14155550102";
pub(in crate::sending) const CLEO: &str = "+14155550103";

/// What becomes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sending) enum Fate {
    Sent,
    Delivered,
    /// The receiver had told the provider to stop.
    OptedOut,
    /// Nobody has the number.
    Dead,
}

/// A text that a double took.
#[derive(Debug)]
pub(in crate::sending) struct Taken {
    pub(in crate::sending) id: String,
    pub(in crate::sending) to: String,
    pub(in crate::sending) text: String,
}

/// A provider of texts with its double.
pub(in crate::sending) trait Texts {
    const PROVIDER: &'static str;
    /// Whether its reports tell a number that nobody has from any other failure.
    const KNOWS_DEAD_NUMBERS: bool = true;

    async fn start() -> Self;

    /// What an account at the double is set up with.
    fn settings(&self) -> Vec<(&'static str, String)>;

    fn script(&self, act: Act);

    fn calls(&self) -> usize;

    fn taken(&self) -> Vec<Taken>;

    /// What the provider reports of one of the texts that it took, by its number.
    fn report(&self, number: usize, fate: Fate, now: DateTime<Utc>) -> Signed;

    /// A report that is signed, and odd.
    fn odd(&self, number: usize, odd: Odd, now: DateTime<Utc>) -> Signed;

    /// A text of Ada's.
    fn inbound(&self, id: &str, text: &str, now: DateTime<Utc>) -> Signed;
}

/// The number of the text that went to somebody.
pub(in crate::sending) fn number_of(double: &impl Texts, to: &str) -> usize {
    let is_to = |taken: &Taken| taken.to.trim_start_matches('+') == to.trim_start_matches('+');
    double.taken().iter().position(is_to).expect("it was taken")
}

/// Whether the reasons of a suppression are these.
async fn is_kept_back(desk: &Desk<'_>, id: &str, reason: &str) {
    let decisions = desk.message(id).await["decisions"].take();
    assert_eq!(decisions[0]["outcome"], "SUPPRESSED", "{decisions:#}");
    assert_eq!(decisions[0]["inputs"]["reasons"], json!([reason]), "{decisions:#}");
}

pub(super) async fn story<T: Texts>(engine: Engine) {
    let double = T::start().await;
    let (app, agent) = start(engine, T::PROVIDER, &double.settings()).await;
    let desk = Desk { app: &app, agent: &agent };
    let (mut people, mut sent) = (vec![], vec![]);
    for (name, phone) in [("Ada", ADA), ("Bob", BOB), ("Cleo", CLEO)] {
        let person = desk.customer(name, &[("PHONE", phone)]).await;
        sent.push(desk.send(person, "SMS", "TRANSACTIONAL", json!({})).await.0);
        people.push(person);
    }
    for person in &people {
        app.until(*person, |types| count(types, "MessageSent") == 1).await;
    }
    let taken = double.taken();
    assert_eq!(taken.len(), 3);
    assert!(taken.iter().all(|text| text.text == WORDS), "{taken:?}");

    // Where reports name our message by its id alone, the read tables say whose it is.
    app.visible(app.head().await).await;
    // Every report three times, in any order.
    let now = app.now();
    let [ada, bob, cleo] = [ADA, BOB, CLEO].map(|to| number_of(&double, to));
    let dead = if T::KNOWS_DEAD_NUMBERS { Fate::Dead } else { Fate::OptedOut };
    let reports = [(ada, Fate::Sent), (ada, Fate::Delivered), (bob, Fate::OptedOut), (cleo, Fate::Sent), (cleo, dead)];
    for report in shuffled(reports.map(|(number, fate)| double.report(number, fate, now))) {
        desk.take(&report).await;
    }
    assert_eq!(desk.message(&sent[0]).await["state"], "DELIVERED");
    assert_eq!(desk.message(&sent[1]).await["state"], "OPTED_OUT");
    let of_nobody = if T::KNOWS_DEAD_NUMBERS { "BOUNCED" } else { "OPTED_OUT" };
    assert_eq!(desk.message(&sent[2]).await["state"], of_nobody);
    // What each report said is kept with it, once.
    let delivered = desk.events("MessageDelivered").await;
    let [(_, said)] = &delivered[..] else { panic!("{delivered:#?}") };
    assert!(said["raw"].as_str().is_some_and(|raw| raw.contains(&taken[ada].id)), "{said:#}");
    assert!(desk.events("CallbackKept").await.is_empty());

    // Ada answers, and it is her conversation that is open.
    let answer = double.inbound("f00d00000000000000000000000000a1", "Perfect", now);
    for _ in 0..3 {
        desk.take(&answer).await;
    }
    assert_eq!(desk.message(&sent[0]).await["conversation"], json!({ "state": "OPEN", "unread": 1 }));
    assert_ne!(desk.message(&sent[1]).await["conversation"]["unread"], 1);
    let received = desk.events("MessageReceived").await;
    let [(_, said)] = &received[..] else { panic!("{received:#?}") };
    assert_eq!((&said["from"], &said["body"]), (&json!(ADA), &json!("Perfect")));
    assert!(said["raw"].as_str().is_some_and(|raw| raw.contains("Perfect")), "{said:#}");
    assert_eq!(desk.events("CustomerRegistered").await.len(), 3);

    // STOP counts at once, whoever heard it.
    for _ in 0..3 {
        desk.take(&double.inbound("f00d00000000000000000000000000a2", "Stop", now)).await;
    }
    for (person, reason) in people.iter().zip(["stop", "stop", if dead == Fate::Dead { "hard_bounce" } else { "stop" }])
    {
        let (id, rule) = desk.send(*person, "SMS", "TRANSACTIONAL", json!({})).await;
        assert_eq!(rule.as_deref(), Some("suppressed_address"));
        is_kept_back(&desk, &id, reason).await;
    }
    assert_eq!((double.calls(), double.taken().len()), (3, 3), "each was sent once");
    app.finish().await;
}
