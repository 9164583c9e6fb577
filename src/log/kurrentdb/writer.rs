//! The one writer of a process: waiting appends are decided together on what the index knows, stored, and answered once the index
//! has seen them. Nothing is locked: whoever loses against another process decides again on what is there by then.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::connection::{Connection, Direction, Most};
use super::follower::Reached;
use super::index::Found;
use super::record;
use super::transaction::{Mode, Stored};
use crate::clock::Ambient;
use crate::ids::{EventId, Position};
use crate::log::plan::{self, Call, CommandRef, Known, Outcome, Plan};
use crate::log::{AppendError, Appended, LogError, StreamId};

/// A group holds at most this many events (but at least one call).
const GROUP_EVENTS: usize = 4_096;

/// How often a group is decided again because others appended first.
const ATTEMPTS: usize = 50;

/// How long a group is tried while the server cannot be reached.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long to wait before it is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// How many streams are read or appended to at the same time.
pub(super) const AT_ONCE: usize = 32;

/// What the writer is asked to do. Nothing that was accepted is dropped when its asker goes away.
pub(super) enum Job {
    Append { call: Call, reply: oneshot::Sender<Result<Outcome, LogError>>, permit: OwnedSemaphorePermit },
    Close { reply: oneshot::Sender<()> },
}

pub(super) struct Writer {
    pub connection: Arc<Connection>,
    pub reached: Reached,
    pub ambient: Ambient,
    /// How appends to several streams are made; what the server does not offer is tried once.
    pub mode: Mode,
}

/// What became of a group in earlier rounds.
#[derive(Default)]
pub(super) struct Progress {
    /// The appends of the group that were made, by call and place in it: found again, they are no repetitions.
    pub made: HashSet<(usize, usize)>,
    /// Commands that we set about carrying out, stream by stream: what is missing of them is still to be appended.
    pub claimed: HashSet<CommandRef>,
}

impl Progress {
    /// What became of one call of the group, as a group of its own.
    fn of(&self, call: usize) -> Self {
        let made = self.made.iter().filter(|(of, _)| *of == call).map(|(_, append)| (0, *append));
        Self { made: made.collect(), claimed: self.claimed.clone() }
    }
}

/// Why a group was not stored.
struct Failed {
    error: LogError,
    /// It would be again, at least as a whole.
    is_refused: bool,
}

impl From<LogError> for Failed {
    fn from(error: LogError) -> Self {
        let is_refused = matches!(error, LogError::Damaged { .. });
        Self { error, is_refused }
    }
}

type Waiting = Vec<(oneshot::Sender<Result<Outcome, LogError>>, OwnedSemaphorePermit)>;

impl Writer {
    /// Works until it is closed, or until every sender is gone.
    pub(super) async fn run(mut self, mut jobs: UnboundedReceiver<Job>) {
        let mut next = None;
        loop {
            let job = match next.take() {
                Some(job) => job,
                None => match jobs.recv().await {
                    Some(job) => job,
                    None => return,
                },
            };
            match job {
                Job::Append { call, reply, permit } => {
                    let (mut calls, mut waiting) = (vec![call], vec![(reply, permit)]);
                    next = gather(&mut jobs, &mut calls, &mut waiting);
                    self.append(calls, waiting).await;
                }
                Job::Close { reply } => {
                    _ = reply.send(());
                    return;
                }
            }
        }
    }

    async fn append(&mut self, calls: Vec<Call>, waiting: Waiting) {
        let (calls, mut progress) = (Arc::new(calls), Progress::default());
        match self.commit(&calls, &mut progress).await {
            Err(Failed { is_refused: true, .. }) if waiting.len() > 1 => {
                // One of them is refused, whichever it is: the others do not fall with it.
                let calls = Arc::unwrap_or_clone(calls);
                for ((index, call), waiting) in calls.into_iter().enumerate().zip(waiting) {
                    let committed = self.commit(&Arc::new(vec![call]), &mut progress.of(index)).await;
                    answer(committed, vec![waiting]);
                }
            }
            committed => answer(committed, waiting),
        }
    }

    /// Decides and stores a group, again and again until nothing of it is left to store.
    async fn commit(&mut self, calls: &Arc<Vec<Call>>, progress: &mut Progress) -> Result<Vec<Outcome>, Failed> {
        let (mut lost, began, mut is_fresh) = (0, Instant::now(), false);
        loop {
            let known = self.known(calls, progress).await?;
            let plan = plan::plan(calls, &known);
            if !is_fresh && plan.outcomes.iter().flatten().any(is_conflict) {
                // Who appended elsewhere may know better than this index.
                self.reached.reach_end().await?;
                is_fresh = true;
                continue;
            }
            if plan.rows.is_empty() {
                return Ok(answers(plan, progress, &HashMap::new()));
            }
            match self.store(calls, &plan, &known, progress).await {
                Ok(Stored::All) => {
                    let positions = self.positions(&plan).await?;
                    return Ok(answers(plan, progress, &positions));
                }
                Ok(Stored::Again) => {}
                Ok(Stored::Lost(error)) => {
                    lost += 1;
                    if lost > ATTEMPTS {
                        return Err(Failed { error: self.connection.failed("append", error), is_refused: true });
                    }
                    if lost % 5 == 0 {
                        // A node that no longer leads refuses in the same way.
                        self.connection.forget();
                    }
                }
                Err(error) if error.is_passing() && began.elapsed() < PATIENCE => {
                    tracing::debug!(url = self.connection.address.url, %error, "an append is made again");
                    self.connection.forget();
                    sleep(PAUSE).await;
                }
                Err(error) => {
                    let is_refused = error.is_refusal();
                    return Err(Failed { error: self.connection.failed("append", error), is_refused });
                }
            }
            self.reached.reach_end().await?;
            is_fresh = true;
        }
    }

    /// What is known of a group, with the content of events that are there already.
    async fn known(&self, calls: &Arc<Vec<Call>>, progress: &Progress) -> Result<Known, LogError> {
        let (mut known, found) = self.reached.index().known(Arc::clone(calls)).await?;
        known.recorded_at = known.recorded_at.max(self.ambient.now());
        known.commands.retain(|command, _| !progress.claimed.contains(command));
        let (connection, names) = (&self.connection, &self.connection.address.names);
        let read = |(id, found): (Uuid, Found)| async move {
            let revision = found.version.saturating_sub(1);
            let name = names.stream(&found.stream);
            let read = connection.read_stream(&name, Direction::Forwards(Some(revision)), Most::events(1)).await?;
            let position = Position::from_counter(found.position);
            let missing = || LogError::Damaged { position, reason: "the server does not have it any more".to_owned() };
            let event = record::read(read.first().ok_or_else(missing)?, found.stream, position)?;
            Ok::<_, LogError>((EventId(id), stored(event)))
        };
        let stored = stream::iter(found.into_iter().map(read).collect::<Vec<_>>());
        known.events = Some(stored.buffer_unordered(AT_ONCE).try_collect().await?);
        Ok(known)
    }

    /// The positions of what a plan has appended, by stream and version, once the index has seen it.
    async fn positions(&self, plan: &Plan<'_>) -> Result<HashMap<(StreamId, u64), Position>, LogError> {
        let made = plan.outcomes.iter().flatten().filter_map(|outcome| outcome.as_ref().ok());
        let asked: Vec<_> = made.map(|made| (made.stream, made.last_version)).collect();
        let found = self.reached.positions(asked.clone()).await?;
        Ok(asked.into_iter().zip(found.into_iter().map(Position::from_counter)).collect())
    }
}

/// Answers those who wait for a group.
fn answer(committed: Result<Vec<Outcome>, Failed>, waiting: Waiting) {
    match committed {
        Ok(outcomes) => {
            for ((reply, permit), outcome) in waiting.into_iter().zip(outcomes) {
                drop(permit);
                // An asker that went away does not undo what is durable.
                _ = reply.send(Ok(outcome));
            }
        }
        Err(failed) => {
            for (reply, _permit) in waiting {
                _ = reply.send(Err(failed.error.clone()));
            }
        }
    }
}

fn is_conflict(outcome: &Result<Appended, AppendError>) -> bool {
    matches!(outcome, Err(AppendError::Conflict { .. }))
}

/// What a group is answered: a plan does not know what others append in between, nor what was appended in an earlier round.
fn answers(plan: Plan<'_>, progress: &Progress, positions: &HashMap<(StreamId, u64), Position>) -> Vec<Outcome> {
    let answer = |at: (usize, usize), appended: Appended| {
        let position = positions.get(&(appended.stream, appended.last_version)).copied().unwrap_or(appended.position);
        Appended { position, already: appended.already && !progress.made.contains(&at), ..appended }
    };
    let outcome = |(call, outcome): (usize, Outcome)| {
        let results = outcome.into_iter().enumerate();
        results.map(|(append, result)| result.map(|appended| answer((call, append), appended))).collect()
    };
    plan.outcomes.into_iter().enumerate().map(outcome).collect()
}

fn stored(event: crate::log::SealedEvent) -> plan::Stored {
    let envelope = event.envelope;
    plan::Stored {
        stream: envelope.stream,
        version: envelope.version,
        position: envelope.position,
        event_type: envelope.event_type,
        schema_version: envelope.schema_version,
        occurred_at: envelope.occurred_at,
        data: event.data,
    }
}

/// Adds the appends that wait already. Returns the first job that is not an append or would overfill the group.
fn gather(jobs: &mut UnboundedReceiver<Job>, calls: &mut Vec<Call>, waiting: &mut Waiting) -> Option<Job> {
    let count = |call: &Call| call.iter().map(|append| append.events.len()).sum::<usize>();
    let mut events: usize = calls.iter().map(count).sum();
    while let Ok(job) = jobs.try_recv() {
        match job {
            Job::Append { call, reply, permit } if events + count(&call) <= GROUP_EVENTS => {
                events += count(&call);
                calls.push(call);
                waiting.push((reply, permit));
            }
            other => return Some(other),
        }
    }
    None
}
