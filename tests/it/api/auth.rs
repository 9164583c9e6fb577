//! Who may do what, and see whom.

use commlog::app::Caller;
use commlog::domain::tenant::decide::{IssueApiKey, RevokeApiKey};
use commlog::domain::tenant::event::Role;
use serde_json::json;

use crate::support::app::{Engine, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_a_good_key_learns_nothing() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let other_secret =
        format!("{}{}", &admin.token[..admin.token.len() - 1], if admin.token.ends_with('0') { '1' } else { '0' });
    for token in ["", "nonsense", "clk_00_00", other_secret.as_str()] {
        let response =
            admin.with_token(token).post().json(&json!({ "query": "{ viewer { role } }" })).send().await.unwrap();
        assert_eq!(response.status(), 401, "{token}");
        assert!(response.headers().contains_key("www-authenticate"));
        let answer: serde_json::Value = response.json().await.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        assert!(answer.get("data").is_none());
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_refused_at_once() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let agent = app.actor(Role::Agent).await;
    let viewer = agent.data("{ viewer { keyId role seesPersonalData maySend } }", json!({})).await;
    assert_eq!(viewer["viewer"]["role"], "AGENT");
    let revoke = "mutation($id: ID!) { revokeApiKey(keyId: $id) { position refusal { code } } }";
    let revoked = admin.data(revoke, json!({ "id": viewer["viewer"]["keyId"] })).await;
    assert!(revoked["revokeApiKey"]["position"].is_string(), "{revoked}");
    let response = agent.post().json(&json!({ "query": "{ viewer { role } }" })).send().await.unwrap();
    assert_eq!(response.status(), 401);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_read_tables_do_not_contain_yet_is_good_at_once() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = TestApp::on(engine).await;
        let admin = app.actor(Role::Admin).await;
        // Nobody moves the read tables any more.
        let app = app.restart_as("api").await;
        let caller = Caller::new(app.tenant, "test");
        let command = IssueApiKey::of(Role::Agent, "new");
        let issued = app.stores().app.issue_api_key(&caller, command).await.expect("the log answers");
        let token = issued.into_result().expect("the key is issued").value.token;
        let viewer = admin.at(&app).with_token(&token).data("{ viewer { keyId role } }", json!({})).await;
        assert_eq!(viewer["viewer"]["role"], "AGENT");

        let wrong = format!("{}{}", &token[..token.len() - 1], if token.ends_with('0') { '1' } else { '0' });
        let unknown = format!("clk_{}_{}", "0".repeat(32), "0".repeat(64));
        let key_id = viewer["viewer"]["keyId"].as_str().and_then(|id| id.split(':').nth(1)).expect("an id");
        let revoke = RevokeApiKey { key_id: key_id.parse().expect("an id") };
        let beside = app.beside("api").await;
        beside
            .stores()
            .app
            .revoke_api_key(&caller, revoke)
            .await
            .expect("the log answers")
            .into_result()
            .expect("revoked");
        for (node, token) in [(&app, &wrong), (&app, &unknown), (&beside, &token)] {
            let actor = admin.at(node).with_token(token);
            let response = actor.post().json(&json!({ "query": "{ viewer { role } }" })).send().await.unwrap();
            assert_eq!(response.status(), 401, "{token}");
        }
        beside.finish().await;
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_may_do_what_it_is_for() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let id = admin.customer("Ann Example").await;
    let send = "mutation($id: ID!) { sendMessage(input: { customerId: $id, channel: EMAIL, class: TRANSACTIONAL, \
        topic: \"service\", subject: \"s\", body: \"b\" }) { decision refusal { code } } }";
    let note = "mutation($id: ID!) { addNote(customerId: $id, text: \"n\") { noteId } }";
    let record = "mutation($id: ID!) { recordActivity(input: { customerId: $id, kind: ORDER, amountMicros: 1, \
        currency: \"EUR\" }) { activityId refusal { message } } }";
    let read = "query($id: ID!) { customer(id: $id) { id } }";
    let events = "{ events(first: 1) { nodes { id } } }";
    let keys = "{ apiKeys { id } }";
    let everything = [send, note, record, read, events, keys];
    let allowed = |role: Role| match role {
        Role::Admin => [true; 6],
        Role::Marketer => [false, true, true, true, false, false],
        Role::Agent => [true, true, true, true, false, false],
        Role::Analyst => [false, false, false, true, false, false],
        Role::Auditor => [false, false, false, true, true, false],
        Role::Ingest => [false, false, true, false, false, false],
    };
    for &role in Role::ALL {
        let actor = app.actor(role).await;
        for (operation, allowed) in everything.iter().zip(allowed(role)) {
            let answer = actor.answer(operation, json!({ "id": id })).await;
            let code = &answer["errors"][0]["extensions"]["code"];
            if allowed {
                assert!(answer.get("errors").is_none(), "{role}: {operation}: {answer:#}");
            } else {
                assert_eq!(code, "FORBIDDEN", "{role}: {operation}: {answer:#}");
            }
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn personal_data_is_null_for_those_who_may_not_see_it_and_the_answer_says_so() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let id = admin.customer("Bea Example").await;
    let query = "query($id: ID!) { customer(id: $id) { name territory addresses { kind domain address } } }";
    let seen = admin.answer(query, json!({ "id": id })).await;
    assert_eq!(seen["data"]["customer"]["name"], "Bea Example");
    assert_eq!(seen["data"]["customer"]["addresses"][0]["domain"], "example.com");
    assert!(seen.get("extensions").is_none());

    let analyst = app.actor(Role::Analyst).await;
    let hidden = analyst.answer(query, json!({ "id": id })).await;
    assert_eq!(hidden["data"]["customer"]["name"], json!(null));
    assert_eq!(hidden["data"]["customer"]["territory"], "north");
    assert_eq!(hidden["data"]["customer"]["addresses"][0]["address"], json!(null));
    assert_eq!(hidden["data"]["customer"]["addresses"][0]["domain"], json!(null));
    assert_eq!(hidden["extensions"]["personalData"], "withheld");
    assert!(!hidden.to_string().contains("Bea"), "{hidden}");

    let granted = app.actor_of(app.tenant, Role::Analyst, Some(true)).await;
    assert_eq!(granted.data(query, json!({ "id": id })).await["customer"]["name"], "Bea Example");

    let search = "{ customers(filter: { search: \"bea\" }) { nodes { id } } }";
    assert_eq!(analyst.error(search, json!({})).await, "PERSONAL_DATA_REFUSED");
    assert_eq!(granted.data(search, json!({})).await["customers"]["nodes"][0]["id"], json!(id));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seeing_personal_data_of_events_is_itself_recorded() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let id = admin.customer("Cem Example").await;
    let count = "{ events(filter: { types: [\"PersonalDataRead\"] }) { nodes { actor data } } }";
    let blind = app.actor(Role::Auditor).await;
    let events = blind
        .data(
            "{ events(filter: { types: [\"CustomerRegistered\"] }) { nodes { type personal personalPart data } } }",
            json!({}),
        )
        .await;
    assert_eq!(events["events"]["nodes"][0]["personalPart"], "WITHHELD");
    assert_eq!(events["events"]["nodes"][0]["personal"], json!(null));
    assert_eq!(admin.data(count, json!({})).await["events"]["nodes"], json!([]));

    let auditor = app.actor_of(app.tenant, Role::Auditor, Some(true)).await;
    let events =
        auditor.data("{ events(filter: { types: [\"CustomerRegistered\"] }) { nodes { personal } } }", json!({})).await;
    assert_eq!(events["events"]["nodes"][0]["personal"]["name"], "Cem Example");
    let recorded = admin.data(count, json!({})).await;
    let data = &recorded["events"]["nodes"][0]["data"];
    assert_eq!((&data["what"], &data["count"]), (&json!("events"), &json!(1)));
    assert_eq!(data["customer_ids"], json!([id.trim_start_matches("Customer:")]));
    assert!(data["filter"].as_str().is_some_and(|filter| filter.starts_with("position 0")), "{data}");
    assert!(recorded["events"]["nodes"][0]["actor"].as_str().unwrap().starts_with("key:"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_good_while_the_tables_of_an_older_version_serve() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    // An upgrade that adds a column: until the new tables have caught up, the old ones are what there is.
    let app = app
        .restart_after("api", async |folder| {
            let tables = rusqlite::Connection::open(folder.join("read/live.db")).expect("the tables are there");
            tables.execute_batch("ALTER TABLE api_keys DROP COLUMN expires_at").expect("changed");
        })
        .await;
    let admin = admin.at(&app);
    assert_eq!(admin.data("{ viewer { role } }", json!({})).await["viewer"]["role"], "ADMIN");
    let unknown = admin.with_token(&format!("clk_{}_{}", "0".repeat(32), "0".repeat(64)));
    assert_eq!(unknown.post().json(&json!({ "query": "{ viewer { role } }" })).send().await.unwrap().status(), 401);
    app.finish().await;
}
