//! Calls of the collector, with the client of the node: on its runtime, as spans are exported from a thread without one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::{Request, Response};
use bytes::{Bytes, BytesMut};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

/// How long a call may take. Nobody waits for it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes: it says how many spans were refused, if any.
const MAX_ANSWER: usize = 64 * 1024;

/// Whether the last call failed.
static IS_FAILING: AtomicBool = AtomicBool::new(false);

/// Whether the collector did not take what it was sent last.
pub(super) fn is_failing() -> bool {
    IS_FAILING.load(Ordering::Relaxed)
}

/// What calls the collector.
#[derive(Debug)]
pub(super) struct Collector {
    client: reqwest::Client,
    runtime: Handle,
    /// For diagnostics: the endpoint without its path, which may hold a token.
    origin: String,
}

impl Collector {
    /// Calls on the runtime of the caller.
    pub fn new(client: reqwest::Client, origin: String) -> Self {
        Self { client, runtime: Handle::current(), origin }
    }

    /// Says once that spans are lost, and why; and once that they are not any more.
    fn report(&self, failed: Option<String>) {
        let was_failing = IS_FAILING.swap(failed.is_some(), Ordering::Relaxed);
        match failed {
            Some(error) if !was_failing => {
                let collector = &self.origin;
                tracing::warn!(collector, error, "traces are not exported; everything else goes on without them");
            }
            None if was_failing => tracing::info!(collector = self.origin, "traces are exported again"),
            Some(_) | None => {}
        }
    }
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let called = match self.runtime.spawn(call(client, request)).await {
            Ok(called) => called,
            // The runtime ends, and with it the process.
            Err(error) => Err(error.into()),
        };
        self.report(match &called {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it responds with status {}", response.status().as_u16())),
            Err(error) => Some(chain(error.as_ref())),
        });
        called
    }
}

async fn call(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let mut request = reqwest::Request::try_from(request)?;
    *request.timeout_mut() = Some(TIMEOUT);
    let mut answer = client.execute(request).await.map_err(reqwest::Error::without_url)?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = answer.status();
    // It may say when to call again.
    *response.headers_mut() = answer.headers().clone();
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err("its answer is too long".into());
        }
        body.extend_from_slice(&chunk);
    }
    *response.body_mut() = body.freeze();
    Ok(response)
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}
