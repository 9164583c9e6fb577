//! Traces: what requests, commands and dispatches did, as OpenTelemetry spans. Off unless a collector is configured; then every
//! span of this crate at the level debug is exported, and nothing else: no span of another crate, no diagnostics.
//!
//! A request is a trace, or part of its caller's, which it names in `traceparent` (<https://www.w3.org/TR/trace-context/>). A message
//! has a trace of its own, whose id is the message's: whichever node dispatches it, hours later or after a restart, knows it, and
//! nothing is stored for it. It begins when the message is queued, with a span that links to the one that queued it; that one links
//! back. A campaign of a million messages is a million small traces instead of one that no collector takes.
//!
//! Attributes are ids, kinds, counts and codes: never a name, an address, a text, a path of a URL, or a key.

mod collector;
mod exporting;
mod identity;

use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use axum::http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Link, Span as _, SpanBuilder, SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

pub use exporting::{Settings, StartError, layer, start};

use crate::ids::MessageId;
use identity::Share;

/// How long the end of a process waits until its last spans have left; the second if the collector did not take the ones before.
const FAREWELL: (Duration, Duration) = (Duration::from_secs(3), Duration::from_millis(500));

/// What the spans of a process go to.
static TRACES: OnceLock<Traces> = OnceLock::new();

struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    share: Share,
}

/// Whether spans are exported. If not, nothing need be prepared for them.
#[must_use]
pub fn is_on() -> bool {
    TRACES.get().is_some()
}

/// Makes a new span part of the trace that a request's headers name. Without such headers, or if they are malformed, it begins one.
pub fn take_up(span: &Span, headers: &HeaderMap) {
    if !is_on() {
        return;
    }
    let caller = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
    if caller.span().span_context().is_valid() {
        join(span, caller);
    }
}

/// Makes a new span part of a message's trace, below its first span.
pub fn of_message(span: &Span, message: MessageId) {
    if let Some(traces) = TRACES.get() {
        join(span, Context::new().with_remote_span_context(identity::first_span(message, traces.share)));
    }
}

/// Notes that what is done now concerns a message: the current span links to the message's trace.
pub fn concerns(message: MessageId) {
    if let Some(traces) = TRACES.get() {
        Span::current().add_link(identity::first_span(message, traces.share));
    }
}

/// Begins the trace of a message that was queued. Its first span and the current one link to each other.
pub fn queued(message: MessageId) {
    let Some(traces) = TRACES.get() else { return };
    concerns(message);
    let cause = Span::current().context().span().span_context().clone();
    let first = SpanBuilder::from_name("message")
        .with_kind(SpanKind::Producer)
        .with_attributes([KeyValue::new("message_id", message.to_string())])
        // One that is not traced is left out.
        .with_links(vec![Link::with_context(cause)]);
    identity::as_first(message, || traces.tracer.build_with_context(first, &Context::new())).end();
}

/// Exports what is left, for some seconds at most. Nothing is exported after it.
pub async fn finish() {
    let Some(traces) = TRACES.get() else { return };
    let (usual, short) = FAREWELL;
    let patience = if collector::is_failing() { short } else { usual };
    let provider = traces.provider.clone();
    let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(patience)).await;
    if !matches!(ended, Ok(Ok(()))) {
        tracing::warn!("the last spans were not exported");
    }
}

/// Only a span that has begun could not be joined to another trace; these are new.
fn join(span: &Span, parent: Context) {
    let _ = span.set_parent(parent);
}

/// Headers as OpenTelemetry reads them.
struct Headers<'h>(&'h HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}

/// Why spans were lost.
#[derive(Debug, Clone, Copy)]
enum Lost {
    /// More waited than are kept.
    Queue,
    /// The collector did not take them.
    Collector,
}

impl Lost {
    const ALL: [Self; 2] = [Self::Queue, Self::Collector];

    const fn label(self) -> ReasonLabel {
        match self {
            Self::Queue => ReasonLabel { reason: "queue_full" },
            Self::Collector => ReasonLabel { reason: "not_taken" },
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

/// What became of the spans of this process.
#[derive(Default)]
struct Counts {
    exported: Counter,
    lost: Family<ReasonLabel, Counter>,
}

static COUNTS: LazyLock<Counts> = LazyLock::new(Counts::default);

impl Counts {
    fn lost(&self, why: Lost, spans: usize) {
        self.lost.get_or_create(&why.label()).inc_by(spans as u64);
    }
}

/// Makes the counts part of what is scraped.
pub fn register(registry: &mut Registry) {
    // From the start, so that the first one is an increase.
    for why in Lost::ALL {
        COUNTS.lost(why, 0);
    }
    registry.register("spans_exported", "Spans that the collector of traces took", COUNTS.exported.clone());
    let help = "Spans that were lost because the collector of traces was slow or did not take them";
    registry.register("spans_lost", help, COUNTS.lost.clone());
}
