//! Read tables as they were at an earlier moment, for one customer.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::ReadStore;
use crate::ids::{CustomerId, Position, TenantId};
use crate::log::{Category, Envelope, ReadLimit, StreamId};
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

impl ReadStore {
    /// The tables of all projections of scope `customer`, in memory, holding one customer as of a moment. Only that
    /// customer's stream is read. Whoever was forgotten since is forgotten there too.
    pub async fn as_of_customer(
        &self,
        tenant: TenantId,
        customer: CustomerId,
        as_of: AsOf,
    ) -> Result<Db, ProjectionError> {
        let registry = self.0.registry.filter(|source| source.scope == Scope::Customer);
        let mut scratch = Scratch::in_memory(&registry).await?;
        let stream = StreamId::new(tenant, Category::Customer, customer.uuid());
        let limit = ReadLimit { events: self.0.limits.events, bytes: self.0.limits.bytes };
        let mut after = 0;
        loop {
            let mut events = self.0.journal.read_stream(stream, after, limit).await?;
            let read = events.len();
            events.retain(|event| as_of.includes(&event.envelope));
            let Some(last) = events.last() else { break };
            after = last.envelope.version;
            let all = events.len() == read;
            scratch.apply_once(&events).await?;
            if !all {
                break;
            }
        }
        if self.is_forgotten(customer).await? {
            scratch.forget(&[(tenant.uuid(), customer.uuid())]).await?;
        }
        Ok(scratch.db().clone())
    }

    async fn is_forgotten(&self, customer: CustomerId) -> Result<bool, ProjectionError> {
        let sql = "SELECT subject_id FROM commlog_forgotten WHERE subject_id = $1";
        let found: Option<(Uuid,)> = self
            .db()
            .fetch_optional(sql, &[Value::from(customer.uuid())])
            .await
            .map_err(database("tell the forgotten"))?;
        Ok(found.is_some())
    }
}
