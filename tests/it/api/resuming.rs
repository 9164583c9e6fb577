//! A subscription that begins after a position goes on there: without a gap, and without a repetition.

use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use super::socket::Socket;
use crate::support::app::{Actor, on_both_engines};

const WATCH: &str = "subscription($id: ID!, $after: Position) { timeline(customerId: $id, after: $after) \
    { id position kind note { text } message { messageId state replies } consent { state } } }";

async fn note(actor: &Actor, customer: &str, text: &str) {
    let mutation = "mutation($id: ID!, $text: String!) { addNote(customerId: $id, text: $text) { noteId } }";
    actor.data(mutation, json!({ "id": customer, "text": text })).await;
}

/// The next entry after a position, over a connection that ends with it.
async fn one(actor: &Actor, customer: &str, after: &Value) -> Value {
    let mut socket = Socket::connect(actor).await;
    socket.start("t", WATCH, json!({ "id": customer, "after": after })).await;
    socket.next("t").await["timeline"].take()
}

on_both_engines! {
    each_connection_goes_on_where_the_last_one_ended(app) {
        let agent = app.actor(Role::Agent).await;
        let id = agent.customer("Rae Example").await;
        let mut after = agent.data("{ projections { position } }", json!({})).await["projections"][0]["position"].take();
        let mut seen = Vec::new();
        for number in 0..6 {
            note(&agent, &id, &format!("n{number}")).await;
            if number % 2 == 0 {
                continue;
            }
            for _ in 0..2 {
                let entry = one(&agent, &id, &after).await;
                after = entry["position"].clone();
                seen.push(entry["note"]["text"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(seen, ["n0", "n1", "n2", "n3", "n4", "n5"]);
    }

    an_event_that_changes_two_entries_may_be_interrupted_between_them(app) {
        let agent = app.actor(Role::Agent).await;
        let id = agent.customer("Sia Example").await;
        let receive = "mutation($id: ID!, $to: ID, $body: String!) { receiveMessage(input: { customerId: $id, channel: EMAIL, \
            body: $body, inReplyTo: $to }) { messageId position refusal { message } } }";
        let send = "mutation($id: ID!) { sendMessage(input: { customerId: $id, channel: EMAIL, class: TRANSACTIONAL, \
            topic: \"service\", subject: \"Hello\", body: \"b\", sendAt: \"2199-01-01T00:00:00Z\" }) { messageId position } }";
        let sent = agent.data(send, json!({ "id": id })).await["sendMessage"].take();
        let variables = json!({ "id": id, "to": sent["messageId"], "body": "a reply" });
        let received = agent.data(receive, variables).await["receiveMessage"].take();
        note(&agent, &id, "the end").await;
        let (mut after, mut seen) = (sent["position"].clone(), Vec::new());
        loop {
            let entry = one(&agent, &id, &after).await;
            if entry["note"]["text"] == "the end" {
                break;
            }
            after = entry["position"].clone();
            seen.push(entry["message"]["messageId"].clone());
        }
        let (new, replied) = (received["messageId"].clone(), sent["messageId"].clone());
        assert_eq!(seen.iter().filter(|id| **id == new).count(), 1, "{seen:?}");
        assert_eq!(seen.iter().filter(|id| **id == replied).count(), 1, "{seen:?}");
    }

    a_long_history_is_caught_up_with_in_order(app) {
        let admin = app.actor(Role::Admin).await;
        let (from, into) = (admin.customer("Una Example").await, admin.customer("Uno Example").await);
        // More than is looked through at a time, in two streams of one person.
        let input = |customer: &str, number: usize| json!({ "customerId": customer, "kind": "CUSTOM", "name": "visit",
            "reference": format!("{customer} {number}"), "occurredAt": "2026-01-01T00:00:00Z" });
        let mutation = "mutation($a: ActivityInput!, $b: ActivityInput!) { recordActivity(input: $a) { activityId } \
            b: recordActivity(input: $b) { activityId } }";
        let mut wanted = Vec::new();
        for number in 0..520 {
            let data = admin.data(mutation, json!({ "a": input(&from, number), "b": input(&into, number) })).await;
            wanted.push(data["recordActivity"]["activityId"].clone());
            wanted.push(data["b"]["activityId"].clone());
        }
        let merge = "mutation($from: ID!, $into: ID!) { mergeCustomers(input: { from: $from, into: $into }) \
            { customer { mergedIds } refusal { message } } }";
        // The payload waits for the read tables.
        let merged = admin.data(merge, json!({ "from": from, "into": into })).await["mergeCustomers"].take();
        assert_eq!(merged["customer"]["mergedIds"], json!([from]), "{merged}");
        note(&admin, &into, "the end").await;
        let mut socket = Socket::connect(&admin).await;
        let watch = "subscription($id: ID!) { timeline(customerId: $id, after: \"00000000000000000000000000000000\") \
            { position note { text } activity { activityId } } }";
        socket.start("t", watch, json!({ "id": into })).await;
        let (mut seen, mut last) = (Vec::new(), String::new());
        loop {
            let entry = socket.next("t").await["timeline"].take();
            let position = entry["position"].as_str().unwrap().to_owned();
            assert!(last < position, "{last} before {position}");
            last = position;
            if entry["note"]["text"] == "the end" {
                break;
            }
            seen.extend(Some(entry["activity"]["activityId"].clone()).filter(Value::is_string));
        }
        assert!(seen == wanted, "{} of {} entries, or out of order", seen.len(), wanted.len());
    }

    a_customer_or_position_that_does_not_exist_is_an_error(app) {
        let agent = app.actor(Role::Agent).await;
        let id = agent.customer("Tia Example").await;
        let refused = async |variables: Value, query: &str| {
            let mut socket = Socket::connect(&agent).await;
            socket.start("t", query, variables).await;
            let said = socket.json().await;
            let errors = if said["type"] == "error" { &said["payload"] } else { &said["payload"]["errors"] };
            errors[0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned()
        };
        let nobody = json!({ "id": "Customer:00000000-0000-7000-8000-000000000001" });
        assert_eq!(refused(nobody, WATCH).await, "CUSTOMER_UNKNOWN");
        let future = json!({ "id": id, "after": "000000000000000000000fffffffffff" });
        assert_eq!(refused(future, WATCH).await, "BAD_ARGUMENT");
        let inbox = "subscription { inbox(after: \"000000000000000000000fffffffffff\") { position } }";
        assert_eq!(refused(json!({}), inbox).await, "BAD_ARGUMENT");
    }
}
