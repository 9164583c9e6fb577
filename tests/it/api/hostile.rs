//! Bad input: every kind gets a clear error, cheaply, and the server stays up.

use std::time::{Duration, Instant};

use commlog::domain::tenant::event::Role;
use commlog::queries::Cursor;
use commlog::sql::Value as Part;
use serde_json::{Value, json};

use crate::support::app::{Actor, TestApp, on_both_engines};

async fn send(actor: &Actor, body: Vec<u8>) -> (u16, Value) {
    let response = actor.post().header("content-type", "application/json").body(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_are_told_what_is_wrong() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    let cases: [(&[u8], u16, &str); 8] = [
        (b"", 400, "MALFORMED_JSON"),
        (b"{", 400, "MALFORMED_JSON"),
        (b"{\"query\": \"{ viewer { role } }\xff\"}", 400, "MALFORMED_JSON"),
        (b"{\"query\": 7}", 400, "MALFORMED_JSON"),
        (b"{}", 400, "NO_QUERY"),
        (b"[{\"query\": \"{ viewer { role } }\"}]", 400, "NO_BATCHES"),
        (b"{\"query\": \"{ viewer { role \\u0000 } }\"}", 200, "INVALID_DOCUMENT"),
        (b"{\"query\": \"{ viewer { nothing } }\"}", 200, "INVALID_DOCUMENT"),
    ];
    for (body, status, expected) in cases {
        let (found, answer) = send(&agent, body.to_vec()).await;
        assert_eq!((found, code(&answer)), (status, expected), "{}: {answer}", String::from_utf8_lossy(body));
        assert!(!answer["errors"][0]["message"].as_str().unwrap().is_empty());
    }
    let plain = agent.post().body("{ viewer { role } }").send().await.unwrap();
    assert_eq!(plain.status(), 415);
    let modern = agent.post().header("accept", "application/graphql-response+json").json(&json!({ "query": "{ no }" }));
    assert_eq!(modern.send().await.unwrap().status(), 400);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_values_name_the_argument() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    let id = agent.customer("Rob Example").await;
    let send = |channel: &str| {
        format!(
            "mutation {{ sendMessage(input: {{ customerId: \"{id}\", channel: {channel}, class: MARKETING, topic: \"t\", body: \"b\" }}) {{ decision }} }}"
        )
    };
    let answer = agent.answer(&send("PIGEON"), json!({})).await;
    assert_eq!(code(&answer), "INVALID_DOCUMENT");
    assert!(answer.to_string().contains("PIGEON") && answer.to_string().contains("Channel"), "{answer}");
    let query = "query($id: ID!, $at: DateTime) { timeline(customerId: $id, at: $at) { nodes { kind } } }";
    for variables in
        [json!({ "id": 7 }), json!({ "id": "Message:x" }), json!({ "id": id, "at": "yesterday" }), json!({})]
    {
        // Twice: the second time the document is known and trusted, and its variables are still checked.
        for _ in 0..2 {
            let answer = agent.answer(query, variables.clone()).await;
            assert!(["BAD_ARGUMENT", "INVALID_DOCUMENT"].contains(&code(&answer)), "{variables}: {answer}");
        }
        assert!(agent.answer(query, json!({ "id": id })).await.get("errors").is_none());
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nul_in_texts_is_kept_out_of_the_databases_way() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    let id = agent.customer("Sue Example").await;
    let note = "mutation($id: ID!, $text: String!) { addNote(customerId: $id, text: $text) { position refusal { code field } } }";
    let added = agent.data(note, json!({ "id": id, "text": "a\u{0}b" })).await["addNote"].take();
    if added["refusal"].is_null() {
        let query = "query($id: ID!, $wait: Position) { timeline(customerId: $id, first: 1, waitFor: $wait) { nodes { note { text } } } }";
        let seen = agent.data(query, json!({ "id": id, "wait": added["position"] })).await;
        let text = seen["timeline"]["nodes"][0]["note"]["text"].as_str().unwrap().to_owned();
        assert!(text.starts_with('a') && text.ends_with('b'), "{text:?}");
    } else {
        assert_eq!(added["refusal"]["field"], "text");
    }
    let search = "query($search: String) { customers(filter: { search: $search }) { nodes { id } } }";
    assert_eq!(agent.error(search, json!({ "search": "a\u{0}b" })).await, "BAD_ARGUMENT");
    assert_eq!(
        agent.error("{ customers(filter: { owner: \"\\u0000\" }) { totalCount } }", json!({})).await,
        "BAD_ARGUMENT"
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_that_would_cost_too_much_are_refused_cheaply() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    let aliases: String = (0..500).map(|n| format!("a{n}: viewer {{ role }} ")).collect();
    let mut bomb = String::from("{ ...f0 }");
    for level in 0..30 {
        bomb += &format!(" fragment f{level} on Query {{ ...f{0} ...f{0} }}", level + 1);
    }
    bomb += " fragment f30 on Query { viewer { role } }";
    let chain: String = (0..1_200).map(|level| format!("fragment f{level} on Query{{...f{}}}", level + 1)).collect();
    let nested = "{ customers(first: 200) { nodes { timeline(first: 200) { nodes { message { details { customer { name } } } } } } } }";
    let cases = [
        ("{a".repeat(5_000), "DOCUMENT_TOO_DEEP"),
        (format!("{{ customers(filter: {{ tags: {}1 }}) {{ totalCount }} }}", "[".repeat(10_000)), "DOCUMENT_TOO_DEEP"),
        (format!("{{ a(x: [\"\"\" \" {}{}]) }}", "[".repeat(2_000), "]".repeat(2_000)), "INVALID_DOCUMENT"),
        (format!("{{ ...f0 }} {chain}"), "DOCUMENT_TOO_DEEP"),
        (format!("{{ {aliases} }}"), "TOO_MANY_ALIASES"),
        (format!("{{ viewer {{ role {} }} }}", "@include(if: true) ".repeat(1_000)), "TOO_MANY_DIRECTIVES"),
        (format!("{{ viewer {{ role }} }} # {}", "x".repeat(100_000)), "DOCUMENT_TOO_LARGE"),
        (bomb, "TOO_MANY_FIELDS"),
        ("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".to_owned(), "FRAGMENT_CYCLE"),
        (nested.to_owned(), "TOO_COMPLEX"),
    ];
    for (query, expected) in cases {
        let began = Instant::now();
        let answer = agent.answer(&query, json!({})).await;
        assert_eq!(code(&answer), expected, "{answer}");
        assert!(began.elapsed() < Duration::from_secs(2), "{expected} took {:?}", began.elapsed());
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attributes_that_nest_deeper_than_can_be_read_again_are_refused() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let register = "mutation($attributes: Attributes!) { registerCustomer(input: { name: \"Ada\", attributes: $attributes }) \
        { customer { id } refusal { code message } } }";
    let attributes = |levels| (0..levels).fold(json!({}), |value, _| json!({ "a": value }));
    let refused = admin.answer(register, json!({ "attributes": attributes(20) })).await;
    assert_eq!(refused["data"]["registerCustomer"]["refusal"]["code"], "INVALID_INPUT", "{refused}");
    let refused = admin.answer(register, json!({ "attributes": attributes(100) })).await;
    assert_eq!(code(&refused), "VARIABLES_TOO_DEEP", "{refused}");
    let taken = admin.answer(register, json!({ "attributes": attributes(16) })).await;
    assert!(taken["data"]["registerCustomer"]["customer"]["id"].is_string(), "{taken}");
    let listed = admin.answer("{ customers { nodes { attributes } } }", json!({})).await;
    assert!(listed["errors"].is_null(), "{listed}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_fifty_megabytes_is_answered_with_413_before_it_is_parsed() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    let body = format!("{{\"query\": \"{{ viewer {{ role }} }} # {}\"}}", "x".repeat(50 * 1024 * 1024)).into_bytes();
    let (status, answer) = send(&agent, body.clone()).await;
    assert_eq!((status, code(&answer)), (413, "BODY_TOO_LARGE"));
    // Without a length in front, the limit strikes while the body comes in.
    let chunks = futures::stream::iter(
        body.chunks(64 * 1024).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect::<Vec<_>>(),
    );
    let streamed = agent.post().header("content-type", "application/json").body(reqwest::Body::wrap_stream(chunks));
    assert_eq!(streamed.send().await.unwrap().status(), 413);
    assert_eq!(agent.get("/healthz").await.status(), 200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_no_statement_could_take_is_refused_by_name() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    let long = vec!["t"; 70_000];
    let query = "query($tags: [String!]) { customers(filter: { tags: $tags }) { totalCount } }";
    assert_eq!(agent.error(query, json!({ "tags": long })).await, "LIST_TOO_LONG");
    let literal = format!("{{ customers(filter: {{ tags: [{}] }}) {{ totalCount }} }}", "\"t\" ".repeat(300));
    assert_eq!(agent.error(&literal, json!({})).await, "LIST_TOO_LONG");
    let inner = json!({ "filter": { "states": vec!["OPEN"; 201] } });
    let query = "query($filter: ConversationFilterInput) { inbox(filter: $filter) { all { open } } }";
    assert_eq!(agent.error(query, inner).await, "LIST_TOO_LONG");
    let ids = vec!["Customer:00000000-0000-7000-8000-000000000001"; 200];
    let nodes = agent.data("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ids })).await;
    assert_eq!(nodes["nodes"], json!(vec![Value::Null; 200]));
    app.finish().await;
}

on_both_engines! {
    who_was_forgotten_comes_back_by_an_address_and_not_by_the_number_of_a_crm(app) {
        let admin = app.actor(Role::Admin).await;
        let register = "mutation($input: CustomerInput!) { registerCustomer(input: $input) { customerId refusal { code } } }";
        let known = async |external: Option<&str>, phone: &str| {
            let input = json!({ "name": "Ann", "externalId": external, "addresses": [{ "kind": "PHONE", "address": phone }] });
            admin.data(register, json!({ "input": input })).await["registerCustomer"].take()
        };
        let forget = "mutation($id: ID!) { forgetCustomer(customerId: $id, reason: \"request\") { refusal { code } } }";
        // The same nightly file brings nobody back; the same person, who gives the number again, is a new customer.
        let first = known(Some("crm-9"), "+447911000009").await["customerId"].take();
        admin.data(forget, json!({ "id": first })).await;
        assert_eq!(known(Some("crm-9"), "+447911000009").await["refusal"]["code"], "CUSTOMER_FORGOTTEN");
        let again = known(None, "+447911000009").await;
        assert!(again["refusal"].is_null() && again["customerId"] != first, "{again}");
        // So is who was forgotten as a record that had been merged, by the numbers of both.
        let survivor = known(None, "+447911000021").await["customerId"].take();
        let merged = known(None, "+447911000022").await["customerId"].take();
        let merge = "mutation($input: MergeCustomersInput!) { mergeCustomers(input: $input) { refusal { code } } }";
        admin.data(merge, json!({ "input": { "from": merged, "into": survivor } })).await;
        admin.data(forget, json!({ "id": merged })).await;
        let mut ids = vec![survivor, merged];
        for phone in ["+447911000021", "+447911000022"] {
            let again = known(None, phone).await;
            assert!(again["refusal"].is_null() && !ids.contains(&again["customerId"]), "{again}");
            ids.push(again["customerId"].clone());
        }
    }

    a_cursor_that_no_store_could_compare_is_refused(app) {
        let agent = app.actor(Role::Agent).await;
        let id = Part::Uuid(uuid::Uuid::from_u128(7));
        let far = || Part::Time(chrono::DateTime::from_timestamp(8_000_000_000_000, 0).expect("a moment"));
        let near = || Part::Time(chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a moment"));
        let cases = [
            ("suppressions", vec![near(), id.clone(), Part::Text("a\0b".to_owned())]),
            ("suppressions", vec![far(), id.clone(), Part::Text("a".to_owned())]),
            ("customers", vec![far(), id]),
        ];
        for (list, key) in cases {
            let query = format!("query($after: String) {{ {list}(after: $after) {{ pageInfo {{ hasNextPage }} }} }}");
            let after = Cursor::of(&key);
            assert_eq!(agent.error(&query, json!({ "after": after.as_str() })).await, "BAD_ARGUMENT", "{list}: {key:?}");
        }
    }

    keys_of_repetition_of_one_api_key_are_not_used_up_by_another(app) {
        let (agent, ingest) = (app.actor(Role::Agent).await, app.actor(Role::Ingest).await);
        let mutation = "mutation($input: CustomerInput!) { registerCustomer(input: $input, idempotencyKey: \"1\") \
            { customerId refusal { code } } }";
        let mut known = std::collections::HashSet::new();
        for (actor, mailbox) in [(&ingest, "a@example.org"), (&agent, "b@example.org")] {
            let input = json!({ "addresses": [{ "kind": "EMAIL", "address": mailbox }] });
            for repetition in 0..2 {
                let data = actor.data(mutation, json!({ "input": input })).await;
                let id = data["registerCustomer"]["customerId"].as_str().unwrap_or_else(|| panic!("{data:#}")).to_owned();
                assert_eq!(known.insert(id), repetition == 0, "{mailbox}");
            }
        }
    }
}
