//! Health, metrics, the console, and what every answer carries.

use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use crate::support::app::{Actor, TestApp, http_client};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_metrics_tell_how_the_node_is() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    agent.customer("Uma Example").await;
    assert_eq!(agent.get("/healthz").await.status(), 200);
    let ready = agent.get("/readyz").await;
    assert_eq!(ready.status(), 200);
    assert_eq!(ready.json::<Value>().await.unwrap(), json!({ "status": "ready", "problems": [], "remarks": [] }));
    let text = agent.get("/metrics").await.text().await.unwrap();
    for line in [
        "commlog_http_requests_total{route=\"/graphql\",status=\"200\"}",
        "commlog_graphql_operations_total{kind=\"mutation\",outcome=\"ok\"} 1",
        "commlog_http_request_seconds_bucket{",
        "commlog_log_events_total",
        "commlog_projection_lag_events{projection=\"timeline\"}",
        "commlog_projection_lag_seconds{projection=\"timeline\"}",
        "commlog_projection_parked{projection=\"timeline\"} 0",
        "commlog_dispatch_waiting{state=\"in_doubt\"} 0",
        "commlog_projection_position{projection=\"timeline\"}",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    app.finish().await;
}

/// What a page names, fetched: the page loads nothing from elsewhere, and all of it is there.
async fn loads_only_its_own(agent: &Actor, page: &str, folder: &str) -> usize {
    let response = agent.get(page).await;
    assert_eq!(response.status(), 200, "{page}");
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe-eval") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let html = response.text().await.unwrap();
    let mut found = 0;
    for attribute in ["src=\"", "href=\""] {
        for (start, _) in html.match_indices(attribute) {
            let url = html[start + attribute.len()..].split('"').next().unwrap();
            if url.starts_with("data:") {
                continue;
            }
            assert!(url.starts_with(folder), "{url}");
            let asset = agent.get(url).await;
            assert_eq!(asset.status(), 200, "{url}");
            let tag = asset.headers()["etag"].clone();
            assert!(asset.bytes().await.unwrap().len() > 100, "{url}");
            let again = http_client().get(agent.url(url)).header("if-none-match", tag).send().await.unwrap();
            assert_eq!(again.status(), 304, "{url}");
            found += 1;
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_and_graphiql_come_out_of_the_binary_and_load_nothing_from_elsewhere() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    assert!(loads_only_its_own(&agent, "/graphiql", "/graphiql/").await >= 6);
    // Links into the console can be sent: each of its addresses gives the page.
    for page in ["/", "/customers", "/customers/Customer:01920000-0000-7000-8000-000000000001", "/settings/accounts"] {
        assert!(loads_only_its_own(&agent, page, "/assets/").await >= 2, "{page}");
    }
    let console = agent.get("/").await;
    assert!(!console.headers()["content-security-policy"].to_str().unwrap().contains("unsafe"));
    for missing in [
        "/graphiql/../Cargo.toml",
        "/graphiql/LICENSES.txt",
        "/graphiql/nothing.js",
        "/assets/nothing.js",
        "/assets/..%2findex.html",
        "/nothing",
    ] {
        assert_eq!(agent.get(missing).await.status(), 404, "{missing}");
    }
    let packed = http_client().get(agent.url("/graphiql/graphiql.min.js")).header("accept-encoding", "gzip");
    assert_eq!(packed.send().await.unwrap().headers()["content-encoding"], "gzip");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_a_request_id() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    assert_eq!(agent.get("/healthz").await.headers()["x-request-id"].len(), 32);
    let given = agent.post().header("x-request-id", "front-end.7").json(&json!({ "query": "{ viewer { role } }" }));
    assert_eq!(given.send().await.unwrap().headers()["x-request-id"], "front-end.7");
    let hostile = agent.post().header("x-request-id", "a b").json(&json!({ "query": "{ viewer { role } }" }));
    assert_ne!(hostile.send().await.unwrap().headers()["x-request-id"], "a b");
    let get = agent.get("/graphql").await;
    assert_eq!((get.status().as_u16(), get.headers()["x-request-id"].len()), (401, 32));
    app.finish().await;
}

/// The ready-made queries of GraphiQL are what people try first: each must fit the schema.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn graphiqls_ready_made_queries_fit_the_schema() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let customer = admin.customer("Vic Example").await;
    let script = admin.get("/graphiql/queries.js").await.text().await.unwrap();
    let queries: Vec<&str> = script.split('`').skip(1).step_by(2).collect();
    assert!(queries.len() >= 7, "{}", queries.len());
    let variables = json!({
        "customer": customer, "id": "Message:01920000-0000-7000-8000-000000000001", "time": "2026-01-01T00:00:00Z",
        "campaign": "Campaign:01920000-0000-7000-8000-000000000001",
        "input": { "customerId": customer, "channel": "EMAIL", "class": "TRANSACTIONAL", "topic": "t", "body": "b" },
        "criteria": { "hasEmail": true },
    });
    for query in queries {
        let answer = admin.answer(query, variables.clone()).await;
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(
            answer.get("errors").is_none() || message.contains("Subscriptions are not supported"),
            "{query}\n{answer:#}"
        );
    }
    app.finish().await;
}
