//! Exports through the API: begun, watched, downloaded; recorded as reads, and gone in time.

use chrono::TimeDelta;
use commlog::domain::tenant::event::Role;
use parquet::file::reader::{FileReader, SerializedFileReader};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::socket::Socket;
use crate::support::app::{Actor, http_client, on_both_engines};

const FIELDS: &str = "id what format spreadsheet withoutPersonalData isSelection state percent rows total bytes expiresAt url problem author { kind }";

async fn begin(actor: &Actor, input: Value, key: Option<&str>) -> Value {
    let query = format!(
        "mutation($input: ExportInput!, $key: String) {{ startExport(input: $input, idempotencyKey: $key) \
         {{ repeated export {{ {FIELDS} }} refusal {{ code field }} }} }}"
    );
    actor.data(&query, json!({ "input": input, "key": key })).await["startExport"].take()
}

/// Watches an export to its end.
async fn ended(actor: &Actor, begun: &Value) -> Value {
    let mut socket = Socket::connect(actor).await;
    let watch = format!("subscription($id: ID!) {{ exportProgress(id: $id) {{ {FIELDS} }} }}");
    socket.start("e", &watch, json!({ "id": begun["id"] })).await;
    loop {
        let run = socket.next("e").await["exportProgress"].take();
        if !["WAITING", "RUNNING"].contains(&run["state"].as_str().expect("a state")) {
            return run;
        }
    }
}

async fn exported(actor: &Actor, input: Value) -> Value {
    let begun = begin(actor, input, None).await;
    assert!(begun["refusal"].is_null(), "{begun:#}");
    ended(actor, &begun["export"]).await
}

async fn download(actor: &Actor, export: &Value) -> reqwest::Response {
    let url = actor.url(export["url"].as_str().expect("a URL"));
    http_client().get(url).bearer_auth(&actor.token).send().await.expect("the node answers")
}

/// How often personal data was read, by what the log says.
async fn reads(actor: &Actor) -> usize {
    let query = "{ events(last: 50, filter: { types: [\"PersonalDataRead\"] }) { nodes { id } } }";
    actor.data(query, json!({})).await["events"]["nodes"].as_array().expect("events").len()
}

/// The lines of a file, each an object.
async fn lines(actor: &Actor, export: &Value) -> Vec<Value> {
    let text = download(actor, export).await.text().await.expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

async fn known(actor: &Actor, id: &Value) -> Value {
    let query = format!("query($id: ID!) {{ export(id: $id) {{ {FIELDS} }} }}");
    actor.data(&query, json!({ "id": id })).await["export"].take()
}

on_both_engines! {
    rows_are_exported_and_each_download_is_recorded(app) {
        let admin = app.actor(Role::Admin).await;
        admin.customer("=HYPERLINK(\"x\")").await;
        let wanted = json!({ "what": "customers", "format": "CSV", "spreadsheet": true });
        let begun = begin(&admin, wanted.clone(), Some("once")).await;
        let run = ended(&admin, &begun["export"]).await;
        assert_eq!((&run["state"], &run["rows"], &run["total"]), (&json!("DONE"), &json!(1), &json!(1)), "{run:#}");
        let again = begin(&admin, wanted, Some("once")).await;
        assert_eq!((&again["repeated"], &again["export"]["id"]), (&json!(true), &run["id"]));
        let other = begin(&admin, json!({ "what": "customers", "format": "JSONL" }), Some("once")).await;
        assert_eq!(other["refusal"]["code"], "IDEMPOTENCY_KEY_REUSED");

        let response = download(&admin, &run).await;
        assert_eq!(response.status(), StatusCode::OK);
        let named = response.headers()["content-disposition"].to_str().expect("a header").to_owned();
        assert!(named.contains("customers-") && named.contains(".csv"), "{named}");
        // As bytes: `text` takes the mark away.
        let text = String::from_utf8(response.bytes().await.expect("bytes").to_vec()).expect("text");
        assert_eq!(json!(text.len().to_string()), run["bytes"]);
        let header = text.lines().next().expect("a header");
        assert!(header.starts_with("\u{feff}tenant_id,customer_id"), "{header}");
        assert!(header.ends_with("addresses,consents"), "{header}");
        assert!(text.contains("'=HYPERLINK"), "a spreadsheet runs nothing: {text}");

        let lines = exported(&admin, json!({ "what": "customers", "format": "JSONL" })).await;
        let text = download(&admin, &lines).await.text().await.expect("text");
        let row: Value = serde_json::from_str(text.trim()).expect("a line of JSON");
        assert_eq!((&row["name"], &row["addresses"][0]["kind"]), (&json!("=HYPERLINK(\"x\")"), &json!("email")));

        app.visible(app.head().await).await;
        let reads = "{ events(last: 10, filter: { types: [\"PersonalDataRead\"] }) { nodes { data } } }";
        let reads = admin.data(reads, json!({})).await["events"]["nodes"].take();
        let reads: Vec<_> = reads.as_array().expect("events").iter().map(|read| &read["data"]["what"]).collect();
        assert_eq!(reads, [&json!("export"), &json!("export")]);
        let query = "query($id: ID!) { exportables { name question columns } exports { id } node(id: $id) { id } }";
        let all = admin.data(query, json!({ "id": run["id"] })).await;
        let customers = all["exportables"].as_array().expect("some").iter().find(|one| one["name"] == "customers");
        assert!(customers.is_some_and(|one| one["question"].as_str().is_some_and(|text| text.contains("customers"))));
        assert_eq!((&all["exports"][1]["id"], &all["node"]["id"]), (&run["id"], &run["id"]));
    }

    a_download_that_was_interrupted_continues_where_it_stopped(app) {
        let admin = app.actor(Role::Admin).await;
        admin.customer("Ada Byron").await;
        let run = exported(&admin, json!({ "what": "customers", "format": "JSONL" })).await;
        let text = download(&admin, &run).await.text().await.expect("text");
        let length = text.len();
        for (range, status, part, said) in [
            ("bytes=10-", 206, &text.as_bytes()[10..], format!("bytes 10-{}/{length}", length - 1)),
            ("bytes=10-19", 206, &text.as_bytes()[10..20], format!("bytes 10-19/{length}")),
            ("bytes=0-9999999", 206, text.as_bytes(), format!("bytes 0-{}/{length}", length - 1)),
            ("bytes=-5", 200, text.as_bytes(), String::new()),
            ("lines=1-2", 200, text.as_bytes(), String::new()),
            ("bytes=9-5", 200, text.as_bytes(), String::new()),
            ("bytes=9999999-", 416, &text.as_bytes()[..0], format!("bytes */{length}")),
        ] {
            let url = admin.url(run["url"].as_str().expect("a URL"));
            let request = http_client().get(url).bearer_auth(&admin.token).header("range", range);
            let response = request.send().await.expect("the server answers");
            let told = response.headers().get("content-range").map(|told| told.to_str().expect("a text").to_owned());
            let told = told.unwrap_or_default();
            assert_eq!((response.status().as_u16(), told), (status, said), "{range}");
            assert_eq!(response.bytes().await.expect("bytes"), part, "{range}");
        }
    }

    only_administrators_of_the_tenant_have_them_and_none_is_kept_for_good(app) {
        let admin = app.actor(Role::Admin).await;
        let customer = admin.customer("Ada Byron").await;
        let run = exported(&admin, json!({ "what": "customers", "format": "CSV" })).await;
        let marketer = app.actor_of(app.tenant, Role::Marketer, Some(true)).await;
        assert_eq!(download(&marketer, &run).await.status(), StatusCode::FORBIDDEN);
        assert_eq!(marketer.error("{ exports { id } }", json!({})).await, "FORBIDDEN");
        let stranger = app.actor_of(app.other_tenant().await, Role::Admin, None).await;
        assert_eq!(download(&stranger, &run).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(known(&stranger, &run["id"]).await, Value::Null);
        let url = admin.url(run["url"].as_str().expect("a URL"));
        let nobody = http_client().get(url).send().await.expect("the node answers");
        assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);

        for (input, field) in [
            (json!({ "what": "passwords", "format": "CSV" }), "what"),
            (json!({ "what": "customers", "format": "JSONL", "spreadsheet": true }), "spreadsheet"),
        ] {
            let refused = begin(&admin, input, None).await["refusal"].take();
            assert_eq!(refused, json!({ "code": "INVALID_INPUT", "field": field }));
        }

        let removed = exported(&admin, json!({ "what": "messages", "format": "CSV" })).await;
        let remove = "mutation($id: ID!) { removeExport(id: $id) { export { what } refusal { code } } }";
        let gone = admin.data(remove, json!({ "id": removed["id"] })).await["removeExport"].take();
        assert_eq!(gone, json!({ "export": { "what": "messages" }, "refusal": null }));
        assert_eq!(download(&admin, &removed).await.status(), StatusCode::NOT_FOUND);
        let gone = admin.data(remove, json!({ "id": removed["id"] })).await["removeExport"].take();
        assert_eq!(gone["refusal"]["code"], "EXPORT_UNKNOWN");

        // Whoever is forgotten is in no file of the server any more.
        let forget = "mutation($id: ID!) { forgetCustomer(customerId: $id, reason: \"request\") { position refusal { code } } }";
        let forgotten = admin.data(forget, json!({ "id": customer })).await["forgetCustomer"].take();
        assert!(forgotten["refusal"].is_null(), "{forgotten:#}");
        app.visible(app.head().await).await;
        assert_eq!(download(&admin, &run).await.status(), StatusCode::NOT_FOUND);
        let after = known(&admin, &run["id"]).await;
        assert_eq!((&after["state"], &after["problem"], &after["url"]),
            (&json!("FAILED"), &json!("SOMEBODY_FORGOTTEN"), &Value::Null), "{after:#}");

        let fresh = exported(&admin, json!({ "what": "customers", "format": "CSV" })).await;
        assert_eq!(download(&admin, &fresh).await.status(), StatusCode::OK);
        app.advance(TimeDelta::days(8));
        assert_eq!(download(&admin, &fresh).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(known(&admin, &fresh["id"]).await, Value::Null);
        let left = std::fs::read_dir(app.folder().join("exports").join(app.tenant.to_string())).expect("a folder");
        assert_eq!(left.count(), 0);
    }

    events_are_exported_as_the_log_has_them(app) {
        let admin = app.actor(Role::Admin).await;
        let (ada, bob) = (admin.customer("Ada Byron").await, admin.customer("Bob Crane").await);
        let whole = exported(&admin, json!({ "what": "events", "format": "JSONL" })).await;
        assert_eq!((&whole["state"], &whole["total"], &whole["percent"]), (&json!("DONE"), &Value::Null, &json!(100)));
        assert_eq!(whole["isSelection"], false);
        let all = lines(&admin, &whole).await;
        assert_eq!(json!(all.len()), whole["rows"]);
        assert!(all.iter().any(|event| event["type"] == "TenantCreated"), "{all:#?}");
        let positions: Vec<_> = all.iter().map(|event| event["position"].as_str().expect("a position")).collect();
        assert!(positions.is_sorted(), "{positions:?}");
        let names: Vec<_> = all.iter().filter(|event| event["type"] == "CustomerRegistered")
            .map(|event| &event["personal"]["name"]).collect();
        assert_eq!(names, [&json!("Ada Byron"), &json!("Bob Crane")]);

        let of_ada = json!({ "what": "events", "format": "JSONL", "events": { "customerId": ada } });
        let of_ada = exported(&admin, of_ada).await;
        assert_eq!(of_ada["isSelection"], true);
        let own = lines(&admin, &of_ada).await;
        let stream = format!("customer-{}", ada.trim_start_matches("Customer:"));
        assert!(!own.is_empty() && own.iter().all(|event| event["stream"] == stream.as_str()), "{own:#?}");

        // What is known of nobody by name is no read of personal data, and stays when somebody is forgotten.
        let before = reads(&admin).await;
        let wanted = json!({ "what": "events", "format": "CSV", "withoutPersonalData": true,
            "events": { "types": ["CustomerRegistered"], "stream": { "category": "CUSTOMER", "key": bob.trim_start_matches("Customer:") } } });
        let plain = exported(&admin, wanted).await;
        let forget = "mutation($id: ID!) { forgetCustomer(customerId: $id, reason: \"request\") { position refusal { code } } }";
        let forgotten = admin.data(forget, json!({ "id": bob })).await["forgetCustomer"].take();
        assert!(forgotten["refusal"].is_null(), "{forgotten:#}");
        app.visible(app.head().await).await;
        let text = download(&admin, &plain).await.text().await.expect("text");
        assert!(text.starts_with("position,stream,version") && text.lines().count() == 2, "{text}");
        assert!(!text.contains("Bob") && !text.contains("personal"), "{text}");
        assert_eq!(reads(&admin).await, before);
        assert_eq!(download(&admin, &of_ada).await.status(), StatusCode::NOT_FOUND);

        let later = json!({ "what": "events", "format": "JSONL", "events": { "since": "2100-01-01T00:00:00Z" } });
        assert_eq!(exported(&admin, later).await["rows"], 0);
        let early = json!({ "what": "events", "format": "JSONL", "events": { "until": "1999-01-01T00:00:00Z" } });
        assert_eq!(exported(&admin, early).await["rows"], 0);
        let both = json!({ "customerId": ada, "stream": { "category": "CUSTOMER", "key": uuid::Uuid::nil() } });
        for (input, field) in [
            (json!({ "what": "events", "format": "CSV", "events": both }), "events"),
            (json!({ "what": "customers", "format": "CSV", "events": { "types": ["MessageSent"] } }), "events"),
            (json!({ "what": "customers", "format": "JSONL", "withoutPersonalData": true }), "withoutPersonalData"),
            (json!({ "what": "events", "format": "PARQUET", "spreadsheet": true }), "spreadsheet"),
        ] {
            let refused = begin(&admin, input, None).await["refusal"].take();
            assert_eq!(refused, json!({ "code": "INVALID_INPUT", "field": field }));
        }
    }

    rows_and_events_are_exported_by_columns(app) {
        let admin = app.actor(Role::Admin).await;
        admin.customer("Ada Byron").await;
        let exportables = "{ exportables { name columns typedColumns { name isPersonal } } }";
        let offered = admin.data(exportables, json!({})).await["exportables"].take();
        let typed = |name: &str, with_personal: bool| -> Vec<String> {
            let one = offered.as_array().expect("some").iter().find(|one| one["name"] == name).expect("is offered");
            let columns = one["typedColumns"].as_array().expect("columns").iter();
            let wanted = columns.filter(|column| with_personal || column["isPersonal"] == false);
            wanted.map(|column| column["name"].as_str().expect("a name").to_owned()).collect()
        };
        for (what, with_personal) in [("customers", true), ("customers", false), ("events", true), ("events", false)] {
            let wanted = json!({ "what": what, "format": "PARQUET", "withoutPersonalData": !with_personal });
            let run = exported(&admin, wanted).await;
            assert_eq!(run["state"], "DONE", "{run:#}");
            let response = download(&admin, &run).await;
            assert_eq!(response.headers()["content-type"], "application/vnd.apache.parquet");
            let file = SerializedFileReader::new(response.bytes().await.expect("bytes")).expect("a Parquet file");
            let schema = file.metadata().file_metadata().schema().clone();
            let columns: Vec<_> = schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
            assert_eq!(file.metadata().file_metadata().num_rows(), run["rows"].as_i64().expect("a count"));
            let rows: Vec<String> = file.get_row_iter(None).expect("rows").map(|row| row.expect("a row").to_string()).collect();
            assert_eq!(rows.iter().any(|row| row.contains("Ada Byron")), with_personal, "{rows:#?}");
            assert_eq!(columns, typed(what, with_personal));
        }
        let plain = json!({ "what": "customers", "format": "CSV", "withoutPersonalData": true });
        let plain = exported(&admin, plain).await;
        let text = download(&admin, &plain).await.text().await.expect("text");
        assert_eq!(text.lines().next().expect("a header"), typed("customers", false).join(","));
        assert!(text.lines().count() == 2 && !text.contains("Ada"), "{text}");
    }
}
