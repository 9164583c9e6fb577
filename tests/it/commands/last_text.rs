//! STOP and START by text: what came last from a number holds, in whatever spelling of the number, dress of the word, and order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use commlog::domain::customer::event::Source;
use commlog::domain::message::decide::{ReceiveMessage, SendDecision, SendMessage};
use commlog::domain::message::event::MessageClass;
use commlog::domain::value::{AddressKind, Channel};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::last_word::register;
use super::world::{World, email};

/// A mobile number in the two spellings that networks use for it.
const NUMBERS: [&str; 2] = ["+52 55 1234 5678", "+5215512345678"];

fn text(body: &str, spelling: &str, second: i64, at: DateTime<Utc>) -> ReceiveMessage {
    ReceiveMessage {
        customer_id: None,
        channel: Channel::Sms,
        from: Some(spelling.to_owned()),
        to: None,
        subject: None,
        body: body.to_owned(),
        occurred_at: Some(at),
        in_reply_to: None,
        provider: "twilio".to_owned(),
        provider_message_id: Some(format!("SM{second}")),
        hint: None,
        arrival: None,
        source: Source::Provider,
    }
}

/// STOP and START in every dress, from either spelling of the number, each any number of times.
fn the_last_text_holds(world: impl Future<Output = World>) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let world = runtime.block_on(world);
    let (maria, _) = runtime.block_on(register(&world, "maria", AddressKind::Phone, NUMBERS[0]));
    runtime.block_on(register(&world, "mario", AddressKind::Phone, NUMBERS[1]));
    world.advance(TimeDelta::days(1));
    let words = ["STOP", "“Stop!”", "*Baja*", "stop 🛑", "START", "unstop", "Alta"];
    let texts = prop::collection::vec((1..6_i64, 0..words.len(), 0..2_usize), 1..12);
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let base = AtomicU64::new(0);
    let outcome = runner.run(&texts, |texts| {
        runtime.block_on(async {
            // Each run says its words after those of the run before.
            let run = i64::try_from(base.fetch_add(10, Ordering::Relaxed)).expect("a small number");
            let start: DateTime<Utc> = world.now() - TimeDelta::hours(20);
            let mut last = BTreeMap::new();
            for (second, word, spelling) in texts {
                // What is said in one second is one message: the first word for it counts.
                let (word, spelling) = *last.entry(run + second).or_insert((word, spelling));
                let at = start + TimeDelta::seconds(run + second);
                let message = text(words[word], NUMBERS[spelling], run + second, at);
                world.done(world.app.receive_message(&world.agent(), message).await);
            }
            let (_, (word, _)) = last.last_key_value().expect("one word at least");
            let command = SendMessage { channel: Channel::Sms, ..email(maria, MessageClass::Transactional) };
            let sent = world.done(world.app.send_message(&world.agent(), command, None).await).value;
            let is_stopped = matches!(sent.decision, SendDecision::Suppressed { .. });
            prop_assert_eq!(is_stopped, *word < 4, "{:?}", last);
            Ok(())
        })
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn the_last_text_from_a_number_holds_on_sqlite() {
    the_last_text_holds(World::sqlite());
}

#[test]
fn the_last_text_from_a_number_holds_on_postgres() {
    the_last_text_holds(World::postgres());
}
