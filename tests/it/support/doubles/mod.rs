//! Providers on loopback that refuse what the real ones refuse, note what they took, answer as badly as they are told to,
//! and sign what they tell. They need nothing of the test harness, so a bench can use them too.

pub(crate) mod bird;
#[cfg(test)]
pub(crate) mod collector;
mod described;
pub(crate) mod fcm;
pub(crate) mod imap;
pub(crate) mod issuer;
pub(crate) mod kurrentdb;
pub(crate) mod mail_servers;
pub(crate) mod mailgun;
pub(crate) mod messagebird;
pub(crate) mod resend;
pub(crate) mod sendgrid;
pub(crate) mod ses;
pub(crate) mod smtp;
pub(crate) mod tls;
pub(crate) mod twilio;
pub(crate) mod validators;
pub(crate) mod vonage;

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Mutex;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use commlog::providers::WebhookRequest;
use futures::StreamExt;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use described::Description;

/// How the next call is answered. Where `taken` is true, the message is taken all the same, as if only the answer went
/// wrong.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// As the real one would.
    Usual,
    /// With a status, headers and a JSON body; the message is not taken.
    Refuse(u16, Vec<(&'static str, String)>, Value),
    /// With a server's error.
    ServerError { status: u16, taken: bool },
    /// Never.
    Hang { taken: bool },
    /// By the end of the connection.
    Lost { taken: bool },
    /// With the head of an answer and half its body, then the connection is gone.
    Half { taken: bool },
    /// With an answer that has no end.
    Endless { taken: bool },
    /// With a page of something in between, status 200.
    Html { taken: bool },
    /// With a document that is no success, status 200.
    OkWithError { taken: bool },
}

impl Act {
    fn takes(&self) -> bool {
        match self {
            Self::Usual => true,
            Self::Refuse(..) => false,
            Self::ServerError { taken, .. }
            | Self::Hang { taken }
            | Self::Lost { taken }
            | Self::Half { taken }
            | Self::Endless { taken }
            | Self::Html { taken }
            | Self::OkWithError { taken } => *taken,
        }
    }

    /// The answer, unless it is the usual one.
    async fn spoil(self, usual: Response<Body>) -> Response<Body> {
        match self {
            Self::Usual => usual,
            Self::Refuse(status, headers, body) => {
                let mut answer = json(status, &body);
                for (name, value) in headers {
                    answer.headers_mut().insert(name, value.parse().expect("a header"));
                }
                answer
            }
            Self::ServerError { status, .. } => text(status, "text/plain", "upstream trouble"),
            Self::Hang { .. } => std::future::pending().await,
            // It takes the connection's task along; the hook that reports panics is not called.
            Self::Lost { .. } => std::panic::resume_unwind(Box::new("the connection is lost")),
            Self::Half { .. } => {
                let start = futures::stream::iter([Ok(Bytes::from_static(b"{\"sid\": \"SM"))]);
                let end = futures::stream::once(async {
                    // The client gets the first half before the connection goes.
                    tokio::task::yield_now().await;
                    Err(std::io::Error::other("gone"))
                });
                let mut answer = Response::new(Body::from_stream(start.chain(end)));
                *answer.status_mut() = StatusCode::CREATED;
                answer
            }
            Self::Endless { .. } => {
                let chunks = futures::stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b' '; 8_192])));
                Response::new(Body::from_stream(chunks))
            }
            Self::Html { .. } => text(200, "text/html", "<html><body>Please sign in to the network</body></html>"),
            Self::OkWithError { .. } => json(200, &serde_json::json!({ "error": "try again", "errors": [] })),
        }
    }
}

/// A signed request, as the provider would make it.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Signed {
    /// As the webhook's port takes it.
    pub(crate) fn request(&self) -> WebhookRequest {
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), Bytes::from(value.clone()))).collect();
        WebhookRequest { method: self.method.to_owned(), url: self.url.clone(), headers, body: self.body.clone() }
    }
}

/// A server on a port of loopback; it ends when it is dropped.
struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Refuses what the provider's own description of its API does not describe. A bench measures without.
    async fn described(router: Router, description: Description) -> Self {
        Self::start(if cfg!(test) { described::described(router, description) } else { router }).await
    }

    async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let router = router.layer(DefaultBodyLimit::max(40 * 1024 * 1024));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { address, task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a double has taken, and how it is to answer.
struct Book<M> {
    inner: Mutex<Pages<M>>,
}

struct Pages<M> {
    calls: usize,
    script: VecDeque<Act>,
    taken: Vec<M>,
    per_token: HashMap<String, usize>,
}

impl<M: Clone> Book<M> {
    fn new() -> Self {
        let pages = Pages { calls: 0, script: VecDeque::new(), taken: vec![], per_token: HashMap::new() };
        Self { inner: Mutex::new(pages) }
    }

    fn next_act(&self) -> Act {
        let mut pages = self.inner.lock().expect("no panic before");
        pages.calls += 1;
        pages.script.pop_front().unwrap_or(Act::Usual)
    }

    fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.inner.lock().expect("no panic before").script.extend(acts);
    }

    fn take(&self, token: Option<&str>, message: M) {
        let mut pages = self.inner.lock().expect("no panic before");
        *pages.per_token.entry(token.unwrap_or_default().to_owned()).or_default() += 1;
        pages.taken.push(message);
    }

    fn taken(&self) -> Vec<M> {
        self.inner.lock().expect("no panic before").taken.clone()
    }

    fn calls(&self) -> usize {
        self.inner.lock().expect("no panic before").calls
    }

    /// How often the message with a token was taken.
    fn times(&self, token: &str) -> usize {
        self.inner.lock().expect("no panic before").per_token.get(token).copied().unwrap_or_default()
    }

    /// The most often that one token was taken: more than 1 is a message sent twice.
    fn most_per_token(&self) -> usize {
        self.inner.lock().expect("no panic before").per_token.values().copied().max().unwrap_or_default()
    }
}

fn json(status: u16, body: &Value) -> Response<Body> {
    text(status, "application/json", &body.to_string())
}

fn text(status: u16, content_type: &str, body: &str) -> Response<Body> {
    let answer = Response::builder().status(status).header("content-type", content_type);
    answer.body(Body::from(body.to_owned())).expect("an answer")
}

/// Keeps handlers short: a refusal is an answer too.
type Answered = Result<Response<Body>, Infallible>;
