//! Files to be imported, uploaded; and the lines of them that were refused, downloaded.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::attachments::{allowed, no_file, unavailable};
use super::body::{Pieces, discard, refusal};
use super::filename;
use crate::graphql::engine::failure::chain;
use crate::graphql::{Gateway, Permission, Principal};
use crate::imports::{LARGEST, RunId, Upload, UploadError, Uploaded};

/// The time limit of an upload.
const UPLOAD_TIME: Duration = Duration::from_mins(60);
/// How much of a file is in memory at once.
const PIECE: usize = 64 << 10;

/// `POST /import-files`: uploads a file to be imported, plain or gzip; its name is that of `Content-Disposition`. Returns the
/// id that names it in `previewImport` and `startImport`.
pub async fn upload(State(gateway): State<Gateway>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let begun = match allowed(&gateway, &parts.headers, Permission::Administer).await {
        Ok(principal) => begin(&gateway, principal, &parts.headers).await,
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
        Ok(Ok(Uploaded { id, name, bytes, .. })) => {
            let answer = json!({ "file": id, "name": name, "bytes": bytes });
            (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
        }
        Ok(Err(refused)) => refused,
        Err(_elapsed) => refusal(StatusCode::REQUEST_TIMEOUT, "BODY_TIMED_OUT", "the file did not arrive in time"),
    }
}

async fn begin(gateway: &Gateway, principal: Principal, headers: &HeaderMap) -> Result<Upload, Response> {
    let disposition = headers.get(header::CONTENT_DISPOSITION).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let name = disposition.and_then(|disposition| filename::read(&disposition)).unwrap_or_default();
    let uploads = gateway.api().imports.uploads();
    uploads.begin(principal.tenant, &name).await.map_err(|error| failed(gateway, &error))
}

async fn take(gateway: &Gateway, headers: &HeaderMap, body: Body, mut upload: Upload) -> Result<Uploaded, Response> {
    let mut pieces = Pieces::of(headers, body, LARGEST).await?;
    while let Some(data) = pieces.next().await? {
        if !upload.push(&data).await.map_err(|error| failed(gateway, &error))? {
            return Err(pieces.too_large().await);
        }
    }
    upload.finish().await.map_err(|error| failed(gateway, &error))
}

/// `GET /import-runs/{id}/refused.csv`: the refused lines of a run that has ended, each with its number and the reason.
pub async fn refused_lines(State(gateway): State<Gateway>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let principal = match allowed(&gateway, &headers, Permission::Administer).await {
        Ok(principal) => principal,
        Err(refused) => return refused,
    };
    let path = id.parse::<RunId>().ok().and_then(|id| gateway.api().imports.refused_lines(principal.tenant, id));
    let Some(path) = path else { return no_file() };
    let file = match tokio::fs::File::open(&path).await {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return no_file(),
        Err(error) => return unavailable(&gateway, &chain(&error)),
    };
    let mut response = Body::from_stream(pieces(file)).into_response();
    let own = response.headers_mut();
    own.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/csv; charset=utf-8"));
    own.insert(header::CONTENT_DISPOSITION, header::HeaderValue::from_static("attachment; filename=\"refused.csv\""));
    own.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

/// A file, piece by piece.
pub(super) fn pieces(file: impl AsyncRead + Unpin) -> impl futures::Stream<Item = std::io::Result<Vec<u8>>> {
    futures::stream::try_unfold(file, async |mut file| {
        let mut piece = vec![0; PIECE];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok((read > 0).then_some((piece, file)))
    })
}

fn failed(gateway: &Gateway, error: &UploadError) -> Response {
    unavailable(gateway, &chain(error))
}
