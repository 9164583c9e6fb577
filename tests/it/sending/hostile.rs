//! What comes in over the wire that nobody wishes for.

mod post;
mod providers;

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

/// The customers who can be read, and their inbound messages.
async fn people(wire: &Wire) -> Vec<(String, Vec<String>)> {
    wire.app.visible(wire.app.head().await).await;
    let query = "{ customers(first: 9) { nodes { id timeline(first: 9) { nodes { message { preview } } } } } }";
    let data = wire.agent.data(query, json!({})).await;
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let nodes = data["customers"]["nodes"].as_array().expect("customers");
    let bodies = |node: &serde_json::Value| {
        let entries = node["timeline"]["nodes"].as_array().expect("entries").iter();
        entries.filter_map(|entry| text(&entry["message"]["preview"])).collect()
    };
    nodes.iter().map(|node| (text(&node["id"]).expect("an id"), bodies(node))).collect()
}

async fn who_was_forgotten_and_writes_again_is_a_new_person(engine: Engine) {
    let wire = Wire::start(engine).await;
    let texts = format!("{PUBLIC}/webhooks/twilio/main");
    let writes = |number: u32, text: &str| {
        TwilioDouble::inbound(&texts, &format!("SMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb{number:02}"), PHONE, text, &[])
    };
    let first = writes(21, "my first words");
    assert!(wire.call(&first).await.is_success());
    let mut before = String::new();
    for (round, words) in [(22, "and once more"), (23, "a third time")] {
        let known = people(&wire).await;
        let [(id, _)] = &known[..] else { panic!("{known:?}") };
        assert_ne!(*id, before);
        before.clone_from(id);
        let forget =
            "mutation($id: ID!) { forgetCustomer(customerId: $id, reason: \"request\") { position refusal { code } } }";
        let forgotten = wire.agent.data(forget, json!({ "id": id })).await;
        assert!(forgotten["forgetCustomer"]["refusal"].is_null(), "{forgotten:#}");
        // What was taken in before is handed over again: nobody comes back by it.
        assert!(wire.call(&first).await.is_success());
        assert_eq!(people(&wire).await, []);
        assert!(wire.call(&writes(round, words)).await.is_success());
        let known = people(&wire).await;
        let [(new, bodies)] = &known[..] else { panic!("{known:?}") };
        assert_ne!(new, id);
        assert_eq!(bodies, &[words.to_owned()]);
    }
    let types = types(&wire).await;
    assert!(!types.iter().any(|event| event == "CallbackKept"), "{types:?}");
    wire.app.finish().await;
}

async fn a_webhook_of_no_account_is_refused_before_its_body_is_read(engine: Engine) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let wire = Wire::start(engine).await;
    for path in ["/webhooks/nobody/nothing", "/webhooks/twilio/other"] {
        let mut stream = tokio::net::TcpStream::connect(wire.app.address()).await.expect("a connection");
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: h\r\ncontent-length: 30000000\r\nexpect: 100-continue\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("it is sent");
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.expect("an answer");
        assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 404");
    }
    wire.app.finish().await;
}

on_each_engine! {
    who_was_forgotten_and_writes_again_is_a_new_person
    a_webhook_of_no_account_is_refused_before_its_body_is_read
    what_comes_from_our_own_number_is_nobodys_message
    odd_and_long_texts_are_taken_in_cleaned_and_cut
}
