//! Exports through the API: begun, watched, downloaded; recorded as reads, and gone in time.

use chrono::TimeDelta;
use commlog::domain::tenant::event::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::socket::Socket;
use crate::support::app::{Actor, http_client, on_both_engines};

const FIELDS: &str = "id what format spreadsheet state rows total bytes expiresAt url problem author { kind }";

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
}
