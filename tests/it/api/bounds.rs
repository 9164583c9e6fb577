//! Bounds of values hold at every edge, and one row that cannot be read stops nobody else.

use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use crate::support::app::{Actor, Engine, TestApp, on_both_engines};

/// Moments that one engine or the other could store and never read back.
const BEYOND: [&str; 6] = [
    "+10000-01-01T00:00:00Z",
    "+262142-12-31T23:59:59Z",
    "-0001-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z",
];

async fn refusal(actor: &Actor, mutation: &str, name: &str, input: Value) -> Value {
    let mut data = actor.data(mutation, json!({ "input": input })).await;
    data[name]["refusal"].take()
}

const SEND: &str = "mutation($input: SendMessageInput!) { sendMessage(input: $input) \
    { decision messageId position refusal { code field } } }";
const RECEIVE: &str = "mutation($input: ReceiveMessageInput!) { receiveMessage(input: $input) \
    { conversationId position refusal { code field } } }";
const RECORD: &str =
    "mutation($input: ActivityInput!) { recordActivity(input: $input) { position refusal { code field } } }";
const SNOOZE: &str = "mutation($customer: ID!, $id: ID!, $until: DateTime!) { updateConversation(customerId: $customer, \
    conversationId: $id, changes: { state: SNOOZED, snoozedUntil: $until }) { position refusal { code field } } }";

fn message(customer: &str, at: &str) -> Value {
    json!({ "customerId": customer, "channel": "EMAIL", "class": "TRANSACTIONAL", "topic": "t", "subject": "s", "body": "b",
        "sendAt": at })
}

on_both_engines! {
    times_of_other_centuries_are_refused_with_their_field(app) {
        let (agent, ingest) = (app.actor(Role::Agent).await, app.actor(Role::Ingest).await);
        let id = agent.customer("Mallory Example").await;
        let written = json!({ "customerId": id, "channel": "EMAIL", "body": "hello" });
        let received = agent.data(RECEIVE, json!({ "input": written })).await;
        let conversation = &received["receiveMessage"]["conversationId"];
        for at in BEYOND {
            let refused = refusal(&agent, SEND, "sendMessage", message(&id, at)).await;
            assert_eq!(refused, json!({ "code": "INVALID_INPUT", "field": "sendAt" }), "{at}");
            let order = |occurred: Option<&str>, due: Option<&str>| {
                json!({ "customerId": id, "kind": "ORDER", "reference": "1", "occurredAt": occurred, "dueAt": due })
            };
            let refused = refusal(&ingest, RECORD, "recordActivity", order(Some(at), None)).await;
            assert_eq!(refused, json!({ "code": "INVALID_INPUT", "field": "occurredAt" }), "{at}");
            let refused = refusal(&ingest, RECORD, "recordActivity", order(None, Some(at))).await;
            assert_eq!(refused, json!({ "code": "INVALID_INPUT", "field": "dueAt" }), "{at}");
            let late = json!({ "customerId": id, "channel": "EMAIL", "body": "x", "occurredAt": at });
            let refused = refusal(&agent, RECEIVE, "receiveMessage", late).await;
            assert_eq!(refused, json!({ "code": "INVALID_INPUT", "field": "occurredAt" }), "{at}");
            let snooze = json!({ "customer": id, "id": conversation, "until": at });
            let snoozed = agent.data(SNOOZE, snooze).await;
            let expected = json!({ "code": "INVALID_INPUT", "field": "snoozedUntil" });
            assert_eq!(snoozed["updateConversation"]["refusal"], expected, "{at}");
            // A filter is only compared with: it finds everything or nothing.
            let query = "query($at: DateTime!) { events(filter: { since: $at }, first: 1) { nodes { id } } }";
            let filtered = agent.answer(query, json!({ "at": at })).await;
            assert_ne!(filtered["errors"][0]["extensions"]["code"], "INTERNAL", "{filtered}");
        }
        let latest = refusal(&agent, SEND, "sendMessage", message(&id, "2199-12-31T23:59:59Z")).await;
        assert!(latest.is_null(), "{latest}");
        let query = "query($id: ID!, $at: Position) { timeline(customerId: $id, waitFor: $at) { totalCount } }";
        let at = app.head().await.to_string();
        assert_eq!(agent.data(query, json!({ "id": id, "at": at })).await["timeline"]["totalCount"], 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_that_cost_too_much_are_refused_with_their_part() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    let query = "query($filter: CustomerFilterInput) { customers(filter: $filter, first: 1) { totalCount } }";
    let tags: Vec<String> = (0..100).map(|number| format!("tag{number}")).collect();
    for (part, filter) in [
        ("search", json!({ "search": "org ".repeat(900) })),
        ("search", json!({ "search": "x".repeat(90_000) })),
        ("tags", json!({ "tags": tags })),
    ] {
        let answer = agent.answer(query, json!({ "filter": filter })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_ARGUMENT", "{answer}");
        assert!(answer["errors"][0]["message"].as_str().is_some_and(|text| text.contains(part)), "{answer}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_ends_a_statement_a_little_later_than_its_request() {
    let app = TestApp::on(Engine::Postgres).await;
    let sql = "SELECT current_setting('statement_timeout') AS timeout";
    assert_eq!(app.reads().db().fetch_all::<(String,)>(sql, &[]).await.expect("a row"), [("35s".to_owned(),)]);
    // Those who ask in vain use up their own share only.
    let db = app.reads().db();
    let shares = commlog::sql::Shares::new(db.connections());
    let tenant = app.tenant.0;
    let share = move |key: u128| shares.of(tenant, uuid::Uuid::from_u128(key));
    let slow = "SELECT pg_sleep(12)::text AS slept";
    // Nor do those who ask again and again and go away: the server does not notice, and each query runs to its end.
    for number in 0..40 {
        let asked = share(number % 8).run(db.fetch_all::<(String,)>(slow, &[]));
        tokio::time::timeout(std::time::Duration::from_millis(20), asked).await.expect_err("it sleeps");
    }
    let other = app.actor_of(app.other_tenant().await, Role::Agent, None).await;
    let began = std::time::Instant::now();
    assert_eq!(other.data("{ customers(first: 1) { totalCount } }", json!({})).await["customers"]["totalCount"], 0);
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "it waited {:?}", began.elapsed());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_statements_cost_is_counted_before_any_runs() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    let many = |count: usize, of: &str| -> String {
        (0..count).map(|number| format!("a{number}: {of} ")).collect::<Vec<_>>().concat()
    };
    let searched = |words: usize| {
        format!("customers(first: 1, filter: {{ search: \"{}\" }}) {{ nodes {{ id }} }}", "org ".repeat(words))
    };
    let counted = "customers(first: 1) { totalCount }";
    let spread =
        format!("{{ {} }} fragment f on CustomerConnection {{ n: totalCount }}", many(21, "customers { ...f }"));
    for (query, code) in [
        (format!("{{ {} }}", many(20, counted)), None),
        (format!("{{ {} }}", many(21, counted)), Some("TOO_MANY_COUNTS")),
        (spread, Some("TOO_MANY_COUNTS")),
        (format!("{{ {} }}", many(16, &searched(12))), None),
        (format!("{{ {} }}", many(59, &searched(12))), Some("TOO_COMPLEX")),
        (format!("{{ {} }}", many(1, &searched(13))), Some("BAD_ARGUMENT")),
    ] {
        let answer = agent.answer(&query, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"].as_str(), code, "{query}: {answer}");
    }
    app.finish().await;
}

/// Changes the live read tables behind the node's back.
fn damage(app: &TestApp, statement: &str) {
    let mut changed = 0;
    for file in std::fs::read_dir(app.folder().join("read")).expect("read tables") {
        let path = file.expect("a file").path();
        if path.extension().is_some_and(|extension| extension == "db")
            && let Ok(connection) = rusqlite::Connection::open(&path)
            && let Ok(rows) = connection.execute(statement, [])
        {
            changed += rows;
        }
    }
    assert!(changed > 0, "nothing was damaged by {statement}");
}

/// On SQLite, which keeps times as text; PostgreSQL's types cannot hold such a row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_cannot_be_read_are_set_aside_at_the_start_and_counted() {
    let app = TestApp::on(Engine::Sqlite).await;
    let agent = app.actor(Role::Agent).await;
    let (bad, good) = (agent.customer("Mallory Example").await, agent.customer("Ada Example").await);
    for id in [&bad, &good] {
        let sent = agent.data(SEND, json!({ "input": message(id, "2190-01-01T00:00:00Z") })).await;
        assert_eq!(sent["sendMessage"]["decision"], "HELD", "{sent:#}");
    }
    app.visible(app.head().await).await;
    let uuid = bad.strip_prefix("Customer:").unwrap_or(&bad).replace('-', "");
    damage(&app, &format!("UPDATE messages SET send_at = '+10000-01-01T00:00:00Z' WHERE customer_id = x'{uuid}'"));
    let app = app.restart().await;
    assert_eq!(app.stores().app.health().count_set_aside("backlog"), 1);
    let metrics = app.actor(Role::Agent).await.get("/metrics").await.text().await.expect("a text");
    assert!(metrics.contains("set_aside_total{part=\"backlog\"} 1"), "{metrics}");
    app.finish().await;
}
