//! Bodies in and out: limits on what is read, and one form for what is refused.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde_json::json;

use crate::graphql::Limits;

/// The bytes of a refused body that are still read and discarded, so that its sender can read the response.
const MOST_DRAINED: usize = 256 * 1024 * 1024;

/// The time limit for that.
const LONGEST_DRAIN: Duration = Duration::from_secs(5);

/// A refusal of a whole request, in the form of a GraphQL response.
pub fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "errors": [{ "message": message, "extensions": { "code": code } }] });
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// The response to a request for which there is no room now.
pub fn busy(message: &str) -> Response {
    let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, "BUSY", message);
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
    response
}

/// The whole body, or the response that refuses it.
pub async fn read(headers: &HeaderMap, mut body: Body, limits: &Limits) -> Result<Bytes, Response> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|declared| declared > limits.body_bytes as u64) {
        return Err(too_large(headers, &mut body, limits.body_bytes as u64).await);
    }
    let whole = async {
        let mut whole = BytesMut::with_capacity(declared.map_or(0, |declared| usize::try_from(declared).unwrap_or(0)));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| {
                refusal(StatusCode::BAD_REQUEST, "BODY_INCOMPLETE", "the request's body ended before it was complete")
            })?;
            if let Some(data) = frame.data_ref() {
                if whole.len() + data.len() > limits.body_bytes {
                    drain(&mut body).await;
                    return Err(larger_than(limits.body_bytes as u64));
                }
                whole.extend_from_slice(data);
            }
        }
        Ok(whole.freeze())
    };
    tokio::time::timeout(limits.body_time, whole).await.unwrap_or_else(|_| {
        let seconds = limits.body_time.as_secs();
        let message = format!("the request's body did not arrive within {seconds} s");
        Err(refusal(StatusCode::REQUEST_TIMEOUT, "BODY_TIMED_OUT", &message))
    })
}

/// A body that is taken in piece by piece, because it may be large.
pub struct Pieces<'a> {
    headers: &'a HeaderMap,
    body: Body,
    most: u64,
}

impl<'a> Pieces<'a> {
    /// Refuses a body that is declared larger than `most` bytes.
    pub async fn of(headers: &'a HeaderMap, body: Body, most: u64) -> Result<Self, Response> {
        let mut pieces = Self { headers, body, most };
        let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if declared.is_some_and(|declared| declared > most) {
            return Err(pieces.too_large().await);
        }
        Ok(pieces)
    }

    /// The next piece; nothing at the end of the body.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Response> {
        while let Some(frame) = self.body.frame().await {
            let message = "the request's body ended before it was complete";
            let frame = frame.map_err(|_| refusal(StatusCode::BAD_REQUEST, "BODY_INCOMPLETE", message))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The response, once it turns out to be too large.
    pub async fn too_large(&mut self) -> Response {
        too_large(self.headers, &mut self.body, self.most).await
    }
}

/// Lets the sender of a request that is refused whatever its body says read the response: the body is not kept.
pub async fn discard(headers: &HeaderMap, mut body: Body) {
    // A client that sends `Expect: 100-continue` is refused before it sends anything.
    if !headers.contains_key(header::EXPECT) {
        drain(&mut body).await;
    }
}

/// The response to a body of more than `most` bytes, once its sender can read it.
pub async fn too_large(headers: &HeaderMap, body: &mut Body, most: u64) -> Response {
    // A client that sends `Expect: 100-continue` is refused before it sends anything.
    if !headers.contains_key(header::EXPECT) {
        drain(body).await;
    }
    larger_than(most)
}

fn larger_than(most: u64) -> Response {
    let message = format!("the request's body is larger than {most} bytes");
    let mut response = refusal(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", &message);
    response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    response
}

/// Reads and discards: closing a connection with unread data would lose the response too.
async fn drain(body: &mut Body) {
    let drained = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > MOST_DRAINED {
                break;
            }
        }
    };
    // A slower client loses the response.
    let _ = tokio::time::timeout(LONGEST_DRAIN, drained).await;
}
