//! What is counted, for Prometheus.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::domain::value::message::MessageState;
use crate::queries::ProjectionStatus;
use crate::queries::deliverability::ProviderRow;
use crate::queries::messages::WaitingRow;

/// Upper bounds of durations, in seconds: dense where the goals lie.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OperationLabels {
    kind: OperationKind,
    outcome: OperationOutcome,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabels {
    kind: OperationKind,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BatchLabels {
    batch: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ProjectionLabels {
    projection: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    provider: String,
    channel: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct WaitingLabels {
    state: &'static str,
}

/// What a GraphQL operation does.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "label values are written as they are named")]
pub enum OperationKind {
    /// Reads.
    query,
    /// Changes.
    mutation,
    /// Follows.
    subscription,
    /// Was refused before its kind was known.
    unknown,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "label values are written as they are named")]
pub enum OperationOutcome {
    /// Without an error.
    ok,
    /// With at least one.
    errors,
}

/// All counters. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram>,
    operations: Family<OperationLabels, Counter>,
    operation_seconds: Family<KindLabels, Histogram>,
    batches: Family<BatchLabels, Counter>,
    subscriptions: Gauge,
    connections: Gauge,
    events: Counter,
    position: Family<ProjectionLabels, Gauge<f64, AtomicU64>>,
    lag_events: Family<ProjectionLabels, Gauge>,
    lag_seconds: Family<ProjectionLabels, Gauge<f64, AtomicU64>>,
    parked: Family<ProjectionLabels, Gauge>,
    outcomes: Family<OutcomeLabels, Counter>,
    waiting: Family<WaitingLabels, Gauge>,
    held: Gauge,
    rebuilding: Gauge,
}

impl Metrics {
    /// All counters, at zero; `more` registers those of other parts.
    #[must_use]
    pub fn new(more: impl FnOnce(&mut Registry)) -> Self {
        let seconds = || Histogram::new(BOUNDS);
        let mut registry = Registry::with_prefix("commlog");
        let inner = Inner {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds as fn() -> Histogram),
            operations: Family::default(),
            operation_seconds: Family::new_with_constructor(seconds as fn() -> Histogram),
            batches: Family::default(),
            subscriptions: Gauge::default(),
            connections: Gauge::default(),
            events: Counter::default(),
            position: Family::default(),
            lag_events: Family::default(),
            lag_seconds: Family::default(),
            parked: Family::default(),
            outcomes: Family::default(),
            waiting: Family::default(),
            held: Gauge::default(),
            rebuilding: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("http_requests", "Answered HTTP requests", inner.requests.clone());
        registry.register_with_unit(
            "http_request",
            "Time to answer an HTTP request",
            Unit::Seconds,
            inner.request_seconds.clone(),
        );
        registry.register("graphql_operations", "Executed GraphQL operations", inner.operations.clone());
        registry.register_with_unit(
            "graphql_operation",
            "Time to execute a GraphQL query or mutation",
            Unit::Seconds,
            inner.operation_seconds.clone(),
        );
        registry.register("graphql_batches", "Reads of data loaders, by what was read", inner.batches.clone());
        registry.register("graphql_subscriptions", "Open subscriptions", inner.subscriptions.clone());
        registry.register("http_connections", "Open connections", inner.connections.clone());
        registry.register("log_events", "Events in the log", inner.events.clone());
        registry.register("projection_position", "Events that a read model has applied", inner.position.clone());
        registry.register("projection_lag_events", "Events that a read model lags behind", inner.lag_events.clone());
        registry.register_with_unit(
            "projection_lag",
            "Age of the oldest event that a read model has not applied",
            Unit::Seconds,
            inner.lag_seconds.clone(),
        );
        registry.register("projection_parked", "Events that a read model could not apply", inner.parked.clone());
        registry.register("dispatch_outcomes", "What became of messages, by provider", inner.outcomes.clone());
        registry.register("dispatch_waiting", "Messages whose dispatch is not settled", inner.waiting.clone());
        registry.register(
            "dispatch_held",
            "1 while nothing is sent until an operator confirms the log",
            inner.held.clone(),
        );
        registry.register(
            "projection_rebuilding",
            "1 while read tables that were made from another log are rebuilt",
            inner.rebuilding.clone(),
        );
        more(&mut registry);
        Self(Arc::new(Inner { registry, ..inner }))
    }

    /// Counts an answered request.
    pub fn request(&self, route: &'static str, status: u16, took: Duration) {
        self.0.requests.get_or_create(&RequestLabels { route, status }).inc();
        self.0.request_seconds.get_or_create(&RouteLabels { route }).observe(took.as_secs_f64());
    }

    /// Counts an executed operation.
    pub fn operation(&self, kind: OperationKind, outcome: OperationOutcome, took: Duration) {
        self.0.operations.get_or_create(&OperationLabels { kind, outcome }).inc();
        self.0.operation_seconds.get_or_create(&KindLabels { kind }).observe(took.as_secs_f64());
    }

    /// Counts a read of a data loader.
    pub fn batch(&self, batch: &'static str) {
        self.0.batches.get_or_create(&BatchLabels { batch }).inc();
    }

    /// Counts an open subscription for as long as what it returns lives.
    #[must_use]
    pub fn subscription(&self) -> Open {
        Open::new(&self.0.subscriptions)
    }

    /// Counts an open connection for as long as what it returns lives.
    #[must_use]
    pub fn connection(&self) -> Open {
        Open::new(&self.0.connections)
    }

    /// Takes over how many events the log holds.
    pub fn set_events(&self, events: u64) {
        self.0.events.inner().store(events, Ordering::Relaxed);
    }

    /// Takes over whether dispatching waits for an operator.
    pub fn set_held(&self, held: bool) {
        self.0.held.set(i64::from(held));
    }

    /// Takes over whether the read tables are rebuilt because the log is another one.
    pub fn set_rebuilding(&self, rebuilding: bool) {
        self.0.rebuilding.set(i64::from(rebuilding));
    }

    /// Takes over how far the read models are.
    pub fn set_projections(&self, status: &[ProjectionStatus]) {
        for one in status {
            let labels = ProjectionLabels { projection: one.name.clone() };
            // A count of events fits a float without loss up to 2^53.
            #[expect(clippy::cast_precision_loss, reason = "positions of SQL logs stay far below 2^53")]
            self.0.position.get_or_create(&labels).set(one.position.counter() as f64);
            self.0.lag_events.get_or_create(&labels).set(gauge(one.lag_events));
            self.0.lag_seconds.get_or_create(&labels).set(one.lag_seconds);
            self.0.parked.get_or_create(&labels).set(gauge(one.parked));
        }
    }

    /// Takes over what became of messages. The counts are those of the read tables: the same on every node, and after
    /// every restart.
    pub fn set_outcomes(&self, outcomes: &[ProviderRow], waiting: &[WaitingRow]) {
        for row in outcomes {
            let counts = [
                ("sent", row.sent),
                ("delivered", row.delivered),
                ("bounced", row.bounced),
                ("failed", row.failed),
                ("refused", row.refused),
                ("complained", row.complained),
            ];
            for (outcome, count) in counts {
                let labels = OutcomeLabels { provider: row.provider.clone(), channel: row.channel.word(), outcome };
                let count = u64::try_from(count).unwrap_or(0);
                self.0.outcomes.get_or_create(&labels).inner().store(count, Ordering::Relaxed);
            }
        }
        for state in [MessageState::Queued, MessageState::Held, MessageState::Dispatching, MessageState::InDoubt] {
            let count = waiting.iter().find(|row| row.state == state).map_or(0, |row| row.count);
            self.0.waiting.get_or_create(&WaitingLabels { state: state.word() }).set(count);
        }
    }

    /// The text that Prometheus reads.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::with_capacity(8 * 1024);
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

/// A count as a gauge holds it.
fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Something that is open until this is dropped.
pub struct Open(Gauge);

impl Open {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
