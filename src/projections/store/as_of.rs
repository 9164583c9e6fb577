//! Read tables as they were at an earlier moment, for one person.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::ReadStore;
use crate::ids::{CustomerId, Position, TenantId};
use crate::log::{Category, Envelope, ReadLimit, RecordedEvent, StreamId};
use crate::projections::error::{ProjectionError, database};
use crate::projections::scratch::Scratch;
use crate::projections::source::Scope;
use crate::sql::{Db, Value};

/// An earlier moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// What was recorded at or before this time.
    Time(DateTime<Utc>),
    /// What stands at or before this position.
    Position(Position),
}

impl AsOf {
    fn includes(self, envelope: &Envelope) -> bool {
        match self {
            Self::Time(time) => envelope.recorded_at <= time,
            Self::Position(position) => envelope.position <= position,
        }
    }
}

/// A stream on its way into the tables.
struct Following {
    id: StreamId,
    /// Up to here it was read.
    version: u64,
    /// What was read and not applied.
    read: VecDeque<RecordedEvent>,
    ended: bool,
}

impl Following {
    fn new(id: StreamId) -> Self {
        Self { id, version: 0, read: VecDeque::new(), ended: false }
    }
}

impl ReadStore {
    /// The tables of all projections of scope `customer`, in memory, holding some customers as of a moment. Only their
    /// streams are read, in the order of the log. Customers forgotten since then are forgotten there too.
    pub async fn as_of_customers(
        &self,
        tenant: TenantId,
        customers: &[CustomerId],
        as_of: AsOf,
    ) -> Result<Db, ProjectionError> {
        let registry = self.0.registry.filter(|source| source.scope == Scope::Customer);
        let mut scratch = Scratch::in_memory(&registry).await?;
        let mut streams: Vec<_> =
            customers.iter().map(|id| Following::new(StreamId::new(tenant, Category::Customer, id.uuid()))).collect();
        loop {
            let events = self.next_events(&mut streams, as_of).await?;
            if events.is_empty() {
                break;
            }
            scratch.apply_once(&events).await?;
        }
        let mut forgotten = Vec::new();
        for customer in customers {
            if self.is_forgotten(*customer).await? {
                forgotten.push((tenant.uuid(), customer.uuid()));
            }
        }
        if !forgotten.is_empty() {
            scratch.forget(&forgotten).await?;
        }
        Ok(scratch.db().clone())
    }

    /// The next batch out of several streams, in the order of the log; none at their end.
    async fn next_events(&self, streams: &mut [Following], as_of: AsOf) -> Result<Vec<RecordedEvent>, ProjectionError> {
        let limit = ReadLimit { events: self.0.limits.events, bytes: self.0.limits.bytes };
        let mut batch = Vec::new();
        while batch.len() < limit.events {
            for stream in streams.iter_mut().filter(|stream| stream.read.is_empty() && !stream.ended) {
                let mut events = self.0.journal.read_stream(stream.id, stream.version, limit).await?;
                let read = events.len();
                events.retain(|event| as_of.includes(&event.envelope));
                stream.ended = events.is_empty() || events.len() < read;
                stream.version = events.last().map_or(stream.version, |last| last.envelope.version);
                stream.read = events.into();
            }
            let first = |stream: &Following| stream.read.front().map(|event| event.envelope.position);
            let Some(next) = streams.iter_mut().filter(|it| first(it).is_some()).min_by_key(|it| first(it)) else {
                break;
            };
            batch.extend(next.read.pop_front());
        }
        Ok(batch)
    }

    async fn is_forgotten(&self, customer: CustomerId) -> Result<bool, ProjectionError> {
        let sql = "SELECT subject_id FROM commlog_forgotten WHERE subject_id = $1";
        let found: Option<(Uuid,)> = self
            .db()
            .fetch_optional(sql, &[Value::from(customer.uuid())])
            .await
            .map_err(database("read the forgotten customers"))?;
        Ok(found.is_some())
    }
}
