//! Rows of the `log.events` table, to and from events.

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row as _};
use uuid::Uuid;

use crate::ids::Position;
use crate::log::cover::CommandRecord;
use crate::log::plan::{Known, Plan};
use crate::log::{Envelope, LogError, ReadLimit, SealedEvent, StreamId};
use crate::offload;
use crate::sql::postgres::bounded;

/// Every column of an event, in the order of [`event`]. An outer join, so that an event whose stream is lost is found
/// to be damaged and not left out.
macro_rules! select_events {
    ($($rest:literal),+) => {
        concat!(
            "SELECT e.position, s.tenant_id, s.category, s.key, e.version, e.event_id, e.type, e.schema_version, ",
            "e.occurred_at, e.recorded_at, e.actor, e.command_id, e.correlation_id, e.causation_id, e.subject_id, ",
            "e.epoch, e.hash, e.data, e.personal FROM log.events e LEFT JOIN log.streams s ON s.stream = e.stream ",
            $($rest),+
        )
    };
}
pub(super) use select_events;

/// Everything that a group changes, in one statement; the notification goes out with the commit.
const STORE: &str = "\
WITH new_streams AS (
    INSERT INTO log.streams (stream, tenant_id, category, key)
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::uuid[])
), new_commands AS (
    INSERT INTO log.commands
        (tenant_id, command_id, ordinal, fingerprint, stream, first_version, last_version, position)
    SELECT * FROM unnest($5::uuid[], $6::uuid[], $7::bigint[], $8::bytea[], $9::bigint[], $10::bigint[], $11::bigint[],
        $12::bigint[])
), new_head AS (
    UPDATE log.head SET position = $13, recorded_at = $14, streams = $15
), new_events AS (
    INSERT INTO log.events
        (position, stream, version, event_id, type, schema_version, occurred_at, recorded_at, actor, command_id,
         correlation_id, causation_id, subject_id, epoch, hash, data, personal)
    SELECT position, stream, version, event_id, type, schema_version, occurred_at, $14, actor, command_id,
        correlation_id, causation_id, subject_id, $16, hash, data, personal
    FROM unnest($17::bigint[], $18::bigint[], $19::bigint[], $20::uuid[], $21::text[], $22::int[], $23::bigint[],
        $24::text[], $25::uuid[], $26::uuid[], $27::uuid[], $28::uuid[], $29::bytea[], $30::bytea[], $31::bytea[])
        AS row (position, stream, version, event_id, type, schema_version, occurred_at, actor, command_id,
            correlation_id, causation_id, subject_id, hash, data, personal)
)
SELECT pg_notify('commlog_log', $13::text)";

/// Streams of a log that is loaded, with their numbers from the first one on.
const INSERT_STREAMS: &str = "\
INSERT INTO log.streams (stream, tenant_id, category, key)
SELECT $1 + ordinal - 1, tenant_id, category, key
FROM unnest($2::uuid[], $3::text[], $4::uuid[]) WITH ORDINALITY AS row (tenant_id, category, key, ordinal)";

/// Commands of a log that is loaded.
const INSERT_COMMANDS: &str = "\
INSERT INTO log.commands
    (tenant_id, command_id, ordinal, fingerprint, stream, first_version, last_version, position)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::bigint[])";

/// Events of a log that is loaded.
const INSERT_STORED: &str = "\
INSERT INTO log.events
    (position, stream, version, event_id, type, schema_version, occurred_at, recorded_at, actor, command_id,
     correlation_id, causation_id, subject_id, epoch, hash, data, personal)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::int[], $7::bigint[],
    $8::bigint[], $9::text[], $10::uuid[], $11::uuid[], $12::uuid[], $13::uuid[], $14::bigint[], $15::bytea[],
    $16::bytea[], $17::bytea[])";

/// Collects one value of each item, for an array parameter.
fn column<'a, T, V>(items: &'a [T], value: impl Fn(&'a T) -> V) -> Vec<V> {
    items.iter().map(value).collect()
}

/// Reads the events of streams, of each up to a version, all or those of some types.
pub(super) fn of_streams<'q>(
    streams: &[StreamId],
    up_to: u64,
    types: Option<&[&str]>,
) -> Query<'q, Postgres, PgArguments> {
    // Stream by stream, by index: whatever the statistics say, a join could read the whole log.
    sqlx::query(
        "SELECT e.position, asked.tenant_id, asked.category, asked.key, e.version, e.event_id, e.type, e.schema_version, \
         e.occurred_at, e.recorded_at, e.actor, e.command_id, e.correlation_id, e.causation_id, e.subject_id, e.epoch, \
         e.hash, e.data, e.personal \
         FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS asked (tenant_id, category, key) \
         CROSS JOIN LATERAL (SELECT s.stream FROM log.streams s WHERE s.tenant_id = asked.tenant_id \
             AND s.category = asked.category AND s.key = asked.key LIMIT 1) AS known \
         CROSS JOIN LATERAL (SELECT * FROM log.events WHERE events.stream = known.stream AND events.version <= $5 \
             AND ($4::text[] IS NULL OR events.type = ANY ($4)) ORDER BY events.version OFFSET 0) AS e \
         ORDER BY e.stream, e.version",
    )
    .bind(column(streams, |stream| stream.tenant.0))
    .bind(column(streams, |stream| stream.category.name()))
    .bind(column(streams, |stream| stream.key))
    .bind(types.map(|types| column(types, |name| (*name).to_owned())))
    .bind(signed(up_to))
}

/// Stores a plan.
pub(super) async fn store(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    known: &Known,
    position: u64,
) -> Result<(), sqlx::Error> {
    let (streams, commands, rows) = (&plan.new_streams, &plan.commands, &plan.rows);
    sqlx::query(STORE)
        .bind(column(streams, |(number, _)| *number))
        .bind(column(streams, |(_, stream)| stream.tenant.0))
        .bind(column(streams, |(_, stream)| stream.category.name()))
        .bind(column(streams, |(_, stream)| stream.key))
        .bind(column(commands, |((tenant, _), _)| tenant.0))
        .bind(column(commands, |((_, id), _)| id.0))
        .bind(column(commands, |(_, row)| i64::try_from(row.ordinal).unwrap_or(i64::MAX)))
        .bind(column(commands, |(_, row)| &row.fingerprint[..]))
        .bind(column(commands, |(_, row)| plan.moved.get(&row.stream).map(|stand| stand.number)))
        .bind(column(commands, |(_, row)| signed(row.first_version)))
        .bind(column(commands, |(_, row)| signed(row.last_version)))
        .bind(column(commands, |(_, row)| signed(row.position.counter())))
        .bind(signed(position))
        .bind(known.recorded_at.timestamp_micros())
        .bind(known.next_stream - 1 + i64::try_from(streams.len()).unwrap_or(0))
        .bind(i64::from(known.epoch))
        .bind(column(rows, |row| signed(row.position)))
        .bind(column(rows, |row| row.stream))
        .bind(column(rows, |row| signed(row.version)))
        .bind(column(rows, |row| row.event.id.0))
        .bind(column(rows, |row| row.event.event_type))
        .bind(column(rows, |row| i32::from(row.event.schema_version)))
        .bind(column(rows, |row| row.event.occurred_at.timestamp_micros()))
        .bind(column(rows, |row| row.append.cause.actor.as_str()))
        .bind(column(rows, |row| row.append.cause.command.map(|command| command.id.0)))
        .bind(column(rows, |row| row.append.cause.correlation.map(|id| id.0)))
        .bind(column(rows, |row| row.append.cause.causation.map(|id| id.0)))
        .bind(column(rows, |row| row.event.subject.map(|id| id.0)))
        .bind(column(rows, |row| &row.hash[..]))
        .bind(column(rows, |row| &row.event.data[..]))
        .bind(column(rows, |row| row.event.personal.as_deref()))
        .execute(connection)
        .await?;
    Ok(())
}

/// Inserts streams as they stand, the first one under this number.
pub(super) async fn insert_streams(
    connection: &mut PgConnection,
    first: i64,
    streams: &[StreamId],
) -> Result<(), sqlx::Error> {
    sqlx::query(INSERT_STREAMS)
        .bind(first)
        .bind(column(streams, |stream| stream.tenant.0))
        .bind(column(streams, |stream| stream.category.name()))
        .bind(column(streams, |stream| stream.key))
        .execute(connection)
        .await
        .map(drop)
}

/// Inserts what commands made as it stands. `number` says under which number a stream was inserted.
pub(super) async fn insert_commands(
    connection: &mut PgConnection,
    commands: &[CommandRecord],
    number: impl Fn(&StreamId) -> Option<i64>,
) -> Result<(), sqlx::Error> {
    sqlx::query(INSERT_COMMANDS)
        .bind(column(commands, |record| record.command.0.0))
        .bind(column(commands, |record| record.command.1.0))
        .bind(column(commands, |record| signed(record.ordinal)))
        .bind(column(commands, |record| &record.fingerprint[..]))
        .bind(column(commands, |record| number(&record.stream)))
        .bind(column(commands, |record| signed(record.first_version)))
        .bind(column(commands, |record| signed(record.last_version)))
        .bind(column(commands, |record| signed(record.position.counter())))
        .execute(connection)
        .await
        .map(drop)
}

/// Inserts events as they stand. `number` says under which number a stream was inserted.
pub(super) async fn insert_stored(
    connection: &mut PgConnection,
    events: &[SealedEvent],
    number: impl Fn(&StreamId) -> Option<i64>,
) -> Result<(), sqlx::Error> {
    sqlx::query(INSERT_STORED)
        .bind(column(events, |event| signed(event.envelope.position.counter())))
        .bind(column(events, |event| number(&event.envelope.stream)))
        .bind(column(events, |event| signed(event.envelope.version)))
        .bind(column(events, |event| event.envelope.id.0))
        .bind(column(events, |event| event.envelope.event_type.as_str()))
        .bind(column(events, |event| i32::from(event.envelope.schema_version)))
        .bind(column(events, |event| event.envelope.occurred_at.timestamp_micros()))
        .bind(column(events, |event| event.envelope.recorded_at.timestamp_micros()))
        .bind(column(events, |event| event.envelope.actor.as_str()))
        .bind(column(events, |event| event.envelope.command_id.map(|id| id.0)))
        .bind(column(events, |event| event.envelope.correlation_id.map(|id| id.0)))
        .bind(column(events, |event| event.envelope.causation_id.map(|id| id.0)))
        .bind(column(events, |event| event.envelope.subject.map(|id| id.0)))
        .bind(column(events, |event| i64::from(event.envelope.epoch)))
        .bind(column(events, |event| &event.envelope.hash[..]))
        .bind(column(events, |event| &event.data[..]))
        .bind(column(events, |event| event.personal.as_deref()))
        .execute(connection)
        .await
        .map(drop)
}

/// Why a read failed: the database, or what was found in it.
pub(super) enum ReadError {
    Sqlx(sqlx::Error),
    Log(LogError),
}

impl From<sqlx::Error> for ReadError {
    fn from(error: sqlx::Error) -> Self {
        Self::Sqlx(error)
    }
}

impl From<LogError> for ReadError {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

/// Reads events until a limit is reached, at least one.
pub(super) async fn events(
    connection: &mut PgConnection,
    query: Query<'_, Postgres, PgArguments>,
    limit: ReadLimit,
) -> Result<Vec<SealedEvent>, ReadError> {
    let mut rows: BoxStream<'_, Result<PgRow, sqlx::Error>> = query.fetch(connection);
    let mut found = vec![];
    let mut bytes = 0;
    while let Some(row) = bounded(rows.try_next()).await? {
        bytes += length(&row, DATA)? + length(&row, PERSONAL)?;
        found.push(row);
        if bytes >= limit.bytes {
            break;
        }
    }
    offload::map(found.len(), found, |row| event(&row)).await.into_iter().collect()
}

/// How many bytes a column has.
fn length(row: &PgRow, column: usize) -> Result<usize, sqlx::Error> {
    Ok(row.try_get_raw(column)?.as_bytes().map_or(0, <[u8]>::len))
}

/// Where the payloads stand in [`select_events`].
const DATA: usize = 17;
const PERSONAL: usize = 18;

/// Reads one row of [`select_events`].
fn event(row: &PgRow) -> Result<SealedEvent, ReadError> {
    let position = Position::from_counter(row.try_get::<i64, _>(0)?.try_into().unwrap_or_default());
    let damaged = |what: &str| LogError::Damaged { position, reason: format!("its {what} cannot be read") };
    let id = |column: usize| row.try_get::<Option<Uuid>, _>(column);
    let number = |column: usize| row.try_get::<i64, _>(column);
    let time = |column: usize, what: &str| -> Result<DateTime<Utc>, ReadError> {
        Ok(DateTime::from_timestamp_micros(number(column)?).ok_or_else(|| damaged(what))?)
    };
    let stream = StreamId {
        tenant: id(1)?.ok_or_else(|| damaged("tenant"))?.into(),
        category: row
            .try_get::<Option<&str>, _>(2)?
            .and_then(|category| category.parse().ok())
            .ok_or_else(|| damaged("stream category"))?,
        key: id(3)?.ok_or_else(|| damaged("stream key"))?,
    };
    let envelope = Envelope {
        position,
        stream,
        version: number(4)?.try_into().map_err(|_| damaged("version"))?,
        id: row.try_get::<Uuid, _>(5)?.into(),
        event_type: row.try_get(6)?,
        schema_version: row.try_get::<i32, _>(7)?.try_into().map_err(|_| damaged("schema version"))?,
        occurred_at: time(8, "time of occurrence")?,
        recorded_at: time(9, "time of recording")?,
        actor: row.try_get(10)?,
        command_id: id(11)?.map(Into::into),
        correlation_id: id(12)?.map(Into::into),
        causation_id: id(13)?.map(Into::into),
        subject: id(14)?.map(Into::into),
        epoch: number(15)?.try_into().map_err(|_| damaged("epoch"))?,
        hash: row.try_get::<&[u8], _>(16)?.try_into().map_err(|_| damaged("hash"))?,
    };
    Ok(SealedEvent { envelope, data: row.try_get(DATA)?, personal: row.try_get(PERSONAL)? })
}

/// A counter as PostgreSQL keeps it.
pub(super) fn signed(counter: u64) -> i64 {
    i64::try_from(counter).unwrap_or(i64::MAX)
}

/// A time as the log keeps it.
pub(super) fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
}
