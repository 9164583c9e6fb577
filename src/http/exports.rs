//! Exports, downloaded.

use std::io::SeekFrom;
use std::ops::RangeInclusive;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
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
    let (mut file, length) = (ready.file, ready.export.bytes);
    let part = match length.and_then(|length| part(&headers, length)) {
        Some(Err(response)) => return response,
        Some(Ok(part)) => Some(part),
        None => None,
    };
    let first = part.as_ref().map_or(0, |part| *part.start());
    if let Err(error) = file.seek(SeekFrom::Start(first)).await {
        return unavailable(&gateway, &chain(&error));
    }
    let sent = part.as_ref().map_or(length, |part| Some(part.end() - part.start() + 1));
    let mut response = Body::from_stream(pieces(file.take(sent.unwrap_or(u64::MAX)))).into_response();
    if let (Some(part), Some(length)) = (&part, length) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let range = format!("bytes {}-{}/{length}", part.start(), part.end());
        response.headers_mut().extend(HeaderValue::from_str(&range).map(|range| (header::CONTENT_RANGE, range)));
    }
    let own = response.headers_mut();
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    own.insert(header::CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment")));
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    own.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(bytes) = sent {
        own.insert(header::CONTENT_LENGTH, bytes.into());
    }
    response
}

/// The part of a file of some bytes that a request asks for, as it does to continue an interrupted download: `bytes=5-` or `bytes=5-9`.
/// What is asked for in another way is answered by the whole file ([RFC 9110, section 14.2]); the file of an id never changes.
///
/// # Errors
/// The response, if the file has no such part.
///
/// [RFC 9110, section 14.2]: https://www.rfc-editor.org/rfc/rfc9110#section-14.2
fn part(headers: &HeaderMap, length: u64) -> Option<Result<RangeInclusive<u64>, Response>> {
    let (first, last) = headers.get(header::RANGE)?.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    let first: u64 = first.parse().ok()?;
    let last = if last.is_empty() { u64::MAX } else { last.parse().ok().filter(|last| *last >= first)? };
    if first < length {
        return Some(Ok(first..=last.min(length - 1)));
    }
    let none = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
    Some(Err((StatusCode::RANGE_NOT_SATISFIABLE, none).into_response()))
}
