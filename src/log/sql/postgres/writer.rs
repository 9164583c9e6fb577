//! The one writer of a process: a task with a connection of its own, which commits waiting appends in groups. Writers
//! of other processes take turns with it at the head row.

use std::sync::Arc;

use sqlx::{Connection, Executor, PgConnection, Row};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::store::Location;
use super::{lookup, rows};
use crate::clock::Ambient;
use crate::ids::Position;
use crate::log::plan::{self, Call, Known, Outcome};
use crate::log::sql::heads::Heads;
use crate::log::{LogError, StreamId};
use crate::sql::postgres::{Backend, bounded};

/// A group holds at most this many events (but at least one call), so that the head row is not held for long.
const GROUP_EVENTS: usize = 4_096;

/// Who holds the head row cannot be waited for without end: a frozen writer is thrown out by the server, sooner than another
/// node takes over what it did. Nothing that is acknowledged may be lost, whatever the server's default is.
pub(super) const PREPARE: &str = "SET idle_in_transaction_session_timeout = '5s'; SET lock_timeout = '30s'; \
     SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// What the writer is asked to do. Nothing that was accepted is dropped when its asker goes away.
pub(super) enum Job {
    Append { call: Call, reply: oneshot::Sender<Result<Outcome, LogError>>, permit: OwnedSemaphorePermit },
    Close { reply: oneshot::Sender<()> },
}

pub(super) struct Writer {
    location: Location,
    ambient: Ambient,
    announce: watch::Sender<Position>,
    connection: Option<(PgConnection, Backend)>,
    heads: Heads,
    /// The end of the log after our last commit. If the head row says the same, `heads` are still true.
    end: u64,
}

type Waiting = Vec<(oneshot::Sender<Result<Outcome, LogError>>, OwnedSemaphorePermit)>;

impl Writer {
    pub(super) fn new(location: Location, ambient: Ambient, announce: watch::Sender<Position>) -> Self {
        Self { location, ambient, announce, connection: None, heads: Heads::default(), end: 0 }
    }

    /// Works until it is closed, or until every sender is gone.
    pub(super) async fn run(mut self, mut jobs: UnboundedReceiver<Job>) {
        let mut next = None;
        loop {
            let job = match next.take() {
                Some(job) => job,
                None => match jobs.recv().await {
                    Some(job) => job,
                    None => break,
                },
            };
            match job {
                Job::Append { call, reply, permit } => {
                    let (mut calls, mut waiting) = (vec![call], vec![(reply, permit)]);
                    next = gather(&mut jobs, &mut calls, &mut waiting);
                    self.append(&calls, waiting).await;
                }
                Job::Close { reply } => {
                    self.disconnect().await;
                    _ = reply.send(());
                    return;
                }
            }
        }
        self.disconnect().await;
    }

    async fn append(&mut self, calls: &[Call], waiting: Waiting) {
        let committed = match self.connect().await {
            Ok(backend) => backend.at_work(self.commit_group(calls)).await,
            Err(error) => Err(error),
        };
        match committed {
            Ok(outcomes) => {
                super::announce(&self.announce, self.end);
                for ((reply, permit), outcome) in waiting.into_iter().zip(outcomes) {
                    drop(permit);
                    // An asker that went away does not undo what is durable.
                    _ = reply.send(Ok(outcome));
                }
            }
            Err(error) => {
                // A commit that failed may still have been made: nothing is known until it is read again.
                self.connection = None;
                let error = super::database(&self.location.url, "append", error);
                for (reply, _permit) in waiting {
                    _ = reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// Commits a group, first without looking event ids up, and once more with it if one turns out to be taken.
    async fn commit_group(&mut self, calls: &[Call]) -> Result<Vec<Outcome>, sqlx::Error> {
        match self.attempt(calls, false).await {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                if let Some((connection, _)) = &mut self.connection {
                    connection.execute("ROLLBACK").await?;
                }
                self.attempt(calls, true).await
            }
            result => result,
        }
    }

    async fn attempt(&mut self, calls: &[Call], look_up_events: bool) -> Result<Vec<Outcome>, sqlx::Error> {
        let Some((connection, _)) = &mut self.connection else { return Err(sqlx::Error::WorkerCrashed) };
        let mut known = begin(connection).await?;
        if known.position != self.end {
            self.heads.clear();
        }
        known.recorded_at = known.recorded_at.max(self.ambient.now());
        look_up(connection, &mut self.heads, &mut known, calls).await?;
        if look_up_events {
            known.events = Some(lookup::events(connection, plan::event_ids(calls)).await?);
        }
        let mut plan = plan::plan(calls, &known);
        if plan.needs_events {
            known.events = Some(lookup::events(connection, plan::event_ids(calls)).await?);
            plan = plan::plan(calls, &known);
        }
        self.end = known.position;
        let Some(last) = plan.rows.last() else {
            connection.execute("ROLLBACK").await?;
            return Ok(plan.outcomes);
        };
        let end = last.position;
        rows::store(connection, &plan, &known, end).await?;
        connection.execute("COMMIT").await?;
        self.end = end;
        for (stream, stand) in plan.moved {
            self.heads.set(stream, stand);
        }
        Ok(plan.outcomes)
    }

    /// Connects unless it is connected. Returns the server's side of the connection.
    async fn connect(&mut self) -> Result<Backend, sqlx::Error> {
        if let Some((_, backend)) = &self.connection {
            return Ok(backend.clone());
        }
        let mut connection = self.location.connect().await?;
        bounded(connection.execute(sqlx::raw_sql(PREPARE))).await?;
        let backend = Backend::of(&mut connection, Arc::new(self.location.options.clone())).await?;
        self.heads.clear();
        self.connection = Some((connection, backend.clone()));
        Ok(backend)
    }

    async fn disconnect(&mut self) {
        if let Some((connection, _)) = self.connection.take()
            && let Err(error) = bounded(connection.close()).await
        {
            tracing::debug!(url = self.location.url, %error, "the writer's connection did not close");
        }
    }
}

/// Takes the append lock. What is read after it, is true until the commit.
pub(super) async fn begin(connection: &mut PgConnection) -> Result<Known, sqlx::Error> {
    let head = sqlx::raw_sql("BEGIN; SELECT position, recorded_at, streams, epoch FROM log.head FOR UPDATE")
        .fetch_one(connection)
        .await?;
    Ok(Known {
        position: head.try_get::<i64, _>(0)?.try_into().unwrap_or_default(),
        recorded_at: rows::time(head.try_get(1)?),
        next_stream: head.try_get::<i64, _>(2)? + 1,
        epoch: head.try_get::<i64, _>(3)?.try_into().unwrap_or_default(),
        ..Known::default()
    })
}

async fn look_up(
    connection: &mut PgConnection,
    heads: &mut Heads,
    known: &mut Known,
    calls: &[Call],
) -> Result<(), sqlx::Error> {
    let mut missing: Vec<StreamId> = Vec::new();
    for stream in plan::streams(calls) {
        match heads.get(&stream) {
            Some(stand) => _ = known.streams.insert(stream, stand),
            None => missing.push(stream),
        }
    }
    if !missing.is_empty() {
        missing.sort_unstable();
        missing.dedup();
        for (stream, stand) in lookup::stands(connection, &missing).await? {
            heads.set(stream, stand);
            known.streams.insert(stream, stand);
        }
    }
    let commands: Vec<_> = plan::commands(calls).collect();
    if !commands.is_empty() {
        known.commands = lookup::commands(connection, &commands).await?;
    }
    Ok(())
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
