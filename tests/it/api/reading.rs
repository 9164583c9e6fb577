//! Queries: pages, filters, batches, as-of, nodes.

use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use crate::support::app::{Actor, on_both_engines};

async fn record(actor: &Actor, customer: &str, reference: &str, at: &str, micros: &str) -> String {
    let mutation =
        "mutation($input: ActivityInput!) { recordActivity(input: $input) { position refusal { message } } }";
    let input = json!({ "customerId": customer, "kind": "ORDER", "reference": reference, "occurredAt": at,
        "amountMicros": micros, "currency": "GBP", "title": format!("Order {reference}") });
    let data = actor.data(mutation, json!({ "input": input })).await;
    data["recordActivity"]["position"].as_str().unwrap_or_else(|| panic!("{data:#}")).to_owned()
}

fn references(page: &Value) -> Vec<String> {
    let nodes = page["nodes"].as_array().unwrap();
    nodes.iter().filter_map(|node| node["activity"]["reference"].as_str().map(str::to_owned)).collect()
}

const PAGE: &str = "query($id: ID!, $first: Int, $after: String, $last: Int, $before: String, $at: DateTime, $wait: Position) { \
    timeline(customerId: $id, filter: { kinds: [ORDER] }, first: $first, after: $after, last: $last, before: $before, at: $at, waitFor: $wait) \
    { nodes { kind occurredAt activity { reference amount { micros currency } } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }";

on_both_engines! {
    a_timeline_is_paged_both_ways_without_gaps(app) {
        let agent = app.actor(Role::Agent).await;
        let id = agent.customer("Hal Example").await;
        let mut position = String::new();
        for day in 1..=7 {
            position = record(&agent, &id, &format!("R{day}"), &format!("2026-01-0{day}T10:00:00Z"), "1500000").await;
        }
        let mut seen = Vec::new();
        let mut after = Value::Null;
        loop {
            let data = agent.data(PAGE, json!({ "id": id, "first": 3, "after": after, "wait": position })).await;
            let page = &data["timeline"];
            assert_eq!(page["totalCount"], 7);
            seen.extend(references(page));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(seen, ["R7", "R6", "R5", "R4", "R3", "R2", "R1"]);
        let last = agent.data(PAGE, json!({ "id": id, "last": 2 })).await["timeline"].take();
        assert_eq!(references(&last), ["R2", "R1"]);
        assert_eq!(last["pageInfo"]["hasPreviousPage"], true);
        let before = agent.data(PAGE, json!({ "id": id, "last": 2, "before": last["pageInfo"]["startCursor"] })).await;
        assert_eq!(references(&before["timeline"]), ["R4", "R3"]);
        let jump = agent.data(PAGE, json!({ "id": id, "first": 2, "at": "2026-01-04T23:00:00Z" })).await;
        assert_eq!(references(&jump["timeline"]), ["R4", "R3"]);
    }

    a_page_beyond_the_limit_is_an_error_that_names_it(app) {
        let agent = app.actor(Role::Agent).await;
        let id = agent.customer("Ida Example").await;
        for arguments in [json!({ "first": 201 }), json!({ "first": 0 }), json!({ "last": 1000 }), json!({ "first": -1 })] {
            let mut variables = arguments.clone();
            variables["id"] = json!(id);
            let answer = agent.answer(PAGE, variables).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_ARGUMENT", "{arguments}: {answer}");
            assert!(answer["errors"][0]["message"].as_str().unwrap().contains("200"), "{answer}");
        }
        let answer = agent.answer(PAGE, json!({ "id": id, "first": 1, "after": "nonsense" })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_ARGUMENT");
    }

    money_keeps_every_digit(app) {
        let agent = app.actor(Role::Agent).await;
        let id = agent.customer("Jim Example").await;
        let position = record(&agent, &id, "big", "2026-02-01T10:00:00Z", "9007199254740993").await;
        let data = agent.data(PAGE, json!({ "id": id, "wait": position })).await;
        assert_eq!(data["timeline"]["nodes"][0]["activity"]["amount"], json!({ "micros": "9007199254740993", "currency": "GBP" }));
        let revenue = agent.data("query($id: ID!) { customer(id: $id) { orders revenue { total { micros } } } }", json!({ "id": id })).await;
        assert_eq!(revenue["customer"]["revenue"][0]["total"]["micros"], "9007199254740993");
    }

    what_hangs_on_a_list_is_read_in_batches(app) {
        let agent = app.actor(Role::Agent).await;
        for number in 0..30 {
            agent.customer(&format!("Person {number}")).await;
        }
        let batches = async |agent: &Actor| -> u64 {
            let text = agent.get("/metrics").await.text().await.unwrap();
            let lines = text.lines().filter(|line| line.starts_with("commlog_graphql_batches_total"));
            lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
        };
        let before = batches(&agent).await;
        let query = "{ customers(first: 30) { nodes { name addresses { address } revenue { orders } consents { topic } } } }";
        let data = agent.data(query, json!({})).await;
        assert_eq!(data["customers"]["nodes"].as_array().unwrap().len(), 30);
        // Three kinds of things for thirty customers. A batch may start before the last row has joined it, so that there
        // can be a few more than three; without batches there would be ninety.
        let read = batches(&agent).await - before;
        assert!((3..=12).contains(&read), "{read} reads for three fields of thirty customers");
    }

    a_customer_is_seen_as_of_an_earlier_moment(app) {
        let agent = app.actor(Role::Agent).await;
        let id = agent.customer("Kim Before").await;
        let rename = "mutation($id: ID!) { changeCustomer(customerId: $id, changes: { name: \"Kim After\", addTags: [\"vip\"] }) { position } }";
        let first = record(&agent, &id, "old", "2026-01-01T10:00:00Z", "1000000").await;
        let renamed = agent.data(rename, json!({ "id": id })).await["changeCustomer"]["position"].take();
        let second = record(&agent, &id, "new", "2026-01-02T10:00:00Z", "2000000").await;
        let query = "query($id: ID!, $asOf: AsOfInput, $wait: Position) { customer(id: $id, asOf: $asOf, waitFor: $wait) \
            { name tags orders addresses { address } timeline(filter: { kinds: [ORDER] }) { nodes { activity { reference } } totalCount } } }";
        let now = agent.data(query, json!({ "id": id, "wait": second })).await["customer"].take();
        assert_eq!((&now["name"], &now["orders"]), (&json!("Kim After"), &json!(2)));
        let then = agent.data(query, json!({ "id": id, "asOf": { "position": first } })).await["customer"].take();
        assert_eq!((&then["name"], &then["tags"], &then["orders"]), (&json!("Kim Before"), &json!([]), &json!(1)));
        assert_eq!(references(&then["timeline"]), ["old"]);
        assert_eq!(then["timeline"]["totalCount"], 1);
        assert_eq!(then["addresses"], now["addresses"]);
        let timeline = "query($id: ID!, $position: Position!) { timeline(customerId: $id, asOf: { position: $position }, filter: { kinds: [ORDER] }) \
            { nodes { activity { reference } } } }";
        let between = agent.data(timeline, json!({ "id": id, "position": renamed })).await;
        assert_eq!(references(&between["timeline"]), ["old"]);
        let never = agent.data(query, json!({ "id": id, "asOf": { "time": "2020-01-01T00:00:00Z" } })).await;
        assert_eq!(never["customer"], json!(null));
    }

    a_global_id_finds_its_object(app) {
        let agent = app.actor(Role::Agent).await;
        let id = agent.customer("Lea Example").await;
        let query = "query($id: ID!) { node(id: $id) { __typename id ... on Customer { name } } }";
        let found = agent.data(query, json!({ "id": id })).await;
        assert_eq!(found["node"], json!({ "__typename": "Customer", "id": id, "name": "Lea Example" }));
        let nobody = id.replace("Customer:", "Message:");
        assert_eq!(agent.data(query, json!({ "id": nobody })).await["node"], json!(null));
        assert_eq!(agent.error(query, json!({ "id": "Customer" })).await, "BAD_ARGUMENT");
    }

    a_messages_history_is_paged_from_both_ends(app) {
        let agent = app.actor(Role::Agent).await;
        let id = agent.customer("Mia Example").await;
        let send = "mutation($id: ID!) { sendMessage(input: { customerId: $id, channel: EMAIL, class: TRANSACTIONAL, topic: \"service\", \
            subject: \"s\", body: \"b\", sendAt: \"2199-01-01T00:00:00Z\" }) { messageId } }";
        let sent = agent.data(send, json!({ "id": id })).await["sendMessage"]["messageId"].take();
        let cancel = "mutation($id: ID!, $message: ID!) { cancelMessage(customerId: $id, messageId: $message, reason: \"late\") \
            { message { history { nodes { type } } } } }";
        let cancelled = agent.data(cancel, json!({ "id": id, "message": sent })).await["cancelMessage"]["message"].take();
        let types = |nodes: &Value| nodes.as_array().unwrap().iter().map(|node| node["type"].clone()).collect::<Vec<_>>();
        let all = types(&cancelled["history"]["nodes"]);
        assert!(all.len() >= 2, "{cancelled}");
        let query = "query($id: ID!, $last: Int, $before: String) { message(id: $id) { history(last: $last, before: $before) \
            { nodes { type } pageInfo { hasPreviousPage startCursor } } } }";
        let mut found = Vec::new();
        let mut before = Value::Null;
        loop {
            let page = agent.data(query, json!({ "id": sent, "last": 1, "before": before })).await["message"]["history"].take();
            found.splice(0..0, types(&page["nodes"]));
            if page["pageInfo"]["hasPreviousPage"] == false {
                break;
            }
            before = page["pageInfo"]["startCursor"].clone();
        }
        assert_eq!(found, all);
    }

    the_log_is_paged_by_stream_type_and_end(app) {
        let admin = app.actor(Role::Admin).await;
        let id = admin.customer("Max Example").await;
        for day in 1..=5 {
            record(&admin, &id, &format!("E{day}"), &format!("2026-03-0{day}T10:00:00Z"), "1").await;
        }
        let query = "query($filter: EventFilterInput, $first: Int, $after: String, $last: Int, $before: String) { \
            events(filter: $filter, first: $first, after: $after, last: $last, before: $before) \
            { nodes { version type data } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
        let of = |page: &Value| -> Vec<String> {
            let nodes = page["nodes"].as_array().unwrap();
            nodes.iter().filter_map(|node| node["data"]["reference"].as_str().map(str::to_owned)).collect()
        };
        let filter = json!({ "customerId": id, "types": ["ActivityRecorded"] });
        let first = admin.data(query, json!({ "filter": filter, "first": 2 })).await["events"].take();
        assert_eq!(of(&first), ["E1", "E2"]);
        assert_eq!(first["pageInfo"]["hasNextPage"], true);
        let next = admin.data(query, json!({ "filter": filter, "first": 9, "after": first["pageInfo"]["endCursor"] })).await;
        assert_eq!(of(&next["events"]), ["E3", "E4", "E5"]);
        assert_eq!(next["events"]["pageInfo"]["hasNextPage"], false);
        let last = admin.data(query, json!({ "filter": filter, "last": 2 })).await["events"].take();
        assert_eq!(of(&last), ["E4", "E5"]);
        let before = admin.data(query, json!({ "filter": filter, "last": 2, "before": last["pageInfo"]["startCursor"] })).await;
        assert_eq!(of(&before["events"]), ["E2", "E3"]);
        let everywhere = json!({ "types": ["ActivityRecorded"] });
        let all = admin.data(query, json!({ "filter": everywhere, "first": 200 })).await;
        assert_eq!(of(&all["events"]), ["E1", "E2", "E3", "E4", "E5"]);
        let newest = admin.data(query, json!({ "last": 1 })).await;
        assert_eq!(of(&newest["events"]), ["E5"]);
    }
}
