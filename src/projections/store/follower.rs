//! Follows the log and applies it to one generation. While a batch is applied, the next one is read and opened.
//!
//! Between batches of medium size the follower pauses in proportion to what a batch takes: while many commands run, applying
//! each handful at once costs more than all that they do. A lone event is applied at once.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::generation::Generation;
use super::location::Location;
use super::scrub;
use crate::ids::Position;
use crate::log::{Journal, LogError, ReadLimit};
use crate::offload;
use crate::projections::error::{ProjectionError, chain};
use crate::projections::staging::Batch;
use crate::projections::tables::{Checkpoint, History};

/// How much one batch holds at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Events. A batch at the log's end holds what there is: small batches when idle, large ones to catch up.
    pub events: usize,
    /// Bytes of sealed payloads; three batches are in memory at a time.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { events: 5_000, bytes: 3 * 1024 * 1024 }
    }
}

/// After a failure, the first and the longest pause before the next attempt.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// How long another writer may stand still, with events waiting, before this one takes over.
const TAKE_OVER: Duration = Duration::from_secs(2);

/// How long after a reader was in the way the traces of forgotten customers are looked at again.
const SCRUB_AGAIN: Duration = Duration::from_secs(2);

/// While so many events come at a time, the follower rests between two batches, several times as long as a batch takes: few
/// large batches are much less work than many small ones, and processors are left to those who send. Fewer events are
/// applied at once; more fill a batch anyway.
const BUSY: Range<usize> = 16..1_000;
const REST: u32 = 3;
const LONGEST_REST: Duration = Duration::from_millis(100);

/// How often the checkpoint is looked at while another process writes.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(25);

pub struct Follower<'a> {
    pub journal: &'a Journal,
    pub location: &'a Location,
    pub generation: &'a Generation,
    pub limits: Limits,
    pub stop: &'a CancellationToken,
    /// Called after each batch with what is applied.
    pub advanced: &'a (dyn Fn(Checkpoint) + Send + Sync),
}

impl Follower<'_> {
    /// Follows until it is stopped; survives failures of the log and of the database, and stands by while another
    /// process writes.
    pub async fn follow(&self) {
        let mut pause = PAUSE.0;
        while !self.stop.is_cancelled() {
            let before = self.generation.checkpoint().position;
            let error = match self.advance(None).await {
                Ok(()) => continue,
                Err(error) => error,
            };
            if let ProjectionError::Fenced = error {
                tracing::debug!(generation = self.generation.id, "another process writes the read tables; standing by");
                self.stand_by().await;
                continue;
            }
            if self.generation.checkpoint().position > before {
                pause = PAUSE.0;
            }
            tracing::warn!(
                generation = self.generation.id,
                error = chain(&error),
                "read tables cannot be advanced; trying again"
            );
            self.generation.writer.lock().await.release();
            // Stopping ends the pause.
            let _ = tokio::time::timeout(pause, self.stop.cancelled()).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// Applies everything up to a position, or, without one, all that comes until stopped.
    pub async fn advance(&self, until: Option<Position>) -> Result<(), ProjectionError> {
        let start = {
            let mut writer = self.generation.writer.lock().await;
            writer.refresh();
            writer.checkpoint().await?
        };
        self.publish(start);
        if until.is_some_and(|until| start.position >= until) {
            return Ok(());
        }
        let (send, mut batches) = mpsc::channel(1);
        let pace = Arc::new(Pace::default());
        let reader = Reader {
            journal: self.journal.clone(),
            limits: self.limits,
            until,
            stop: self.stop.clone(),
            pace: pace.clone(),
        };
        let reader = tokio::spawn(reader.run(start.position, send));
        let applied = self.apply_all(&mut batches, start.unclean, until, &pace).await;
        drop(batches);
        let read = reader.await.unwrap_or(Err(LogError::Closed));
        applied?;
        read.map_err(ProjectionError::from)
    }

    async fn apply_all(
        &self,
        batches: &mut mpsc::Receiver<Batch>,
        mut unclean: bool,
        until: Option<Position>,
        pace: &Pace,
    ) -> Result<(), ProjectionError> {
        loop {
            let batch = match batches.try_recv() {
                Ok(batch) => batch,
                Err(_) => {
                    // The log's end: the moment to remove what forgotten customers left behind.
                    // (Tables that are built up to a position are cleaned by those who follow them later.)
                    if unclean && until.is_none() {
                        let checkpoint = scrub::scrub(self.location, self.generation).await?;
                        self.publish(checkpoint);
                        unclean = checkpoint.unclean;
                    }
                    let next = if unclean && until.is_none() {
                        // A reader was in the way: look again, whether events come or not.
                        match tokio::time::timeout(SCRUB_AGAIN, batches.recv()).await {
                            Ok(next) => next,
                            Err(_) => continue,
                        }
                    } else {
                        batches.recv().await
                    };
                    match next {
                        Some(batch) => batch,
                        None => return Ok(()),
                    }
                }
            };
            if self.stop.is_cancelled() {
                return Ok(());
            }
            let mut writer = self.generation.writer.lock().await;
            let began = Instant::now();
            let checkpoint = writer.apply(&batch, History::Journal(self.journal)).await?;
            drop(writer);
            pace.took(began.elapsed());
            self.generation.wrote(batch.len());
            self.publish(checkpoint);
            unclean = checkpoint.unclean;
            if until.is_some_and(|until| checkpoint.position >= until) {
                return Ok(());
            }
        }
    }

    fn publish(&self, checkpoint: Checkpoint) {
        self.generation.announce(checkpoint);
        (self.advanced)(checkpoint);
    }

    /// Watches another writer until it stands still although events wait.
    async fn stand_by(&self) {
        let mut seen = self.generation.checkpoint();
        let mut still = Instant::now();
        while !self.stop.is_cancelled() {
            let _ = tokio::time::timeout(POLL_INTERVAL, self.stop.cancelled()).await;
            let Ok(checkpoint) = self.generation.look().await else { return };
            let head = *self.journal.backend().watch().borrow();
            if checkpoint != seen || checkpoint.position >= head {
                seen = checkpoint;
                still = Instant::now();
                (self.advanced)(checkpoint);
            } else if still.elapsed() >= TAKE_OVER {
                return;
            }
        }
    }
}

/// How long the last batch took to apply; the applying task reports it to the reading one.
#[derive(Debug, Default)]
pub(super) struct Pace(AtomicU64);

impl Pace {
    fn took(&self, time: Duration) {
        self.0.store(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn rest(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed)).saturating_mul(REST).min(LONGEST_REST)
    }
}

/// Reads, opens and prepares batches ahead of the one that is applied.
pub(super) struct Reader {
    pub journal: Journal,
    pub limits: Limits,
    pub until: Option<Position>,
    pub stop: CancellationToken,
    pub pace: Arc<Pace>,
}

impl Reader {
    pub async fn run(self, mut after: Position, batches: mpsc::Sender<Batch>) -> Result<(), LogError> {
        let mut watch = self.journal.backend().watch();
        let limit = ReadLimit { events: self.limits.events, bytes: self.limits.bytes };
        loop {
            watch.mark_unchanged();
            let began = Instant::now();
            let mut events = self.journal.read_all(after, limit).await?;
            if let Some(until) = self.until {
                events.retain(|event| event.envelope.position <= until);
                if events.is_empty() {
                    return Ok(());
                }
            }
            let Some(last) = events.last() else {
                tokio::select! {
                    () = self.stop.cancelled() => return Ok(()),
                    () = batches.closed() => return Ok(()),
                    changed = watch.changed() => changed.map_err(|_| LogError::Closed)?,
                }
                continue;
            };
            after = last.envelope.position;
            let busy = self.until.is_none() && BUSY.contains(&events.len());
            let batch = offload::run(events.len(), move || Batch::prepare(&events)).await;
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                sent = batches.send(batch) => if sent.is_err() { return Ok(()) },
            }
            if busy {
                tokio::select! {
                    () = self.stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep_until(began + self.pace.rest()) => {}
                }
            }
        }
    }
}
