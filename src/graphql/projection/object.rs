//! How far the read tables are.

use async_graphql::{InputObject, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::engine::id::Of;
use crate::graphql::engine::scalar::Cursor;
use crate::ids::EventId;
use crate::queries::{Parked as ParkedEvent, ProjectionStatus};

/// The progress of one read model.
#[derive(SimpleObject, Debug, Clone, PartialEq)]
pub struct Projection {
    /// Its name: that of its file under `projections/`.
    pub name: String,
    /// The question that it answers.
    pub question: String,
    /// The position up to which the log was applied.
    pub position: Cursor,
    /// The number of events not yet applied.
    pub lag_events: i64,
    /// How long the first of these has been waiting, in seconds.
    pub lag_seconds: f64,
    /// The number of parked events.
    pub parked: i64,
    /// The generation of read tables that it belongs to.
    pub generation: String,
}

impl From<ProjectionStatus> for Projection {
    fn from(status: ProjectionStatus) -> Self {
        Self {
            name: status.name,
            question: status.question,
            position: status.position.into(),
            lag_events: i64::try_from(status.lag_events).unwrap_or(i64::MAX),
            lag_seconds: status.lag_seconds,
            parked: i64::try_from(status.parked).unwrap_or(i64::MAX),
            generation: status.generation,
        }
    }
}

/// An event that a projection could not apply, or a later one of its stream. Everything else continues.
#[derive(SimpleObject, Debug, Clone)]
pub struct Parked {
    /// The projection's name.
    projection: String,
    /// The event's stream.
    stream: String,
    /// Its version in the stream.
    version: i64,
    /// The event.
    event_id: Of<EventId>,
    /// The event's type, such as `MessageSent`.
    #[graphql(name = "type")]
    event_type: String,
    /// Its position in the log.
    position: Cursor,
    /// When it was recorded.
    recorded_at: DateTime<Utc>,
    /// Why it could not be applied; null for an event that only waits for an earlier one.
    reason: Option<String>,
}

impl From<ParkedEvent> for Parked {
    fn from(parked: ParkedEvent) -> Self {
        Self {
            projection: parked.projection,
            stream: parked.stream.to_string(),
            version: i64::try_from(parked.version).unwrap_or(i64::MAX),
            event_id: Of(parked.event_id),
            event_type: parked.event_type,
            position: parked.position.into(),
            recorded_at: parked.recorded_at,
            reason: parked.reason,
        }
    }
}

/// A parked event to retry or skip.
#[derive(InputObject, Debug, Clone)]
pub struct ParkedInput {
    /// The projection that could not apply it.
    pub projection: String,
    /// The event.
    pub event_id: Of<EventId>,
}
