//! Canned replies: who writes them, who finds them, and what a message made of one says.

use commlog::domain::tenant::event::Role;
use commlog::log::ReadLimit;
use serde_json::{Value, json};

use crate::support::app::{Actor, TestApp, on_both_engines};

const SAVE: &str = "mutation($input: CannedReplyInput!, $key: String) { saveCannedReply(input: $input, \
    idempotencyKey: $key) { code revision position repeated refusal { code message field } } }";
const FIND: &str = "query($search: String, $at: Position) { cannedReplies(search: $search, waitFor: $at) \
    { code title defaultLocale bodies { locale body } revision changedBy { kind } } }";
const SEND: &str = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { body } position \
    refusal { code message field } } }";

fn input(code: &str, title: &str, bodies: &[(&str, &str)], revision: Option<u32>) -> Value {
    let bodies: Vec<Value> = bodies.iter().map(|(locale, body)| json!({ "locale": locale, "body": body })).collect();
    json!({ "code": code, "title": title, "defaultLocale": "en", "bodies": bodies, "revision": revision })
}

async fn save(actor: &Actor, input: Value) -> Value {
    actor.data(SAVE, json!({ "input": input })).await["saveCannedReply"].take()
}

async fn codes(actor: &Actor, search: Option<&str>, at: &Value) -> Vec<String> {
    let found = actor.data(FIND, json!({ "search": search, "at": at })).await;
    let found = found["cannedReplies"].as_array().cloned().unwrap_or_default();
    found.iter().filter_map(|reply| reply["code"].as_str().map(str::to_owned)).collect()
}

async fn send(actor: &Actor, customer: &str, more: &Value) -> Value {
    let mut input = json!({ "customerId": customer, "channel": "EMAIL", "class": "TRANSACTIONAL", "topic": "orders" });
    input.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    actor.data(SEND, json!({ "input": input })).await["sendMessage"].take()
}

/// What the newest queued message says of the canned reply that it was made of.
async fn pinned(app: &TestApp) -> Value {
    let events = app.stores().journal.backend().read_all_backwards(None, ReadLimit::events(50)).await.expect("is read");
    let queued = events.iter().find(|event| event.envelope.event_type == "MessageQueued").expect("a message");
    serde_json::from_slice::<Value>(&queued.data).expect("JSON")["canned_reply"].take()
}

on_both_engines! {
    canned_replies_are_written_by_few_and_found_by_all(app) {
        let (marketer, agent) = (app.actor(Role::Marketer).await, app.actor(Role::Agent).await);
        let hours = || input("hours", "Öffnungszeiten", &[("en", "From nine."), ("de", "Ab neun.")], None);
        assert_eq!(agent.error(SAVE, json!({ "input": hours() })).await, "FORBIDDEN");
        let made = marketer.data(SAVE, json!({ "input": hours(), "key": "k" })).await["saveCannedReply"].take();
        let again = marketer.data(SAVE, json!({ "input": hours(), "key": "k" })).await["saveCannedReply"].take();
        assert_eq!((&made["revision"], &again["repeated"]), (&json!(1), &json!(true)));
        save(&marketer, input("returns", "Sending back 100%", &[("en", "Of course.")], None)).await;
        let last = save(&marketer, input("price_list", "Prices", &[("en", "See below.")], None)).await["position"].take();
        assert_eq!(codes(&agent, None, &last).await, ["hours", "price_list", "returns"]);
        for (search, expected) in [("ret", "returns"), ("öff", "hours"), ("SENDING BACK", "returns"), ("price_", "price_list")] {
            assert_eq!(codes(&agent, Some(search), &last).await, [expected], "{search}");
        }
        for search in ["back", "%", "price%", "_"] {
            assert!(codes(&agent, Some(search), &last).await.is_empty(), "{search}");
        }

        let taken = save(&marketer, hours()).await;
        assert_eq!((&taken["refusal"]["code"], &taken["refusal"]["field"]), (&json!("CANNED_REPLY_EXISTS"), &json!("code")));
        let edited = save(&marketer, input("hours", "Hours", &[("en", "From ten.")], Some(1))).await;
        assert_eq!(edited["revision"], 2);
        let late = save(&marketer, input("hours", "Hours", &[("en", "From eleven.")], Some(1))).await;
        assert_eq!(late["refusal"]["code"], "CANNED_REPLY_CHANGED");
        let wrong = save(&marketer, input("x", "X", &[("en", "Dear {{customer.nmae}}")], None)).await;
        assert_eq!(wrong["refusal"]["code"], "CANNED_REPLY_VARIABLE_UNKNOWN");
        assert!(wrong["refusal"]["message"].as_str().is_some_and(|text| text.contains("customer.nmae")), "{wrong:#}");

        let remove = "mutation { removeCannedReply(code: \"hours\") { revision position refusal { code } } }";
        let gone = marketer.data(remove, json!({})).await["removeCannedReply"].take();
        assert_eq!(codes(&agent, None, &gone["position"]).await, ["price_list", "returns"]);
        let unknown = marketer.data(remove, json!({})).await;
        assert_eq!(unknown["removeCannedReply"]["refusal"]["code"], "CANNED_REPLY_UNKNOWN");
        let back = save(&marketer, hours()).await;
        assert_eq!((&back["revision"], codes(&agent, Some("ho"), &back["position"]).await), (&json!(4), vec!["hours".to_owned()]));

        let theirs = app.other_tenant().await;
        let stranger = app.actor_of(theirs, Role::Admin, None).await;
        assert!(codes(&stranger, None, &Value::Null).await.is_empty());
    }

    a_message_made_of_a_canned_reply_pins_its_revision(app) {
        let (admin, agent) = (app.actor(Role::Admin).await, app.actor(Role::Agent).await);
        let customer = admin.customer("Ada <b>Lovelace</b>").await;
        save(&admin, input("hi", "Greeting", &[("en", "Dear {{customer.name}}, yours, {{agent.name|the shop}}")], None)).await;
        let sent = send(&agent, &customer, &json!({ "cannedReply": "HI", "agentName": "Bea" })).await;
        assert_eq!(sent["message"]["body"], "Dear Ada <b>Lovelace</b>, yours, Bea", "plain text stays plain: {sent:#}");
        assert_eq!(pinned(app).await, json!({ "code": "hi", "revision": 1, "locale": "en", "edited": false }));
        save(&admin, input("hi", "Greeting", &[("en", "Hello {{customer.attributes.nick}}")], Some(1))).await;
        let missing = send(&agent, &customer, &json!({ "cannedReply": "hi" })).await;
        let refusal = &missing["refusal"];
        assert_eq!((&refusal["code"], &refusal["field"]), (&json!("CANNED_REPLY_VALUE_MISSING"), &json!("cannedReply")));
        assert!(refusal["message"].as_str().is_some_and(|text| text.contains("customer.attributes.nick")), "{refusal:#}");
        let edited = send(&agent, &customer, &json!({ "cannedReply": "hi", "body": "Hello, dear!" })).await;
        assert_eq!(edited["message"]["body"], "Hello, dear!");
        assert_eq!(pinned(app).await, json!({ "code": "hi", "revision": 2, "locale": "en", "edited": true }));
        let unknown = send(&agent, &customer, &json!({ "cannedReply": "nothing" })).await;
        assert_eq!(unknown["refusal"]["code"], "CANNED_REPLY_UNKNOWN");
        let blank = send(&agent, &customer, &json!({})).await;
        assert_eq!(blank["refusal"]["field"], "body");
    }
}
