//! Imports through the API: a file is uploaded, looked at, tried, imported, watched; what is refused comes back.

use commlog::domain::tenant::event::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::socket::Socket;
use crate::support::app::{Actor, TestApp, http_client, on_both_engines};

const CRM: &str = "\
customer_id,Name,E-mail,Unsubscribed,Mobile
c1,Ada Byron,ada@example.com,no,+44 7400 123456
c2,Émile Zola,emile@example.org,yes,
c3,No Mailbox,not-an-address,no,
";

const FIGURES: &str =
    "id state isDryRun lines fileName importId refusedUrl problem { code message columns } author { kind }
    figures { linesRead rows taken already appended registered optOuts refused refusals { reason count firstLine } }";

async fn uploaded(actor: &Actor, name: &str, text: &str) -> Value {
    let request = http_client().post(actor.url("/import-files")).bearer_auth(&actor.token);
    let request = request.header("content-disposition", format!("attachment; filename=\"{name}\""));
    let response = request.body(text.to_owned()).send().await.expect("the node answers");
    assert_eq!(response.status(), StatusCode::CREATED);
    response.json().await.expect("JSON")
}

/// The id of a file of customers, all of whose columns are clear.
async fn crm(actor: &Actor) -> Value {
    let file = uploaded(actor, "crm.csv", CRM).await;
    json!({ "fileId": file["file"], "kind": "CUSTOMERS",
        "mappings": [{ "column": "Unsubscribed", "field": "opt_out_email" }] })
}

async fn begin(actor: &Actor, mutation: &str, input: &Value, key: Option<&str>) -> Value {
    let query = format!(
        "mutation($input: ImportInput!, $key: String) {{ {mutation}(input: $input, idempotencyKey: $key) \
         {{ run {{ {FIGURES} }} refusal {{ code message field }} }} }}"
    );
    actor.data(&query, json!({ "input": input, "key": key })).await[mutation].take()
}

/// Watches a run to its end.
async fn ended(actor: &Actor, run: &Value) -> Value {
    let mut socket = Socket::connect(actor).await;
    let watch = format!("subscription($id: ID!) {{ importProgress(runId: $id) {{ {FIGURES} }} }}");
    socket.start("r", &watch, json!({ "id": run["id"] })).await;
    loop {
        let run = socket.next("r").await["importProgress"].take();
        if !["WAITING", "RUNNING"].contains(&run["state"].as_str().expect("a state")) {
            return run;
        }
    }
}

async fn names(actor: &Actor) -> Vec<Value> {
    let found = actor.data("{ customers(first: 50) { nodes { name } } }", json!({})).await;
    let nodes = found["customers"]["nodes"].as_array().expect("customers").iter();
    nodes.map(|customer| customer["name"].clone()).collect()
}

on_both_engines! {
    a_file_is_looked_at_tried_and_imported_and_what_is_refused_comes_back(app) {
        let admin = app.actor(Role::Admin).await;
        let input = crm(&admin).await;
        let preview = "query($input: ImportInput!) { previewImport(input: $input) { system lines columns { name field samples } \
            rows { line text refusal } problem { code columns } } }";
        let shown = admin.data(preview, json!({ "input": input })).await["previewImport"].take();
        assert_eq!((&shown["problem"], &shown["lines"]), (&Value::Null, &json!(3)));
        let columns: Vec<_> = shown["columns"].as_array().expect("columns").iter()
            .map(|column| (column["name"].as_str().expect("a name"), column["field"].as_str())).collect();
        assert_eq!(columns, [("customer_id", Some("customer")), ("Name", Some("name")), ("E-mail", Some("email")),
            ("Unsubscribed", Some("consent of email (yes: opted out)")), ("Mobile", Some("phone"))]);
        assert_eq!(shown["columns"][1]["samples"], json!(["Ada Byron", "Émile Zola", "No Mailbox"]));
        assert!(shown["rows"][0]["text"].as_str().expect("a row").contains("ada@example.com"), "{shown:#}");
        assert_eq!((&shown["rows"][2]["line"], &shown["rows"][2]["text"]), (&json!(4), &Value::Null));

        let tried = begin(&admin, "dryRunImport", &input, None).await;
        let tried = ended(&admin, &tried["run"]).await;
        assert_eq!((&tried["state"], &tried["isDryRun"], &tried["importId"]), (&json!("DONE"), &json!(true), &Value::Null));
        let figures = &tried["figures"];
        assert_eq!((&figures["rows"], &figures["registered"], &figures["optOuts"], &figures["refused"]),
            (&json!(2), &json!(2), &json!(1), &json!(1)), "{tried:#}");
        assert!(names(&admin).await.is_empty());

        let begun = begin(&admin, "startImport", &input, Some("once")).await;
        let again = begin(&admin, "startImport", &input, Some("once")).await;
        assert_eq!(begun["run"]["id"], again["run"]["id"]);
        let run = ended(&admin, &begun["run"]).await;
        assert_eq!((&run["state"], &run["figures"]["appended"]), (&json!("DONE"), &figures["appended"]), "{run:#}");
        assert_eq!((&run["fileName"], &run["author"]["kind"]), (&json!("crm.csv"), &json!("KEY")));
        app.visible(app.head().await).await;
        assert_eq!(names(&admin).await.len(), 2);
        let import = "query($id: ID!) { import(id: $id) { state fileName refused } }";
        let import = admin.data(import, json!({ "id": run["importId"] })).await["import"].take();
        assert_eq!(import, json!({ "state": "COMPLETED", "fileName": "crm.csv", "refused": 1 }));

        let url = run["refusedUrl"].as_str().expect("a URL");
        let refused = http_client().get(admin.url(url)).bearer_auth(&admin.token).send().await.expect("answers");
        assert_eq!(refused.status(), StatusCode::OK);
        let refused = refused.text().await.expect("text");
        assert!(refused.lines().nth(1).is_some_and(|line| line.starts_with("4,") && line.contains("c3")), "{refused}");
        // Once it is imported, the file is gone.
        let known = admin.data("query($id: ID!) { importFile(id: $id) { name } }", json!({ "id": input["fileId"] })).await;
        assert_eq!(known["importFile"], Value::Null);
        let gone = begin(&admin, "startImport", &input, None).await;
        assert_eq!(gone["refusal"]["code"], "FILE_UNKNOWN");
        let runs = admin.data("{ importRuns { id } }", json!({})).await;
        assert_eq!((runs["importRuns"].as_array().map(Vec::len), &runs["importRuns"][0]["id"]), (Some(2), &run["id"]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_to_be_said_first_is_asked_and_what_cannot_be_read_is_refused() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let preview = "query($input: ImportInput!) { previewImport(input: $input) { columns { name field } problem { code columns } } }";
    let cases = [
        (
            "crm.csv",
            "id,email,Marketing permission\n1,a@example.com,nope\n",
            json!({}),
            "UNCLEAR_CONSENT",
            json!(["Marketing permission"]),
        ),
        ("crm.csv", "town\nVienna\n", json!({}), "COLUMN_MISSING", json!([])),
        (
            "crm.csv",
            "id,email\n1,a@example.com\n",
            json!({ "mappings": [{ "column": "mail", "field": "email" }] }),
            "COLUMN_UNKNOWN",
            json!([]),
        ),
        (
            "crm.csv",
            "id,email\n1,a@example.com\n",
            json!({ "mappings": [{ "column": "id", "field": "colour" }] }),
            "FIELD_UNKNOWN",
            json!([]),
        ),
        ("crm.csv", "id,email\n1,a@example.com\n", json!({ "from": "lotus-notes" }), "SYSTEM_UNKNOWN", json!([])),
        ("crm.csv", "id,email\n1,a@example.com\n", json!({ "timeFormat": "%Q" }), "TIME_FORMAT", json!([])),
        ("crm.xlsx", "PK\u{3}\u{4}rest", json!({}), "NOT_TEXT", json!([])),
        ("crm.csv", "", json!({}), "FILE_EMPTY", json!([])),
        (
            "orders.csv",
            "order,customer,at,quantity,unit_price\n1,c,2024-01-01,1,\"1,000\"\n",
            json!({ "kind": "ORDERS", "currency": "EUR" }),
            "DECIMAL_UNCLEAR",
            json!([]),
        ),
    ];
    for (name, text, more, code, columns) in cases {
        let file = uploaded(&admin, name, text).await;
        let mut input = json!({ "fileId": file["file"], "kind": "CUSTOMERS" });
        input.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let shown = admin.data(preview, json!({ "input": input })).await["previewImport"].take();
        assert_eq!(
            (&shown["problem"]["code"], &shown["problem"]["columns"]),
            (&json!(code), &columns),
            "{name}: {shown:#}"
        );
        let run = begin(&admin, "startImport", &input, None).await;
        let run = ended(&admin, &run["run"]).await;
        assert_eq!((&run["state"], &run["problem"]["code"]), (&json!("FAILED"), &json!(code)), "{run:#}");
    }
    assert!(names(&admin).await.is_empty());
    let input = crm(&admin).await;
    for (name, value, field) in
        [("currency", "EURO", "currency"), ("region", "Austria", "region"), ("timeZone", "Mars", "timeZone")]
    {
        let mut wrong = input.clone();
        wrong[name] = json!(value);
        let refused = begin(&admin, "startImport", &wrong, None).await;
        assert_eq!(
            (&refused["refusal"]["code"], &refused["refusal"]["field"]),
            (&json!("INVALID_INPUT"), &json!(field))
        );
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_and_runs_are_their_tenants_and_administrators_alone() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let input = crm(&admin).await;
    let stranger = app.actor_of(app.other_tenant().await, Role::Admin, None).await;
    assert_eq!(begin(&stranger, "startImport", &input, None).await["refusal"]["code"], "FILE_UNKNOWN");
    let run = begin(&admin, "startImport", &input, None).await["run"].take();
    let run = ended(&admin, &run).await;
    let ask = "query($id: ID!) { importRun(id: $id) { state } importRuns { id } }";
    let unseen = stranger.data(ask, json!({ "id": run["id"] })).await;
    assert_eq!(unseen, json!({ "importRun": null, "importRuns": [] }));
    let url = run["refusedUrl"].as_str().expect("a URL");
    let refused = http_client().get(stranger.url(url)).bearer_auth(&stranger.token).send().await.expect("answers");
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
    let stop = "mutation($id: ID!) { stopImportRun(runId: $id) { refusal { code } } }";
    let unknown = stranger.data(stop, json!({ "id": run["id"] })).await;
    assert_eq!(unknown["stopImportRun"]["refusal"]["code"], "RUN_UNKNOWN");
    for role in [Role::Marketer, Role::Agent, Role::Auditor] {
        let actor = app.actor(role).await;
        let request = http_client().post(actor.url("/import-files")).bearer_auth(&actor.token).body(CRM);
        assert_eq!(request.send().await.expect("answers").status(), StatusCode::FORBIDDEN);
        assert_eq!(actor.error(ask, json!({ "id": run["id"] })).await, "FORBIDDEN");
    }
    let nobody = http_client().post(admin.url("/import-files")).body(CRM).send().await.expect("answers");
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_stopped_leaves_what_it_brought_and_the_file_goes_on_from_there() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let lines: String =
        (0..20_000).map(|number| format!("c{number},Person {number},p{number}@example.com\n")).collect();
    let text = format!("customer_id,name,email\n{lines}");
    let file = uploaded(&admin, "many.csv", &text).await;
    let input = json!({ "fileId": file["file"], "kind": "CUSTOMERS" });
    let run = begin(&admin, "startImport", &input, None).await["run"].take();
    let stop = "mutation($id: ID!) { stopImportRun(runId: $id) { run { id } refusal { code } } }";
    assert_eq!(admin.data(stop, json!({ "id": run["id"] })).await["stopImportRun"]["run"]["id"], run["id"]);
    let stopped = ended(&admin, &run).await;
    assert_eq!(stopped["state"], "STOPPED");
    let brought = stopped["figures"]["taken"].as_i64().expect("a number");
    assert!(brought < 20_000, "{stopped:#}");
    // The file is still there.
    let run = begin(&admin, "startImport", &input, None).await["run"].take();
    let run = ended(&admin, &run).await;
    let figures = &run["figures"];
    assert_eq!(
        (&run["state"], &figures["taken"], &figures["already"]),
        (&json!("DONE"), &json!(20_000), &json!(brought))
    );
    app.finish().await;
}
