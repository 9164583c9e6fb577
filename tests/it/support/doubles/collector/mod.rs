//! A strict collector of traces: OTLP over HTTP with protobuf. It refuses what is not exactly that, also what a real one passes over.

mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::post;
use bytes::Bytes;
use prost::Message;
use tokio::sync::watch;

use super::Server;

/// A span that was taken; ids are in hex.
#[derive(Debug, Clone)]
pub(crate) struct CollectedSpan {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty: it is the first one of its trace.
    pub(crate) parent: String,
    /// `server`, `client` and so on.
    pub(crate) kind: &'static str,
    /// Traces and spans.
    pub(crate) links: Vec<(String, String)>,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) is_error: bool,
    /// What is known of the process.
    pub(crate) resource: BTreeMap<String, String>,
}

impl CollectedSpan {
    /// An attribute's value; empty if there is none.
    pub(crate) fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }

    /// As the other end of a link.
    pub(crate) fn context(&self) -> (String, String) {
        (self.trace.clone(), self.id.clone())
    }
}

#[derive(Default)]
struct Shared {
    spans: watch::Sender<Vec<CollectedSpan>>,
    refused: Mutex<Vec<String>>,
}

/// The server.
pub(crate) struct CollectorDouble {
    shared: Arc<Shared>,
    server: Server,
}

impl CollectorDouble {
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&shared));
        Self { shared, server: Server::start(router).await }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Waits until it has taken spans of these names, as often as each stands there, and returns all that it has taken by then.
    pub(crate) async fn wait_for(&self, names: &[&str]) -> Vec<CollectedSpan> {
        let mut spans = self.shared.spans.subscribe();
        let has_all = |spans: &Vec<CollectedSpan>| {
            let taken = |name: &str| spans.iter().filter(|span| span.name == name).count();
            names.iter().all(|name| taken(name) >= names.iter().filter(|other| *other == name).count())
        };
        let taken = tokio::time::timeout(std::time::Duration::from_mins(1), spans.wait_for(has_all)).await;
        let Ok(taken) = taken else {
            panic!("{names:?} did not all come: {:#?}; refused: {:?}", self.shared.spans.borrow(), self.refused())
        };
        taken.expect("the sender lives as long as this").clone()
    }

    /// Why it refused what it did not take.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.shared.refused.lock().expect("no panic before").clone()
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let taken = match headers.get("content-type").and_then(|kind| kind.to_str().ok()) {
        Some("application/x-protobuf") => read(&body),
        other => Err(format!("the content type is {other:?}")),
    };
    let mut response = Response::new(Body::empty());
    match taken {
        Ok(mut spans) => {
            shared.spans.send_modify(|known| known.append(&mut spans));
            response.headers_mut().insert("content-type", "application/x-protobuf".parse().expect("a header"));
        }
        Err(reason) => {
            shared.refused.lock().expect("no panic before").push(reason);
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
    }
    response
}

fn read(body: &[u8]) -> Result<Vec<CollectedSpan>, String> {
    let export = wire::Export::decode(body).map_err(|error| error.to_string())?;
    if export.encode_to_vec() != body {
        return Err("there are fields that OTLP does not describe, or that nothing here needs".to_owned());
    }
    let mut spans = vec![];
    for of_resource in export.resource_spans {
        let resource = attributes(&of_resource.resource.unwrap_or_default().attributes)?;
        for of_scope in of_resource.scope_spans {
            for span in of_scope.spans {
                spans.push(check(span, resource.clone())?);
            }
        }
    }
    if spans.is_empty() { Err("there are no spans".to_owned()) } else { Ok(spans) }
}

fn check(span: wire::Span, resource: BTreeMap<String, String>) -> Result<CollectedSpan, String> {
    let wrong = |what: &str| Err(format!("{what}: {span:?}"));
    let kinds = ["internal", "server", "client", "producer", "consumer"];
    let kind = usize::try_from(span.kind - 1).ok().and_then(|kind| kinds.get(kind).copied());
    let Some(kind) = kind else { return wrong("there is no such kind") };
    if span.name.is_empty() {
        return wrong("the name is empty");
    }
    if span.start_time_unix_nano == 0 || span.end_time_unix_nano < span.start_time_unix_nano {
        return wrong("it ends before it begins");
    }
    if !span.events.is_empty()
        || span.dropped_events_count + span.dropped_attributes_count + span.dropped_links_count > 0
    {
        return wrong("it has diagnostics, or lost something");
    }
    if !span.parent_span_id.is_empty() && !is_id(&span.parent_span_id, 8) {
        return wrong("the parent is no id");
    }
    let mut ends =
        span.links.iter().map(|link| (&link.trace_id, &link.span_id)).chain([(&span.trace_id, &span.span_id)]);
    if !ends.all(|(trace, id)| is_id(trace, 16) && is_id(id, 8)) {
        return wrong("an id is none");
    }
    Ok(CollectedSpan {
        trace: hex::encode(&span.trace_id),
        id: hex::encode(&span.span_id),
        parent: hex::encode(&span.parent_span_id),
        kind,
        links: span.links.iter().map(|link| (hex::encode(&link.trace_id), hex::encode(&link.span_id))).collect(),
        attributes: attributes(&span.attributes)?,
        is_error: span.status.as_ref().is_some_and(|status| status.code == 2),
        name: span.name,
        resource,
    })
}

fn is_id(bytes: &[u8], length: usize) -> bool {
    bytes.len() == length && bytes.iter().any(|byte| *byte != 0)
}

fn attributes(pairs: &[wire::KeyValue]) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    for pair in pairs {
        let value = match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
            Some(wire::Value::Text(text)) => text.clone(),
            Some(wire::Value::Truth(value)) => value.to_string(),
            Some(wire::Value::Number(number)) => number.to_string(),
            Some(wire::Value::Fraction(number)) => number.to_string(),
            None => return Err(format!("{} has no value", pair.key)),
        };
        if found.insert(pair.key.clone(), value).is_some() {
            return Err(format!("{} stands there twice", pair.key));
        }
    }
    Ok(found)
}
