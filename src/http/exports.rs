//! Exports, downloaded.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::attachments::{allowed, no_file, unavailable};
use super::body::refusal;
use super::filename;
use super::imports::pieces;
use crate::exports::{RowFormat, RunError};
use crate::graphql::engine::failure::chain;
use crate::graphql::{Gateway, Permission};

/// `GET /exports/{id}`: the file of an export, to be saved. The read is recorded before the first byte is sent, unless no
/// personal data is in it.
pub async fn download(State(gateway): State<Gateway>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let principal = match allowed(&gateway, &headers, Permission::Administer).await {
        Ok(principal) => principal,
        Err(refused) => return refused,
    };
    let caller = match super::auth::caller(principal, &headers) {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    let Ok(id) = Uuid::try_parse(id.strip_prefix("Export:").unwrap_or(&id)) else { return no_file() };
    let ready = match gateway.api().exports.open(&caller, id).await {
        Ok(Some(ready)) => ready,
        Ok(None) => return no_file(),
        Err(RunError::Unrecorded(refused)) => return refusal(StatusCode::FORBIDDEN, refused.code, &refused.message),
        Err(error) => return unavailable(&gateway, &chain(&error)),
    };
    let content_type = match ready.export.wanted.format {
        RowFormat::Csv => "text/csv; charset=utf-8",
        RowFormat::Jsonl => "application/x-ndjson",
        RowFormat::Parquet => "application/vnd.apache.parquet",
    };
    let disposition = HeaderValue::from_str(&filename::write(&ready.export.file_name()));
    let mut response = Body::from_stream(pieces(ready.file)).into_response();
    let own = response.headers_mut();
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    own.insert(header::CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment")));
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(bytes) = ready.export.bytes {
        own.insert(header::CONTENT_LENGTH, bytes.into());
    }
    response
}
