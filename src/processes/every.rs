//! One loop for everything that a node looks at again and again: it keeps the interval, counts, and goes on after an
//! error or a panic.

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::FutureExt;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Ambient;

/// Upper bounds of the time that one run takes, in seconds.
const BOUNDS: [f64; 8] = [0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0];
/// The share of an interval by which it varies, in percent: nodes that were started together do not ask together.
const JITTER_PERCENT: u32 = 10;

/// Why a run failed. The next one comes after the usual interval.
pub type JobError = Box<dyn std::error::Error + Send + Sync>;

/// Something that a node does again and again. One that was stopped may do it beside another: what is decided is decided by the log,
/// at the version that was read.
#[async_trait]
pub trait Job: Send {
    /// The name in metrics and in commlog's diagnostics.
    fn name(&self) -> &'static str;

    /// The pause between two runs.
    fn interval(&self) -> Duration;

    /// Looks once. Returns how many things were done.
    async fn run_once(&mut self) -> Result<usize, JobError>;

    /// Completes when there is reason to run before the interval has passed; never, unless a job says otherwise. May be
    /// dropped at any point.
    async fn woken(&mut self) {
        pending().await
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct JobLabels {
    process: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RunLabels {
    process: &'static str,
    outcome: &'static str,
}

/// What is counted of jobs, for Prometheus. Cheap to clone.
#[derive(Clone)]
pub struct JobMetrics(Arc<Inner>);

struct Inner {
    runs: Family<RunLabels, Counter>,
    done: Family<JobLabels, Counter>,
    took: Family<JobLabels, Histogram>,
}

impl Default for JobMetrics {
    fn default() -> Self {
        let took = || Histogram::new(BOUNDS);
        Self(Arc::new(Inner {
            runs: Family::default(),
            done: Family::default(),
            took: Family::new_with_constructor(took as fn() -> Histogram),
        }))
    }
}

impl JobMetrics {
    /// Makes the counters part of what is scraped.
    pub fn register(&self, registry: &mut Registry) {
        let Inner { runs, done, took } = &*self.0;
        registry.register("process_runs", "Runs of a process, by outcome", runs.clone());
        registry.register("process_done", "Things that a process did", done.clone());
        registry.register_with_unit("process_run", "Time that one run of a process takes", Unit::Seconds, took.clone());
    }

    fn ran(&self, process: &'static str, outcome: &'static str, done: usize, took: Duration) {
        let inner = &self.0;
        inner.runs.get_or_create(&RunLabels { process, outcome }).inc();
        inner.done.get_or_create(&JobLabels { process }).inc_by(done as u64);
        inner.took.get_or_create(&JobLabels { process }).observe(took.as_secs_f64());
    }
}

/// Runs jobs, each in a task of its own, until `shutdown`; a run that is under way is dropped then.
pub async fn run_all(jobs: Vec<Box<dyn Job>>, metrics: JobMetrics, ambient: Ambient, shutdown: CancellationToken) {
    let mut tasks = JoinSet::new();
    for job in jobs {
        let (metrics, ambient, shutdown) = (metrics.clone(), ambient.clone(), shutdown.clone());
        tasks.spawn(async move { shutdown.run_until_cancelled(run(job, &metrics, &ambient)).await });
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a process ended unexpectedly");
        }
    }
}

/// The loop.
async fn run(mut job: Box<dyn Job>, metrics: &JobMetrics, ambient: &Ambient) {
    let name = job.name();
    loop {
        let began = Instant::now();
        match AssertUnwindSafe(job.run_once()).catch_unwind().await {
            Ok(Ok(done)) => metrics.ran(name, "ok", done, began.elapsed()),
            Ok(Err(error)) => {
                metrics.ran(name, "failed", 0, began.elapsed());
                tracing::warn!(process = name, error = %chain(&*error), "a process failed; it will run again");
            }
            Err(_panic) => {
                metrics.ran(name, "panicked", 0, began.elapsed());
                tracing::error!(process = name, "a process panicked; it runs again");
            }
        }
        let pause = jittered(job.interval(), ambient);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = job.woken() => {}
        }
    }
}

fn jittered(interval: Duration, ambient: &Ambient) -> Duration {
    let spread = interval * JITTER_PERCENT / 100;
    let [random] = ambient.bytes::<1>();
    interval - spread / 2 + spread * u32::from(random) / u32::from(u8::MAX)
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    /// Fails at first, panics next, then works; reports each run.
    struct Unlucky {
        runs: mpsc::UnboundedSender<u32>,
        number: u32,
    }

    #[async_trait]
    impl Job for Unlucky {
        fn name(&self) -> &'static str {
            "unlucky"
        }

        fn interval(&self) -> Duration {
            Duration::from_millis(1)
        }

        async fn run_once(&mut self) -> Result<usize, JobError> {
            self.number += 1;
            self.runs.send(self.number)?;
            match self.number {
                1 => Err("the log did not respond".into()),
                2 => panic!("a bug"),
                _ => Ok(1),
            }
        }
    }

    #[tokio::test]
    async fn a_job_runs_again_after_an_error_and_after_a_panic_and_ends_at_shutdown() {
        let (runs, mut seen) = mpsc::unbounded_channel();
        let shutdown = CancellationToken::new();
        let metrics = JobMetrics::default();
        let jobs: Vec<Box<dyn Job>> = vec![Box::new(Unlucky { runs, number: 0 })];
        let running = tokio::spawn(run_all(jobs, metrics.clone(), Ambient::system(), shutdown.clone()));
        for expected in 1..=4 {
            assert_eq!(seen.recv().await, Some(expected));
        }
        shutdown.cancel();
        running.await.expect("it ends");
        let count = |outcome| metrics.0.runs.get_or_create(&RunLabels { process: "unlucky", outcome }).get();
        assert_eq!((count("failed"), count("panicked")), (1, 1));
        assert!(count("ok") >= 1);
    }

    #[test]
    fn an_interval_varies_by_a_twentieth_in_each_direction() {
        let interval = Duration::from_secs(100);
        for _ in 0..1_000 {
            let pause = jittered(interval, &Ambient::system());
            assert!((Duration::from_secs(95)..=Duration::from_secs(105)).contains(&pause), "{pause:?}");
        }
    }
}
