//! How far the read tables are.

use async_graphql::{InputObject, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::scalar::Cursor;

/// How far one read model is.
#[derive(SimpleObject, Debug, Clone, PartialEq)]
pub struct Projection {
    /// Its name: that of its file under `projections/`.
    pub name: String,
    /// Up to where the log was applied.
    pub position: Cursor,
    /// How many events of the log it lags behind.
    pub lag_events: i64,
    /// How many seconds it lags behind: the age of the oldest event that is not applied.
    pub lag_seconds: f64,
    /// How many events are set aside because they could not be applied.
    pub parked: i64,
    /// The generation of read tables that it belongs to.
    pub generation: String,
}

/// An event that a projection could not apply. Later events of its stream wait behind it, everything else goes on.
#[derive(SimpleObject, Debug, Clone)]
pub struct Parked {
    /// Which projection.
    pub projection: String,
    /// The event's stream.
    pub stream: String,
    /// The event.
    pub event_id: uuid::Uuid,
    /// Its type.
    #[graphql(name = "type")]
    pub event_type: String,
    /// Where it stands in the log.
    pub position: Cursor,
    /// Why it could not be applied.
    pub error: String,
    /// Since when.
    pub parked_at: DateTime<Utc>,
    /// How many events wait behind it.
    pub waiting: i64,
}

/// A parked event, to be retried or given up.
#[derive(InputObject, Debug, Clone)]
pub struct ParkedInput {
    /// The projection that could not apply it.
    pub projection: String,
    /// The event.
    pub event_id: uuid::Uuid,
}
