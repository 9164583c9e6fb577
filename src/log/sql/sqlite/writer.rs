//! The one writer: a thread that owns the writing connection and commits waiting appends in groups.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::{lookup, rows};
use crate::clock::Ambient;
use crate::ids::Position;
use crate::log::plan::{self, Call, Known, Outcome, Plan};
use crate::log::sql::heads::Heads;
use crate::log::{LogError, Snapshot, StreamId};
use crate::sql::checkpointer::Checkpointer;

/// A group holds at most this many events (but at least one call), so that a commit stays short.
const GROUP_EVENTS: usize = 8_192;

/// While so many calls come at a time, the writer waits this long for more before it commits: a commit costs a write of the
/// disk, and everybody who follows or reads the log a look at it. Fewer calls are committed at once.
const BUSY: usize = 8;
const GATHERED_FOR: Duration = Duration::from_millis(5);

/// How often an idle writer looks whether another process appended.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// What the writer is asked to do. Nothing that was accepted is dropped when its asker goes away.
pub(super) enum Job {
    Append { call: Call, reply: oneshot::Sender<Result<Outcome, LogError>>, permit: OwnedSemaphorePermit },
    SaveSnapshot { stream: StreamId, fold: String, snapshot: Snapshot, reply: oneshot::Sender<Result<(), LogError>> },
    DropSnapshots { stream: StreamId, reply: oneshot::Sender<Result<(), LogError>> },
    StartEpoch { reply: oneshot::Sender<Result<u32, LogError>> },
    Close { reply: oneshot::Sender<()> },
}

/// The end of the log, as this process last saw it.
#[derive(Debug, Clone, Copy)]
struct End {
    position: u64,
    recorded_at: DateTime<Utc>,
    next_stream: i64,
    epoch: u32,
}

pub(super) struct Writer {
    connection: Connection,
    url: String,
    system_id: String,
    ambient: Ambient,
    announce: watch::Sender<Position>,
    heads: Heads,
    end: End,
    /// `PRAGMA data_version`: moves when another connection commits.
    data_version: i64,
    checkpointer: Checkpointer,
}

type Waiting = Vec<(oneshot::Sender<Result<Outcome, LogError>>, OwnedSemaphorePermit)>;

impl Writer {
    pub(super) fn new(
        connection: Connection,
        url: String,
        system_id: String,
        ambient: Ambient,
        announce: watch::Sender<Position>,
        checkpointer: Checkpointer,
    ) -> Result<Self, rusqlite::Error> {
        let end = End { position: 0, recorded_at: DateTime::UNIX_EPOCH, next_stream: 1, epoch: 1 };
        let heads = Heads::default();
        let mut writer =
            Self { connection, url, system_id, ambient, announce, heads, end, data_version: -1, checkpointer };
        writer.refresh_and_announce()?;
        Ok(writer)
    }

    /// Works until it is closed, or until every sender is gone.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let (mut next, mut last) = (None, 0);
        loop {
            let job = match next.take().map_or_else(|| jobs.recv_timeout(LOOK_AROUND), Ok) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(error) = self.refresh_and_announce() {
                        tracing::warn!(url = self.url, %error, "could not check for other processes' appends");
                    }
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            match job {
                Job::Append { call, reply, permit } => {
                    let (mut calls, mut waiting) = (vec![call], vec![(reply, permit)]);
                    next = gather(jobs, last, &mut calls, &mut waiting);
                    last = calls.len();
                    self.append(&calls, waiting);
                }
                Job::SaveSnapshot { stream, fold, snapshot, reply } => {
                    _ = reply.send(self.save_snapshot(&stream, &fold, &snapshot));
                }
                Job::DropSnapshots { stream, reply } => _ = reply.send(self.drop_snapshots(&stream)),
                Job::StartEpoch { reply } => _ = reply.send(self.start_epoch()),
                Job::Close { reply } => {
                    drop(self);
                    _ = reply.send(());
                    return;
                }
            }
        }
    }

    fn append(&mut self, calls: &[Call], waiting: Waiting) {
        let result = self.commit_group(calls);
        if result.is_ok() {
            self.announce_end();
        } else {
            self.roll_back();
            // A commit that failed may still have been made: nothing is known until it is read again.
            self.data_version = -1;
        }
        match result {
            Ok(outcomes) => {
                for ((reply, permit), outcome) in waiting.into_iter().zip(outcomes) {
                    drop(permit);
                    // An asker that went away does not undo what is durable.
                    _ = reply.send(Ok(outcome));
                }
            }
            Err(error) => {
                let error = super::database(&self.url, "append", error);
                for (reply, _permit) in waiting {
                    _ = reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// Commits a group, first without looking event ids up, and once more with it if one turns out to be taken.
    fn commit_group(&mut self, calls: &[Call]) -> Result<Vec<Outcome>, rusqlite::Error> {
        match self.attempt(calls, false) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                self.roll_back();
                self.attempt(calls, true)
            }
            result => result,
        }
    }

    fn attempt(&mut self, calls: &[Call], look_up_events: bool) -> Result<Vec<Outcome>, rusqlite::Error> {
        self.begin()?;
        let mut known = self.look_up(calls)?;
        if look_up_events {
            known.events = Some(lookup::events(&self.connection, plan::event_ids(calls))?);
        }
        let mut plan = plan::plan(calls, &known);
        if plan.needs_events {
            known.events = Some(lookup::events(&self.connection, plan::event_ids(calls))?);
            plan = plan::plan(calls, &known);
        }
        if plan.rows.is_empty() {
            self.roll_back();
            return Ok(plan.outcomes);
        }
        self.store(&plan, &known)?;
        self.connection.execute_batch("COMMIT")?;
        self.checkpointer.wrote();
        self.end.position = plan.rows.last().map_or(self.end.position, |row| row.position);
        self.end.recorded_at = known.recorded_at;
        self.end.next_stream += i64::try_from(plan.new_streams.len()).unwrap_or(0);
        for (stream, stand) in plan.moved {
            self.heads.set(stream, stand);
        }
        Ok(plan.outcomes)
    }

    /// What the group asks for, under the write lock.
    fn look_up(&mut self, calls: &[Call]) -> Result<Known, rusqlite::Error> {
        let mut known = Known {
            next_stream: self.end.next_stream,
            position: self.end.position,
            recorded_at: self.ambient.now().max(self.end.recorded_at),
            epoch: self.end.epoch,
            ..Known::default()
        };
        for stream in plan::streams(calls) {
            if known.streams.contains_key(&stream) {
                continue;
            }
            let stand = match self.heads.get(&stream) {
                Some(stand) => Some(stand),
                None => lookup::stand(&self.connection, &stream)?,
            };
            if let Some(stand) = stand {
                self.heads.set(stream, stand);
                known.streams.insert(stream, stand);
            }
        }
        for command in plan::commands(calls) {
            let rows = lookup::command(&self.connection, command)?;
            if !rows.is_empty() {
                known.commands.insert(command, rows);
            }
        }
        Ok(known)
    }

    fn store(&self, plan: &Plan<'_>, known: &Known) -> Result<(), rusqlite::Error> {
        for (number, stream) in &plan.new_streams {
            rows::insert_stream(&self.connection, *number, stream)?;
        }
        rows::insert(&self.connection, &plan.rows, known.recorded_at, known.epoch)?;
        let mut insert = self.connection.prepare_cached(rows::INSERT_COMMAND)?;
        for ((tenant, id), row) in &plan.commands {
            insert.execute(params![
                tenant.0.as_bytes(),
                id.0.as_bytes(),
                i64::try_from(row.ordinal).unwrap_or(i64::MAX),
                row.fingerprint,
                plan.moved.get(&row.stream).map(|stand| stand.number),
                rows::signed(row.first_version),
                rows::signed(row.last_version),
                rows::signed(row.position.counter()),
            ])?;
        }
        Ok(())
    }

    /// Takes the write lock, and learns what other processes did before.
    fn begin(&mut self) -> Result<(), rusqlite::Error> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        self.refresh()
    }

    fn roll_back(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(url = self.url, %error, "a roll-back failed");
        }
    }

    fn refresh(&mut self) -> Result<(), rusqlite::Error> {
        let version = self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if version == self.data_version {
            return Ok(());
        }
        self.heads.clear();
        let (position, recorded_at) = self
            .connection
            .prepare_cached("SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))
            .optional()?
            .unwrap_or_default();
        let (streams, epoch): (i64, i64) = self
            .connection
            .prepare_cached("SELECT (SELECT coalesce(max(stream), 0) FROM streams), (SELECT max(epoch) FROM epochs)")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.end = End {
            position: position.try_into().unwrap_or_default(),
            recorded_at: rows::time(recorded_at),
            next_stream: streams + 1,
            epoch: epoch.try_into().unwrap_or(1),
        };
        self.data_version = version;
        Ok(())
    }

    fn refresh_and_announce(&mut self) -> Result<(), rusqlite::Error> {
        self.refresh()?;
        self.announce_end();
        Ok(())
    }

    fn announce_end(&self) {
        let end = Position::from_counter(self.end.position);
        self.announce.send_if_modified(|position| std::mem::replace(position, end) != end);
    }

    fn save_snapshot(&mut self, stream: &StreamId, fold: &str, snapshot: &Snapshot) -> Result<(), LogError> {
        let saved = lookup::stand(&self.connection, stream).and_then(|stand| {
            let Some(stand) = stand else { return Ok(()) };
            self.connection
                .prepare_cached(
                    "INSERT INTO snapshots (stream, fold, version, fold_version, state) VALUES (?1, ?2, ?3, ?4, ?5) \
                     ON CONFLICT (stream, fold) DO UPDATE SET version = excluded.version, \
                     fold_version = excluded.fold_version, state = excluded.state",
                )?
                .execute(params![
                    stand.number,
                    fold,
                    rows::signed(snapshot.version),
                    snapshot.fold_version,
                    snapshot.state
                ])
                .map(drop)
        });
        saved.map_err(|error| super::database(&self.url, "save a snapshot", error))
    }

    fn drop_snapshots(&mut self, stream: &StreamId) -> Result<(), LogError> {
        let dropped = lookup::stand(&self.connection, stream).and_then(|stand| {
            let Some(stand) = stand else { return Ok(()) };
            self.connection.execute("DELETE FROM snapshots WHERE stream = ?1", [stand.number]).map(drop)
        });
        dropped.map_err(|error| super::database(&self.url, "drop snapshots", error))
    }

    fn start_epoch(&mut self) -> Result<u32, LogError> {
        let started = self.begin().and_then(|()| {
            let epoch = self.end.epoch + 1;
            self.connection.execute(
                "INSERT INTO epochs (epoch, started_at, system_id) VALUES (?1, ?2, ?3)",
                params![epoch, self.ambient.now().timestamp_micros(), self.system_id],
            )?;
            self.connection.execute_batch("COMMIT")?;
            self.end.epoch = epoch;
            Ok(epoch)
        });
        if started.is_err() {
            self.roll_back();
        }
        started.map_err(|error| super::database(&self.url, "start an epoch", error))
    }
}

/// Adds the appends that wait already, and while there are many, those that come soon. Returns the first job that is not an
/// append or would overfill the group.
fn gather(jobs: &Receiver<Job>, last: usize, calls: &mut Vec<Call>, waiting: &mut Waiting) -> Option<Job> {
    let count = |call: &Call| call.iter().map(|append| append.events.len()).sum::<usize>();
    let mut events: usize = calls.iter().map(count).sum();
    let until = (last >= BUSY).then(|| Instant::now() + GATHERED_FOR);
    loop {
        let job = match until {
            Some(until) => jobs.recv_timeout(until.saturating_duration_since(Instant::now())).ok(),
            None => jobs.try_recv().ok(),
        };
        match job? {
            Job::Append { call, reply, permit } if events + count(&call) <= GROUP_EVENTS => {
                events += count(&call);
                calls.push(call);
                waiting.push((reply, permit));
            }
            other => return Some(other),
        }
    }
}
