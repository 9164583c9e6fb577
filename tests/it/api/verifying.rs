//! The log verified through the API: begun, watched, found again after a restart; what is broken is named.

use commlog::domain::tenant::event::Role;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::socket::Socket;
use crate::support::app::{Actor, TestApp, on_both_engines};

const FIELDS: &str = "id state events total streams matchesKept endedAt author { kind } checkpoint { position events root text } \
    problem { code message position eventId eventType }";

async fn begin(actor: &Actor, key: Option<&str>) -> Value {
    let query = format!(
        "mutation($key: String) {{ verifyLog(idempotencyKey: $key) \
         {{ repeated verification {{ {FIELDS} }} refusal {{ code field }} }} }}"
    );
    actor.data(&query, json!({ "key": key })).await["verifyLog"].take()
}

/// Watches a verification to its end.
async fn ended(actor: &Actor, begun: &Value) -> Value {
    let mut socket = Socket::connect(actor).await;
    let watch = format!("subscription($id: ID!) {{ verificationProgress(id: $id) {{ {FIELDS} }} }}");
    socket.start("v", &watch, json!({ "id": begun["id"] })).await;
    loop {
        let run = socket.next("v").await["verificationProgress"].take();
        if run["state"] != "RUNNING" {
            return run;
        }
    }
}

async fn verified(actor: &Actor) -> Value {
    let begun = begin(actor, None).await;
    assert!(begun["refusal"].is_null(), "{begun:#}");
    ended(actor, &begun["verification"]).await
}

on_both_engines! {
    a_whole_log_is_verified_and_its_checkpoint_is_signed(app) {
        let auditor = app.actor(Role::Auditor).await;
        auditor_sees_nothing_yet(&auditor).await;
        app.actor(Role::Admin).await.customer("Ada Byron").await;
        let begun = begin(&auditor, Some("once")).await;
        let run = ended(&auditor, &begun["verification"]).await;
        assert_eq!((&run["state"], &run["problem"]), (&json!("WHOLE"), &Value::Null), "{run:#}");
        let events = run["events"].as_i64().expect("a number");
        assert!(events >= 3 && run["checkpoint"]["events"] == events, "{run:#}");
        assert!(run["total"].is_null() || run["total"].as_i64() <= Some(events), "{run:#}");

        let again = begin(&auditor, Some("once")).await;
        assert_eq!((&again["repeated"], &again["verification"]["id"]), (&json!(true), &run["id"]));
        let query = "query($id: ID!) { verification(id: $id) { state } node(id: $id) { id } verifications { id } \
            checkpoints { position root text } }";
        let known = auditor.data(query, json!({ "id": run["id"] })).await;
        assert_eq!((&known["verification"]["state"], &known["node"]["id"]), (&json!("WHOLE"), &run["id"]));
        let checkpoints = known["checkpoints"].as_array().expect("checkpoints");
        let own = checkpoints.iter().find(|one| one["root"] == run["checkpoint"]["root"]).expect("is listed");
        let text: Value = serde_json::from_str(own["text"].as_str().expect("a text")).expect("a line of JSON");
        assert_eq!((&text["root"], &text["events"]), (&own["root"], &run["events"]));

        let marketer = app.actor(Role::Marketer).await;
        let refused = marketer.error("mutation { verifyLog { verification { id } } }", json!({})).await;
        assert_eq!(refused, "FORBIDDEN");
        // The log is everybody's, the verifications are each tenant's own.
        let stranger = app.actor_of(app.other_tenant().await, Role::Auditor, None).await;
        let seen = stranger.data("query($id: ID!) { verification(id: $id) { id } verifications { id } }",
            json!({ "id": run["id"] })).await;
        assert_eq!(seen, json!({ "verification": null, "verifications": [] }));
    }
}

async fn auditor_sees_nothing_yet(auditor: &Actor) {
    assert_eq!(auditor.data("{ verifications { id } }", json!({})).await["verifications"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verification_is_found_again_after_a_restart_and_one_that_was_cut_off_says_so() {
    let app = TestApp::sqlite().await;
    let auditor = app.actor(Role::Auditor).await;
    let run = verified(&auditor).await;
    let app = app
        .restart_after("", async |folder| {
            // As if the process had been killed in the middle.
            let file = folder.join("verifications.json");
            let mut known: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            assert_eq!(known[0]["run"]["state"], "whole");
            let mut running = known[0].clone();
            running["run"]["id"] = json!("0198c0de-0000-4000-8000-000000000001");
            running["run"]["state"] = json!("running");
            running["run"]["ended_at"] = Value::Null;
            known.as_array_mut().unwrap().insert(0, running);
            std::fs::write(&file, known.to_string()).unwrap();
        })
        .await;
    let query = format!("{{ verifications {{ {FIELDS} }} }}");
    let known = auditor.at(&app).data(&query, json!({})).await["verifications"].take();
    assert_eq!((&known[0]["state"], &known[0]["problem"]["code"]), (&json!("FAILED"), &json!("INTERRUPTED")));
    assert_eq!((&known[1]["id"], &known[1]["state"]), (&run["id"], &json!("WHOLE")));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_broken_event_is_named_to_its_own_tenant() {
    let app = TestApp::with(crate::support::app::Engine::Sqlite, "").await;
    if app.database().is_some() {
        // Events in KurrentDB are not changed by an UPDATE.
        return app.finish().await;
    }
    let admin = app.actor(Role::Admin).await;
    admin.customer("Ada Byron").await;
    let stranger = app.actor_of(app.other_tenant().await, Role::Auditor, None).await;
    let app = app
        .restart_after("", async |folder| {
            let log = Connection::open(folder.join("log.db")).unwrap();
            log.execute_batch("DROP TRIGGER events_update;").unwrap();
            let flip = "UPDATE events SET data = CAST(substr(data, 1, 9) || char(65 + (unicode(substr(data, 10, 1)) + 1) % 26) \
                || substr(data, 11) AS BLOB) WHERE type = 'CustomerRegistered'";
            assert_eq!(log.execute(flip, []).unwrap(), 1);
        })
        .await;
    let run = verified(&admin.at(&app)).await;
    let problem = &run["problem"];
    assert_eq!(
        (&run["state"], &problem["code"], &problem["eventType"]),
        (&json!("BROKEN"), &json!("BROKEN"), &json!("CustomerRegistered")),
        "{run:#}"
    );
    assert!(problem["message"].as_str().is_some_and(|words| words.contains("hash")), "{run:#}");
    assert!(problem["eventId"].as_str().is_some_and(|id| id.starts_with("Event:")), "{run:#}");
    assert_eq!(run["checkpoint"], Value::Null);
    let theirs = verified(&stranger.at(&app)).await;
    assert_eq!((&theirs["state"], &theirs["problem"]["position"]), (&json!("BROKEN"), &problem["position"]));
    assert_eq!((&theirs["problem"]["eventId"], &theirs["problem"]["eventType"]), (&Value::Null, &Value::Null));
    app.finish().await;
}
