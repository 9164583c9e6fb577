//! What an append looks up: heads of streams, commands, event ids; each for a whole group at once.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::rows;
use crate::ids::{EventId, Position};
use crate::log::cover::{EpochRecord, Origin};
use crate::log::plan::{CommandRef, CommandRow, Stand, Stored};
use crate::log::{Epoch, StreamId};

/// Where streams stand; those that do not exist are left out.
pub(super) async fn stands(
    connection: &mut PgConnection,
    streams: &[StreamId],
) -> Result<HashMap<StreamId, Stand>, sqlx::Error> {
    let tenants: Vec<Uuid> = streams.iter().map(|stream| stream.tenant.0).collect();
    let categories: Vec<&str> = streams.iter().map(|stream| stream.category.name()).collect();
    let keys: Vec<Uuid> = streams.iter().map(|stream| stream.key).collect();
    let found: Vec<(i64, i64, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT asked.ordinal, s.stream, e.version, e.hash \
         FROM unnest($1::uuid[], $2::text[], $3::uuid[]) WITH ORDINALITY AS asked (tenant_id, category, key, ordinal) \
         JOIN log.streams s USING (tenant_id, category, key) \
         CROSS JOIN LATERAL (SELECT version, hash FROM log.events WHERE events.stream = s.stream \
             ORDER BY version DESC LIMIT 1) AS e",
    )
    .bind(tenants)
    .bind(categories)
    .bind(keys)
    .fetch_all(connection)
    .await?;
    found
        .into_iter()
        .map(|(ordinal, number, version, hash)| {
            let stream = usize::try_from(ordinal - 1).ok().and_then(|index| streams.get(index)).copied();
            let stream = stream.ok_or(sqlx::Error::RowNotFound)?;
            let hash = hash.try_into().map_err(|_| decode(format!("the hash of {stream} has another length")))?;
            Ok((stream, Stand { number, version: counter(version)?, hash }))
        })
        .collect()
}

/// What commands made, by the order of their appends; those that were not carried out are left out.
pub(super) async fn commands(
    connection: &mut PgConnection,
    commands: &[CommandRef],
) -> Result<HashMap<CommandRef, Vec<CommandRow>>, sqlx::Error> {
    type Found = (Uuid, Uuid, i64, Vec<u8>, String, Uuid, i64, i64, i64);
    let found: Vec<Found> = sqlx::query_as(
        "SELECT c.tenant_id, c.command_id, c.ordinal, c.fingerprint, s.category, s.key, c.first_version, \
         c.last_version, c.position \
         FROM (SELECT DISTINCT * FROM unnest($1::uuid[], $2::uuid[]) AS ids (tenant_id, command_id)) AS asked \
         JOIN log.commands c USING (tenant_id, command_id) JOIN log.streams s ON s.stream = c.stream \
         ORDER BY c.tenant_id, c.command_id, c.ordinal",
    )
    .bind(commands.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>())
    .bind(commands.iter().map(|(_, id)| id.0).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let mut rows: HashMap<CommandRef, Vec<CommandRow>> = HashMap::new();
    for (tenant, id, ordinal, fingerprint, category, key, first_version, last_version, position) in found {
        let stream = StreamId { tenant: tenant.into(), category: parsed(&category)?, key };
        rows.entry((tenant.into(), id.into())).or_default().push(CommandRow {
            ordinal: usize::try_from(ordinal).unwrap_or_default(),
            fingerprint: fingerprint
                .try_into()
                .map_err(|_| decode(format!("the fingerprint of command {id} has another length")))?,
            stream,
            first_version: counter(first_version)?,
            last_version: counter(last_version)?,
            position: Position::from_counter(counter(position)?),
        });
    }
    Ok(rows)
}

/// The stored events with these ids.
pub(super) async fn events(
    connection: &mut PgConnection,
    ids: impl Iterator<Item = EventId>,
) -> Result<HashMap<EventId, Stored>, sqlx::Error> {
    type Found = (Uuid, Uuid, String, Uuid, i64, i64, String, i32, i64, Vec<u8>);
    let found: Vec<Found> = sqlx::query_as(
        "SELECT e.event_id, s.tenant_id, s.category, s.key, e.version, e.position, e.type, e.schema_version, \
         e.occurred_at, e.data FROM log.events e JOIN log.streams s ON s.stream = e.stream WHERE e.event_id = ANY ($1)",
    )
    .bind(ids.map(|id| id.0).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    found
        .into_iter()
        .map(|(id, tenant, category, key, version, position, event_type, schema_version, occurred_at, data)| {
            let stored = Stored {
                stream: StreamId { tenant: tenant.into(), category: parsed(&category)?, key },
                version: counter(version)?,
                position: Position::from_counter(counter(position)?),
                event_type,
                schema_version: u16::try_from(schema_version).unwrap_or_default(),
                occurred_at: rows::time(occurred_at),
                data,
            };
            Ok((id.into(), stored))
        })
        .collect()
}

/// Streams by their numbers, from the one after so many.
pub(super) async fn streams(
    connection: &mut PgConnection,
    count: u64,
    most: usize,
) -> Result<Vec<StreamId>, sqlx::Error> {
    let found: Vec<(Uuid, String, Uuid)> =
        sqlx::query_as("SELECT tenant_id, category, key FROM log.streams WHERE stream > $1 ORDER BY stream LIMIT $2")
            .bind(rows::signed(count))
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(connection)
            .await?;
    let stream = |(tenant, category, key): (Uuid, String, Uuid)| {
        Ok(StreamId { tenant: tenant.into(), category: parsed(&category)?, key })
    };
    found.into_iter().map(stream).collect()
}

/// How many appends of commands there are up to a position.
pub(super) async fn count_commands(connection: &mut PgConnection, until: Position) -> Result<u64, sqlx::Error> {
    let sql = "SELECT count(*) FROM log.commands WHERE position <= $1";
    counter(sqlx::query_scalar(sql).bind(rows::signed(until.counter())).fetch_one(connection).await?)
}

/// The epoch that the log is in.
pub(super) async fn epoch(connection: &mut PgConnection, system_id: &str) -> Result<Epoch, sqlx::Error> {
    let (number, started_at, is_copy, is_loaded): (i64, i64, bool, bool) = sqlx::query_as(
        "SELECT epoch, started_at, system_id <> $1, EXISTS (SELECT 1 FROM log.meta \
             WHERE name = 'loaded_epoch' AND value = convert_to(epoch::text, 'UTF8')) \
         FROM log.epochs ORDER BY epoch DESC LIMIT 1",
    )
    .bind(system_id)
    .fetch_one(connection)
    .await?;
    let number = number.try_into().unwrap_or_default();
    Ok(Epoch { number, started_at: rows::time(started_at), is_copy, is_loaded })
}

/// The log's id and epochs.
pub(super) async fn origin(connection: &mut PgConnection) -> Result<Origin, sqlx::Error> {
    let id: Vec<u8> =
        sqlx::query_scalar("SELECT value FROM log.meta WHERE name = 'log_id'").fetch_one(&mut *connection).await?;
    let log_id = Uuid::from_slice(&id).map_err(|_| decode("the log's id has another length".to_owned()))?;
    let found: Vec<(i64, i64, String)> =
        sqlx::query_as("SELECT epoch, started_at, system_id FROM log.epochs ORDER BY epoch")
            .fetch_all(connection)
            .await?;
    let epoch = |(number, started_at, system_id)| {
        Ok(EpochRecord { number: counter(number)?, started_at: rows::time(started_at), system_id })
    };
    Ok(Origin { log_id, epochs: found.into_iter().map(epoch).collect::<Result<_, sqlx::Error>>()? })
}

fn counter(number: i64) -> Result<u64, sqlx::Error> {
    number.try_into().map_err(|_| decode(format!("{number} is no counter")))
}

fn parsed<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(text: &str) -> Result<T, sqlx::Error> {
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn decode(reason: String) -> sqlx::Error {
    sqlx::Error::Decode(reason.into())
}
