//! For monitoring: liveness, readiness and counters.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::graphql::Gateway;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::chain;
use crate::ids::Position;
use crate::log::{Category, Snapshot, StreamId};
use crate::queries::{deliverability, messages, tenants};

/// The time within which each part of the server must respond to count as ready.
const PATIENCE: Duration = Duration::from_secs(3);

/// A projector that lags this far while the log stands still, or this long at all, is stalled.
const STALLED_SECONDS: f64 = 60.0;

/// `GET /healthz`: the process serves requests. Dependencies are not checked: a restart would not repair them.
pub async fn alive() -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], json!({ "status": "ok" }).to_string())
        .into_response()
}

/// `GET /readyz`: the log can be read and written, the read tables respond, the projector keeps up, no part of the node is
/// down, and messages may be sent. Remarks do not make it unready.
pub async fn ready(State(gateway): State<Gateway>) -> Response {
    let api = gateway.api();
    try_to_write(api).await;
    let mut problems = api.app.health().problems();
    match tokio::time::timeout(PATIENCE, api.reads.journal().backend().head()).await {
        Ok(Ok(head)) => api.metrics.set_events(head.position.counter()),
        Ok(Err(error)) => {
            tracing::warn!(error = chain(&error), "not ready: the log does not respond");
            problems.push("the log does not respond".to_owned());
        }
        Err(_) => problems.push(format!("the log did not respond within {} s", PATIENCE.as_secs())),
    }
    match tokio::time::timeout(PATIENCE, api.reads.status()).await {
        Ok(Ok(status)) => {
            if api.reads.is_rebuilding() {
                problems.push("the read tables were made from another log and are rebuilt from this one".to_owned());
            }
            if api.reads.is_waiting_for_own() {
                problems
                    .push("the read tables of this version are built, while nodes of another version serve".to_owned());
            }
            if api.reads.is_stuck() {
                problems.push("the read tables cannot be advanced".to_owned());
            }
            if status.iter().any(|one| one.position == Position::START && one.lag_events > 0) {
                problems.push("the read tables are still empty".to_owned());
            }
            for one in status.iter().filter(|one| one.lag_events > 0 && one.lag_seconds > STALLED_SECONDS) {
                problems.push(format!("projection {} lags {:.0} s behind the log", one.name, one.lag_seconds));
            }
        }
        Ok(Err(error)) => {
            tracing::warn!(error = chain(&error), "not ready: the read tables do not respond");
            problems.push("the read tables do not respond".to_owned());
        }
        Err(_) => problems.push(format!("the read tables did not respond within {} s", PATIENCE.as_secs())),
    }
    let (status, word) =
        if problems.is_empty() { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready") };
    let body = json!({ "status": word, "problems": problems, "remarks": api.app.health().remarks() }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Tries whether the log can be written, by a snapshot that nobody reads: a full disk or a database that became read-only
/// shows in nothing else before the next command.
async fn try_to_write(api: &Api) {
    const PART: &str = "append";
    if !api.app.health().is_trial_due(Instant::now()) {
        return;
    }
    let trial = async {
        // Without read tables, which are looked at next, nothing is known of the log.
        let Ok(tenants) = tenants::list(&api.reads.db()).await else { return Ok(()) };
        let Some(first) = tenants.first().map(|tenant| tenant.tenant_id) else { return Ok(()) };
        let stream = StreamId::new(first, Category::Tenant, first.0);
        let snapshot = Snapshot { version: 0, fold_version: 0, state: Vec::new() };
        api.reads.journal().backend().save_snapshot(stream, "trial", snapshot).await.map_err(|error| chain(&error))
    };
    match tokio::time::timeout(PATIENCE, trial).await {
        Ok(Ok(())) => api.app.health().works(PART),
        Ok(Err(error)) => {
            tracing::warn!(error, "not ready: the log cannot be written");
            api.app.health().fails(PART, "the log cannot be written");
        }
        Err(_) => {
            api.app.health().fails(PART, format!("the log was not written within {} s", PATIENCE.as_secs()));
        }
    }
}

/// `GET /metrics`: counters for Prometheus, in the OpenMetrics text format.
pub async fn metrics(State(gateway): State<Gateway>) -> Response {
    let api = gateway.api();
    // A figure that cannot be read now keeps its last value: a scrape must not fail because the log does.
    if let Ok(Ok(head)) = tokio::time::timeout(PATIENCE, api.reads.journal().backend().head()).await {
        api.metrics.set_events(head.position.counter());
    }
    if let Ok(Ok(status)) = tokio::time::timeout(PATIENCE, api.reads.status()).await {
        api.metrics.set_projections(&status);
    }
    api.metrics.set_rebuilding(api.reads.is_rebuilding());
    api.metrics.set_held(*api.app.watch_held().borrow());
    let db = api.reads.db();
    let outcomes = async { tokio::try_join!(deliverability::by_provider(&db), messages::waiting(&db)) };
    if let Ok(Ok((outcomes, waiting))) = tokio::time::timeout(PATIENCE, outcomes).await {
        api.metrics.set_outcomes(&outcomes, &waiting);
    }
    match api.metrics.text() {
        Ok(text) => {
            let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, media)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
