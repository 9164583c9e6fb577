//! What is looked up in the index.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::{Found, hash_of, signed, unsigned};
use crate::ids::{Position, SubjectId, TenantId};
use crate::log::cover::EpochRecord;
use crate::log::kurrentdb::wire::Place;
use crate::log::plan::{self, CommandRef, CommandRow, Known, Stand};
use crate::log::{LogHead, SealedAppend, StreamHead, StreamId};

type Result<T> = std::result::Result<T, rusqlite::Error>;

/// What the index knows of a group of appends, and the events that are there under its ids.
pub(super) fn known(connection: &Connection, calls: &[Vec<SealedAppend>]) -> Result<(Known, Vec<(Uuid, Found)>)> {
    let head = head(connection)?;
    let mut known = Known {
        position: head.position.counter(),
        recorded_at: head.recorded_at,
        epoch: head.epoch,
        next_stream: connection
            .prepare_cached("SELECT coalesce(max(stream), 0) + 1 FROM streams")?
            .query_row([], |row| row.get(0))?,
        ..Known::default()
    };
    for stream in plan::streams(calls) {
        if let Some(stand) = stand(connection, &stream)? {
            known.streams.insert(stream, stand);
        }
    }
    let commands: Vec<_> = plan::commands(calls).collect();
    known.commands = command_rows(connection, &commands)?;
    let mut found = Vec::new();
    for id in plan::event_ids(calls) {
        if let Some(event) = event(connection, id.0)? {
            found.push((id.0, event));
        }
    }
    Ok((known, found))
}

fn stand(connection: &Connection, stream: &StreamId) -> Result<Option<Stand>> {
    let sql = "SELECT stream, version, hash FROM streams WHERE tenant_id = ?1 AND category = ?2 AND key = ?3";
    let stand = |row: &Row<'_>| {
        let hash: Vec<u8> = row.get(2)?;
        Ok(Stand { number: row.get(0)?, version: unsigned(row.get(1)?), hash: hash_of(&hash) })
    };
    let (tenant, key) = (stream.tenant.0, stream.key);
    connection
        .prepare_cached(sql)?
        .query_row(params![tenant.as_bytes(), stream.category.name(), key.as_bytes()], stand)
        .optional()
}

/// Heads of streams, in the order asked.
pub(in crate::log::kurrentdb) fn heads(
    connection: &Connection,
    streams: &[StreamId],
) -> Result<Vec<Option<StreamHead>>> {
    let head = |stand: Stand| StreamHead { version: stand.version, hash: stand.hash };
    streams.iter().map(|stream| Ok(stand(connection, stream)?.map(head))).collect()
}

/// What commands made: the appends whose last event is there.
pub(in crate::log::kurrentdb) fn command_rows(
    connection: &Connection,
    commands: &[CommandRef],
) -> Result<HashMap<CommandRef, Vec<CommandRow>>> {
    let sql = "SELECT c.ordinal, c.fingerprint, c.category, c.key, c.first_version, c.last_version, e.position \
               FROM claims c JOIN streams s USING (tenant_id, category, key) \
               JOIN events e ON e.stream = s.stream AND e.version = c.last_version AND e.event_id = c.last_event \
               WHERE c.tenant_id = ?1 AND c.command_id = ?2 ORDER BY c.claim, c.ordinal";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = HashMap::new();
    for command @ (tenant, id) in commands.iter().copied() {
        let made = |row: &Row<'_>| {
            let (fingerprint, category, key): (Vec<u8>, String, Vec<u8>) = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok(CommandRow {
                ordinal: usize::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
                fingerprint: hash_of(&fingerprint),
                stream: stream_of(tenant, &category, &key)?,
                first_version: unsigned(row.get(4)?),
                last_version: unsigned(row.get(5)?),
                position: Position::from_counter(unsigned(row.get(6)?)),
            })
        };
        let made: Vec<CommandRow> =
            select.query_map(params![tenant.0.as_bytes(), id.0.as_bytes()], made)?.collect::<Result<_>>()?;
        if !made.is_empty() {
            rows.insert(command, made);
        }
    }
    Ok(rows)
}

/// How many claims there are under a command; the next one stands at this revision of its stream.
pub(in crate::log::kurrentdb) fn claims_under(connection: &Connection, command: CommandRef) -> Result<u64> {
    let sql = "SELECT coalesce(max(claim) + 1, 0) FROM claims WHERE tenant_id = ?1 AND command_id = ?2";
    let (tenant, id) = command;
    let count =
        connection.prepare_cached(sql)?.query_row(params![tenant.0.as_bytes(), id.0.as_bytes()], |row| row.get(0));
    count.map(unsigned)
}

/// The appends that are claimed under commands, by their ordinals, made or not.
pub(in crate::log::kurrentdb) fn claimed(
    connection: &Connection,
    commands: &[CommandRef],
) -> Result<HashSet<(CommandRef, u64)>> {
    let sql = "SELECT ordinal FROM claims WHERE tenant_id = ?1 AND command_id = ?2";
    let mut select = connection.prepare_cached(sql)?;
    let mut claimed = HashSet::new();
    for command @ (tenant, id) in commands.iter().copied() {
        let ordinals = select.query_map(params![tenant.0.as_bytes(), id.0.as_bytes()], |row| row.get(0))?;
        for ordinal in ordinals {
            claimed.insert((command, unsigned(ordinal?)));
        }
    }
    Ok(claimed)
}

/// How many appends were made under commands, up to a position.
pub(in crate::log::kurrentdb) fn count_claims(connection: &Connection, until: Position) -> Result<u64> {
    let sql = "SELECT count(*) FROM claims c JOIN streams s USING (tenant_id, category, key) \
               JOIN events e ON e.stream = s.stream AND e.version = c.last_version AND e.event_id = c.last_event \
               WHERE e.position <= ?1";
    connection.prepare_cached(sql)?.query_row([signed(until.counter())], |row| row.get(0)).map(unsigned)
}

/// The event with an id.
pub(in crate::log::kurrentdb) fn event(connection: &Connection, id: Uuid) -> Result<Option<Found>> {
    let sql = "SELECT s.tenant_id, s.category, s.key, e.version, e.position, e.commit_at, e.prepare_at \
               FROM events e JOIN streams s USING (stream) WHERE e.event_id = ?1 ORDER BY e.position LIMIT 1";
    let found = |row: &Row<'_>| {
        let (tenant, category, key): (Vec<u8>, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Found {
            stream: stream_of(TenantId(uuid_of(&tenant)?), &category, &key)?,
            version: unsigned(row.get(3)?),
            position: unsigned(row.get(4)?),
            place: Place { commit: unsigned(row.get(5)?), prepare: unsigned(row.get(6)?) },
        })
    };
    connection.prepare_cached(sql)?.query_row([id.as_bytes()], found).optional()
}

/// The last event of all: where it stands in our stream, and in the server's log.
pub(in crate::log::kurrentdb) fn last_event(connection: &Connection) -> Result<Option<(Uuid, Found)>> {
    let sql = "SELECT event_id FROM events ORDER BY position DESC LIMIT 1";
    let id: Option<Vec<u8>> = connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    let Some(id) = id else { return Ok(None) };
    let id = uuid_of(&id)?;
    Ok(event(connection, id)?.map(|found| (id, found)))
}

/// The end of the log.
pub(in crate::log::kurrentdb) fn head(connection: &Connection) -> Result<LogHead> {
    let sql = "SELECT position, reached_at FROM events ORDER BY position DESC LIMIT 1";
    let last: Option<(i64, i64)> =
        connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (position, reached_at) = last.unwrap_or_default();
    let epoch: i64 =
        connection.prepare_cached("SELECT coalesce(max(epoch), 1) FROM epochs")?.query_row([], |row| row.get(0))?;
    Ok(LogHead {
        position: Position::from_counter(unsigned(position)),
        recorded_at: time(reached_at),
        epoch: epoch.try_into().unwrap_or_default(),
    })
}

/// Where the event at a position stands in the server's log.
pub(in crate::log::kurrentdb) fn place_of(connection: &Connection, position: u64) -> Result<Option<Place>> {
    let sql = "SELECT commit_at, prepare_at FROM events WHERE position = ?1";
    let place = |row: &Row<'_>| Ok(Place { commit: unsigned(row.get(0)?), prepare: unsigned(row.get(1)?) });
    connection.prepare_cached(sql)?.query_row([signed(position)], place).optional()
}

/// The stream and version at a position.
pub(in crate::log::kurrentdb) fn at(connection: &Connection, position: u64) -> Result<Option<(StreamId, u64)>> {
    let sql = "SELECT s.tenant_id, s.category, s.key, e.version FROM events e JOIN streams s USING (stream) \
               WHERE e.position = ?1";
    let found = |row: &Row<'_>| {
        let (tenant, category, key): (Vec<u8>, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((stream_of(TenantId(uuid_of(&tenant)?), &category, &key)?, unsigned(row.get(3)?)))
    };
    connection.prepare_cached(sql)?.query_row([signed(position)], found).optional()
}

/// The positions of events, by stream and version, in the order asked; [`None`] for one that the index does not know.
pub(in crate::log::kurrentdb) fn positions(
    connection: &Connection,
    asked: &[(StreamId, u64)],
) -> Result<Vec<Option<u64>>> {
    let sql = "SELECT position FROM events WHERE stream = ?1 AND version = ?2";
    let mut select = connection.prepare_cached(sql)?;
    let mut numbers: HashMap<StreamId, Option<i64>> = HashMap::new();
    let mut positions = Vec::with_capacity(asked.len());
    for (stream, version) in asked {
        let number = match numbers.get(stream) {
            Some(number) => *number,
            None => {
                let number = stand(connection, stream)?.map(|stand| stand.number);
                numbers.insert(*stream, number);
                number
            }
        };
        let Some(number) = number else {
            positions.push(None);
            continue;
        };
        let found = select.query_row(params![number, signed(*version)], |row| row.get(0)).optional()?;
        positions.push(found.map(unsigned));
    }
    Ok(positions)
}

/// The last position up to which everything was recorded at or before a time: times never decrease along it.
pub(in crate::log::kurrentdb) fn position_at(connection: &Connection, time: DateTime<Utc>) -> Result<u64> {
    let (time, mut low, mut high) = (time.timestamp_micros(), 0, head(connection)?.position.counter());
    let mut select = connection.prepare_cached("SELECT reached_at FROM events WHERE position = ?1")?;
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        let fits = select.query_row([signed(middle)], |row| row.get::<_, i64>(0))? <= time;
        (low, high) = if fits { (middle, high) } else { (low, middle - 1) };
    }
    Ok(low)
}

/// Streams in the order in which they were opened, from the one after so many.
pub(in crate::log::kurrentdb) fn streams_after(
    connection: &Connection,
    count: u64,
    most: usize,
) -> Result<Vec<StreamId>> {
    let sql = "SELECT tenant_id, category, key FROM streams WHERE stream > ?1 ORDER BY stream LIMIT ?2";
    let stream = |row: &Row<'_>| {
        let (tenant, category, key): (Vec<u8>, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        stream_of(TenantId(uuid_of(&tenant)?), &category, &key)
    };
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    connection.prepare_cached(sql)?.query_map(params![signed(count), most], stream)?.collect()
}

/// The tenants that have a stream of their own.
pub(in crate::log::kurrentdb) fn tenants(connection: &Connection) -> Result<Vec<TenantId>> {
    let sql = "SELECT tenant_id FROM streams WHERE category = 'tenant' ORDER BY tenant_id";
    let tenant = |row: &Row<'_>| Ok(TenantId(uuid_of(&row.get::<_, Vec<u8>>(0)?)?));
    connection.prepare_cached(sql)?.query_map([], tenant)?.collect()
}

/// The subject of the first event that has a personal part.
pub(in crate::log::kurrentdb) fn first_subject(connection: &Connection) -> Result<Option<SubjectId>> {
    let sql = "SELECT value FROM meta WHERE name = 'first_subject'";
    let subject: Option<Vec<u8>> = connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    subject.map(|bytes| Ok(SubjectId(uuid_of(&bytes)?))).transpose()
}

/// The last epoch that began in the log that this one was loaded out of; [`None`] if it was not loaded.
pub(in crate::log::kurrentdb) fn loaded_epoch(connection: &Connection) -> Result<Option<u64>> {
    let sql = "SELECT value FROM meta WHERE name = 'loaded_epoch'";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?.map(unsigned))
}

/// The log's epochs.
pub(in crate::log::kurrentdb) fn epochs(connection: &Connection) -> Result<Vec<EpochRecord>> {
    let epoch = |row: &Row<'_>| {
        Ok(EpochRecord { number: unsigned(row.get(0)?), started_at: time(row.get(1)?), system_id: row.get(2)? })
    };
    let sql = "SELECT epoch, started_at, system_id FROM epochs ORDER BY epoch";
    connection.prepare_cached(sql)?.query_map([], epoch)?.collect()
}

fn stream_of(tenant: TenantId, category: &str, key: &[u8]) -> Result<StreamId> {
    let category = category.parse().map_err(|error| unreadable(Box::new(error)))?;
    Ok(StreamId::new(tenant, category, uuid_of(key)?))
}

fn uuid_of(bytes: &[u8]) -> Result<Uuid> {
    Uuid::from_slice(bytes).map_err(|error| unreadable(Box::new(error)))
}

fn unreadable(error: Box<dyn std::error::Error + Send + Sync>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, error)
}

/// A time that is stored as microseconds.
fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
