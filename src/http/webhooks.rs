//! `/webhooks/{provider}/{account}`: the callbacks of providers.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::body::{busy, discard, read};
use crate::accounts::WebhookPath;
use crate::accounts::metrics::Refused;
use crate::graphql::engine::failure::chain;
use crate::graphql::{Gateway, Limits};
use crate::intake::{Intake, IntakeError};
use crate::providers::WebhookRequest;

/// Mail with attachments comes as one request: SendGrid sends up to 30 MB.
const BODY_BYTES: usize = 32 * 1024 * 1024;

/// Number of requests with large bodies that are received at a time: each may hold a body of this size. Providers repeat
/// what is refused.
const AT_ONCE: usize = 16;

/// A body that says it has at most this many bytes takes no place: connections are limited, and whoever sends large bodies
/// slowly does not keep reports and texts out.
const SMALL: u64 = 64 * 1024;

/// The state of the route.
#[derive(Clone)]
pub struct Webhooks {
    pub gateway: Gateway,
    pub intake: Intake,
    /// Requests whose bodies are in memory.
    pub room: Arc<Semaphore>,
}

impl Webhooks {
    pub fn new(gateway: Gateway, intake: Intake) -> Self {
        Self { gateway, intake, room: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

/// Takes in one request. None of its content is written to diagnostics, since URLs carry tokens.
pub async fn take(
    State(webhooks): State<Webhooks>,
    Path((provider, path)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    let api = webhooks.gateway.api();
    let limits = Limits { body_bytes: BODY_BYTES, ..Limits::clone(&api.limits) };
    let account_path = WebhookPath::new(path);
    let (parts, body) = request.into_parts();
    if !webhooks.intake.has_webhook(&provider, &account_path) {
        discard(&parts.headers, body).await;
        webhooks.intake.count_refused(&provider, &account_path, Refused::UnknownAccount);
        return StatusCode::NOT_FOUND.into_response();
    }
    // Signatures cover the body, so that anybody may send one to an account that exists.
    let declared = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let place = if declared.is_some_and(|bytes: u64| bytes <= SMALL) {
        None
    } else if let Ok(place) = Arc::clone(&webhooks.room).try_acquire_owned() {
        Some(place)
    } else {
        discard(&parts.headers, body).await;
        return busy("too many large webhooks are being received at once");
    };
    let body = match read(&parts.headers, body, &limits).await {
        Ok(body) => body,
        Err(refused) => {
            let is_too_large = refused.status() == StatusCode::PAYLOAD_TOO_LARGE;
            let why = if is_too_large { Refused::TooLarge } else { Refused::Unreadable };
            webhooks.intake.count_refused(&provider, &account_path, why);
            return refused;
        }
    };
    let path = parts.uri.path_and_query().map_or_else(|| parts.uri.path(), |path| path.as_str());
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), Bytes::copy_from_slice(value.as_bytes())))
        .collect();
    let request = WebhookRequest {
        method: parts.method.as_str().to_owned(),
        url: format!("{}{path}", api.app.public_url()),
        headers,
        body,
    };
    // Work that has begun is finished even if the provider hangs up.
    let intake = Arc::new(webhooks.intake);
    let taking = async move {
        let taken = intake.take(&provider, &account_path, &request).await;
        // With its body, not with the connection.
        drop((request, place));
        taken
    };
    let taken = tokio::spawn(taking.in_current_span()).await;
    match taken {
        Ok(Ok((answer, _))) => ([(header::CONTENT_TYPE, answer.content_type)], answer.body).into_response(),
        Ok(Err(IntakeError::Unknown)) => StatusCode::NOT_FOUND.into_response(),
        Ok(Err(IntakeError::Unproved(error))) => {
            tracing::info!(%error, "a webhook was refused");
            StatusCode::UNAUTHORIZED.into_response()
        }
        Ok(Err(error)) => {
            tracing::error!(error = chain(&error), "a webhook was not stored");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a webhook ended unexpectedly");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
