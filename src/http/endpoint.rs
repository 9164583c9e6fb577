//! `POST /graphql`: one operation, JSON in and out (GraphQL over HTTP).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::body::{read, refusal};
use crate::graphql::Gateway;

/// The media type of the GraphQL-over-HTTP specification, which lets the status tell whether there is an answer.
const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// Executes a query or mutation.
pub async fn execute(State(gateway): State<Gateway>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let principal = match super::auth::principal(&gateway, &parts.headers).await {
        Ok(principal) => principal,
        Err(refused) => {
            // The body must not be left unread, or the refusal is lost with the connection.
            let _ = read(&parts.headers, body, &gateway.api().limits).await;
            return refused;
        }
    };
    let bytes = match read(&parts.headers, body, &gateway.api().limits).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    if !is_json(&parts.headers) {
        let message = "send JSON: { \"query\": …, \"variables\": … } with Content-Type: application/json";
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "NOT_JSON", message);
    }
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return refusal(StatusCode::BAD_REQUEST, "NO_BATCHES", "send one operation per request, not a list of them");
    }
    let request: async_graphql::Request = match serde_json::from_slice(&bytes) {
        Ok(request) => request,
        Err(error) => {
            // serde's message names line and column and what was expected, and repeats no more than a number or a word.
            let message = format!("the body is not a GraphQL request in JSON: {error}");
            return refusal(StatusCode::BAD_REQUEST, "MALFORMED_JSON", &message);
        }
    };
    if request.query.is_empty() {
        return refusal(StatusCode::BAD_REQUEST, "NO_QUERY", "the field `query` is missing or empty");
    }
    let response = gateway.execute(principal, request).await;
    let refused =
        response.errors.iter().any(|error| error.path.is_empty()) && response.data == async_graphql::Value::Null;
    let text = match serde_json::to_vec(&response) {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(error = %error, "a response could not be written");
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "the response could not be written");
        }
    };
    let modern = accepts_graphql_response(&parts.headers);
    let status = if modern && refused { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let media = HeaderValue::from_static(if modern { GRAPHQL_RESPONSE } else { "application/json" });
    (status, [(header::CONTENT_TYPE, media), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], text)
        .into_response()
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
}

fn accepts_graphql_response(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.contains(GRAPHQL_RESPONSE)
}
