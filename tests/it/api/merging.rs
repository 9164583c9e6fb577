//! Merging over the API: who may, what is refused, and what is read of the person afterwards.

use std::collections::BTreeSet;

use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use super::socket::Socket;
use crate::support::app::{Actor, on_both_engines};

const MERGE: &str = "mutation($input: MergeCustomersInput!, $key: String) { mergeCustomers(input: $input, idempotencyKey: $key) \
    { customerId position repeated refusal { code field } customer { id mergedIds } } }";

async fn merge(actor: &Actor, from: &str, into: &str) -> Value {
    let input = json!({ "from": from, "into": into });
    actor.data(MERGE, json!({ "input": input })).await["mergeCustomers"].take()
}

async fn note(actor: &Actor, customer: &str, text: &str) -> Value {
    let mutation =
        "mutation($id: ID!, $text: String!) { addNote(customerId: $id, text: $text) { position refusal { code } } }";
    actor.data(mutation, json!({ "id": customer, "text": text })).await["addNote"]["position"].take()
}

async fn order(actor: &Actor, customer: &str, reference: &str, micros: &str) -> Value {
    let mutation =
        "mutation($input: ActivityInput!) { recordActivity(input: $input) { position refusal { message } } }";
    let input = json!({ "customerId": customer, "kind": "ORDER", "reference": reference, "amountMicros": micros, "currency": "GBP" });
    actor.data(mutation, json!({ "input": input })).await["recordActivity"]["position"].take()
}

fn texts(timeline: &Value) -> Vec<&str> {
    let nodes = timeline["nodes"].as_array().expect("a page");
    nodes.iter().filter_map(|node| node["note"]["text"].as_str()).collect()
}

on_both_engines! {
    two_customers_are_read_as_one_once_they_are_merged(app) {
        let agent = app.actor(Role::Agent).await;
        let (ada, augusta) = (agent.customer("Ada Lovelace").await, agent.customer("Augusta King").await);
        note(&agent, &ada, "first").await;
        note(&agent, &augusta, "second").await;
        order(&agent, &ada, "1", "1000000").await;
        order(&agent, &augusta, "2", "2000000").await;
        let merged = merge(&agent, &augusta, &ada).await;
        assert_eq!((&merged["customerId"], &merged["refusal"]), (&json!(ada), &json!(null)));
        assert_eq!(merged["customer"], json!({ "id": ada, "mergedIds": [augusta] }));
        let last = note(&agent, &augusta, "third").await;

        let query = "query($id: ID!, $wait: Position) { customer(id: $id, waitFor: $wait) { id name orders revenue { orders total { micros } } \
            addresses { address } timeline { totalCount nodes { note { text } } } } \
            timeline(customerId: $id, waitFor: $wait) { nodes { note { text } } } activities(customerId: $id, waitFor: $wait) { totalCount } node(id: $id) { id } }";
        for id in [&ada, &augusta] {
            let data = agent.data(query, json!({ "id": id, "wait": last })).await;
            let customer = &data["customer"];
            assert_eq!((&customer["id"], &customer["name"]), (&json!(ada), &json!("Ada Lovelace")));
            assert_eq!((&customer["orders"], &customer["revenue"]), (&json!(2), &json!([{ "orders": 2, "total": { "micros": "3000000" } }])));
            assert_eq!(customer["addresses"].as_array().expect("a list").len(), 2);
            assert_eq!(texts(&customer["timeline"]), ["third", "second", "first"]);
            assert_eq!(texts(&data["timeline"]), ["third", "second", "first"]);
            assert_eq!((&data["activities"]["totalCount"], &data["node"]["id"]), (&json!(2), &json!(ada)));
        }
        let search = "query($search: String) { customers(filter: { search: $search }) { totalCount nodes { id mergedIds } } }";
        let found = agent.data(search, json!({ "search": "augusta king" })).await;
        assert_eq!(found["customers"], json!({ "totalCount": 1, "nodes": [{ "id": ada, "mergedIds": [augusta] }] }));
        assert_eq!(agent.data(search, json!({})).await["customers"]["totalCount"], 1);
    }

    refusals_are_data_roles_are_guarded_and_a_repetition_is_told(app) {
        let (agent, analyst) = (app.actor(Role::Agent).await, app.actor(Role::Analyst).await);
        let (ada, augusta) = (agent.customer("Ada").await, agent.customer("Augusta").await);
        let input = json!({ "from": augusta, "into": ada });
        assert_eq!(analyst.error(MERGE, json!({ "input": input })).await, "FORBIDDEN");
        let refused = merge(&agent, &ada, &ada).await;
        assert_eq!((&refused["refusal"]["code"], &refused["customerId"]), (&json!("SAME_CUSTOMER"), &json!(null)));
        let nobody = "Customer:00000000-0000-7000-8000-000000000001";
        assert_eq!(merge(&agent, nobody, &ada).await["refusal"], json!({ "code": "CUSTOMER_UNKNOWN", "field": "from" }));
        assert_eq!(merge(&agent, &ada, nobody).await["refusal"], json!({ "code": "CUSTOMER_UNKNOWN", "field": "into" }));
        let other = app.actor_of(app.other_tenant().await, Role::Agent, None).await;
        assert_eq!(merge(&other, &augusta, &ada).await["refusal"]["code"], "CUSTOMER_UNKNOWN");
        let variables = json!({ "input": input, "key": "m" });
        let first = agent.data(MERGE, variables.clone()).await["mergeCustomers"].take();
        let again = agent.data(MERGE, variables).await["mergeCustomers"].take();
        assert_eq!((&first["repeated"], &again["repeated"]), (&json!(false), &json!(true)));
        assert_eq!(first["customer"], again["customer"]);
    }

    before_the_merge_each_is_seen_as_it_was(app) {
        let agent = app.actor(Role::Agent).await;
        let (ada, augusta) = (agent.customer("Ada Lovelace").await, agent.customer("Augusta King").await);
        note(&agent, &ada, "first").await;
        let before = note(&agent, &augusta, "second").await;
        let after = merge(&agent, &augusta, &ada).await["position"].take();
        let query = "query($id: ID!, $at: Position!) { customer(id: $id, asOf: { position: $at }) { name mergedIds timeline { nodes { note { text } } } } \
            timeline(customerId: $id, asOf: { position: $at }) { nodes { note { text } } } }";
        for (id, name, text) in [(&ada, "Ada Lovelace", "first"), (&augusta, "Augusta King", "second")] {
            let then = agent.data(query, json!({ "id": id, "at": before })).await;
            assert_eq!((&then["customer"]["name"], &then["customer"]["mergedIds"]), (&json!(name), &json!([])));
            assert_eq!(texts(&then["customer"]["timeline"]), [text]);
            assert_eq!(texts(&then["timeline"]), [text]);
            let now = agent.data(query, json!({ "id": id, "at": after })).await;
            assert_eq!((&now["customer"]["name"], &now["customer"]["mergedIds"]), (&json!("Ada Lovelace"), &json!([augusta])));
            assert_eq!(texts(&now["timeline"]), ["second", "first"]);
        }
    }

    the_audit_of_a_person_covers_every_stream_in_the_logs_order(app) {
        let admin = app.actor(Role::Admin).await;
        let (ada, augusta) = (admin.customer("Ada").await, admin.customer("Augusta").await);
        for number in 1..=3 {
            order(&admin, &ada, &format!("A{number}"), "1").await;
            order(&admin, &augusta, &format!("B{number}"), "1").await;
        }
        let done = merge(&admin, &augusta, &ada).await["position"].take();
        admin.data("query($wait: Position) { customers(waitFor: $wait) { totalCount } }", json!({ "wait": done })).await;
        let query = "query($filter: EventFilterInput, $first: Int, $after: String, $last: Int, $before: String) { \
            events(filter: $filter, first: $first, after: $after, last: $last, before: $before) \
            { nodes { stream data } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
        let of = |page: &Value| -> Vec<String> {
            let nodes = page["nodes"].as_array().expect("a page");
            nodes.iter().filter_map(|node| node["data"]["reference"].as_str().map(str::to_owned)).collect()
        };
        let filter = json!({ "customerId": augusta, "types": ["ActivityRecorded"] });
        let mut seen = vec![];
        let mut after = Value::Null;
        loop {
            let page = admin.data(query, json!({ "filter": filter, "first": 2, "after": after })).await["events"].take();
            seen.extend(of(&page));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(seen, ["A1", "B1", "A2", "B2", "A3", "B3"]);
        let last = admin.data(query, json!({ "filter": filter, "last": 3 })).await["events"].take();
        assert_eq!(of(&last), ["B2", "A3", "B3"]);
        let before = admin.data(query, json!({ "filter": filter, "last": 2, "before": last["pageInfo"]["startCursor"] })).await;
        assert_eq!(of(&before["events"]), ["B1", "A2"]);
        let all = admin.data(query, json!({ "filter": { "customerId": ada }, "first": 3 })).await["events"].take();
        let streams: Vec<_> = all["nodes"].as_array().expect("a page").iter().map(|node| node["stream"].as_str()).collect();
        assert_eq!(streams.len(), 3);
        assert_ne!(streams[0], streams[2], "two of the one, then the other");
    }

    a_subscription_to_the_survivor_tells_of_everybody(app) {
        let agent = app.actor(Role::Agent).await;
        let (ada, augusta) = (agent.customer("Ada").await, agent.customer("Augusta").await);
        let watch = "subscription($id: ID!, $after: Position) { timeline(customerId: $id, after: $after) \
            { note { text } activity { reference } } }";
        let since = note(&agent, &augusta, "before").await;
        let (mut root, mut part) = (Socket::connect(&agent).await, Socket::connect(&agent).await);
        root.start("t", watch, json!({ "id": ada, "after": since })).await;
        part.start("t", watch, json!({ "id": augusta, "after": since })).await;
        // What follows the merge is told to both, whichever stream it stands in.
        merge(&agent, &augusta, &ada).await;
        order(&agent, &augusta, "late", "1").await;
        note(&agent, &ada, "after").await;
        for socket in [&mut root, &mut part] {
            let mut told = BTreeSet::new();
            while !["after", "late"].iter().all(|text| told.contains(*text)) {
                let entry = socket.next("t").await["timeline"].take();
                let texts = [entry["note"]["text"].as_str(), entry["activity"]["reference"].as_str()];
                told.extend(texts.into_iter().flatten().map(str::to_owned));
            }
            assert!(!told.contains("before"), "{told:?}");
        }
    }
}
