//! Follows the log and applies it to one generation. While a batch is applied, the next one is read and opened.
//!
//! Between batches of medium size the follower pauses in proportion to what a batch takes: while many commands run, applying
//! each handful at once costs more than all that they do. A lone event is applied at once.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use tracing::field::Empty;

use super::generation::Generation;
use super::hindrance::Hindrance;
use super::location::Location;
use super::scrub::{Scrub, Step};
use super::statistics::Statistics;
use crate::ids::Position;
use crate::log::{Journal, LogError, ReadLimit};
use crate::offload;
use crate::projections::error::{ProjectionError, chain};
use crate::projections::staging::Batch;
use crate::projections::tables::{Checkpoint, Grouped, History, Most};

/// How much one batch holds at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Events. A batch at the log's end holds what there is: small batches when idle, large ones to catch up.
    pub events: usize,
    /// Bytes of sealed payloads; a few batches are in memory at a time.
    pub bytes: usize,
    /// Events of the batches that are applied together while more of them wait.
    pub group_events: usize,
    /// Bytes of their opened payloads.
    pub group_bytes: usize,
    /// Behind by more events than these, empty tables are built beside rather than filled while they are read.
    pub far: u64,
}

impl Limits {
    /// Batches of so many events, each applied by itself.
    #[must_use]
    pub const fn single(events: usize) -> Self {
        Self { events, bytes: 1024 * 1024, group_events: 0, group_bytes: 0, far: u64::MAX }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events: 5_000,
            bytes: 3 * 1024 * 1024,
            group_events: 50_000,
            group_bytes: 24 * 1024 * 1024,
            far: 100_000,
        }
    }
}

/// How many batches wait, prepared, for the one that is applied.
const AHEAD: usize = 3;

/// After a failure, the first and the longest pause before the next attempt.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// How long another writer may stand still, with events waiting, before this one takes over.
const TAKE_OVER: Duration = Duration::from_secs(2);

/// How long after a reader was in the way the traces of forgotten customers are looked at again.
const SCRUB_AGAIN: Duration = Duration::from_secs(2);

/// While so many events come at a time, the follower rests between two batches, several times as long as a batch takes: few
/// large batches are much less work than many small ones, which write the same pages again and again, and processors are left
/// to those who send. Fewer events are applied at once; more fill a batch anyway. Somebody who waits ends the rest.
const BUSY: Range<usize> = 16..5_000;
const REST: u32 = 4;
const LONGEST_REST: Duration = Duration::from_secs(1);

/// With so many events to come, batches are applied together.
const BEHIND: u64 = 2 * BUSY.end as u64;

/// How often the checkpoint is looked at while another process writes.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(25);

pub struct Follower<'a> {
    pub journal: &'a Journal,
    pub location: &'a Location,
    pub generation: &'a Generation,
    pub limits: Limits,
    pub stop: &'a CancellationToken,
    /// Another process writes them: this one begins once that one stands still.
    pub yields: bool,
    /// Told when somebody waits for what is in the log already.
    pub wanted: &'a Arc<Notify>,
    /// Told what keeps the tables from being advanced.
    pub hindrance: &'a watch::Sender<Option<Hindrance>>,
    /// Called after each batch with what is applied.
    pub advanced: &'a (dyn Fn(Checkpoint) + Send + Sync),
}

impl Follower<'_> {
    /// Follows until it is stopped; survives failures of the log and of the database, and stands by while another
    /// process writes.
    pub async fn follow(&self) {
        let mut pause = PAUSE.0;
        if self.yields {
            self.stand_by().await;
        }
        while !self.stop.is_cancelled() {
            let before = self.generation.checkpoint().position;
            let error = match self.advance(None).await {
                Ok(()) => continue,
                Err(error) => error,
            };
            if let ProjectionError::Fenced = error {
                self.free();
                tracing::debug!(generation = self.generation.id, "another process writes the read tables; standing by");
                self.stand_by().await;
                continue;
            }
            if self.generation.checkpoint().position > before {
                pause = PAUSE.0;
            }
            self.generation.set_stuck(true);
            self.hindrance.send_replace(Some(Hindrance::new(self.generation.checkpoint().position, &error)));
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
        let mut careful = Position::START;
        while let End::Poisoned(position) = self.advance_from_checkpoint(until, careful).await? {
            careful = position;
        }
        Ok(())
    }

    /// Up to `careful`, batches are applied one by one.
    async fn advance_from_checkpoint(
        &self,
        until: Option<Position>,
        careful: Position,
    ) -> Result<End, ProjectionError> {
        let start = {
            let mut writer = self.generation.writer.lock().await;
            writer.refresh();
            writer.checkpoint().await?
        };
        self.publish(start);
        if start.position >= *self.journal.backend().watch().borrow() {
            self.free();
        }
        if until.is_some_and(|until| start.position >= until) {
            return Ok(End::Reached);
        }
        let (send, mut batches) = mpsc::channel(AHEAD);
        let pace = Arc::new(Pace::hurried_by(Arc::clone(self.wanted)));
        let reader = Reader {
            journal: self.journal.clone(),
            limits: self.limits,
            until,
            stop: self.stop.clone(),
            pace: pace.clone(),
        };
        let reader = tokio::spawn(reader.run(start.position, send));
        let applied = self.apply_all(&mut batches, start.unclean, until, careful, &pace).await;
        drop(batches);
        let read = reader.await.unwrap_or(Err(LogError::Closed));
        let end = applied?;
        read.map(|()| end).map_err(ProjectionError::from)
    }

    async fn apply_all(
        &self,
        batches: &mut mpsc::Receiver<Batch>,
        mut unclean: bool,
        until: Option<Position>,
        careful: Position,
        pace: &Pace,
    ) -> Result<End, ProjectionError> {
        let (mut left, mut scrub) = (None, Scrub::default());
        let mut statistics = Statistics::at(self.generation.checkpoint().position);
        loop {
            let batch = match left.take().map_or_else(|| batches.try_recv(), Ok) {
                Ok(batch) => batch,
                Err(_) => {
                    // The log's end: the moment to remove what forgotten customers left behind.
                    // (Tables that are built up to a position are cleaned by those who follow them later.)
                    let mut patience = None;
                    if unclean && until.is_none() {
                        match scrub.step(self.location, self.generation).await? {
                            Step::More => patience = Some(Duration::ZERO),
                            // Look again, whether events come or not.
                            Step::Busy => patience = Some(SCRUB_AGAIN),
                            Step::Clean(checkpoint) => {
                                self.publish(checkpoint);
                                unclean = checkpoint.unclean;
                            }
                        }
                    }
                    let next = match patience {
                        Some(patience) => match tokio::time::timeout(patience, batches.recv()).await {
                            Ok(next) => next,
                            Err(_) => continue,
                        },
                        None => batches.recv().await,
                    };
                    match next {
                        Some(batch) => batch,
                        None => return Ok(End::Reached),
                    }
                }
            };
            if self.stop.is_cancelled() {
                return Ok(End::Reached);
            }
            let began = Instant::now();
            // What was asked for is in other traces: a batch is what came of many of them.
            let span = tracing::debug_span!(parent: None, "project", events = Empty, generation = self.generation.id);
            let before = self.generation.checkpoint().position.counter();
            let applied = self.apply(batch, batches, careful).instrument(span.clone()).await?;
            let checkpoint = match applied {
                Grouped::Applied { checkpoint, forgot, left: by_itself } => {
                    left = by_itself;
                    if forgot {
                        scrub = Scrub::default();
                    }
                    self.generation.wrote();
                    checkpoint
                }
                Grouped::Poisoned(position) => return Ok(End::Poisoned(position)),
                Grouped::Stopped => return Ok(End::Reached),
            };
            span.record("events", checkpoint.position.counter().saturating_sub(before));
            pace.took(began.elapsed());
            self.free();
            self.publish(checkpoint);
            statistics.keep_up(self.location, self.generation, checkpoint.position).await?;
            unclean = checkpoint.unclean;
            if until.is_some_and(|until| checkpoint.position >= until) {
                return Ok(End::Reached);
            }
        }
    }

    /// Applies a batch, together with those behind it if there are more and none needs a look at single events.
    async fn apply(
        &self,
        batch: Batch,
        rest: &mut mpsc::Receiver<Batch>,
        careful: Position,
    ) -> Result<Grouped, ProjectionError> {
        let most = Most { events: self.limits.group_events, bytes: self.limits.group_bytes };
        let mut writer = self.generation.writer.lock().await;
        let apart = batch.last().is_none_or(|last| last.position <= careful);
        if batch.more && !apart && most.events > batch.len() && writer.is_plain(&batch).await? {
            return writer.apply_group(batch, rest, most, self.stop).await;
        }
        let checkpoint = writer.apply(&batch, History::Journal(self.journal)).await?;
        Ok(Grouped::Applied { checkpoint, forgot: !batch.forgotten().is_empty(), left: None })
    }

    /// Takes note that nothing is in the way.
    fn free(&self) {
        self.generation.set_stuck(false);
        if self.hindrance.borrow().is_some() {
            self.hindrance.send_replace(None);
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

/// How following up to a position ended.
enum End {
    /// There, or asked to stop.
    Reached,
    /// Before an event that cannot be applied, which lies up to here.
    Poisoned(Position),
}

/// How long the last batch took to apply: the applying task reports it to the reading one, which rests.
#[derive(Debug, Default)]
pub(super) struct Pace {
    micros: AtomicU64,
    wanted: Arc<Notify>,
}

impl Pace {
    fn hurried_by(wanted: Arc<Notify>) -> Self {
        Self { micros: AtomicU64::default(), wanted }
    }

    fn took(&self, time: Duration) {
        self.micros.store(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Waits until enough time has passed since a batch began, or somebody waits for the next one.
    async fn rest(&self, began: Instant) {
        let took = Duration::from_micros(self.micros.load(Ordering::Relaxed));
        let rest = tokio::time::sleep_until(began + took.saturating_mul(REST).min(LONGEST_REST));
        tokio::select! {
            () = rest => {}
            () = self.wanted.notified() => {}
        }
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
            let mut events = self.journal.follow(after, limit).await?;
            if let Some(until) = self.until {
                events.retain(|event| event.envelope.position <= until);
                if events.is_empty() {
                    return Ok(());
                }
            }
            let head = *watch.borrow();
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
            // At the log's end, some more come while these are prepared: they need not wait for each other.
            let more = match self.until {
                Some(until) => after < until.min(head),
                None => head.counter().saturating_sub(after.counter()) >= BEHIND,
            };
            let batch = offload::run(events.len(), move || Batch::prepare(&events).followed_by_more(more)).await;
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                sent = batches.send(batch) => if sent.is_err() { return Ok(()) },
            }
            if busy {
                tokio::select! {
                    () = self.stop.cancelled() => return Ok(()),
                    () = self.pace.rest(began) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn a_rest_ends_for_somebody_who_waits() {
        let wanted = Arc::new(Notify::new());
        let pace = Pace::hurried_by(Arc::clone(&wanted));
        // Nothing was applied yet, so there is nothing to rest from.
        pace.rest(Instant::now()).await;
        pace.took(Duration::from_hours(1));
        let mut rest = pin!(pace.rest(Instant::now() + Duration::from_hours(1)));
        assert!(poll!(rest.as_mut()).is_pending());
        wanted.notify_one();
        assert!(poll!(rest.as_mut()).is_ready());
    }
}
