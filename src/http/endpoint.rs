//! `/graphql` over HTTP: one operation, JSON in and out (GraphQL over HTTP). `POST` takes queries and mutations, `GET`
//! queries only, and upgrades to WebSockets.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::body::{discard, read, refusal};
use super::socket;
use crate::graphql::Gateway;
use crate::graphql::engine::gateway::{is_refused, to_json};
use crate::graphql::engine::metrics::OperationKind;
use crate::graphql::engine::principal::Principal;

/// The media type of the GraphQL-over-HTTP specification, by which the status says whether anything was executed.
const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

const JSON: &str = "application/json";

/// Executes a query or mutation.
pub async fn post(State(gateway): State<Gateway>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let principal = match super::auth::principal(&gateway, &parts.headers).await {
        Ok(principal) => principal,
        Err(refused) => {
            // The body must not be left unread, or the refusal is lost with the connection.
            discard(&parts.headers, body).await;
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
    match serde_json::from_slice(&bytes) {
        Ok(request) => execute(&gateway, principal, &parts.headers, request).await,
        Err(error) => {
            // serde's message names line and column and what was expected, and repeats no more than a number or a word.
            let message = format!("the body is not a GraphQL request in JSON: {error}");
            refusal(StatusCode::BAD_REQUEST, "MALFORMED_JSON", &message)
        }
    }
}

/// The parameters of a query in a URL. `variables` and `extensions` are JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// Executes a query, or upgrades to a WebSocket. A browser that opens the address by hand is shown GraphiQL.
pub async fn get(
    State(gateway): State<Gateway>,
    Extension(shutdown): Extension<CancellationToken>,
    request: Request<Body>,
) -> Response {
    let (parts, _) = request.into_parts();
    if parts.headers.contains_key(header::UPGRADE) {
        return socket::upgrade(gateway, shutdown, parts).await;
    }
    let Ok(Query(parameters)) = Query::<Parameters>::try_from_uri(&parts.uri) else {
        return refusal(StatusCode::BAD_REQUEST, "MALFORMED_URL", "the parameters of the URL cannot be read");
    };
    let accepts = |media: &str| accepted(&parts.headers).any(|(accepted, quality)| accepted == media && quality > 0);
    if parameters.query.is_none() && accepts("text/html") {
        return Redirect::to("/graphiql").into_response();
    }
    let principal = match super::auth::principal(&gateway, &parts.headers).await {
        Ok(principal) => principal,
        Err(refused) => return refused,
    };
    let request = match parameters.into_request() {
        Ok(request) => request,
        Err(message) => return refusal(StatusCode::BAD_REQUEST, "MALFORMED_JSON", &message),
    };
    if matches!(gateway.kind(&request), OperationKind::mutation | OperationKind::subscription) {
        let message = "GET executes queries only: send mutations with POST, subscriptions over a WebSocket";
        let mut refused = refusal(StatusCode::METHOD_NOT_ALLOWED, "USE_POST", message);
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return refused;
    }
    execute(&gateway, principal, &parts.headers, request).await
}

impl Parameters {
    /// As a request; the error names the parameter that is not JSON.
    fn into_request(self) -> Result<async_graphql::Request, String> {
        let mut request = async_graphql::Request::new(self.query.unwrap_or_default());
        request.operation_name = self.operation_name.filter(|name| !name.is_empty());
        if let Some(text) = self.variables.filter(|text| !text.is_empty()) {
            request.variables = serde_json::from_str(&text)
                .map_err(|error| format!("the parameter `variables` is not a JSON object: {error}"))?;
        }
        if let Some(text) = self.extensions.filter(|text| !text.is_empty()) {
            request.extensions = serde_json::from_str(&text)
                .map_err(|error| format!("the parameter `extensions` is not a JSON object: {error}"))?;
        }
        Ok(request)
    }
}

async fn execute(
    gateway: &Gateway,
    principal: Principal,
    headers: &HeaderMap,
    mut request: async_graphql::Request,
) -> Response {
    match super::auth::acting(principal, headers) {
        Ok(Some(user)) => request = request.data(user),
        Ok(None) => {}
        Err(refused) => return refused,
    }
    if request.query.is_empty() {
        return refusal(StatusCode::BAD_REQUEST, "NO_QUERY", "`query` is missing or empty");
    }
    let response = gateway.execute(principal, request).await;
    let text = match to_json(&response) {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(error = %error, "a response could not be written");
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "the response could not be written");
        }
    };
    let media = media_of_answer(headers);
    let status =
        if media == GRAPHQL_RESPONSE && is_refused(&response) { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let media = HeaderValue::from_static(media);
    (status, [(header::CONTENT_TYPE, media), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], text)
        .into_response()
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case(JSON))
}

/// The media types that a client accepts, in lower case, with their quality in thousandths (RFC 9110, section 12.5.1).
fn accepted(headers: &HeaderMap) -> impl Iterator<Item = (String, u16)> + '_ {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f32>().ok())?
        });
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
        let thousandths = (quality.unwrap_or(1.0).clamp(0.0, 1.0) * 1000.0) as u16;
        (media, thousandths)
    })
}

/// The media type of the answer: the newer one where the client names it and likes it no less than plain JSON.
fn media_of_answer(headers: &HeaderMap) -> &'static str {
    let quality = |media: &str| accepted(headers).filter(|(found, _)| found == media).map(|(_, quality)| quality).max();
    match (quality(GRAPHQL_RESPONSE), quality(JSON)) {
        (Some(modern), plain) if modern > 0 && modern >= plain.unwrap_or(0) => GRAPHQL_RESPONSE,
        _ => JSON,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(accept: &[&str]) -> &'static str {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(header::ACCEPT, HeaderValue::from_str(value).unwrap());
        }
        media_of_answer(&headers)
    }

    #[test]
    fn the_media_type_follows_the_quality_that_the_client_gives() {
        assert_eq!(answered(&[]), JSON);
        assert_eq!(answered(&["*/*"]), JSON);
        assert_eq!(answered(&["application/json"]), JSON);
        assert_eq!(answered(&["application/graphql-response+json"]), GRAPHQL_RESPONSE);
        assert_eq!(answered(&["Application/GraphQL-Response+JSON; charset=utf-8"]), GRAPHQL_RESPONSE);
        assert_eq!(answered(&["application/graphql-response+json, application/json;q=0.9"]), GRAPHQL_RESPONSE);
        assert_eq!(answered(&["application/graphql-response+json;q=0.5, application/json"]), JSON);
        assert_eq!(answered(&["application/graphql-response+json;q=0", "application/json"]), JSON);
        assert_eq!(answered(&["application/graphql-response+json;Q=0"]), JSON);
        assert_eq!(answered(&["application/json;q=0.1", "application/graphql-response+json"]), GRAPHQL_RESPONSE);
    }
}
