//! A global id names one object: what a client's cache files under one id is the same thing wherever it was read.

use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use crate::support::app::{Actor, on_both_engines};

async fn register(actor: &Actor, name: &str, label: &str) -> Value {
    let mutation =
        "mutation($input: CustomerInput!) { registerCustomer(input: $input) { customer { id } refusal { message } } }";
    let address = json!({ "kind": "PHONE", "address": "+442071838750", "label": label });
    let data = actor.data(mutation, json!({ "input": { "name": name, "addresses": [address] } })).await;
    data["registerCustomer"]["customer"]["id"].clone()
}

async fn note(actor: &Actor, customer: &Value, text: &str) -> Value {
    let mutation = "mutation($id: ID!, $text: String!) { addNote(customerId: $id, text: $text) { position } }";
    actor.data(mutation, json!({ "id": customer, "text": text })).await["addNote"]["position"].take()
}

/// Everything with an id that an answer holds.
fn objects(value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| objects(value, found)),
        Value::Object(fields) => {
            if let (Some(id), Some(name)) = (fields.get("id"), fields.get("__typename")) {
                assert_eq!(id.as_str().unwrap().split(':').next(), name.as_str(), "{value}");
                found.push((id.as_str().unwrap().to_owned(), value.clone()));
            }
            fields.values().for_each(|value| objects(value, found));
        }
        _ => {}
    }
}

const READ: &str = "query($id: ID!, $wait: Position, $asOf: AsOfInput) { customer(id: $id, waitFor: $wait, asOf: $asOf) { \
    __typename id name addresses { __typename id addressId label } \
    timeline { nodes { __typename id position kind note { noteId text pinned } conversation { conversationId state assignee } } } \
    conversations { nodes { __typename id state assignee } } \
    } }";

on_both_engines! {
    an_address_that_customers_share_is_an_object_of_each(app) {
        let agent = app.actor(Role::Agent).await;
        let (home, office) = (register(&agent, "Ann", "home").await, register(&agent, "Ben", "office").await);
        let read = async |id: &Value| agent.data(READ, json!({ "id": id })).await["customer"]["addresses"][0].take();
        let (ours, theirs) = (read(&home).await, read(&office).await);
        assert_eq!((&ours["label"], &theirs["label"]), (&json!("home"), &json!("office")));
        assert_ne!(ours["id"], theirs["id"]);
        assert_eq!(ours["addressId"], theirs["addressId"]);
        let node = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on CustomerAddress { label customerId } } }";
        let found = agent.data(node, json!({ "ids": [ours["id"], theirs["id"]] })).await;
        assert_eq!(found["nodes"][0], json!({ "id": ours["id"], "label": "home", "customerId": home }));
        assert_eq!(found["nodes"][1], json!({ "id": theirs["id"], "label": "office", "customerId": office }));
    }

    each_entry_of_a_timeline_is_an_object_of_its_own(app) {
        let agent = app.actor(Role::Agent).await;
        let receive = "mutation { receiveMessage(input: { channel: SMS, from: \"+447400123456\", body: \"hi\" }) \
            { customerId conversationId } }";
        let received = agent.data(receive, json!({})).await["receiveMessage"].take();
        let update = "mutation($customer: ID!, $conversation: ID!, $changes: ConversationPatch!) { updateConversation( \
            customerId: $customer, conversationId: $conversation, changes: $changes) { position refusal { message } } }";
        let mut position = Value::Null;
        for changes in [json!({ "assignee": "lee" }), json!({ "state": "PENDING" }), json!({ "state": "RESOLVED", "assignee": "kim" })] {
            let variables = json!({ "customer": received["customerId"], "conversation": received["conversationId"], "changes": changes });
            position = agent.data(update, variables).await["updateConversation"]["position"].take();
        }
        let read = agent.data(READ, json!({ "id": received["customerId"], "wait": position })).await;
        let entries = read["customer"]["timeline"]["nodes"].as_array().unwrap();
        let changes: Vec<_> = entries.iter().filter(|entry| entry["kind"] == "CONVERSATION").collect();
        let states: Vec<_> = changes.iter().map(|entry| entry["conversation"]["state"].clone()).collect();
        assert_eq!(states, [json!("RESOLVED"), json!("PENDING"), json!("OPEN")]);
        assert!(changes.iter().all(|entry| entry["conversation"]["conversationId"] == received["conversationId"]));
        let mut found = Vec::new();
        objects(&read, &mut found);
        let ids: std::collections::HashSet<_> = found.iter().map(|(id, _)| id.clone()).collect();
        assert_eq!(ids.len(), found.len(), "{found:#?}");
        let node = "query($id: ID!) { node(id: $id) { __typename id ... on TimelineEntry { position kind \
            note { noteId text pinned } conversation { conversationId state assignee } } } }";
        for entry in entries {
            assert_eq!(agent.data(node, json!({ "id": entry["id"] })).await["node"], *entry);
        }
    }

    an_event_is_found_by_its_id_for_those_who_may_read_events(app) {
        let admin = app.actor(Role::Admin).await;
        register(&admin, "Dot", "home").await;
        let read = "{ events(last: 3) { nodes { id position type causationId data } } }";
        let events = admin.data(read, json!({})).await["events"]["nodes"].take();
        let node = "query($id: ID!) { node(id: $id) { __typename id ... on Event { position type causationId data } } }";
        for event in events.as_array().expect("events") {
            let mut found = admin.data(node, json!({ "id": event["id"] })).await["node"].take();
            assert_eq!(found["__typename"].take(), "Event");
            for (name, value) in event.as_object().expect("an event") {
                assert_eq!(found[name], *value, "{name}");
            }
        }
        let id = &events[0]["id"];
        let agent = app.actor(Role::Agent).await;
        assert_eq!(agent.error(node, json!({ "id": id })).await, "FORBIDDEN");
        let stranger = app.actor_of(app.other_tenant().await, Role::Admin, None).await;
        assert_eq!(stranger.data(node, json!({ "id": id })).await["node"], Value::Null);
        // That personal data was read is on record, as with a page of events.
        let personal = "query($id: ID!) { node(id: $id) { ... on Event { personal } } }";
        let reads = "{ events(last: 50, filter: { types: [\"PersonalDataRead\"] }) { nodes { id } } }";
        let count = async || admin.data(reads, json!({})).await["events"]["nodes"].as_array().map_or(0, Vec::len);
        let before = count().await;
        let registered = "{ events(last: 1, filter: { types: [\"CustomerRegistered\"] }) { nodes { id } } }";
        let id = admin.data(registered, json!({})).await["events"]["nodes"][0]["id"].take();
        let shown = admin.data(personal, json!({ "id": id })).await;
        assert!(shown["node"]["personal"].is_object(), "{shown:#}");
        assert_eq!(count().await, before + 1);
    }

    what_was_read_as_of_a_moment_is_another_object(app) {
        let agent = app.actor(Role::Agent).await;
        let id = register(&agent, "Cay", "home").await;
        let then = note(&agent, &id, "first").await;
        let now = note(&agent, &id, "second").await;
        let rename = "mutation($id: ID!) { changeCustomer(customerId: $id, changes: { name: \"Kay\" }) { position } }";
        let now = agent.data(rename, json!({ "id": id })).await["changeCustomer"]["position"].as_str().map_or(now, Into::into);
        let present = agent.data(READ, json!({ "id": id, "wait": now })).await;
        let past = agent.data(READ, json!({ "id": id, "asOf": { "position": then } })).await;
        let earlier = agent.data(READ, json!({ "id": id, "asOf": { "time": "2020-01-01T00:00:00Z" } })).await;
        assert_eq!(earlier["customer"], json!(null));
        let (mut current, mut old) = (Vec::new(), Vec::new());
        objects(&present, &mut current);
        objects(&past, &mut old);
        assert_eq!((current.len(), old.len()), (5, 4));
        assert!(old.iter().all(|(id, _)| current.iter().all(|(other, _)| id != other)), "{old:#?}");
        let node = "query($id: ID!) { node(id: $id) { id ... on Customer { name } ... on CustomerAddress { label } ... on TimelineEntry { kind } } }";
        for (id, object) in current.iter().chain(&old) {
            let found = agent.data(node, json!({ "id": id })).await["node"].take();
            let fields: Vec<_> = found.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()).collect();
            assert!(fields.iter().all(|(name, value)| object[name.as_str()] == **value), "{found} is not {object}");
        }
        // An argument names the customer, however its id was read.
        let again = agent.data(READ, json!({ "id": past["customer"]["id"] })).await;
        assert_eq!(again["customer"]["id"], id);
        assert_eq!(agent.error(READ, json!({ "id": "Customer:1@never~2" })).await, "BAD_ARGUMENT");
    }
}
