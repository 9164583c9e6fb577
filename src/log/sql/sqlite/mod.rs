//! The log in a SQLite file: the embedded default.
//!
//! One writer thread commits appends in groups (`BEGIN IMMEDIATE`, write-ahead log, `synchronous=FULL`); reads run on a
//! few connections of their own. Other processes may use the same file: the writer looks at `PRAGMA data_version` under
//! the write lock. Uses rusqlite instead of sqlx, because a log reads every column of every row, which costs sqlx
//! several allocations and a channel message each.

mod guards;
mod load;
mod lookup;
mod open;
mod readers;
mod rows;
pub(in crate::log) mod store;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, mpsc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{ErrorCode, OptionalExtension, params};
use tokio::sync::{Semaphore, oneshot, watch};
use uuid::Uuid;

use crate::clock::Ambient;
use crate::ids::{CommandId, EventId, Position, SubjectId, TenantId};
use crate::log::cover::{CommandRecord, Origin};
use crate::log::plan::{WAITING_KIB, command_outcome, record, weight};
use crate::log::{
    AppendError, Appended, CommandKey, Epoch, EventHash, EventLog, LogError, LogHead, ReadLimit, SealedAppend,
    SealedEvent, Snapshot, StreamHead, StreamId,
};
pub use load::SqliteLoader;
pub(in crate::log) use open::system_id;
use readers::Readers;
use rows::{select_events, signed};
use store::{Kind, StoreError};
use writer::Job;

const KIND: Kind = Kind {
    application_id: i32::from_be_bytes(*b"clog"),
    migrations: &[include_str!("../../../../migrations/sqlite/log/0001_log.sql")],
};

/// The log in a SQLite file.
pub struct SqliteLog {
    url: String,
    system_id: String,
    readers: Readers,
    jobs: Sender<Job>,
    waiting: Arc<Semaphore>,
    end: watch::Receiver<Position>,
    /// See [`EventLog::orders_times`].
    orders_times: bool,
}

impl SqliteLog {
    /// Opens the log at a path or `sqlite:` URL; makes it if there is none.
    ///
    /// # Errors
    /// [`LogError::Foreign`] if the file is something else, [`LogError::Locked`] if another process locks it.
    pub async fn open(location: &str, ambient: Ambient) -> Result<Self, LogError> {
        let path = store::path_of(location);
        let url = format!("sqlite:{}", path.display());
        let (announce, end) = watch::channel(Position::START);
        let (jobs, queue) = mpsc::channel();
        let readers = Readers::new(&path, url.clone());
        let opened = {
            let (path, url) = (path.clone(), url.clone());
            tokio::task::spawn_blocking(move || open::writer(&path, &url, ambient, announce)).await
        };
        let writer = opened.map_err(|_| LogError::Closed)??;
        std::thread::Builder::new().name("commlog-log-writer".to_owned()).spawn(move || writer.run(&queue)).map_err(
            |source| LogError::Database { url: url.clone(), doing: "start its writer", source: Arc::new(source) },
        )?;
        Self::with(url, &path, readers, jobs, end).await
    }

    /// Opens a log that must exist, for reading only: neither the file nor its folder need be writable. Every append is refused
    /// with [`LogError::Closed`], and nothing is announced.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_to_read(location: &str) -> Result<Self, LogError> {
        let log = Self::open_as_it_is(store::path_of(location)).await?;
        if log.readers.read("be opened", |connection| Ok(lookup::is_loading(connection)?)).await? {
            return Err(LogError::Loading { url: log.url });
        }
        Ok(log)
    }

    /// As [`Self::open_to_read`], though it may not be complete.
    async fn open_as_it_is(path: PathBuf) -> Result<Self, LogError> {
        let url = format!("sqlite:{}", path.display());
        let options = {
            let path = path.clone();
            tokio::task::spawn_blocking(move || store::reading(&path, &KIND)).await
        };
        let options = options.map_err(|_| LogError::Closed)?.map_err(|error| store_error(&url, error))?;
        let (_, end) = watch::channel(Position::START);
        let (jobs, _) = mpsc::channel();
        let readers = Readers::with(options, url.clone());
        Self::with(url, &path, readers, jobs, end).await
    }

    async fn with(
        url: String,
        path: &Path,
        readers: Readers,
        jobs: Sender<Job>,
        end: watch::Receiver<Position>,
    ) -> Result<Self, LogError> {
        let orders_times = readers.read("be opened", |connection| Ok(lookup::orders_times(connection)?)).await?;
        let waiting = Arc::new(Semaphore::new(WAITING_KIB));
        Ok(Self { url, system_id: system_id(path), readers, jobs, waiting, end, orders_times })
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, LogError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(job(reply)).map_err(|_| LogError::Closed)?;
        answer.await.map_err(|_| LogError::Closed)
    }
}

fn store_error(url: &str, error: StoreError) -> LogError {
    match error {
        StoreError::Foreign(reason) => LogError::Foreign { url: url.to_owned(), reason },
        StoreError::Locked => LogError::Locked { url: url.to_owned() },
        StoreError::Sqlite(source) => {
            LogError::Database { url: url.to_owned(), doing: "be opened", source: Arc::new(source) }
        }
    }
}

fn database(url: &str, doing: &'static str, error: rusqlite::Error) -> LogError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LogError::Locked { url: url.to_owned() },
        _ => LogError::Database { url: url.to_owned(), doing, source: Arc::new(error) },
    }
}

fn rows_wanted(limit: ReadLimit) -> i64 {
    i64::try_from(limit.events.max(1)).unwrap_or(i64::MAX)
}

#[async_trait]
impl EventLog for SqliteLog {
    async fn append(&self, appends: Vec<SealedAppend>) -> Result<Vec<Result<Appended, AppendError>>, LogError> {
        let waiting = Arc::clone(&self.waiting).acquire_many_owned(weight(&appends)).await;
        let permit = waiting.map_err(|_| LogError::Closed)?;
        self.ask(|reply| Job::Append { call: appends, reply, permit }).await?
    }

    async fn read_all(&self, after: Position, limit: ReadLimit) -> Result<Vec<SealedEvent>, LogError> {
        self.readers
            .read("read events", move |connection| {
                let mut statement =
                    connection.prepare_cached(select_events!("WHERE e.position > ?1 ORDER BY e.position LIMIT ?2"))?;
                rows::events(&mut statement, params![signed(after.counter()), rows_wanted(limit)], limit)
            })
            .await
    }

    async fn read_all_backwards(
        &self,
        before: Option<Position>,
        limit: ReadLimit,
    ) -> Result<Vec<SealedEvent>, LogError> {
        let before = before.map_or(i64::MAX, |position| signed(position.counter()));
        self.readers
            .read("read events", move |connection| {
                let mut statement = connection
                    .prepare_cached(select_events!("WHERE e.position < ?1 ORDER BY e.position DESC LIMIT ?2"))?;
                rows::events(&mut statement, params![before, rows_wanted(limit)], limit)
            })
            .await
    }

    async fn read_stream(&self, stream: StreamId, after: u64, limit: ReadLimit) -> Result<Vec<SealedEvent>, LogError> {
        self.readers
            .read("read a stream", move |connection| {
                let mut statement = connection.prepare_cached(select_events!(
                    "WHERE e.stream = (SELECT stream FROM streams WHERE tenant_id = ?1 AND category = ?2 AND key = ?3) ",
                    "AND e.version > ?4 ORDER BY e.version LIMIT ?5"
                ))?;
                let (tenant, key) = (stream.tenant.0.as_bytes(), stream.key.as_bytes());
                let parameters = params![tenant, stream.category.name(), key, signed(after), rows_wanted(limit)];
                rows::events(&mut statement, parameters, limit)
            })
            .await
    }

    async fn read_streams(
        &self,
        streams: &[StreamId],
        up_to: u64,
        types: Option<&[&str]>,
    ) -> Result<Vec<SealedEvent>, LogError> {
        let (mut streams, up_to) = (streams.to_vec(), signed(up_to));
        // As their index has them: neighbours share its pages.
        streams.sort_unstable();
        let types = types.map(|types| types.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        self.readers
            .read("read streams", move |connection| {
                // One lock and one look at the file for all of them.
                let snapshot = connection.unchecked_transaction()?;
                let mut statement = connection.prepare_cached(select_events!(
                    "WHERE e.stream = (SELECT stream FROM streams WHERE tenant_id = ?1 AND category = ?2 AND key = ?3) ",
                    "AND e.version <= ?4 ORDER BY e.version"
                ))?;
                let mut events = Vec::with_capacity(streams.len());
                for stream in &streams {
                    let (tenant, key) = (stream.tenant.0.as_bytes(), stream.key.as_bytes());
                    let which = params![tenant, stream.category.name(), key, up_to];
                    let found = rows::events(&mut statement, which, ReadLimit::NONE)?;
                    let is_wanted = |event: &SealedEvent| {
                        types.as_ref().is_none_or(|types| types.contains(&event.envelope.event_type))
                    };
                    events.extend(found.into_iter().filter(is_wanted));
                }
                drop(statement);
                snapshot.finish()?;
                Ok(events)
            })
            .await
    }

    async fn read_stream_backwards(
        &self,
        stream: StreamId,
        before: Option<u64>,
        limit: ReadLimit,
    ) -> Result<Vec<SealedEvent>, LogError> {
        let before = before.map_or(i64::MAX, signed);
        self.readers
            .read("read a stream", move |connection| {
                let mut statement = connection.prepare_cached(select_events!(
                    "WHERE e.stream = (SELECT stream FROM streams WHERE tenant_id = ?1 AND category = ?2 AND key = ?3) ",
                    "AND e.version < ?4 ORDER BY e.version DESC LIMIT ?5"
                ))?;
                let (tenant, key) = (stream.tenant.0.as_bytes(), stream.key.as_bytes());
                let parameters = params![tenant, stream.category.name(), key, before, rows_wanted(limit)];
                rows::events(&mut statement, parameters, limit)
            })
            .await
    }

    async fn stream_heads(&self, streams: &[StreamId]) -> Result<Vec<Option<StreamHead>>, LogError> {
        let streams = streams.to_vec();
        self.readers
            .read("read stream heads", move |connection| {
                let snapshot = connection.unchecked_transaction()?;
                let heads = streams.iter().map(|stream| lookup::head(connection, stream)).collect::<Result<_, _>>()?;
                snapshot.finish()?;
                Ok(heads)
            })
            .await
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, LogError> {
        self.readers
            .read("list the tenants", |connection| {
                let sql = "SELECT tenant_id FROM streams WHERE category = 'tenant' ORDER BY tenant_id";
                let mut statement = connection.prepare_cached(sql)?;
                let tenants = statement.query_map([], |row| Ok(TenantId(Uuid::from_bytes(row.get(0)?))))?;
                Ok(tenants.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn find_command(&self, tenant: TenantId, id: CommandId) -> Result<Option<(CommandKey, Appended)>, LogError> {
        self.readers
            .read("look a command up", move |connection| {
                Ok(command_outcome(id, &lookup::command(connection, (tenant, id))?))
            })
            .await
    }

    async fn find_event(&self, id: EventId) -> Result<Option<(StreamId, u64)>, LogError> {
        self.readers
            .read("look an event up", move |connection| {
                Ok(lookup::events(connection, std::iter::once(id))?
                    .get(&id)
                    .map(|stored| (stored.stream, stored.version)))
            })
            .await
    }

    async fn head(&self) -> Result<LogHead, LogError> {
        self.readers
            .read("read its end", |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT coalesce(max(position), 0), \
                     coalesce((SELECT recorded_at FROM events ORDER BY position DESC LIMIT 1), 0), \
                     (SELECT coalesce(max(epoch), 0) FROM epochs) FROM events",
                )?;
                Ok(statement.query_row([], |row| {
                    Ok(LogHead {
                        position: Position::from_counter(row.get::<_, i64>(0)?.try_into().unwrap_or_default()),
                        recorded_at: rows::time(row.get(1)?),
                        epoch: row.get(2)?,
                    })
                })?)
            })
            .await
    }

    async fn position_at(&self, time: DateTime<Utc>) -> Result<Position, LogError> {
        self.readers
            .read("find a position by time", move |connection| {
                let mut recorded = connection.prepare_cached("SELECT recorded_at FROM events WHERE position = ?1")?;
                // The last position that is not after `time` lies in `low..=high`: times never decrease along it.
                let mut low = 0_i64;
                let mut high: i64 =
                    connection.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0))?;
                while low < high {
                    let middle = low + (high - low + 1) / 2;
                    let at: Option<i64> = recorded.query_row([middle], |row| row.get(0)).optional()?;
                    if at.is_some_and(|at| at <= time.timestamp_micros()) {
                        low = middle;
                    } else {
                        high = middle - 1;
                    }
                }
                Ok(Position::from_counter(low.try_into().unwrap_or_default()))
            })
            .await
    }

    async fn first_subject(&self) -> Result<Option<SubjectId>, LogError> {
        self.readers
            .read("look for sealed events", |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT subject_id FROM events WHERE personal IS NOT NULL ORDER BY position LIMIT 1",
                )?;
                let subject = statement.query_row([], |row| row.get(0)).optional()?;
                Ok(subject.map(|bytes| uuid::Uuid::from_bytes(bytes).into()))
            })
            .await
    }

    fn counts_positions(&self) -> bool {
        true
    }

    fn orders_times(&self) -> bool {
        self.orders_times
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.end.clone()
    }

    async fn load_snapshot(&self, stream: StreamId, fold: &str) -> Result<Option<Snapshot>, LogError> {
        let fold = fold.to_owned();
        self.readers
            .read("load a snapshot", move |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT n.version, n.fold_version, n.state FROM snapshots n JOIN streams s ON s.stream = n.stream \
                     WHERE s.tenant_id = ?1 AND s.category = ?2 AND s.key = ?3 AND n.fold = ?4",
                )?;
                let (tenant, key) = (stream.tenant.0.as_bytes(), stream.key.as_bytes());
                let snapshot = statement.query_row(params![tenant, stream.category.name(), key, fold], |row| {
                    let version = row.get::<_, i64>(0)?.try_into().unwrap_or_default();
                    Ok(Snapshot { version, fold_version: row.get(1)?, state: row.get(2)? })
                });
                Ok(snapshot.optional()?)
            })
            .await
    }

    async fn save_snapshot(&self, stream: StreamId, fold: &str, snapshot: Snapshot) -> Result<(), LogError> {
        let fold = fold.to_owned();
        self.ask(|reply| Job::SaveSnapshot { stream, fold, snapshot, reply }).await?
    }

    async fn drop_snapshots(&self, stream: StreamId) -> Result<(), LogError> {
        self.ask(|reply| Job::DropSnapshots { stream, reply }).await?
    }

    async fn hashes_at(&self, positions: &[Position]) -> Result<(u32, Vec<Option<EventHash>>), LogError> {
        let positions = positions.to_vec();
        self.readers
            .read("read hashes", move |connection| {
                let epoch = connection
                    .prepare_cached("SELECT coalesce(max(epoch), 0) FROM epochs")?
                    .query_row([], |row| row.get(0))?;
                let mut statement = connection.prepare_cached("SELECT hash FROM events WHERE position = ?1")?;
                let hash = |position: &Position| {
                    statement.query_row([signed(position.counter())], |row| row.get(0)).optional()
                };
                Ok((epoch, positions.iter().map(hash).collect::<Result<_, _>>()?))
            })
            .await
    }

    async fn commands(&self, commands: &[(TenantId, CommandId)]) -> Result<Vec<CommandRecord>, LogError> {
        let commands = commands.to_vec();
        self.readers
            .read("look commands up", move |connection| {
                let mut records = Vec::with_capacity(commands.len());
                for command in commands {
                    let rows = lookup::command(connection, command)?;
                    records.extend(rows.iter().map(|row| record(command, row)));
                }
                Ok(records)
            })
            .await
    }

    async fn count_commands(&self, until: Position) -> Result<u64, LogError> {
        self.readers
            .read("count its commands", move |connection| {
                let sql = "SELECT count(*) FROM commands WHERE position <= ?1";
                let count: i64 = connection.query_row(sql, [signed(until.counter())], |row| row.get(0))?;
                Ok(count.try_into().unwrap_or_default())
            })
            .await
    }

    async fn streams_after(&self, count: u64, most: usize) -> Result<Vec<StreamId>, LogError> {
        self.readers.read("list its streams", move |connection| Ok(lookup::streams(connection, count, most)?)).await
    }

    async fn origin(&self) -> Result<Origin, LogError> {
        self.readers.read("read its epochs", |connection| Ok(lookup::origin(connection)?)).await
    }

    async fn missing_guards(&self) -> Result<Vec<String>, LogError> {
        self.readers.read("read its triggers", |connection| Ok(guards::missing(connection)?)).await
    }

    async fn epoch(&self) -> Result<Epoch, LogError> {
        let system_id = self.system_id.clone();
        self.readers.read("read its epoch", move |connection| Ok(lookup::epoch(connection, &system_id)?)).await
    }

    async fn start_epoch(&self) -> Result<u32, LogError> {
        self.ask(|reply| Job::StartEpoch { reply }).await?
    }

    async fn close(&self) {
        self.waiting.close();
        if self.ask(|reply| Job::Close { reply }).await.is_err() {
            tracing::debug!(url = self.url, "the log was already closed");
        }
        self.readers.close().await;
    }
}
