//! Rows of the `events` table, to and from events.

use chrono::{DateTime, Utc};
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, Row as SqlRow, params};
use uuid::Uuid;

use super::readers::ReadError;
use crate::ids::Position;
use crate::log::plan::Row;
use crate::log::{Envelope, LogError, ReadLimit, SealedEvent, StreamId};

/// Every column of an event, in the order of [`event`]. An outer join, so that an event whose stream is lost is found
/// to be damaged and not left out.
macro_rules! select_events {
    ($($rest:literal),+) => {
        concat!(
            "SELECT e.position, s.tenant_id, s.category, s.key, e.version, e.event_id, e.type, e.schema_version, ",
            "e.occurred_at, e.recorded_at, e.actor, e.command_id, e.correlation_id, e.causation_id, e.subject_id, ",
            "e.epoch, e.hash, e.data, e.personal FROM events e LEFT JOIN streams s ON s.stream = e.stream ",
            $($rest),+
        )
    };
}
pub(super) use select_events;

const INSERT: &str = "INSERT OR ROLLBACK INTO events (position, stream, version, event_id, type, schema_version, occurred_at, \
     recorded_at, actor, command_id, correlation_id, causation_id, subject_id, epoch, hash, data, personal) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

const INSERT_STREAM: &str = "INSERT INTO streams (stream, tenant_id, category, key) VALUES (?1, ?2, ?3, ?4)";

pub(super) const INSERT_COMMAND: &str = "INSERT INTO commands (tenant_id, command_id, ordinal, fingerprint, stream, first_version, \
     last_version, position) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// How many events a stream has at most, as a rule: room for them is made at once.
const USUAL: usize = 16;

/// Inserts a stream under its number.
pub(super) fn insert_stream(connection: &Connection, number: i64, stream: &StreamId) -> Result<(), rusqlite::Error> {
    let (tenant, key) = (stream.tenant.0.as_bytes(), stream.key.as_bytes());
    let row = params![number, tenant, stream.category.name(), key];
    connection.prepare_cached(INSERT_STREAM)?.execute(row).map(drop)
}

/// Inserts events as they stand. `number` says under which number a stream was inserted.
pub(super) fn insert_stored(
    connection: &Connection,
    events: &[SealedEvent],
    number: impl Fn(&StreamId) -> Option<i64>,
) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare_cached(INSERT)?;
    for SealedEvent { envelope, data, personal } in events {
        statement.execute(params![
            signed(envelope.position.counter()),
            number(&envelope.stream),
            signed(envelope.version),
            envelope.id.0.as_bytes(),
            envelope.event_type,
            envelope.schema_version,
            envelope.occurred_at.timestamp_micros(),
            envelope.recorded_at.timestamp_micros(),
            envelope.actor,
            envelope.command_id.as_ref().map(|id| id.0.as_bytes()),
            envelope.correlation_id.as_ref().map(|id| id.0.as_bytes()),
            envelope.causation_id.as_ref().map(|id| id.0.as_bytes()),
            envelope.subject.as_ref().map(|id| id.0.as_bytes()),
            envelope.epoch,
            envelope.hash,
            data,
            personal,
        ])?;
    }
    Ok(())
}

/// Inserts the rows of a group.
pub(super) fn insert(
    connection: &Connection,
    rows: &[Row<'_>],
    recorded_at: DateTime<Utc>,
    epoch: u32,
) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare_cached(INSERT)?;
    let recorded_at = recorded_at.timestamp_micros();
    for row in rows {
        let (event, cause) = (row.event, &row.append.cause);
        statement.execute(params![
            signed(row.position),
            row.stream,
            signed(row.version),
            event.id.0.as_bytes(),
            event.event_type,
            event.schema_version,
            event.occurred_at.timestamp_micros(),
            recorded_at,
            cause.actor,
            cause.command.as_ref().map(|command| command.id.0.as_bytes()),
            cause.correlation.as_ref().map(|id| id.0.as_bytes()),
            cause.causation.as_ref().map(|id| id.0.as_bytes()),
            event.subject.as_ref().map(|id| id.0.as_bytes()),
            epoch,
            row.hash,
            event.data,
            event.personal,
        ])?;
    }
    Ok(())
}

/// Reads events until a limit is reached, at least one.
pub(super) fn events(
    statement: &mut CachedStatement<'_>,
    parameters: impl rusqlite::Params,
    limit: ReadLimit,
) -> Result<Vec<SealedEvent>, ReadError> {
    let mut rows = statement.query(parameters)?;
    let mut events = Vec::with_capacity(limit.events.min(USUAL));
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let event = event(row)?;
        bytes += event.data.len() + event.personal.as_ref().map_or(0, Vec::len);
        events.push(event);
        if bytes >= limit.bytes {
            break;
        }
    }
    Ok(events)
}

/// Reads one row of [`select_events`].
fn event(row: &SqlRow<'_>) -> Result<SealedEvent, ReadError> {
    let position = Position::from_counter(row.get::<_, i64>(0)?.try_into().unwrap_or_default());
    let field =
        |column: usize, name: &'static str| Ok::<_, ReadError>(Field { position, name, value: row.get_ref(column)? });
    let stream = StreamId {
        tenant: field(1, "tenant")?.id()?.into(),
        category: field(2, "category")?
            .text()?
            .parse()
            .map_err(|_| LogError::Damaged { position, reason: "its stream category is unknown".to_owned() })?,
        key: field(3, "stream key")?.id()?,
    };
    let envelope = Envelope {
        position,
        stream,
        version: field(4, "version")?.number()?,
        id: field(5, "event id")?.id()?.into(),
        event_type: field(6, "type")?.text()?.to_owned(),
        schema_version: field(7, "schema version")?.number()?,
        occurred_at: field(8, "time of occurrence")?.time()?,
        recorded_at: field(9, "time of recording")?.time()?,
        actor: field(10, "actor")?.text()?.to_owned(),
        command_id: field(11, "command id")?.optional_id()?.map(Into::into),
        correlation_id: field(12, "correlation id")?.optional_id()?.map(Into::into),
        causation_id: field(13, "causation id")?.optional_id()?.map(Into::into),
        subject: field(14, "subject")?.optional_id()?.map(Into::into),
        epoch: field(15, "epoch")?.number()?,
        hash: field(16, "hash")?.array()?,
    };
    let data = field(17, "data")?.blob()?.to_vec();
    let personal = field(18, "personal data")?;
    let personal = if personal.value == ValueRef::Null { None } else { Some(personal.blob()?.to_vec()) };
    Ok(SealedEvent { envelope, data, personal })
}

/// A counter as SQLite keeps it.
pub(super) fn signed(counter: u64) -> i64 {
    i64::try_from(counter).unwrap_or(i64::MAX)
}

/// A time as SQLite keeps it.
pub(super) fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
}

/// A stored value that must be of one kind, or the event is damaged.
struct Field<'a> {
    position: Position,
    name: &'static str,
    value: ValueRef<'a>,
}

impl<'a> Field<'a> {
    fn damaged(&self) -> LogError {
        LogError::Damaged { position: self.position, reason: format!("its {} cannot be read", self.name) }
    }

    fn blob(&self) -> Result<&'a [u8], LogError> {
        match self.value {
            ValueRef::Blob(bytes) => Ok(bytes),
            _ => Err(self.damaged()),
        }
    }

    fn array<const N: usize>(&self) -> Result<[u8; N], LogError> {
        self.blob()?.try_into().map_err(|_| self.damaged())
    }

    fn id(&self) -> Result<Uuid, LogError> {
        self.array().map(Uuid::from_bytes)
    }

    fn optional_id(&self) -> Result<Option<Uuid>, LogError> {
        if self.value == ValueRef::Null { Ok(None) } else { self.id().map(Some) }
    }

    fn text(&self) -> Result<&'a str, LogError> {
        match self.value {
            ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_err(|_| self.damaged()),
            _ => Err(self.damaged()),
        }
    }

    fn integer(&self) -> Result<i64, LogError> {
        match self.value {
            ValueRef::Integer(number) => Ok(number),
            _ => Err(self.damaged()),
        }
    }

    fn number<T: TryFrom<i64>>(&self) -> Result<T, LogError> {
        self.integer()?.try_into().map_err(|_| self.damaged())
    }

    fn time(&self) -> Result<DateTime<Utc>, LogError> {
        DateTime::from_timestamp_micros(self.integer()?).ok_or_else(|| self.damaged())
    }
}
