//! `/in-app/graphql` and `/inapp.js`: messages in the product, for the page of the customer who is signed in there.
//!
//! One endpoint takes all operations with POST. A subscription is answered as a stream of events (GraphQL over SSE, the mode of
//! distinct connections), so that the token travels in the header `Authorization` alone, and no cookie does: a page of any origin
//! may call it with a token that it was given, and with nothing else.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_graphql::Response as Answer;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::auth::bearer;
use super::body::{busy, discard, read, refusal};
use crate::domain::customer::token::CustomerToken;
use crate::graphql::engine::failure::chain;
use crate::graphql::{Gateway, Limits};
use crate::ids::CustomerId;

/// The script for pages.
const SCRIPT: &str = include_str!("../../inapp/inapp.js");
/// Documents of pages are short.
const BODY_BYTES: usize = 16 * 1024;
/// Requests of one customer at a time: some tabs and devices, each of which follows the inbox.
const AT_ONCE: usize = 16;
/// How often a stream that has nothing to say shows that it is there: proxies close what is silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Pages of any origin: the token that they hold is all that they may.
pub fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::any())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .max_age(Duration::from_secs(600))
}

/// The state of the routes.
#[derive(Clone)]
pub struct InApp {
    gateway: Gateway,
    open: Open,
}

/// The requests of each customer that are worked on.
#[derive(Clone, Default)]
struct Open(Arc<Mutex<HashMap<CustomerId, usize>>>);

/// One of a customer's requests, counted until it is dropped.
struct Counted(Open, CustomerId);

impl Open {
    fn count(&self, customer: CustomerId) -> Option<Counted> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(customer).or_default();
        if *count >= AT_ONCE {
            return None;
        }
        *count += 1;
        Some(Counted(self.clone(), customer))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.1);
            }
        }
    }
}

impl InApp {
    pub fn new(gateway: Gateway) -> Self {
        Self { gateway, open: Open::default() }
    }
}

/// Executes an operation: as JSON, or as a stream of events where the client accepts that.
pub async fn post(
    State(in_app): State<InApp>,
    Extension(shutdown): Extension<CancellationToken>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let api = in_app.gateway.api();
    let holder = match holder(&in_app.gateway, &parts.headers).await {
        Ok(holder) => holder,
        Err(refused) => {
            discard(&parts.headers, body).await;
            return refused;
        }
    };
    let Some(counted) = in_app.open.count(holder.customer_id) else {
        discard(&parts.headers, body).await;
        return busy("too many requests of this customer are open");
    };
    let limits = Limits { body_bytes: BODY_BYTES, ..Limits::clone(&api.limits) };
    let bytes = match read(&parts.headers, body, &limits).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    let Ok(request) = serde_json::from_slice::<async_graphql::Request>(&bytes) else {
        let message = "send JSON: { \"query\": …, \"variables\": … }";
        return refusal(StatusCode::BAD_REQUEST, "MALFORMED_JSON", message);
    };
    let responses = in_app.gateway.follow_customer(holder, request);
    let accepts = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/event-stream") {
        let left = (holder.expires_at - api.ambient().now()).to_std().unwrap_or_default();
        let ends = async move {
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                () = shutdown.cancelled() => {}
            }
            drop(counted);
        };
        return events(responses.take_until(Box::pin(ends)));
    }
    answer(responses, limits.request_time).await
}

/// The first response, as JSON.
async fn answer(mut responses: impl Stream<Item = Answer> + Unpin, most: Duration) -> Response {
    let Ok(Some(response)) = tokio::time::timeout(most, responses.next()).await else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "TIMED_OUT", "the request took too long and was abandoned");
    };
    match serde_json::to_string(&response) {
        Ok(text) => {
            ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a response could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Responses as events: `next` for each, and `complete` at the end.
fn events(responses: impl Stream<Item = Answer> + Send + 'static) -> Response {
    let events = responses.filter_map(async |response| {
        let text = serde_json::to_string(&response)
            .inspect_err(|error| tracing::error!(%error, "a response could not be written"));
        text.ok().map(|text| Event::default().event("next").data(text))
    });
    let end = stream::once(async { Event::default().event("complete").data("") });
    let events = events.chain(end).map(Ok::<_, Infallible>);
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    // nginx would keep events until it has many of them.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The customer whose token the request came with, or the response that refuses it.
async fn holder(gateway: &Gateway, headers: &HeaderMap) -> Result<CustomerToken, Response> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (given.next(), given.next()) else { return Err(unauthenticated()) };
    let token = value.and_then(|value| value.to_str().ok()).and_then(bearer).ok_or_else(unauthenticated)?;
    let api = gateway.api();
    match api.app.open_customer_token(token).await {
        Ok(Some(holder)) => Ok(holder),
        Ok(None) => Err(unauthenticated()),
        Err(error) => {
            let id = api.ambient().uuid();
            tracing::error!(error_id = %id, error = chain(&error), "a customer's token could not be checked");
            let message = format!("the token could not be checked; the server's diagnostics have details under {id}");
            Err(refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", &message))
        }
    }
}

/// The same for a token that never was one, and for one that has ended: the page asks for another one.
fn unauthenticated() -> Response {
    let message = "send a customer's token, which has not ended, as `Authorization: Bearer clc_…`";
    let mut response = refusal(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message);
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"commlog in-app\""));
    response
}

/// `GET /inapp.js`.
pub async fn script(headers: HeaderMap) -> Response {
    let tag = format!("\"{}\"", &hex::encode(Sha256::digest(SCRIPT))[..32]);
    let fixed = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
        // Revalidated each time, but sent again only after the server was upgraded.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response =
        if known { (StatusCode::NOT_MODIFIED, fixed).into_response() } else { (fixed, SCRIPT).into_response() };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_has_a_limited_number_of_open_requests() {
        let (open, customer) = (Open::default(), CustomerId(uuid::Uuid::nil()));
        let mut counted: Vec<_> = (0..AT_ONCE).map(|_| open.count(customer)).collect();
        assert!(counted.iter().all(Option::is_some) && open.count(customer).is_none());
        assert!(open.count(CustomerId(uuid::Uuid::max())).is_some(), "another one has their own");
        counted.pop();
        assert!(open.count(customer).is_some());
    }

    #[test]
    fn the_script_is_small_and_loads_nothing() {
        assert!(SCRIPT.len() < 10_000, "{} bytes", SCRIPT.len());
        let loads = |line: &str| line.starts_with("import ") || line.contains("import(");
        assert!(!SCRIPT.lines().any(|line| loads(line.trim_start())));
        assert!(!SCRIPT.contains("innerHTML") && !SCRIPT.contains("eval("));
    }
}
