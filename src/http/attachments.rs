//! Files of messages: uploaded for sending, downloaded by authorised users, and fetched by providers through links.
//!
//! No browser may show a file as a page of ours, whatever it contains: files are saved, never opened in place.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde_json::json;

use super::body::{discard, refusal, too_large};
use super::filename;
use crate::app::{AppError, Outcome, Upload, Uploaded};
use crate::domain::message::attachment::LARGEST;
use crate::domain::refusal::Refusal;
use crate::domain::tenant::decide::RecordPersonalRead;
use crate::domain::value::message::AttachmentState;
use crate::graphql::engine::failure::chain;
use crate::graphql::{Gateway, Permission, Principal};
use crate::ids::{AttachmentId, CustomerId};
use crate::log::blobs::Opening;
use crate::queries::attachments;

/// The time limit of an upload.
const UPLOAD_TIME: Duration = Duration::from_mins(10);
/// The media type that browsers see: one that they do not run.
const HARMLESS: &[&str] = &["application/pdf", "image/gif", "image/jpeg", "image/png", "image/webp", "text/plain"];
const BYTES: &str = "application/octet-stream";

/// `POST /attachments?customer=…`: uploads a file to be sent to a customer. Its media type is the request's, its
/// name that of `Content-Disposition`. Returns the token that names it in `sendMessage`.
pub async fn upload(State(gateway): State<Gateway>, RawQuery(query): RawQuery, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let begun = match allowed(&gateway, &parts.headers, Permission::Send).await {
        Ok(principal) => begin(&gateway, principal, query.as_deref(), &parts.headers).await,
        Err(refused) => Err(refused),
    };
    let upload = match begun {
        Ok(upload) => upload,
        Err(refused) => {
            // An unread body would lose the refusal together with the connection.
            discard(&parts.headers, body).await;
            return refused;
        }
    };
    match tokio::time::timeout(UPLOAD_TIME, take(&gateway, &parts.headers, body, upload)).await {
        Ok(Ok(Uploaded { token, file })) => {
            let answer = json!({
                "attachment": token,
                "name": file.name,
                "contentType": file.content_type,
                "size": file.size,
            });
            (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
        }
        Ok(Err(refused)) => refused,
        Err(_elapsed) => refusal(StatusCode::REQUEST_TIMEOUT, "BODY_TIMED_OUT", "the file did not arrive in time"),
    }
}

async fn begin(
    gateway: &Gateway,
    principal: Principal,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Upload, Response> {
    let mut parameters = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let customer = parameters.find(|(name, _)| name == "customer").map(|(_, id)| id);
    let customer = customer.and_then(|id| id.strip_prefix("Customer:").unwrap_or(&id).parse::<CustomerId>().ok());
    let Some(customer) = customer else {
        let message = "name the customer that the file is for: POST /attachments?customer=<id of the customer>";
        return Err(refusal(StatusCode::BAD_REQUEST, "BAD_ARGUMENT", message));
    };
    let text = |name| headers.get(name).map(|value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()));
    let name = text(header::CONTENT_DISPOSITION).and_then(|disposition| filename::read(&disposition));
    let content_type = text(header::CONTENT_TYPE).unwrap_or_default();
    let caller = super::auth::caller(principal, headers)?;
    match gateway.api().app.upload(&caller, customer, name, &content_type).await {
        Ok(Ok(upload)) => Ok(upload),
        Ok(Err(Refusal { code, message, .. })) => Err(refusal(StatusCode::UNPROCESSABLE_ENTITY, code, &message)),
        Err(error) => Err(failed(gateway, &error)),
    }
}

async fn take(
    gateway: &Gateway,
    headers: &HeaderMap,
    mut body: Body,
    mut upload: Upload,
) -> Result<Uploaded, Response> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|declared| declared > LARGEST) {
        return Err(too_large(headers, &mut body, LARGEST).await);
    }
    while let Some(frame) = body.frame().await {
        let message = "the request's body ended before it was complete";
        let frame = frame.map_err(|_| refusal(StatusCode::BAD_REQUEST, "BODY_INCOMPLETE", message))?;
        let Some(data) = frame.data_ref() else { continue };
        if !upload.push(data).await.map_err(|error| failed(gateway, &error))? {
            return Err(too_large(headers, &mut body, LARGEST).await);
        }
    }
    match upload.finish().await {
        Ok(Some(uploaded)) => Ok(uploaded),
        Ok(None) => {
            let Refusal { code, message, .. } = Refusal::customer_forgotten();
            Err(refusal(StatusCode::UNPROCESSABLE_ENTITY, code, &message))
        }
        Err(error) => Err(failed(gateway, &error)),
    }
}

/// `GET /attachments/{id}`: a message's file, to be saved. The read is recorded, since files are personal data.
pub async fn download(State(gateway): State<Gateway>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let principal = match allowed(&gateway, &headers, Permission::Read).await {
        Ok(principal) if principal.may(Permission::SeePersonal) => principal,
        Ok(principal) => return forbidden(principal, Permission::SeePersonal),
        Err(refused) => return refused,
    };
    let api = gateway.api();
    let Ok(id) = id.strip_prefix("Attachment:").unwrap_or(&id).parse::<AttachmentId>() else { return no_file() };
    let row = match attachments::by_id(&api.reads.db(), principal.tenant, id).await {
        Ok(Some(row)) if row.state == AttachmentState::Stored => row,
        Ok(_) => return no_file(),
        Err(error) => return unavailable(&gateway, &chain(&error)),
    };
    let caller = match super::auth::caller(principal, &headers) {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    let opening = match api.app.read_file(&caller, row.customer_id, id).await {
        Ok(Some(opening)) => opening,
        Ok(None) => return no_file(),
        Err(error) => return failed(&gateway, &error),
    };
    let command = RecordPersonalRead {
        what: "attachment".to_owned(),
        count: 1,
        customer_ids: vec![row.customer_id],
        filter: Some(format!("Attachment:{id}")),
    };
    match api.app.record_personal_read(&caller, command).await {
        Ok(Outcome::Done(_)) => {}
        Ok(Outcome::Refused(Refusal { code, message, .. })) => return refusal(StatusCode::FORBIDDEN, code, &message),
        Err(error) => return failed(&gateway, &error),
    }
    let content_type = row.content_type.as_deref().and_then(|given| HARMLESS.iter().find(|known| **known == given));
    let name = row.name.unwrap_or_else(|| "attachment".to_owned());
    stream(opening, content_type.unwrap_or(&BYTES), &filename::write(&name))
}

/// `GET /media/{token}`: a file for the provider that sends it. The token is the permission.
pub async fn media(State(gateway): State<Gateway>, Path(token): Path<String>) -> Response {
    match gateway.api().app.open_media(&token).await {
        Ok(Some((content_type, opening))) => stream(opening, content_type, "attachment"),
        Ok(None) => no_file(),
        Err(error) => failed(&gateway, &error),
    }
}

fn stream(opening: Opening, content_type: &'static str, disposition: &str) -> Response {
    let size = opening.size();
    let parts = futures::stream::try_unfold(opening, async |mut opening| {
        let next = opening.next().await.inspect_err(|error| {
            tracing::error!(error = chain(error), "a file could not be read completely");
        })?;
        Ok::<_, crate::log::blobs::BlobError>(next.map(|bytes| (bytes, opening)))
    });
    let mut response = Body::from_stream(parts).into_response();
    let headers = response.headers_mut();
    let text =
        |value: &str| header::HeaderValue::from_str(value).unwrap_or(header::HeaderValue::from_static("attachment"));
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LENGTH, size.into());
    headers.insert(header::CONTENT_DISPOSITION, text(disposition));
    headers.insert(header::CONTENT_SECURITY_POLICY, header::HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

pub(super) async fn allowed(
    gateway: &Gateway,
    headers: &HeaderMap,
    permission: Permission,
) -> Result<Principal, Response> {
    let principal = super::auth::principal(gateway, headers).await?;
    if principal.may(permission) { Ok(principal) } else { Err(forbidden(principal, permission)) }
}

fn forbidden(principal: Principal, permission: Permission) -> Response {
    let message = format!("this API key (role {}) may not {}", principal.role, permission.what());
    refusal(StatusCode::FORBIDDEN, "FORBIDDEN", &message)
}

/// Also the response for another tenant's file: its existence is not revealed.
pub(super) fn no_file() -> Response {
    refusal(StatusCode::NOT_FOUND, "NOT_FOUND", "this file does not exist")
}

fn failed(gateway: &Gateway, error: &AppError) -> Response {
    unavailable(gateway, &chain(error))
}

pub(super) fn unavailable(gateway: &Gateway, cause: &str) -> Response {
    let id = gateway.api().ambient().uuid();
    tracing::error!(error_id = %id, error = cause, "a file could not be uploaded or downloaded");
    let message = format!("the server failed; its diagnostics have details under {id}");
    refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", &message)
}
