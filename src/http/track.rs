//! Tracked links and pictures: `/t/c/{token}`, `/t/o/{token}`, and `/t/{code}` for the short links of text messages.
//!
//! A link leads only to what its token proves, or the log says, that we wrote: there is no URL in the request that could be
//! another's. HEAD and what says that it only looks ahead (`Sec-Purpose: prefetch` and the like) are never recorded. A link that
//! is looked at ahead is refused, since a browser would take the response for the visit that it never makes; the visit itself
//! then comes here.
//!
//! **Recorded first, if that takes no time.** A visit is usually on disk before its response leaves. A log that is slow or
//! does not answer must not keep a reader from what they asked for: after [`PATIENCE`] the response goes out, and recording
//! goes on, with pauses, for about half a minute. Only a node that ends within that time, or a log that fails for
//! longer, loses a visit; diagnostics say so. At most [`AT_ONCE`] visits wait at a time; further ones are lead on unrecorded.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tracing::Instrument;
use url::Url;

use super::pages::{self, Reader};
use super::visitor::{Asked, visitor};
use crate::app::{App, ShortLink, TrackedPlace, Visit};
use crate::graphql::Gateway;
use crate::graphql::engine::failure::chain;

/// How long a response waits for its visit to be recorded.
const PATIENCE: Duration = Duration::from_millis(250);
/// Visits that are being recorded.
const AT_ONCE: usize = 1_024;
/// The pauses between attempts to record a visit.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(9),
    Duration::from_secs(18),
];

/// A transparent GIF of one pixel.
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\
    \x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01\x44\x00\x3b";

/// The state of the routes.
#[derive(Clone)]
pub struct Tracker {
    gateway: Gateway,
    room: Arc<Semaphore>,
}

impl Tracker {
    pub fn new(gateway: Gateway) -> Self {
        Self { gateway, room: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    fn app(&self) -> &App {
        &self.gateway.api().app
    }
}

/// `GET /t/o/{token}`: the picture of a mail.
pub async fn picture(
    State(tracker): State<Tracker>,
    Path(token): Path<String>,
    method: Method,
    peer: Asked,
    reader: Reader,
    headers: HeaderMap,
) -> Response {
    match tracker.app().tracked_picture(&token).await {
        Ok(Some(place)) => {
            if is_visit(&method, &headers) {
                record(&tracker, place, peer, &headers).await;
            }
            let fixed = [
                (header::CONTENT_TYPE, HeaderValue::from_static("image/gif")),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (fixed, PIXEL).into_response()
        }
        Ok(None) => pages::bad_link(reader),
        Err(error) => pages::failed_to_look_up(&tracker.gateway, reader, &error),
    }
}

/// `GET /t/c/{token}`: a link of a mail.
pub async fn link(
    State(tracker): State<Tracker>,
    Path(token): Path<String>,
    method: Method,
    peer: Asked,
    reader: Reader,
    headers: HeaderMap,
) -> Response {
    match tracker.app().tracked_link(&token).await {
        Ok(Some(place)) => follow(&tracker, place, &method, peer, reader, &headers).await,
        Ok(None) => pages::bad_link(reader),
        Err(error) => pages::failed_to_look_up(&tracker.gateway, reader, &error),
    }
}

/// `GET /t/{code}`: a link of a text message.
pub async fn short_link(
    State(tracker): State<Tracker>,
    Path(code): Path<String>,
    method: Method,
    peer: Asked,
    reader: Reader,
    headers: HeaderMap,
) -> Response {
    match tracker.app().short_link(&code).await {
        Ok(ShortLink::Leads(place)) => follow(&tracker, place, &method, peer, reader, &headers).await,
        Ok(ShortLink::Gone(tenant)) => pages::gone(tracker.app(), reader, tenant).await,
        Ok(ShortLink::Unknown) => pages::bad_link(reader),
        Err(error) => pages::failed_to_look_up(&tracker.gateway, reader, &error),
    }
}

async fn follow(
    tracker: &Tracker,
    place: TrackedPlace,
    method: &Method,
    peer: Asked,
    reader: Reader,
    headers: &HeaderMap,
) -> Response {
    // As browsers write it: letters beyond ASCII and spaces are encoded, and what is encoded stays.
    let target = place.target().and_then(|target| Url::parse(target).ok());
    let is_web = |url: &Url| matches!(url.scheme(), "http" | "https");
    let location = target.filter(is_web).and_then(|url| HeaderValue::from_str(url.as_str()).ok());
    let Some(location) = location else {
        return pages::bad_link_of(tracker.app(), reader, place.tenant()).await;
    };
    if is_ahead(headers) {
        return ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], StatusCode::SERVICE_UNAVAILABLE)
            .into_response();
    }
    if is_visit(method, headers) {
        record(tracker, place, peer, headers).await;
    }
    let fixed = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Neither the token nor the page of a mail program is the other site's business.
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
    ];
    (StatusCode::FOUND, fixed, Body::empty()).into_response()
}

fn is_visit(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::GET && !is_ahead(headers)
}

/// Whether a program says that it only looks ahead: nobody has asked for the page yet.
fn is_ahead(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().flat_map(|name| headers.get_all(*name)).any(|value| {
        let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
        ["prefetch", "prerender", "preview"].iter().any(|word| value.contains(word))
    })
}

/// Records a visit; returns once it is on disk, or patience ends.
async fn record(tracker: &Tracker, place: TrackedPlace, peer: Asked, headers: &HeaderMap) {
    let Ok(room) = Arc::clone(&tracker.room).try_acquire_owned() else {
        tracing::error!("a visit was not recorded: too many wait for the log");
        return;
    };
    let (ip, user_agent) = visitor(headers, peer);
    let visit = Visit { at: tracker.gateway.api().ambient().now(), ip, user_agent };
    let app = tracker.app().clone();
    let recording = async move {
        for pause in PAUSES {
            match app.record_visit(&place, &visit).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(error = chain(&error), "a visit could not be recorded yet"),
            }
            tokio::time::sleep(pause).await;
        }
        if let Err(error) = app.record_visit(&place, &visit).await {
            tracing::error!(error = chain(&error), "a visit was not recorded");
        }
        drop(room);
    };
    // What is not done by then goes on.
    let _ = tokio::time::timeout(PATIENCE, tokio::spawn(recording.in_current_span())).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_ahead_is_told_by_any_of_its_headers() {
        let headers = |name: &'static str, value: &str| {
            HeaderMap::from_iter([(header::HeaderName::from_static(name), value.parse().expect("a value"))])
        };
        for (name, value) in [
            ("purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("sec-purpose", "prefetch;anonymous-client-ip"),
            ("x-purpose", "preview"),
            ("x-moz", "prefetch"),
        ] {
            assert!(is_ahead(&headers(name, value)), "{name}");
            assert!(!is_visit(&Method::GET, &headers(name, value)));
        }
        assert!(is_visit(&Method::GET, &headers("sec-fetch-mode", "navigate")));
        assert!(!is_visit(&Method::HEAD, &HeaderMap::new()));
    }
}
