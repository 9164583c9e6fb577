//! What providers tell about a message may come in any order, any number of times and in any batches: what is known in the
//! end is the same. Told over HTTP, signed, as the providers write it.

use std::sync::atomic::{AtomicUsize, Ordering};

use commlog::clock::Ambient;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::story::{PUBLIC, Wire};
use crate::support::app::Engine;
use crate::support::doubles::Signed;
use crate::support::doubles::sendgrid::SendgridMail;
use crate::support::doubles::twilio::{TwilioDouble, TwilioMessage};

/// Statuses of a text, with the code of its error.
const TEXT: &[(&str, Option<u32>)] = &[
    ("queued", None),
    ("sending", None),
    ("sent", None),
    ("delivered", None),
    ("read", None),
    ("undelivered", Some(30_003)),
    ("undelivered", Some(30_005)),
    ("failed", Some(30_007)),
    ("failed", Some(21_610)),
];

/// Events of a mail: kind, seconds after it was sent, and the fields of the kind.
fn mail_events() -> Vec<(&'static str, i64, Value)> {
    let person = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36";
    let open = |flag: bool| json!({ "useragent": person, "ip": "203.0.113.9", "sg_machine_open": flag });
    let click = |url: &str| json!({ "useragent": person, "ip": "203.0.113.9", "url": url });
    vec![
        ("processed", 0, json!({})),
        ("deferred", 5, json!({ "response": "451 4.7.1 try again later", "attempt": "1" })),
        ("deferred", 65, json!({ "response": "451 4.7.1 try again later", "attempt": "2" })),
        ("delivered", 130, json!({ "response": "250 OK" })),
        ("open", 131, open(true)),
        ("open", 200, open(false)),
        ("open", 300, open(false)),
        ("click", 201, click("https://shop.example/wine")),
        ("click", 202, click("https://shop.example/cheese")),
        ("bounce", 140, json!({ "type": "blocked", "status": "4.2.2", "reason": "mailbox full" })),
        ("bounce", 150, json!({ "type": "bounce", "status": "5.1.1", "reason": "no such user" })),
        ("dropped", 151, json!({ "reason": "Bounced Address", "status": "5.0.0" })),
        ("spamreport", 400, json!({})),
        ("unsubscribe", 401, json!({})),
    ]
}

/// What is told, by number, and how it comes the second time.
#[derive(Debug, Clone)]
struct Telling {
    once: Vec<usize>,
    again: Vec<usize>,
}

fn telling(of: usize) -> impl Strategy<Value = Telling> {
    prop::sample::subsequence((0..of).collect::<Vec<_>>(), 0..=of).prop_flat_map(|once| {
        let tripled = once.iter().chain(&once).chain(&once).copied().collect::<Vec<_>>();
        (Just(once), Just(tripled).prop_shuffle()).prop_map(|(once, again)| Telling { once, again })
    })
}

/// The messages of one customer.
struct Sent {
    campaign: String,
    text: (String, TwilioMessage),
    mail: (String, SendgridMail),
}

async fn sent(wire: &Wire) -> Sent {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let (phone, mailbox) = (format!("+447400{number:06}"), format!("c{number}@example.org"));
    let campaign = Ambient::system().uuid().to_string();
    let customer = wire.customer("Ada Lovelace", &[("PHONE", &phone), ("EMAIL", &mailbox)]).await;
    let text = wire.send_for(customer, "SMS", "TRANSACTIONAL", Some(&campaign)).await.0;
    let mail = wire.send_for(customer, "EMAIL", "TRANSACTIONAL", Some(&campaign)).await.0;
    wire.app.until(customer, |types| types.iter().filter(|event| *event == "MessageSent").count() == 2).await;
    let sms = wire.twilio.taken().into_iter().find(|sms| sms.field("To") == Some(phone.as_str()));
    let letter = wire.sendgrid.taken().into_iter().find(|letter| letter.to == mailbox);
    Sent { campaign, text: (text, sms.expect("Twilio took it")), mail: (mail, letter.expect("SendGrid took it")) }
}

impl Sent {
    fn texts(&self, which: &[usize]) -> Vec<Signed> {
        which.iter().map(|&index| TwilioDouble::status(&self.text.1, TEXT[index].0, TEXT[index].1)).collect()
    }

    /// In batches of at most so many.
    fn mails(&self, wire: &Wire, sent_at: i64, which: &[usize], batch: usize) -> Vec<Signed> {
        let all = mail_events();
        let event = |&index: &usize| {
            let (kind, after, more) = &all[index];
            self.mail.1.event(kind, &format!("{}-{index}", self.mail.1.id), sent_at + after, more.clone())
        };
        let events: Vec<Value> = which.iter().map(event).collect();
        let hook = format!("{PUBLIC}/webhooks/sendgrid/main");
        events.chunks(batch).map(|events| wire.sendgrid.events(&hook, events)).collect()
    }

    /// Everything that reports shape, without the ids of this customer.
    async fn known(&self, wire: &Wire) -> Value {
        wire.app.visible(wire.app.head().await).await;
        let query = "query($text: ID!, $mail: ID!, $campaign: ID!) { \
            text: message(id: $text) { ...all milestones { state count } } \
            mail: message(id: $mail) { ...all milestones { state count firstAt } } \
            campaignMetrics(campaignId: $campaign) { totals { channel sent delivered deferred failed hardBounced \
            softBounced complained optedOut opens { ...counted } clicks { ...counted } } } } \
            fragment all on Message { state opens { total human machine } clicks { total human machine } \
            reasons { state reason class code } customer { addresses { kind suppressions { reason active } } \
            consents { channel topic state } } } \
            fragment counted on Counted { raw machine human uniqueMachine uniqueHuman }";
        let ids = json!({ "text": self.text.0, "mail": self.mail.0, "campaign": self.campaign });
        let mut known = wire.agent.data(query, ids).await;
        for message in ["text", "mail"] {
            // Dispatch has times of its own, and what no rank orders may stand in any order.
            let milestones = known[message]["milestones"].as_array_mut().expect("milestones");
            milestones
                .retain(|milestone| !["QUEUED", "DISPATCHING"].contains(&milestone["state"].as_str().unwrap_or("")));
            for milestone in milestones.iter_mut().filter(|milestone| milestone["state"] == "SENT") {
                milestone.as_object_mut().expect("an object").remove("firstAt");
            }
            for list in ["milestones", "reasons"] {
                known[message][list].as_array_mut().expect("a list").sort_by_key(Value::to_string);
            }
        }
        known
    }
}

async fn hear(wire: &Wire, told: Vec<Signed>) {
    for signed in told {
        assert!(wire.call(&signed).await.is_success());
    }
}

fn what_is_told_in_any_order_and_number_is_known_the_same(engine: Engine) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let wire = runtime.block_on(Wire::start(engine));
    let mut runner = TestRunner::new(Config { cases: 16, failure_persistence: None, ..Config::default() });
    let histories = (telling(TEXT.len()), telling(mail_events().len()), 1..6_usize);
    let sent_at = Ambient::system().now().timestamp();
    let outcome = runner.run(&histories, |(texts, mails, batch)| {
        runtime.block_on(async {
            let (first, second) = (sent(&wire).await, sent(&wire).await);
            hear(&wire, first.texts(&texts.once)).await;
            hear(&wire, first.mails(&wire, sent_at, &mails.once, 100)).await;
            hear(&wire, second.mails(&wire, sent_at, &mails.again, batch)).await;
            hear(&wire, second.texts(&texts.again)).await;
            prop_assert_eq!(second.known(&wire).await, first.known(&wire).await);
            Ok(())
        })
    });
    outcome.unwrap_or_else(|failure| panic!("{engine:?}: {failure}"));
    runtime.block_on(wire.app.finish());
}

#[test]
fn what_is_told_in_any_order_and_number_is_known_the_same_on_sqlite() {
    what_is_told_in_any_order_and_number_is_known_the_same(Engine::Sqlite);
}

#[test]
fn what_is_told_in_any_order_and_number_is_known_the_same_on_postgres() {
    what_is_told_in_any_order_and_number_is_known_the_same(Engine::Postgres);
}
