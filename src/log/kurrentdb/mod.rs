//! The log in KurrentDB: a stream of ours is a stream there, and the order of `$all` is the order of the log.
//!
//! Nothing is locked. An append states the exact version of each stream that it writes, and, where the server can check it, of each
//! that it only judges; whoever comes second decides again. A position is an event's number in the order of `$all`, which is
//! the same for every node; each keeps an index of its own that maps them, and that is made again when it is lost.
//!
//! What this backend does otherwise than those in SQL: `recorded_at` never decreases as one node sees the log, but clocks of several
//! nodes may differ by what they differ; nothing here can refuse changes by whoever administers the cluster (`verify` shows
//! them); a copy of the cluster is not recognised by itself, only by the mark in the key store; and on servers before 26.1
//! see `transaction`.

mod address;
mod channel;
mod connection;
mod follower;
mod index;
mod load;
mod names;
mod open;
mod record;
mod transaction;
mod wire;
mod writer;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use eventstore::RecordedEvent;
use futures::{StreamExt, TryStreamExt, stream};
use rusqlite::{OptionalExtension, params};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::Ambient;
use crate::ids::{CommandId, EventId, Position, SubjectId, TenantId};
use crate::log::cover::{CommandRecord, Origin};
use crate::log::plan::{WAITING_KIB, command_outcome, record as command_record, weight};
use crate::log::{
    AppendError, Appended, CommandKey, Epoch, EventHash, EventLog, LogError, LogHead, ReadLimit, SealedAppend,
    SealedEvent, Snapshot, StreamHead, StreamId,
};
use connection::{CallError, Connection, Direction, Most, place_of};
use follower::{Follower, Reached};
pub use load::KurrentLoader;
use names::Named;
use record::{EPOCH_STARTED, EpochStarted, Proposed, micros};
use transaction::{Mode, TRANSACTION_BYTES};
use writer::{AT_ONCE, Job, Writer};

/// The revision of the event that says that a stream was deleted for good. It stands in the stream, but is none of ours.
const TOMBSTONE: u64 = i64::MAX.unsigned_abs();

/// The log in KurrentDB.
pub struct KurrentLog {
    connection: Arc<Connection>,
    reached: Reached,
    ambient: Ambient,
    log_id: Uuid,
    jobs: UnboundedSender<Job>,
    waiting: Arc<Semaphore>,
    end: watch::Receiver<Position>,
    closing: CancellationToken,
}

impl KurrentLog {
    /// Makes sure that a server responds at an address.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn reach(address: &str) -> Result<(), LogError> {
        open::log_id(&open::prepare(address)?).await.map(drop)
    }

    /// Opens the log at an address such as `kurrentdb://host:2113`, and makes it if there is none. `index` is a file of this node,
    /// made when it is missing; then this returns once the log has been read.
    ///
    /// # Errors
    /// [`LogError::Foreign`] if the address or the log is something else, [`LogError::Database`] if no node responds.
    pub async fn connect(address: &str, index: &Path, ambient: Ambient) -> Result<Self, LogError> {
        let log = Self::open(address, index, ambient, true).await?;
        let (jobs, queue) = mpsc::unbounded_channel();
        let (connection, reached, ambient) = (log.connection.clone(), log.reached.clone(), log.ambient.clone());
        tokio::spawn(Writer { connection, reached, ambient, mode: Mode::Checked }.run(queue));
        Ok(Self { jobs, ..log })
    }

    /// Opens a log that must exist, for reading only. Every append is refused with [`LogError::Closed`].
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_to_read(address: &str, index: &Path, ambient: Ambient) -> Result<Self, LogError> {
        Self::open(address, index, ambient, false).await
    }

    async fn open(address: &str, index: &Path, ambient: Ambient, makes: bool) -> Result<Self, LogError> {
        let connection = Arc::new(open::prepare(address)?);
        let log_id = match open::log_id(&connection).await? {
            Some(log_id) => log_id,
            None if makes => open::make(&connection, &ambient).await?,
            None => {
                let reason = format!("there is no stream {}", connection.address.names.log());
                return Err(LogError::Foreign { url: connection.address.url.clone(), reason });
            }
        };
        if open::is_loading(&connection).await? {
            return Err(LogError::Loading { url: connection.address.url.clone() });
        }
        Self::follow(connection, index, log_id, ambient).await
    }

    /// Opens the index of a log, and follows it until the index has reached the log's end.
    async fn follow(
        connection: Arc<Connection>,
        index: &Path,
        log_id: Uuid,
        ambient: Ambient,
    ) -> Result<Self, LogError> {
        let index = open::index(&connection, index, log_id).await?;
        let (announce, end) = watch::channel(Position::START);
        let (follower, reached) = Follower::new(connection.clone(), index, announce).await?;
        let closing = CancellationToken::new();
        tokio::spawn(follower.run(closing.clone()));
        let waiting = Arc::new(Semaphore::new(WAITING_KIB));
        let log =
            Self { connection, reached, ambient, log_id, jobs: mpsc::unbounded_channel().0, waiting, end, closing };
        log.reached.reach_end().await?;
        Ok(log)
    }

    async fn look_up<T, F>(&self, read: F) -> Result<T, LogError>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        self.reached.index().run("be read", read).await
    }

    /// Events that were read, with their positions.
    async fn sealed(&self, events: Vec<RecordedEvent>) -> Result<Vec<SealedEvent>, LogError> {
        let names = &self.connection.address.names;
        let ours: Vec<(RecordedEvent, StreamId)> = events
            .into_iter()
            .filter_map(|event| match names.read(event.stream_id()) {
                Some(Named::Stream(stream)) if event.revision != TOMBSTONE => Some((event, stream)),
                _ => None,
            })
            .collect();
        let Some(last) = ours.iter().map(|(event, _)| place_of(event)).max() else { return Ok(Vec::new()) };
        self.reached.reach(last).await?;
        let asked: Vec<_> = ours.iter().map(|(event, stream)| (*stream, event.revision + 1)).collect();
        let positions = self.look_up(move |connection| index::positions(connection, &asked)).await?;
        let sealed = ours.into_iter().zip(positions).map(|((event, stream), position)| {
            // An event that came to its place when the index had passed it: somebody rewrote the log.
            let unknown = || LogError::Damaged {
                position: Position::START,
                reason: format!("{} {} was not there when the log was read", event.stream_id(), event.revision),
            };
            record::read(&event, stream, Position::from_counter(position.ok_or_else(unknown)?))
        });
        sealed.collect()
    }

    /// Events after or before a place, or from an end on. What others keep in streams whose names begin like ours is passed over.
    async fn read_from(
        &self,
        mut from: Option<wire::Place>,
        direction: fn(Option<wire::Place>) -> Direction<wire::Place>,
        limit: ReadLimit,
    ) -> Result<Vec<SealedEvent>, LogError> {
        let prefixes = [self.connection.address.names.events()];
        loop {
            let most = Most { but: from, ..most(limit) };
            let read = self.connection.read_all(&prefixes, direction(from), most).await?;
            let Some(last) = read.last().map(place_of) else { return Ok(Vec::new()) };
            let sealed = self.sealed(read).await?;
            if !sealed.is_empty() {
                return Ok(sealed);
            }
            from = Some(last);
        }
    }

    /// Where the event at a position stands; [`None`] if there is no such event.
    async fn place_of(&self, position: Position) -> Result<Option<wire::Place>, LogError> {
        let counter = position.counter();
        let place = self.look_up(move |connection| index::place_of(connection, counter)).await?;
        if place.is_some() {
            return Ok(place);
        }
        self.reached.reach_end().await?;
        self.look_up(move |connection| index::place_of(connection, counter)).await
    }

    /// The hash that the log has at a position.
    async fn hash_at(&self, position: Position) -> Result<Option<EventHash>, LogError> {
        if self.place_of(position).await?.is_none() {
            return Ok(None);
        }
        let found = self.look_up(move |connection| index::at(connection, position.counter())).await?;
        let Some((stream, version)) = found else { return Ok(None) };
        let events = self.read_stream(stream, version.saturating_sub(1), ReadLimit::events(1)).await?;
        Ok(events.first().filter(|event| event.envelope.version == version).map(|event| event.envelope.hash))
    }
}

fn most(limit: ReadLimit) -> Most {
    Most { events: limit.events.max(1), bytes: limit.bytes.max(1), but: None }
}

#[async_trait]
impl EventLog for KurrentLog {
    async fn append(&self, appends: Vec<SealedAppend>) -> Result<Vec<Result<Appended, AppendError>>, LogError> {
        let waiting = Arc::clone(&self.waiting).acquire_many_owned(weight(&appends)).await;
        let permit = waiting.map_err(|_| LogError::Closed)?;
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Append { call: appends, reply, permit }).map_err(|_| LogError::Closed)?;
        answer.await.map_err(|_| LogError::Closed)?
    }

    async fn read_all(&self, after: Position, limit: ReadLimit) -> Result<Vec<SealedEvent>, LogError> {
        let from = match after {
            Position::START => None,
            after => match self.place_of(after).await? {
                Some(place) => Some(place),
                None => return Ok(Vec::new()),
            },
        };
        self.read_from(from, Direction::Forwards, limit).await
    }

    async fn read_all_backwards(
        &self,
        before: Option<Position>,
        limit: ReadLimit,
    ) -> Result<Vec<SealedEvent>, LogError> {
        let from = match before {
            None => None,
            Some(Position::START) => return Ok(Vec::new()),
            // Before an event that is not there yet stands the end.
            Some(before) => self.place_of(before).await?,
        };
        self.read_from(from, Direction::Backwards, limit).await
    }

    async fn read_stream(&self, stream: StreamId, after: u64, limit: ReadLimit) -> Result<Vec<SealedEvent>, LogError> {
        let name = self.connection.address.names.stream(&stream);
        let read = || self.connection.read_stream(&name, Direction::Forwards(Some(after)), most(limit));
        let mut events = read().await?;
        let mut is_cut = events.first().is_some_and(|first| first.revision != after);
        if events.is_empty() {
            // The end, unless the index knows more; what it knows may have come after the read.
            let heads = self.stream_heads(&[stream]).await?;
            if heads.iter().flatten().any(|head| head.version > after) {
                events = read().await?;
                is_cut = events.first().is_none_or(|first| first.revision != after);
            }
        }
        if is_cut {
            let reason = format!("{name} was truncated or deleted: its event {after} is gone");
            return Err(LogError::Damaged { position: Position::START, reason });
        }
        self.sealed(events).await
    }

    async fn read_streams(
        &self,
        streams: &[StreamId],
        up_to: u64,
        types: Option<&[&str]>,
    ) -> Result<Vec<SealedEvent>, LogError> {
        let mut asked = streams.to_vec();
        asked.sort_unstable();
        asked.dedup();
        let limit = ReadLimit { events: usize::try_from(up_to).unwrap_or(usize::MAX), ..ReadLimit::NONE };
        if up_to == 0 {
            return Ok(Vec::new());
        }
        let read: Vec<_> = asked.into_iter().map(|stream| self.read_stream(stream, 0, limit)).collect();
        let mut events: Vec<SealedEvent> = stream::iter(read).buffered(AT_ONCE).try_concat().await?;
        if let Some(types) = types {
            events.retain(|event| types.contains(&event.envelope.event_type.as_str()));
        }
        Ok(events)
    }

    async fn read_stream_backwards(
        &self,
        stream: StreamId,
        before: Option<u64>,
        limit: ReadLimit,
    ) -> Result<Vec<SealedEvent>, LogError> {
        let from = match before.filter(|before| *before <= i64::MAX.unsigned_abs()) {
            None => None,
            Some(0 | 1) => return Ok(Vec::new()),
            Some(before) => Some(before - 2),
        };
        let name = self.connection.address.names.stream(&stream);
        self.sealed(self.connection.read_stream(&name, Direction::Backwards(from), most(limit)).await?).await
    }

    async fn stream_heads(&self, streams: &[StreamId]) -> Result<Vec<Option<StreamHead>>, LogError> {
        let streams = streams.to_vec();
        self.look_up(move |connection| index::heads(connection, &streams)).await
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, LogError> {
        self.reached.reach_end().await?;
        self.look_up(index::tenants).await
    }

    async fn find_command(&self, tenant: TenantId, id: CommandId) -> Result<Option<(CommandKey, Appended)>, LogError> {
        self.reached.reach_end().await?;
        let found = self.look_up(move |connection| index::command_rows(connection, &[(tenant, id)])).await?;
        Ok(found.get(&(tenant, id)).and_then(|rows| command_outcome(id, rows)))
    }

    async fn find_event(&self, id: EventId) -> Result<Option<(StreamId, u64)>, LogError> {
        self.reached.reach_end().await?;
        let found = self.look_up(move |connection| index::event(connection, id.0)).await?;
        Ok(found.map(|found| (found.stream, found.version)))
    }

    async fn head(&self) -> Result<LogHead, LogError> {
        self.reached.reach_end().await?;
        self.look_up(index::head).await
    }

    async fn position_at(&self, time: DateTime<Utc>) -> Result<Position, LogError> {
        self.reached.reach_end().await?;
        Ok(Position::from_counter(self.look_up(move |connection| index::position_at(connection, time)).await?))
    }

    async fn first_subject(&self) -> Result<Option<SubjectId>, LogError> {
        self.look_up(index::first_subject).await
    }

    fn counts_positions(&self) -> bool {
        true
    }

    fn orders_times(&self) -> bool {
        false
    }

    fn largest_append(&self) -> usize {
        TRANSACTION_BYTES
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.end.clone()
    }

    async fn load_snapshot(&self, stream: StreamId, fold: &str) -> Result<Option<Snapshot>, LogError> {
        let fold = fold.to_owned();
        let sql = "SELECT version, fold_version, state FROM snapshots \
                   WHERE tenant_id = ?1 AND category = ?2 AND key = ?3 AND fold = ?4";
        let found: Option<(i64, i64, Vec<u8>)> = self
            .look_up(move |connection| {
                let (tenant, key) = (stream.tenant.0, stream.key);
                let asked = params![tenant.as_bytes(), stream.category.name(), key.as_bytes(), fold];
                let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                connection.prepare_cached(sql)?.query_row(asked, read).optional()
            })
            .await?;
        Ok(found.and_then(|(version, fold_version, state)| {
            Some(Snapshot { version: version.try_into().ok()?, fold_version: fold_version.try_into().ok()?, state })
        }))
    }

    async fn save_snapshot(&self, stream: StreamId, fold: &str, snapshot: Snapshot) -> Result<(), LogError> {
        let fold = fold.to_owned();
        let sql = "INSERT OR REPLACE INTO snapshots (tenant_id, category, key, fold, version, fold_version, state) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let save = move |connection: &rusqlite::Connection| {
            let (tenant, key) = (stream.tenant.0, stream.key);
            let version = i64::try_from(snapshot.version).unwrap_or(i64::MAX);
            connection.prepare_cached(sql)?.execute(params![
                tenant.as_bytes(),
                stream.category.name(),
                key.as_bytes(),
                fold,
                version,
                snapshot.fold_version,
                snapshot.state
            ])
        };
        self.reached.index().run("be written", save).await.map(drop)
    }

    async fn drop_snapshots(&self, stream: StreamId) -> Result<(), LogError> {
        let sql = "DELETE FROM snapshots WHERE tenant_id = ?1 AND category = ?2 AND key = ?3";
        let drop_all = move |connection: &rusqlite::Connection| {
            let (tenant, key) = (stream.tenant.0, stream.key);
            let of = params![tenant.as_bytes(), stream.category.name(), key.as_bytes()];
            connection.prepare_cached(sql)?.execute(of)
        };
        self.reached.index().run("be written", drop_all).await.map(drop)
    }

    async fn hashes_at(&self, positions: &[Position]) -> Result<(u32, Vec<Option<EventHash>>), LogError> {
        let epoch = self.head().await?.epoch;
        let positions = positions.to_vec();
        let read: Vec<_> = positions.into_iter().map(|position| self.hash_at(position)).collect();
        Ok((epoch, stream::iter(read).buffered(AT_ONCE).try_collect().await?))
    }

    async fn commands(&self, commands: &[(TenantId, CommandId)]) -> Result<Vec<CommandRecord>, LogError> {
        let commands = commands.to_vec();
        let found = self.look_up(move |connection| index::command_rows(connection, &commands)).await?;
        Ok(found.iter().flat_map(|(command, rows)| rows.iter().map(|row| command_record(*command, row))).collect())
    }

    async fn count_commands(&self, until: Position) -> Result<u64, LogError> {
        self.look_up(move |connection| index::count_claims(connection, until)).await
    }

    async fn streams_after(&self, count: u64, most: usize) -> Result<Vec<StreamId>, LogError> {
        self.look_up(move |connection| index::streams_after(connection, count, most)).await
    }

    async fn origin(&self) -> Result<Origin, LogError> {
        self.reached.reach_end().await?;
        Ok(Origin { log_id: self.log_id, epochs: self.look_up(index::epochs).await? })
    }

    /// Metadata of streams that lets the server drop events of theirs, and streams that were deleted for good.
    async fn missing_guards(&self) -> Result<Vec<String>, LogError> {
        let names = &self.connection.address.names;
        let prefixes = [names.events(), names.own()].map(|prefix| format!("$${prefix}"));
        let metadata = self.connection.read_all(&prefixes, Direction::Forwards(None), Most::events(usize::MAX)).await?;
        let mut truncating = std::collections::BTreeMap::new();
        for event in metadata {
            let set: serde_json::Map<String, serde_json::Value> =
                serde_json::from_slice(&event.data).unwrap_or_default();
            let what = ["$maxAge", "$maxCount", "$tb"].into_iter().find(|name| set.contains_key(*name));
            // The last one holds.
            truncating.insert(event.stream_id().trim_start_matches('$').to_owned(), what);
        }
        let deleted = self.connection.read_deletions().await?;
        let deleted = deleted.iter().map(RecordedEvent::stream_id).filter(|stream| names.read(stream).is_some());
        let deleted: Vec<String> = deleted.map(|stream| format!("deletion of {stream}")).collect();
        let told = |(stream, what): (String, Option<&str>)| what.map(|what| format!("{what} of {stream}"));
        Ok(truncating.into_iter().filter_map(told).chain(deleted).collect())
    }

    async fn epoch(&self) -> Result<Epoch, LogError> {
        let origin = self.origin().await?;
        let last = origin.epochs.last();
        let loaded = self.look_up(index::loaded_epoch).await?;
        Ok(Epoch {
            is_loaded: loaded.is_some() && loaded == last.map(|epoch| epoch.number),
            number: last.map_or(1, |epoch| u32::try_from(epoch.number).unwrap_or(u32::MAX)),
            started_at: last.map_or(DateTime::UNIX_EPOCH, |epoch| epoch.started_at),
            is_copy: last.is_some_and(|epoch| epoch.system_id != open::system_id(self.log_id)),
        })
    }

    async fn start_epoch(&self) -> Result<u32, LogError> {
        loop {
            let epoch = self.head().await?.epoch + 1;
            let system_id = open::system_id(self.log_id);
            let started =
                EpochStarted { epoch: epoch.into(), started_at: micros(self.ambient.now()), system_id, loaded: false };
            let event = Proposed::of_own(self.ambient.uuid(), EPOCH_STARTED, &started);
            // The log's stream begins with its id.
            let state = eventstore::StreamState::StreamRevision(u64::from(epoch) - 1);
            match self.connection.append(&self.connection.address.names.log(), state, vec![event]).await {
                Ok(()) => {
                    self.reached.reach_end().await?;
                    return Ok(epoch);
                }
                // Another process has just started one.
                Err(CallError::Client(eventstore::Error::WrongExpectedVersion { .. })) => {}
                Err(error) => return Err(self.connection.failed("start an epoch", error)),
            }
        }
    }

    async fn close(&self) {
        self.waiting.close();
        let (reply, closed) = oneshot::channel();
        if self.jobs.send(Job::Close { reply }).is_err() || closed.await.is_err() {
            tracing::debug!(url = self.connection.address.url, "the log was already closed");
        }
        self.closing.cancel();
        self.reached.index().close().await;
    }
}
