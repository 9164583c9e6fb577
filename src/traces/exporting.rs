//! Where finished spans go: into a queue of bounded length, and from there to the collector, some hundred at a time. Who works never
//! waits for either: what does not fit into the queue is lost, and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry::{Context, Key, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter as OtlpExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, Span, SpanData, SpanExporter, SpanProcessor,
};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use super::collector::Collector;
use super::identity::{Ids, Share};
use super::{COUNTS, Lost, TRACES, Traces};

/// The most finished spans that wait for the collector, about a kilobyte each.
const QUEUE: usize = 4_096;

/// What is exported where.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The collector's endpoint for traces, as OTLP over HTTP with protobuf.
    pub endpoint: Url,
    /// Which share of all traces is exported, from 0 to 1.
    pub share: f64,
    /// This node's name, which tells it from others.
    pub node: String,
}

/// Why spans cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something in the environment is wrong, such as `OTEL_EXPORTER_OTLP_COMPRESSION`.
    #[error("traces cannot be exported")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// They are exported already: a process has one collector.
    #[error("traces are exported already")]
    Twice,
}

/// Begins to export spans, within a runtime on which the collector is called with `client`. They come from [`layer`].
///
/// # Errors
/// [`StartError`].
pub fn start(settings: &Settings, client: reqwest::Client) -> Result<(), StartError> {
    let collector = Collector::new(client, settings.endpoint.origin().ascii_serialization());
    let exporter = OtlpExporter::builder()
        .with_http()
        .with_http_client(collector)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(settings.endpoint.as_str())
        .build()?;
    let queue = Arc::new(Queue::default());
    let batches = BatchConfigBuilder::default().with_max_queue_size(QUEUE).build();
    let exporter = Counted { next: exporter, queue: Arc::clone(&queue) };
    let processor = Bounded { next: BatchSpanProcessor::new(exporter, batches), queue };
    let share = Share::new(settings.share);
    let provider = SdkTracerProvider::builder()
        .with_resource(resource(&settings.node))
        .with_id_generator(Ids::default())
        .with_sampler(Sampler::ParentBased(Box::new(share)))
        .with_span_processor(processor)
        .build();
    let tracer = provider.tracer("commlog");
    TRACES.set(Traces { provider, tracer, share }).map_err(|_| StartError::Twice)
}

/// Exports spans of this crate at the level debug; [`None`] if that was not started.
#[must_use]
pub fn layer<S>() -> Option<impl Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let tracer = TRACES.get()?.tracer.clone();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    Some(layer.with_filter(filter_fn(is_exported).with_max_level_hint(LevelFilter::DEBUG)))
}

fn is_exported(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && *metadata.level() == Level::DEBUG && metadata.target().starts_with(env!("CARGO_CRATE_NAME"))
}

/// Who exports, as `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say it, or as we know it.
fn resource(node: &str) -> Resource {
    let given = Resource::builder().build();
    let is_given = |key: &'static str| {
        let value = given.get(&Key::from_static_str(key));
        value.is_some_and(|value| !value.as_str().starts_with("unknown_service"))
    };
    let own =
        [("service.name", "commlog"), ("service.version", env!("CARGO_PKG_VERSION")), ("service.instance.id", node)];
    let missing = own.into_iter().filter(|pair| !is_given(pair.0));
    let missing: Vec<KeyValue> = missing.map(|(key, value)| KeyValue::new(key, value.to_owned())).collect();
    Resource::builder().with_attributes(missing).build()
}

/// How many finished spans wait.
#[derive(Debug, Default)]
struct Queue {
    waiting: AtomicUsize,
    was_full: AtomicBool,
}

/// Keeps at most [`QUEUE`] spans.
#[derive(Debug)]
struct Bounded {
    next: BatchSpanProcessor,
    queue: Arc<Queue>,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.queue.waiting.fetch_add(1, Ordering::Relaxed) < QUEUE {
            return self.next.on_end(span);
        }
        self.queue.waiting.fetch_sub(1, Ordering::Relaxed);
        COUNTS.lost(Lost::Queue, 1);
        if !self.queue.was_full.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "spans are lost: the collector of traces is slower than they are made; further ones are only counted"
            );
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

/// Counts what leaves the queue, and what the collector took of it.
#[derive(Debug)]
struct Counted {
    next: OtlpExporter,
    queue: Arc<Queue>,
}

impl SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.queue.waiting.fetch_sub(spans, Ordering::Relaxed);
        let exported = self.next.export(batch).await;
        match &exported {
            Ok(()) => {
                COUNTS.exported.inc_by(spans as u64);
            }
            Err(_) => COUNTS.lost(Lost::Collector, spans),
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}
