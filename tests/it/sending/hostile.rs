//! What comes in over the wire that nobody wishes for.

use commlog::ids::Position;
use commlog::log::ReadLimit;
use serde_json::json;

use super::story::{PHONE, PUBLIC, Wire};
use crate::support::app::Engine;
use crate::support::doubles::twilio::{self, TwilioDouble};

async fn types(wire: &Wire) -> Vec<String> {
    let events = wire.app.stores().journal.read_all(Position::START, ReadLimit::events(10_000)).await;
    events.expect("the log answers").into_iter().map(|event| event.envelope.event_type).collect()
}

async fn what_comes_from_our_own_number_is_nobodys_message(engine: Engine) {
    let wire = Wire::start(engine).await;
    let texts = format!("{PUBLIC}/webhooks/twilio/main");
    for _ in 0..3 {
        let own = TwilioDouble::inbound(&texts, "SMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb09", twilio::NUMBER, "loop", &[]);
        assert!(wire.call(&own).await.is_success());
    }
    let types = types(&wire).await;
    let count = |name: &str| types.iter().filter(|event| *event == name).count();
    assert_eq!((count("CallbackKept"), count("CustomerRegistered"), count("MessageReceived")), (1, 0, 0));
    wire.app.finish().await;
}

async fn odd_and_long_texts_are_taken_in_cleaned_and_cut(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.ada().await;
    let texts = format!("{PUBLIC}/webhooks/twilio/main");
    let long = format!("a\0b {}", "\u{1F377}".repeat(16 * 1024));
    let odd = TwilioDouble::inbound(&texts, "SMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0a", PHONE, &long, &[]);
    assert!(long.len() > 64 * 1024);
    assert!(wire.call(&odd).await.is_success());
    wire.app.visible(wire.app.head().await).await;
    let query = "query { conversations(first: 2) { nodes { messages(first: 2) { nodes { body } } } } }";
    let data = wire.agent.data(query, json!({})).await;
    let bodies: Vec<_> = data["conversations"]["nodes"]
        .as_array()
        .expect("conversations")
        .iter()
        .flat_map(|conversation| conversation["messages"]["nodes"].as_array().expect("messages"))
        .map(|message| message["body"].as_str().expect("a text"))
        .collect();
    let [body] = bodies[..] else { panic!("{data:#}") };
    assert!(body.starts_with("a\u{FFFD}b \u{1F377}\u{1F377}"), "{}", body.chars().take(20).collect::<String>());
    assert!(!body.contains('\0') && body.len() <= long.len() + 2);
    wire.app.finish().await;
}

on_each_engine! {
    what_comes_from_our_own_number_is_nobodys_message
    odd_and_long_texts_are_taken_in_cleaned_and_cut
}
