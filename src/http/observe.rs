//! Wrapped around every request: an id, a count, a duration, safe headers.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, State};
use axum::http::{HeaderName, HeaderValue, Request, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::body::refusal;
use super::server::Crowded;
use crate::graphql::Gateway;
use crate::traces;

/// Names a request in the answer and in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id (the caller's, if it is well-formed), counts and times it.
pub async fn observe(State(gateway): State<Gateway>, request: Request<Body>, next: Next) -> Response {
    let began = Instant::now();
    let route = route(&request);
    let given = request.headers().get(&REQUEST_ID).filter(|id| is_sane(id)).cloned();
    let id = given.unwrap_or_else(|| {
        let id = gateway.api().ambient().uuid().simple().to_string();
        HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("-"))
    });
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or("-"), route);
    let trace = trace(&request, route);
    let is_turned_away = request.extensions().get::<Crowded>().is_some() && !HEALTH.contains(&route);
    let mut response =
        if is_turned_away { full() } else { next.run(request).instrument(trace.clone()).instrument(span).await };
    note(&trace, response.status());
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    gateway.api().metrics.request(route, response.status().as_u16(), began.elapsed());
    response
}

/// The request as a span of a trace; none for probes and the console's files.
fn trace(request: &Request<Body>, route: &'static str) -> Span {
    if HEALTH.contains(&route) || ["/", "/assets", "/graphiql"].contains(&route) {
        return Span::none();
    }
    let span = tracing::debug_span!(
        "request",
        otel.name = format_args!("{} {route}", request.method()),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = request.method().as_str(),
        http.route = route,
        http.response.status_code = Empty,
        command = Empty,
    );
    traces::take_up(&span, request.headers());
    span
}

/// Notes on its span how a request was answered.
fn note(trace: &Span, status: StatusCode) {
    trace.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        trace.record("otel.status_code", "error");
    }
}

/// Routes that are served while no connection is free.
const HEALTH: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The response to a request of a connection beyond the limit.
fn full() -> Response {
    let message = "the server has as many connections as it serves at a time; try again";
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, "TOO_MANY_CONNECTIONS", message);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// The route's pattern: paths would create one counter each.
fn route(request: &Request<Body>) -> &'static str {
    match request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) {
        Some("/graphql") if request.headers().contains_key(header::UPGRADE) => "/graphql (websocket)",
        Some("/graphql") => "/graphql",
        Some("/healthz") => "/healthz",
        Some("/readyz") => "/readyz",
        Some("/metrics") => "/metrics",
        Some("/") => "/",
        Some("/assets/{file}") => "/assets",
        Some("/graphiql" | "/graphiql/{file}") => "/graphiql",
        Some("/auth/session" | "/auth/sign-in" | "/auth/callback" | "/auth/sign-out") => "/auth",
        Some("/u/{token}") => "/u",
        Some("/confirm/{token}") => "/confirm",
        Some("/preferences/{token}") => "/preferences",
        Some("/attachments" | "/attachments/{id}") => "/attachments",
        Some("/import-files" | "/import-runs/{id}/refused.csv") => "/imports",
        Some("/exports/{id}") => "/exports",
        Some("/media/{token}") => "/media",
        Some("/webhooks/{provider}/{account}") => "/webhooks",
        Some("/in-app/graphql") => "/in-app",
        Some("/t/o/{token}") => "/t/o",
        Some("/t/c/{token}") => "/t/c",
        Some("/t/{code}") => "/t",
        _ => "other",
    }
}

fn is_sane(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=64).contains(&bytes.len()) && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// Refuses an unknown path and names the known ones.
pub async fn not_found() -> Response {
    let message = "nothing is served at this path; the API is POST /graphql, the console is /";
    refusal(StatusCode::NOT_FOUND, "NOT_FOUND", message)
}
