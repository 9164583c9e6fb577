//! HTTP calls to providers: what every one of them needs, and what failures mean before a provider's own words are read.
//!
//! A failure is definite only if the request provably had no effect: no connection came about, or the answer is a
//! documented refusal. Everything else (a time-out, a lost connection, half an answer, a server's error) leaves the
//! message in doubt. Nothing is ever retried here.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, redirect, retry};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt;
use serde_json::Value;
use tracing::Instrument;
use tracing::field::Empty;
use url::Url;

use super::public::PublicOnly;
use crate::domain::value::message::RetryClass;
use crate::providers::{MediaError, SendError};

/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 2 * 1024 * 1024;
/// The longest pause that a provider may ask for.
const MAX_PAUSE: Duration = Duration::from_hours(24);

/// How calls are made.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a call may take as a whole, its answer included.
    pub timeout: Duration,
    /// A proxy that all calls go through; the environment is not asked.
    pub proxy: Option<Url>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(10), timeout: Duration::from_secs(30), proxy: None }
    }
}

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The system's certificates cannot be used.
    #[error("no TLS connections can be made")]
    Tls(#[from] rustls::Error),
    /// Something else in the options.
    #[error("the HTTP client cannot be set up")]
    Setup(#[from] reqwest::Error),
}

/// Why something was not posted.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// No answer came.
    #[error("no answer came")]
    Lost(#[source] reqwest::Error),
    /// The server refused.
    #[error("the server refused with status {0}")]
    Refused(u16),
}

/// Makes calls; cheap to clone, and shared by all providers of a node.
#[derive(Debug, Clone)]
pub struct HttpClient {
    /// Calls what our settings name.
    own: reqwest::Client,
    /// Calls what outsiders name: hosts of the public network only.
    public: reqwest::Client,
}

impl HttpClient {
    /// A client that follows no redirects, repeats nothing, and trusts the system's certificates.
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        let provider = std::sync::Arc::new(ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        let builder = || {
            let builder = reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(concat!("commlog/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(options.connect_timeout)
                .timeout(options.timeout)
                .pool_idle_timeout(Duration::from_secs(20))
                .redirect(redirect::Policy::none())
                .retry(retry::never());
            match &options.proxy {
                Some(proxy) => Ok::<_, reqwest::Error>(builder.proxy(reqwest::Proxy::all(proxy.clone())?)),
                None => Ok(builder.no_proxy()),
            }
        };
        Ok(Self {
            own: builder()?.build()?,
            public: builder()?.dns_resolver(std::sync::Arc::new(PublicOnly)).https_only(true).build()?,
        })
    }

    /// What calls hosts that our settings name, for protocols that a library speaks.
    #[must_use]
    pub fn own(&self) -> reqwest::Client {
        self.own.clone()
    }

    /// Posts JSON to what our settings name. Only a status from 200 to 299 is success; the body of the answer is not read.
    pub async fn post_json(&self, url: Url, body: String) -> Result<(), PostError> {
        let request = self.own.post(url).header(reqwest::header::CONTENT_TYPE, "application/json").body(body);
        // The error's own text would contain the URL, which may hold a token.
        let response = request.send().await.map_err(|error| PostError::Lost(error.without_url()))?;
        if response.status().is_success() { Ok(()) } else { Err(PostError::Refused(response.status().as_u16())) }
    }

    pub(in crate::providers) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.own.request(method, url)
    }

    /// A GET of what outsiders name, by a host's name and over TLS: one that leads to a private network is not called.
    pub(in crate::providers) fn public_get(&self, url: Url) -> RequestBuilder {
        self.public.get(url)
    }

    /// A POST, likewise.
    pub(in crate::providers) fn public_post(&self, url: Url) -> RequestBuilder {
        self.public.post(url)
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(in crate::providers) struct Reply {
    pub(in crate::providers) status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    /// Nothing is missing at the end of the body.
    is_whole: bool,
    /// What is missing was too much.
    is_too_long: bool,
}

/// Makes one call.
pub(in crate::providers) async fn call(request: RequestBuilder) -> Result<Reply, SendError> {
    call_within(request, MAX_ANSWER).await
}

/// As [`call`], for an answer of at most so many bytes.
pub(in crate::providers) async fn call_within(request: RequestBuilder, most: usize) -> Result<Reply, SendError> {
    let (client, request) = request.build_split();
    let request = request.map_err(|error| lost(&error))?;
    // Of the URL only the host: paths and queries may hold a token, a number or an address.
    let span = tracing::debug_span!(
        "call",
        otel.name = request.method().as_str(),
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = request.method().as_str(),
        server.address = request.url().host_str(),
        http.response.status_code = Empty,
        "error.type" = Empty,
    );
    let replied = read(client, request, most).instrument(span.clone()).await;
    match &replied {
        Ok(reply) => {
            span.record("http.response.status_code", reply.status);
        }
        Err(SendError::Ambiguous { cause }) => {
            span.record("otel.status_code", "error").record("error.type", cause);
        }
        Err(SendError::Refused { code, .. }) => {
            span.record("otel.status_code", "error").record("error.type", code.as_deref());
        }
    }
    replied
}

async fn read(client: reqwest::Client, request: reqwest::Request, most: usize) -> Result<Reply, SendError> {
    let mut response = client.execute(request).await.map_err(|error| lost(&error))?;
    let mut reply = Reply {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: vec![],
        is_whole: false,
        is_too_long: response.content_length().is_some_and(|length| length > most as u64),
    };
    if reply.is_too_long {
        return Ok(reply);
    }
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if reply.body.len() + chunk.len() <= most => reply.body.extend_from_slice(&chunk),
            Ok(Some(_)) => {
                reply.is_too_long = true;
                return Ok(reply);
            }
            Err(_) => return Ok(reply),
            Ok(None) => {
                reply.is_whole = true;
                return Ok(reply);
            }
        }
    }
}

/// Fetches a file of at most so many bytes.
pub(in crate::providers) async fn fetch(request: RequestBuilder, most: usize) -> Result<Bytes, MediaError> {
    call_within(request, most).await?.into_file()
}

impl From<SendError> for MediaError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Ambiguous { cause } => Self::Later(cause),
            SendError::Refused { .. } => Self::Later("unreachable"),
        }
    }
}

/// No answer came.
fn lost(error: &reqwest::Error) -> SendError {
    if error.is_connect() {
        return SendError::refused(RetryClass::Transient, Some("connect".to_owned()), "no connection came about");
    }
    if error.is_builder() {
        let detail = "the request cannot be written: look at the account's settings";
        return SendError::refused(RetryClass::Configuration, Some("request".to_owned()), detail);
    }
    SendError::Ambiguous { cause: if error.is_timeout() { "timeout" } else { "connection_lost" } }
}

impl Reply {
    pub(in crate::providers) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(in crate::providers) fn is_empty(&self) -> bool {
        self.is_whole && self.body.is_empty()
    }

    /// The body as JSON, if all of it is there and is JSON.
    pub(in crate::providers) fn json(&self) -> Option<Value> {
        self.is_whole.then(|| serde_json::from_slice(&self.body).ok()).flatten()
    }

    /// The whole body as bytes; otherwise whether it was too long, rather than cut off.
    pub(in crate::providers) fn into_content(self) -> Result<Bytes, bool> {
        if self.is_whole { Ok(Bytes::from(self.body)) } else { Err(self.is_too_long) }
    }

    /// The whole body as a file that was asked for.
    pub(in crate::providers) fn into_file(self) -> Result<Bytes, MediaError> {
        match self.status {
            200 => self.into_content().map_err(|is_too_long| match is_too_long {
                true => MediaError::Never("too_large"),
                false => MediaError::Later("half_an_answer"),
            }),
            // A redirect that is not followed, or a refusal that stays one.
            300..=399 => Err(MediaError::Never("redirect_refused")),
            404 | 410 => Err(MediaError::Never("gone")),
            401 | 403 => Err(MediaError::Later("not_authorised")),
            _ => Err(MediaError::Later("refused")),
        }
    }

    /// What an answer with status 2xx is if it does not say what a success says.
    pub(in crate::providers) fn unproved(&self) -> SendError {
        SendError::Ambiguous { cause: if self.is_whole { "not_an_answer" } else { "half_an_answer" } }
    }

    /// What a status other than 2xx means. `class` is what the provider's own code or status means; without one, the
    /// status decides.
    pub(in crate::providers) fn refusal(
        &self,
        class: Option<RetryClass>,
        code: Option<String>,
        detail: String,
        now: DateTime<Utc>,
    ) -> SendError {
        let class = match self.status {
            // Proxies answer so when they gave up waiting for the provider, who may go on.
            408 => return SendError::Ambiguous { cause: "timeout" },
            500.. => return SendError::Ambiguous { cause: "server_error" },
            429 => RetryClass::RateLimited,
            // Something else than the provider's API stands at the base URL.
            301 | 307 | 308 => RetryClass::Configuration,
            400..=499 => class.unwrap_or(match self.status {
                401 | 403 | 404 | 405 | 407 => RetryClass::Configuration,
                413 => RetryClass::ContentRefused,
                _ => RetryClass::Permanent,
            }),
            _ => return self.unproved(),
        };
        let code = code.or_else(|| Some(format!("http_{}", self.status)));
        SendError::Refused { class, code, detail, retry_after: self.retry_after(now) }
    }

    /// How long to wait, by `Retry-After` (seconds or a date) or `X-RateLimit-Reset` (Unix seconds).
    pub(in crate::providers) fn retry_after(&self, now: DateTime<Utc>) -> Option<Duration> {
        let until = |time: DateTime<Utc>| (time - now).to_std().unwrap_or_default();
        let after = self.header("retry-after").and_then(|text| {
            let seconds = text.trim().parse().ok().map(Duration::from_secs);
            seconds.or_else(|| DateTime::parse_from_rfc2822(text.trim()).ok().map(|time| until(time.to_utc())))
        });
        let is_limited = self.status == 429;
        let reset = || {
            let seconds = self.header("x-ratelimit-reset")?.trim().parse().ok()?;
            DateTime::from_timestamp(seconds, 0).map(until)
        };
        after.or_else(|| is_limited.then(reset).flatten()).map(|pause| pause.min(MAX_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, headers: &[(&'static str, &str)]) -> Reply {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header"));
        }
        Reply { status, headers: map, body: vec![], is_whole: true, is_too_long: false }
    }

    fn refusal(reply: &Reply) -> SendError {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        reply.refusal(None, None, String::new(), now)
    }

    #[test]
    fn a_status_alone_refuses_or_leaves_doubt() {
        use RetryClass::{Configuration, ContentRefused, Permanent, RateLimited};
        let definite = [
            (400, Permanent),
            (401, Configuration),
            (403, Configuration),
            (404, Configuration),
            (407, Configuration),
            (413, ContentRefused),
            (429, RateLimited),
            (308, Configuration),
        ];
        for (status, expected) in definite {
            assert!(matches!(refusal(&reply(status, &[])), SendError::Refused { class, .. } if class == expected));
        }
        for status in [302, 303, 408, 500, 502, 503, 504, 520] {
            assert!(matches!(refusal(&reply(status, &[])), SendError::Ambiguous { .. }), "{status}");
        }
    }

    #[test]
    fn a_provider_says_how_long_to_wait() {
        let cases: &[(&str, &str, Option<u64>)] = &[
            ("retry-after", "7", Some(7)),
            ("retry-after", "Tue, 14 Nov 2023 22:13:50 GMT", Some(30)),
            ("retry-after", "Tue, 14 Nov 2023 22:00:00 GMT", Some(0)),
            ("retry-after", "99999999999", Some(24 * 3600)),
            ("retry-after", "soon", None),
            ("x-ratelimit-reset", "1700000012", Some(12)),
            ("x-ratelimit-reset", "99999999999999999999", None),
        ];
        for (name, value, expected) in cases {
            let SendError::Refused { retry_after, .. } = refusal(&reply(429, &[(name, value)])) else {
                panic!("{value}")
            };
            assert_eq!(retry_after, expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn a_client_can_be_built() {
        assert!(HttpClient::new(ClientOptions::default()).is_ok());
    }
}
