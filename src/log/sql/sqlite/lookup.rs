//! What an append looks up: heads of streams, commands, event ids.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::rows;
use crate::ids::{EventId, Position};
use crate::log::cover::{EpochRecord, Origin};
use crate::log::plan::{CommandRef, CommandRow, Stand, Stored};
use crate::log::{Epoch, StreamHead, StreamId};

const STAND: &str = "SELECT s.stream, e.version, e.hash FROM streams s JOIN events e ON e.stream = s.stream \
                     WHERE s.tenant_id = ?1 AND s.category = ?2 AND s.key = ?3 ORDER BY e.version DESC LIMIT 1";

/// Where a stream stands; [`None`] if it does not exist.
pub(super) fn stand(connection: &Connection, stream: &StreamId) -> Result<Option<Stand>, rusqlite::Error> {
    connection
        .prepare_cached(STAND)?
        .query_row(params![stream.tenant.0.as_bytes(), stream.category.name(), stream.key.as_bytes()], |row| {
            Ok(Stand { number: row.get(0)?, version: counter(row, 1)?, hash: row.get(2)? })
        })
        .optional()
}

/// A stream's head, for those who do not append.
pub(super) fn head(connection: &Connection, stream: &StreamId) -> Result<Option<StreamHead>, rusqlite::Error> {
    Ok(stand(connection, stream)?.map(|stand| StreamHead { version: stand.version, hash: stand.hash }))
}

/// What a command made, by the order of its appends; empty if it was not carried out.
pub(super) fn command(connection: &Connection, command: CommandRef) -> Result<Vec<CommandRow>, rusqlite::Error> {
    let (tenant, id) = command;
    connection
        .prepare_cached(
            "SELECT c.ordinal, c.fingerprint, s.category, s.key, c.first_version, c.last_version, c.position \
             FROM commands c JOIN streams s ON s.stream = c.stream \
             WHERE c.tenant_id = ?1 AND c.command_id = ?2 ORDER BY c.ordinal",
        )?
        .query_map(params![tenant.0.as_bytes(), id.0.as_bytes()], |row| {
            Ok(CommandRow {
                ordinal: usize::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
                fingerprint: row.get(1)?,
                stream: StreamId { tenant, category: parsed(row, 2)?, key: uuid::Uuid::from_bytes(row.get(3)?) },
                first_version: counter(row, 4)?,
                last_version: counter(row, 5)?,
                position: Position::from_counter(counter(row, 6)?),
            })
        })?
        .collect()
}

/// The stored events with these ids.
pub(super) fn events(
    connection: &Connection,
    ids: impl Iterator<Item = EventId>,
) -> Result<HashMap<EventId, Stored>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "SELECT s.tenant_id, s.category, s.key, e.version, e.position, e.type, e.schema_version, e.occurred_at, e.data \
         FROM events e JOIN streams s ON s.stream = e.stream WHERE e.event_id = ?1",
    )?;
    let mut found = HashMap::new();
    for id in ids {
        let stored = statement
            .query_row([id.0.as_bytes()], |row| {
                Ok(Stored {
                    stream: StreamId {
                        tenant: uuid::Uuid::from_bytes(row.get(0)?).into(),
                        category: parsed(row, 1)?,
                        key: uuid::Uuid::from_bytes(row.get(2)?),
                    },
                    version: counter(row, 3)?,
                    position: Position::from_counter(counter(row, 4)?),
                    event_type: row.get(5)?,
                    schema_version: row.get(6)?,
                    occurred_at: rows::time(row.get(7)?),
                    data: row.get(8)?,
                })
            })
            .optional()?;
        if let Some(stored) = stored {
            found.insert(id, stored);
        }
    }
    Ok(found)
}

/// Streams by their numbers, from the one after so many.
pub(super) fn streams(connection: &Connection, count: u64, most: usize) -> Result<Vec<StreamId>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT tenant_id, category, key FROM streams WHERE stream > ?1 ORDER BY stream LIMIT ?2")?
        .query_map(params![rows::signed(count), i64::try_from(most).unwrap_or(i64::MAX)], |row| {
            let (tenant, key) = (uuid::Uuid::from_bytes(row.get(0)?), uuid::Uuid::from_bytes(row.get(2)?));
            Ok(StreamId { tenant: tenant.into(), category: parsed(row, 1)?, key })
        })?
        .collect()
}

/// The log's id; [`None`] in a file that no log was begun in.
pub(super) fn log_id(connection: &Connection) -> Result<Option<Uuid>, rusqlite::Error> {
    let sql = "SELECT value FROM meta WHERE name = 'log_id'";
    Ok(connection.query_row(sql, [], |row| row.get(0)).optional()?.map(Uuid::from_bytes))
}

/// Whether the log is still being loaded: it has an id, and no epoch yet.
pub(super) fn is_loading(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'log_id') AND NOT EXISTS (SELECT 1 FROM epochs)";
    connection.query_row(sql, [], |row| row.get(0))
}

/// Whether times never decrease: always in a log that was written here, not in each that was loaded.
pub(super) fn orders_times(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM meta WHERE name = 'unordered_times')";
    connection.query_row(sql, [], |row| row.get(0))
}

/// The epoch that the log is in.
pub(super) fn epoch(connection: &Connection, system_id: &str) -> Result<Epoch, rusqlite::Error> {
    let sql = "SELECT epoch, started_at, system_id <> ?1, \
               EXISTS (SELECT 1 FROM meta WHERE name = 'loaded_epoch' AND value = epoch) \
               FROM epochs ORDER BY epoch DESC LIMIT 1";
    connection.query_row(sql, [system_id], |row| {
        Ok(Epoch {
            number: row.get(0)?,
            started_at: rows::time(row.get(1)?),
            is_copy: row.get(2)?,
            is_loaded: row.get(3)?,
        })
    })
}

/// The log's id and epochs.
pub(super) fn origin(connection: &Connection) -> Result<Origin, rusqlite::Error> {
    let log_id = log_id(connection)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let mut statement = connection.prepare("SELECT epoch, started_at, system_id FROM epochs ORDER BY epoch")?;
    let epochs = statement.query_map([], |row| {
        Ok(EpochRecord { number: counter(row, 0)?, started_at: rows::time(row.get(1)?), system_id: row.get(2)? })
    })?;
    Ok(Origin { log_id, epochs: epochs.collect::<Result<_, _>>()? })
}

fn counter(row: &Row<'_>, column: usize) -> Result<u64, rusqlite::Error> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

fn parsed<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: usize,
) -> Result<T, rusqlite::Error> {
    row.get_ref(column)?.as_str()?.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::ids::TenantId;
    use crate::log::Category;
    use crate::log::sql::sqlite::readers::options;
    use crate::log::sql::sqlite::{KIND, store};
    use crate::sql::SqliteOptions;

    #[test]
    fn a_look_up_of_another_stream_does_not_prepare_its_statement_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("log.db");
        let writer = store::open(&file, &KIND).expect("a log");
        let reader = options(SqliteOptions::reader(&file)).open().expect("it opens");
        for connection in [writer, reader] {
            for category in [Category::Customer, Category::Tenant, Category::Address] {
                let stream = StreamId::new(TenantId(uuid::Uuid::from_u128(1)), category, uuid::Uuid::from_u128(2));
                assert_eq!(head(&connection, &stream).expect("it is looked up"), None);
            }
            let statement = connection.prepare_cached(STAND).expect("it is prepared");
            assert_eq!(
                (statement.get_status(StatementStatus::Run), statement.get_status(StatementStatus::RePrepare)),
                (3, 0)
            );
        }
    }
}
