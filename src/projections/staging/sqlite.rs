//! The staging relations on SQLite: temporary tables, with `temp_store` in memory.

use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement, ToSql};
use uuid::Uuid;

use super::{Batch, Forgotten, StagedEvent};
use crate::sql;
use crate::sql::sqlite::{Lent, time};

pub const CREATE: &str = include_str!("sqlite.sql");

/// Payloads are parsed once here instead of once in every statement.
const INSERT_BATCH: &str = "INSERT INTO batch VALUES (\
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, jsonb(?), jsonb(?))";

const INSERT_LINES: &str = "INSERT INTO batch_lines VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";

const INSERT_TOKENS: &str = "INSERT INTO batch_tokens VALUES (?, ?, ?, ?, ?, ?)";

pub async fn add(
    connection: &Lent,
    batch: &Batch,
    events: &[usize],
    behind: i64,
    forgotten: &Forgotten,
) -> Result<(), sql::Error> {
    let staged: Vec<(usize, bool)> = events
        .iter()
        .filter(|&&index| batch.events[index].malformed.is_none())
        .map(|&index| (index, batch.events[index].is_forgotten(forgotten)))
        .collect();
    let events = Arc::clone(&batch.events);
    connection
        .run(move |connection| {
            let staged = staged.iter().map(|&(index, forgotten)| (&events[index], forgotten));
            Ok(insert(connection, staged, behind)?)
        })
        .await
}

fn insert<'e>(
    connection: &Connection,
    staged: impl Iterator<Item = (&'e StagedEvent, bool)>,
    behind: i64,
) -> Result<(), rusqlite::Error> {
    let mut batch = Row::of(connection, INSERT_BATCH)?;
    let mut lines = Row::of(connection, INSERT_LINES)?;
    let mut tokens = Row::of(connection, INSERT_TOKENS)?;
    for (event, forgotten) in staged {
        let ordinal = behind + event.ordinal;
        insert_event(&mut batch, event, ordinal, forgotten)?;
        for (line, number) in event.extra.lines.iter().zip(1i64..) {
            lines.set(ordinal)?;
            lines.set(Id(event.ids.activity))?;
            lines.set(Id(Some(event.stream.tenant.uuid())))?;
            lines.set(Id(event.ids.customer))?;
            lines.set(number)?;
            lines.set(line.sku.as_str())?;
            lines.set(line.description.as_deref())?;
            lines.set(line.quantity_milli)?;
            lines.set(line.unit_price_micros)?;
            lines.insert()?;
        }
        for (field, token) in event.extra.tokens.iter().filter(|_| !forgotten) {
            tokens.set(ordinal)?;
            tokens.set(Id(Some(event.stream.tenant.uuid())))?;
            tokens.set(Id(event.ids.customer))?;
            tokens.set(Id(Some(event.id.uuid())))?;
            tokens.set(*field)?;
            tokens.set(token.as_str())?;
            tokens.insert()?;
        }
    }
    Ok(())
}

fn insert_event(row: &mut Row<'_>, event: &StagedEvent, ordinal: i64, forgotten: bool) -> Result<(), rusqlite::Error> {
    let (ids, words) = (&event.ids, &event.words);
    row.set(ordinal)?;
    row.set(event.position.bytes())?;
    row.set(Id(Some(event.id.uuid())))?;
    row.set(Id(Some(event.stream.tenant.uuid())))?;
    row.set(event.stream.category.name())?;
    row.set(Id(Some(event.stream.key)))?;
    row.set(event.version)?;
    row.set(event.event_type.as_str())?;
    row.set(time(event.occurred_at))?;
    row.set(time(event.recorded_at))?;
    row.set(event.actor.as_str())?;
    for id in [
        event.command_id,
        event.correlation_id,
        event.causation_id,
        ids.customer,
        ids.message,
        ids.campaign,
        ids.conversation,
        ids.activity,
        ids.address,
        ids.note,
        ids.import,
        ids.key,
        ids.in_reply_to,
    ] {
        row.set(Id(id))?;
    }
    for word in
        [&words.channel, &words.variant, &words.class, &words.state, &words.provider, &words.account, &words.domain]
    {
        row.set(word.as_deref())?;
    }
    row.set(time(event.hour))?;
    row.set(time(event.day))?;
    row.set(event.data.as_str())?;
    row.set(event.personal.as_deref().filter(|_| !forgotten))?;
    row.insert()
}

/// One row on its way into a table: its values one after the other.
struct Row<'c> {
    statement: Statement<'c>,
    column: usize,
}

impl<'c> Row<'c> {
    fn of(connection: &'c Connection, insert: &str) -> Result<Self, rusqlite::Error> {
        Ok(Self { statement: connection.prepare(insert)?, column: 0 })
    }

    fn set(&mut self, value: impl ToSql) -> Result<(), rusqlite::Error> {
        self.column += 1;
        self.statement.raw_bind_parameter(self.column, value)
    }

    fn insert(&mut self) -> Result<(), rusqlite::Error> {
        self.column = 0;
        self.statement.raw_execute().map(drop)
    }
}

/// An id, kept as bytes.
struct Id(Option<Uuid>);

impl ToSql for Id {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0.as_ref().map_or(ValueRef::Null, |id| ValueRef::Blob(id.as_bytes()))))
    }
}
