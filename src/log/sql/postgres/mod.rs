//! The log in a PostgreSQL database, in the schema `log`.
//!
//! Each append locks the row of `log.head` first: position order is commit order, without sequences and without waiting for
//! unrelated transactions. Readers take no locks at all. New ends of the log are announced by NOTIFY.

mod guards;
mod listener;
mod load;
mod lookup;
mod open;
mod rows;
pub(in crate::log) mod store;
mod writer;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgPool, Postgres};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::Ambient;
use crate::ids::{CommandId, EventId, Position, SubjectId, TenantId};
use crate::log::cover::{CommandRecord, Origin};
use crate::log::plan::{WAITING_KIB, command_outcome, record, weight};
use crate::log::{
    AppendError, Appended, CommandKey, Epoch, EventHash, EventLog, LogError, LogHead, ReadLimit, SealedAppend,
    SealedEvent, Snapshot, StreamHead, StreamId,
};
use crate::sql::postgres::{Backend, Held, bounded, on};
use listener::Listener;
pub use load::PostgresLoader;
use open::Opened;
use rows::{ReadError, select_events, signed};
use store::{Kind, Location, StoreError};
use writer::{Job, Writer};

const KIND: Kind =
    Kind { schema: "log", migrations: &[include_str!("../../../../migrations/postgres/log/0001_log.sql")] };

/// Connections for reading.
const CONNECTIONS: u32 = 5;

/// Distinguishes a database from its copy elsewhere: PostgreSQL gives each cluster an identifier, and each database a number.
pub(in crate::log) const SYSTEM_ID: &str = "SELECT 'cluster ' || system_identifier || ' database ' || \
     (SELECT oid FROM pg_database WHERE datname = current_database()) FROM pg_control_system()";

/// The log in a PostgreSQL database.
pub struct PostgresLog {
    url: String,
    pool: PgPool,
    ambient: Ambient,
    system_id: String,
    jobs: UnboundedSender<Job>,
    waiting: Arc<Semaphore>,
    end: watch::Receiver<Position>,
    closing: CancellationToken,
    /// See [`EventLog::orders_times`].
    orders_times: bool,
}

impl PostgresLog {
    /// Opens the log at a `postgres:` URL; makes its schema if there is none.
    ///
    /// # Errors
    /// [`LogError::Foreign`] if the schema `log` is of something else, [`LogError::Database`] if the server does not
    /// answer.
    pub async fn connect(url: &str, ambient: Ambient) -> Result<Self, LogError> {
        let location = Location::parse(url).map_err(|error| store_error("its URL", error))?;
        let fail = |error| store_error(&location.url, error);
        let Opened { system_id, is_loading, orders_times } = open::prepare(&location, &ambient).await.map_err(fail)?;
        if is_loading {
            return Err(LogError::Loading { url: location.url });
        }
        let pool = location.pool(CONNECTIONS);
        let (announce, end) = watch::channel(Position::START);
        let closing = CancellationToken::new();
        let listener = Listener::start(&location, &pool, &announce).await.map_err(|error| fail(error.into()))?;
        tokio::spawn(listener.run(closing.clone()));
        let (jobs, queue) = mpsc::unbounded_channel();
        let url = location.url.clone();
        tokio::spawn(Writer::new(location, ambient.clone(), announce).run(queue));
        let waiting = Arc::new(Semaphore::new(WAITING_KIB));
        Ok(Self { url, pool, ambient, system_id, jobs, waiting, end, closing, orders_times })
    }

    /// Opens a log that must exist, for reading only. Every append is refused with [`LogError::Closed`], and nothing is
    /// announced.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_to_read(url: &str, ambient: Ambient) -> Result<Self, LogError> {
        let location = Location::parse(url).map_err(|error| store_error("its URL", error))?;
        let (log, is_loading) = Self::open_as_it_is(location, ambient).await?;
        if is_loading { Err(LogError::Loading { url: log.url }) } else { Ok(log) }
    }

    /// As [`Self::connect_to_read`], though it may not be complete: which of both is returned, too.
    async fn open_as_it_is(location: Location, ambient: Ambient) -> Result<(Self, bool), LogError> {
        let location = location.into_reading();
        let open = async {
            let mut connection = location.connect().await?;
            store::check(&mut connection, &KIND).await?;
            open::look(&mut connection).await
        };
        let found = open.await.map_err(|error| store_error(&location.url, error))?;
        let Opened { system_id, is_loading, orders_times } = found;
        let ((_, end), (jobs, _)) = (watch::channel(Position::START), mpsc::unbounded_channel());
        let waiting = Arc::new(Semaphore::new(WAITING_KIB));
        let (pool, closing) = (location.pool(CONNECTIONS), CancellationToken::new());
        let log = Self { url: location.url, pool, ambient, system_id, jobs, waiting, end, closing, orders_times };
        Ok((log, is_loading))
    }

    /// What distinguishes the database at a URL from every other one.
    ///
    /// # Errors
    /// [`LogError::Database`] if the server does not answer.
    pub async fn database_at(url: &str) -> Result<String, LogError> {
        let location = Location::parse(url).map_err(|error| store_error("its URL", error))?.into_reading();
        let find = async { sqlx::query_scalar(SYSTEM_ID).fetch_one(&mut location.connect().await?).await };
        find.await.map_err(|error| database(&location.url, "be reached", error))
    }

    /// The number of connections to a log's database through which commlog could write: those of servers and of commands.
    pub async fn count_workers(url: &str) -> Result<u64, LogError> {
        let location = Location::parse(url).map_err(|error| store_error("its URL", error))?;
        store::count_workers(&location).await.map_err(|error| database(&location.url, "list its connections", error))
    }

    async fn events(
        &self,
        doing: &'static str,
        query: Query<'_, Postgres, PgArguments>,
        limit: ReadLimit,
    ) -> Result<Vec<SealedEvent>, LogError> {
        let fail = |error| database(&self.url, doing, error);
        let mut connection = Held::take(&self.pool).await.map_err(fail)?;
        match rows::events(&mut connection, query, limit).await {
            Ok(events) => Ok(events),
            Err(ReadError::Sqlx(error)) => Err(fail(error)),
            Err(ReadError::Log(error)) => Err(error),
        }
    }
}

fn store_error(url: &str, error: StoreError) -> LogError {
    match error {
        StoreError::Foreign(reason) => LogError::Foreign { url: url.to_owned(), reason },
        StoreError::Sqlx(error) => database(url, "be reached", error),
    }
}

fn database(url: &str, doing: &'static str, error: sqlx::Error) -> LogError {
    let url = url.to_owned();
    match &error {
        // lock_not_available
        sqlx::Error::Database(database) if database.code().as_deref() == Some("55P03") => LogError::Locked { url },
        sqlx::Error::PoolClosed => LogError::Closed,
        _ => LogError::Database { url, doing, source: Arc::new(error) },
    }
}

/// Announces a later end of the log; an earlier one is ignored.
fn announce(sender: &watch::Sender<Position>, end: u64) {
    let end = Position::from_counter(end);
    sender.send_if_modified(|position| {
        let later = end > *position;
        *position = end.max(*position);
        later
    });
}

fn rows_wanted(limit: ReadLimit) -> i64 {
    i64::try_from(limit.events.max(1)).unwrap_or(i64::MAX)
}

#[async_trait]
impl EventLog for PostgresLog {
    async fn append(&self, appends: Vec<SealedAppend>) -> Result<Vec<Result<Appended, AppendError>>, LogError> {
        let waiting = Arc::clone(&self.waiting).acquire_many_owned(weight(&appends)).await;
        let permit = waiting.map_err(|_| LogError::Closed)?;
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Append { call: appends, reply, permit }).map_err(|_| LogError::Closed)?;
        answer.await.map_err(|_| LogError::Closed)?
    }

    async fn read_all(&self, after: Position, limit: ReadLimit) -> Result<Vec<SealedEvent>, LogError> {
        let query = sqlx::query(select_events!("WHERE e.position > $1 ORDER BY e.position LIMIT $2"))
            .bind(signed(after.counter()))
            .bind(rows_wanted(limit));
        self.events("read events", query, limit).await
    }

    async fn read_all_backwards(
        &self,
        before: Option<Position>,
        limit: ReadLimit,
    ) -> Result<Vec<SealedEvent>, LogError> {
        let query = sqlx::query(select_events!("WHERE e.position < $1 ORDER BY e.position DESC LIMIT $2"))
            .bind(before.map_or(i64::MAX, |position| signed(position.counter())))
            .bind(rows_wanted(limit));
        self.events("read events", query, limit).await
    }

    async fn read_stream(&self, stream: StreamId, after: u64, limit: ReadLimit) -> Result<Vec<SealedEvent>, LogError> {
        let query = sqlx::query(select_events!(
            "WHERE e.stream = (SELECT stream FROM log.streams WHERE tenant_id = $1 AND category = $2 AND key = $3) ",
            "AND e.version > $4 ORDER BY e.version LIMIT $5"
        ))
        .bind(stream.tenant.0)
        .bind(stream.category.name())
        .bind(stream.key)
        .bind(signed(after))
        .bind(rows_wanted(limit));
        self.events("read a stream", query, limit).await
    }

    async fn read_streams(
        &self,
        streams: &[StreamId],
        up_to: u64,
        types: Option<&[&str]>,
    ) -> Result<Vec<SealedEvent>, LogError> {
        let query = rows::of_streams(streams, up_to, types);
        self.events("read streams", query, ReadLimit::NONE).await
    }

    async fn read_stream_backwards(
        &self,
        stream: StreamId,
        before: Option<u64>,
        limit: ReadLimit,
    ) -> Result<Vec<SealedEvent>, LogError> {
        let query = sqlx::query(select_events!(
            "WHERE e.stream = (SELECT stream FROM log.streams WHERE tenant_id = $1 AND category = $2 AND key = $3) ",
            "AND e.version < $4 ORDER BY e.version DESC LIMIT $5"
        ))
        .bind(stream.tenant.0)
        .bind(stream.category.name())
        .bind(stream.key)
        .bind(before.map_or(i64::MAX, signed))
        .bind(rows_wanted(limit));
        self.events("read a stream", query, limit).await
    }

    async fn stream_heads(&self, streams: &[StreamId]) -> Result<Vec<Option<StreamHead>>, LogError> {
        let fail = |error| database(&self.url, "read stream heads", error);
        let mut connection = Held::take(&self.pool).await.map_err(fail)?;
        let mut asked = streams.to_vec();
        asked.sort_unstable();
        asked.dedup();
        let stands = bounded(lookup::stands(&mut connection, &asked)).await.map_err(fail)?;
        let head = |stream| stands.get(stream).map(|stand| StreamHead { version: stand.version, hash: stand.hash });
        Ok(streams.iter().map(head).collect())
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, LogError> {
        let sql = "SELECT tenant_id FROM log.streams WHERE category = 'tenant' ORDER BY tenant_id";
        let found: Vec<Uuid> = on(&self.pool, async |connection| sqlx::query_scalar(sql).fetch_all(connection).await)
            .await
            .map_err(|error| database(&self.url, "list the tenants", error))?;
        Ok(found.into_iter().map(TenantId).collect())
    }

    async fn find_command(&self, tenant: TenantId, id: CommandId) -> Result<Option<(CommandKey, Appended)>, LogError> {
        let fail = |error| database(&self.url, "look a command up", error);
        let mut connection = Held::take(&self.pool).await.map_err(fail)?;
        let found = bounded(lookup::commands(&mut connection, &[(tenant, id)])).await.map_err(fail)?;
        Ok(found.get(&(tenant, id)).and_then(|rows| command_outcome(id, rows)))
    }

    async fn find_event(&self, id: EventId) -> Result<Option<(StreamId, u64)>, LogError> {
        let fail = |error| database(&self.url, "look an event up", error);
        let mut connection = Held::take(&self.pool).await.map_err(fail)?;
        let found = bounded(lookup::events(&mut connection, std::iter::once(id))).await.map_err(fail)?;
        Ok(found.get(&id).map(|stored| (stored.stream, stored.version)))
    }

    async fn head(&self) -> Result<LogHead, LogError> {
        let (position, recorded_at, epoch): (i64, i64, i64) = on(&self.pool, async |connection| {
            sqlx::query_as("SELECT position, recorded_at, epoch FROM log.head").fetch_one(connection).await
        })
        .await
        .map_err(|error| database(&self.url, "read its end", error))?;
        Ok(LogHead {
            position: Position::from_counter(position.try_into().unwrap_or_default()),
            recorded_at: rows::time(recorded_at),
            epoch: epoch.try_into().unwrap_or_default(),
        })
    }

    async fn position_at(&self, time: DateTime<Utc>) -> Result<Position, LogError> {
        // The last position that is not after the time lies in low..=high: times never decrease along it.
        let found: i64 = on(&self.pool, async |connection| {
            sqlx::query_scalar(
                "WITH RECURSIVE search (low, high) AS ( \
                 SELECT 0::bigint, position FROM log.head \
                 UNION ALL \
                 SELECT CASE WHEN fits THEN middle ELSE low END, CASE WHEN fits THEN high ELSE middle - 1 END \
                 FROM (SELECT low, high, (low + high + 1) / 2 AS middle, coalesce( \
                     (SELECT recorded_at <= $1 FROM log.events WHERE position = (low + high + 1) / 2), false) AS fits \
                     FROM search WHERE low < high) AS step \
             ) SELECT low FROM search WHERE low >= high LIMIT 1",
            )
            .bind(time.timestamp_micros())
            .fetch_one(connection)
            .await
        })
        .await
        .map_err(|error| database(&self.url, "find a position by time", error))?;
        Ok(Position::from_counter(found.try_into().unwrap_or_default()))
    }

    async fn first_subject(&self) -> Result<Option<SubjectId>, LogError> {
        let subject: Option<Option<Uuid>> = on(&self.pool, async |connection| {
            sqlx::query_scalar("SELECT subject_id FROM log.events WHERE personal IS NOT NULL ORDER BY position LIMIT 1")
                .fetch_optional(connection)
                .await
        })
        .await
        .map_err(|error| database(&self.url, "look for sealed events", error))?;
        Ok(subject.flatten().map(Into::into))
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
        let found: Option<(i64, i64, Vec<u8>)> = on(&self.pool, async |connection| {
            sqlx::query_as(
                "SELECT n.version, n.fold_version, n.state FROM log.snapshots n JOIN log.streams s USING (stream) \
             WHERE s.tenant_id = $1 AND s.category = $2 AND s.key = $3 AND n.fold = $4",
            )
            .bind(stream.tenant.0)
            .bind(stream.category.name())
            .bind(stream.key)
            .bind(fold)
            .fetch_optional(connection)
            .await
        })
        .await
        .map_err(|error| database(&self.url, "load a snapshot", error))?;
        Ok(found.and_then(|(version, fold_version, state)| {
            Some(Snapshot { version: version.try_into().ok()?, fold_version: fold_version.try_into().ok()?, state })
        }))
    }

    async fn save_snapshot(&self, stream: StreamId, fold: &str, snapshot: Snapshot) -> Result<(), LogError> {
        on(&self.pool, async |connection| {
            sqlx::query(
                "INSERT INTO log.snapshots (stream, fold, version, fold_version, state) \
             SELECT stream, $4, $5, $6, $7 FROM log.streams WHERE tenant_id = $1 AND category = $2 AND key = $3 \
             ON CONFLICT (stream, fold) DO UPDATE SET version = excluded.version, \
             fold_version = excluded.fold_version, state = excluded.state",
            )
            .bind(stream.tenant.0)
            .bind(stream.category.name())
            .bind(stream.key)
            .bind(fold)
            .bind(signed(snapshot.version))
            .bind(i64::from(snapshot.fold_version))
            .bind(snapshot.state)
            .execute(connection)
            .await
        })
        .await
        .map_err(|error| database(&self.url, "save a snapshot", error))?;
        Ok(())
    }

    async fn drop_snapshots(&self, stream: StreamId) -> Result<(), LogError> {
        on(&self.pool, async |connection| {
            sqlx::query(
                "DELETE FROM log.snapshots n USING log.streams s WHERE s.stream = n.stream \
             AND s.tenant_id = $1 AND s.category = $2 AND s.key = $3",
            )
            .bind(stream.tenant.0)
            .bind(stream.category.name())
            .bind(stream.key)
            .execute(connection)
            .await
        })
        .await
        .map_err(|error| database(&self.url, "drop snapshots", error))?;
        Ok(())
    }

    async fn hashes_at(&self, positions: &[Position]) -> Result<(u32, Vec<Option<EventHash>>), LogError> {
        let counters: Vec<i64> = positions.iter().map(|position| signed(position.counter())).collect();
        let rows: Vec<(i64, Option<EventHash>)> = on(&self.pool, async |connection| {
            sqlx::query_as(
                "SELECT h.epoch, e.hash FROM log.head h \
             CROSS JOIN unnest($1::bigint[]) WITH ORDINALITY AS wanted (position, ordinal) \
             LEFT JOIN log.events e ON e.position = wanted.position ORDER BY wanted.ordinal",
            )
            .bind(counters)
            .fetch_all(connection)
            .await
        })
        .await
        .map_err(|error| database(&self.url, "read hashes", error))?;
        let epoch = rows.first().map_or(0, |row| row.0);
        Ok((epoch.try_into().unwrap_or_default(), rows.into_iter().map(|row| row.1).collect()))
    }

    async fn commands(&self, commands: &[(TenantId, CommandId)]) -> Result<Vec<CommandRecord>, LogError> {
        let fail = |error| database(&self.url, "look commands up", error);
        let mut connection = Held::take(&self.pool).await.map_err(fail)?;
        let found = bounded(lookup::commands(&mut connection, commands)).await.map_err(fail)?;
        Ok(found.iter().flat_map(|(command, rows)| rows.iter().map(|row| record(*command, row))).collect())
    }

    async fn count_commands(&self, until: Position) -> Result<u64, LogError> {
        let fail = |error| database(&self.url, "count its commands", error);
        let mut connection = Held::take(&self.pool).await.map_err(fail)?;
        // The server reads all of them, however many there are.
        let backend = Backend::of(&mut connection, self.pool.connect_options()).await.map_err(fail)?;
        backend.at_work(lookup::count_commands(&mut connection, until)).await.map_err(fail)
    }

    async fn streams_after(&self, count: u64, most: usize) -> Result<Vec<StreamId>, LogError> {
        let fail = |error| database(&self.url, "list its streams", error);
        let mut connection = Held::take(&self.pool).await.map_err(fail)?;
        bounded(lookup::streams(&mut connection, count, most)).await.map_err(fail)
    }

    async fn origin(&self) -> Result<Origin, LogError> {
        let fail = |error| database(&self.url, "read its epochs", error);
        let mut connection = Held::take(&self.pool).await.map_err(fail)?;
        bounded(lookup::origin(&mut connection)).await.map_err(fail)
    }

    async fn missing_guards(&self) -> Result<Vec<String>, LogError> {
        let missing = on(&self.pool, async |connection| guards::missing(connection).await);
        missing.await.map_err(|error| database(&self.url, "read its triggers", error))
    }

    async fn epoch(&self) -> Result<Epoch, LogError> {
        on(&self.pool, async |connection| lookup::epoch(connection, &self.system_id).await)
            .await
            .map_err(|error| database(&self.url, "read its epoch", error))
    }

    async fn start_epoch(&self) -> Result<u32, LogError> {
        // The update takes the append lock, so that no event of the old epoch comes after one of the new.
        let epoch: i64 = on(&self.pool, async |connection| {
            sqlx::query_scalar(
                "WITH raised AS (UPDATE log.head SET epoch = epoch + 1 RETURNING epoch) \
             INSERT INTO log.epochs (epoch, started_at, system_id) SELECT epoch, $1, $2 FROM raised RETURNING epoch",
            )
            .bind(self.ambient.now().timestamp_micros())
            .bind(&self.system_id)
            .fetch_one(connection)
            .await
        })
        .await
        .map_err(|error| database(&self.url, "start an epoch", error))?;
        Ok(epoch.try_into().unwrap_or_default())
    }

    async fn close(&self) {
        self.waiting.close();
        let (reply, closed) = oneshot::channel();
        if self.jobs.send(Job::Close { reply }).is_err() || closed.await.is_err() {
            tracing::debug!(url = self.url, "the log was already closed");
        }
        self.closing.cancel();
        self.pool.close().await;
    }
}
