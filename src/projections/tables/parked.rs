//! Parked work: events that a projection could not apply, and what waits behind them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::history::History;
use super::isolate::Isolation;
use super::writer::{Memory, ParkedStreams, Writer};
use crate::ids::{EventId, Position, TenantId};
use crate::log::{Category, StreamId};
use crate::projections::error::{ProjectionError, database};
use crate::projections::source::Projection;
use crate::projections::staging::{Batch, Skip, StagedEvent};
use crate::sql::{Db, Session, Value, row};

/// An event that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// For which projection.
    pub projection: String,
    /// The event's stream.
    pub stream: StreamId,
    /// Its version in the stream.
    pub version: u64,
    /// The event's id.
    pub event_id: EventId,
    /// Where it stands in the log.
    pub position: Position,
    /// The event's type, such as `MessageSent`.
    pub event_type: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// What the database said; absent for an event that only waits behind another one.
    pub reason: Option<String>,
}

/// What one retry works on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ParkedStream {
    /// The projection.
    pub projection: String,
    /// The stream.
    pub stream: StreamId,
}

row! {
    struct Row {
        projection: String,
        tenant_id: Uuid,
        category: String,
        stream_key: Uuid,
        version: i64,
        event_id: Uuid,
        position: Vec<u8>,
        event_type: String,
        recorded_at: DateTime<Utc>,
        reason: Option<String>,
    }
}

const SELECT: &str = "SELECT projection, tenant_id, category, stream_key, version, event_id, position, \
    type AS event_type, recorded_at, reason FROM commlog_parked";

impl TryFrom<Row> for Parked {
    type Error = ProjectionError;

    fn try_from(row: Row) -> Result<Self, ProjectionError> {
        let damaged = |_| ProjectionError::Foreign {
            location: "commlog_parked".to_owned(),
            reason: "a row is damaged".to_owned(),
        };
        let category: Category = row.category.parse().map_err(damaged)?;
        Ok(Self {
            projection: row.projection,
            stream: StreamId::new(TenantId(row.tenant_id), category, row.stream_key),
            version: row.version.unsigned_abs(),
            event_id: EventId(row.event_id),
            position: Position::try_from_bytes(&row.position).map_err(damaged)?,
            event_type: row.event_type,
            recorded_at: row.recorded_at,
            reason: row.reason,
        })
    }
}

/// All that waits in some tables, in log order.
pub(in crate::projections) async fn list(db: &Db) -> Result<Vec<Parked>, ProjectionError> {
    let sql = format!("{SELECT} ORDER BY position, projection");
    let rows: Vec<Row> = db.fetch_all(&sql, &[]).await.map_err(database("list parked work"))?;
    rows.into_iter().map(Parked::try_from).collect()
}

/// Which streams wait, for the writer's memory.
pub(super) async fn streams(session: &mut Session) -> Result<ParkedStreams, ProjectionError> {
    let rows: Vec<Row> = session.fetch_all(SELECT, &[]).await.map_err(database("list parked work"))?;
    let mut streams = ParkedStreams::new();
    for row in rows {
        let parked = Parked::try_from(row)?;
        streams.entry(parked.projection).or_default().insert(parked.stream);
    }
    Ok(streams)
}

/// The stream of the parked event that an operator of `tenant` decided on, if it waits.
pub(super) async fn stream_of(
    session: &mut Session,
    tenant: TenantId,
    skip: &Skip,
) -> Result<Option<StreamId>, ProjectionError> {
    let sql = format!("{SELECT} WHERE projection = $1 AND tenant_id = $2 AND event_id = $3");
    let values = [skip.projection.as_str().into(), tenant.uuid().into(), skip.event_id.into()];
    let rows: Vec<Row> = session.fetch_all(&sql, &values).await.map_err(database("list parked work"))?;
    rows.into_iter().next().map(|row| Parked::try_from(row).map(|parked| parked.stream)).transpose()
}

/// Parks an event and, with it, its stream.
pub(super) async fn park(
    session: &mut Session,
    memory: &mut Memory,
    projection: &Projection,
    event: &StagedEvent,
    reason: Option<&str>,
) -> Result<(), ProjectionError> {
    memory.parked.entry(projection.name.clone()).or_default().insert(event.stream);
    let columns = "projection, tenant_id, category, stream_key, version, event_id, position, type, recorded_at";
    let mut values: Vec<Value> = vec![
        projection.name.as_str().into(),
        event.stream.tenant.uuid().into(),
        event.stream.category.name().into(),
        event.stream.key.into(),
        event.version.into(),
        event.id.uuid().into(),
        event.position.into(),
        event.event_type.as_str().into(),
        event.recorded_at.into(),
    ];
    let sql = match reason {
        Some(reason) => {
            values.push(reason.replace('\0', "\u{FFFD}").into());
            format!("INSERT INTO commlog_parked ({columns}, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        }
        None => format!("INSERT INTO commlog_parked ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
    };
    session.execute(&sql, &values).await.map(drop).map_err(database("park an event"))
}

/// Applies what waits of one stream; what still fails waits again. Returns how many events were applied.
pub(super) async fn retry(
    session: &mut Session,
    memory: &mut Memory,
    projection: &Projection,
    stream: StreamId,
    history: History<'_>,
) -> Result<usize, ProjectionError> {
    let key: [Value; 4] = [
        projection.name.as_str().into(),
        stream.tenant.uuid().into(),
        stream.category.name().into(),
        stream.key.into(),
    ];
    let of_stream = "WHERE projection = $1 AND tenant_id = $2 AND category = $3 AND stream_key = $4";
    let sql = format!("{SELECT} {of_stream} ORDER BY version");
    let rows: Vec<Row> = session.fetch_all(&sql, &key).await.map_err(database("list parked work"))?;
    let waiting = rows.into_iter().map(Parked::try_from).collect::<Result<Vec<_>, _>>()?;
    let sql = format!("DELETE FROM commlog_parked {of_stream}");
    session.execute(&sql, &key).await.map_err(database("take parked work up"))?;
    if let Some(streams) = memory.parked.get_mut(&projection.name) {
        streams.remove(&stream);
    }
    let Some(first) = waiting.first() else { return Ok(0) };
    let ids: Vec<EventId> = waiting.iter().map(|parked| parked.event_id).collect();
    let batch = Batch::prepare(&history.events(stream, first.version, &ids).await?);
    let all: Vec<usize> = (0..batch.len()).collect();
    let parked = Isolation { session, memory, batch: &batch, projection }.apply(&all).await?;
    Ok(batch.len() - parked)
}

impl Writer {
    /// Tries again what waits of a stream for a projection. Returns how many events were applied.
    pub async fn retry(&mut self, parked: &ParkedStream, history: History<'_>) -> Result<usize, ProjectionError> {
        let projections = self.projections.clone();
        let unknown = || ProjectionError::NotParked { projection: parked.projection.clone() };
        let projection = projections.iter().find(|one| one.name == parked.projection).ok_or_else(unknown)?;
        self.refresh();
        self.transaction(async |session, memory| {
            // Takes the checkpoint's row lock, so that no batch of another node comes between.
            super::apply::hold_checkpoint(session, memory.checkpoint.position).await?;
            if !memory.parked.get(&projection.name).is_some_and(|streams| streams.contains(&parked.stream)) {
                return Err(unknown());
            }
            retry(session, memory, projection, parked.stream, history).await
        })
        .await
    }
}
