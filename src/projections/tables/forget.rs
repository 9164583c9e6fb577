//! Purges read tables of forgotten customers.

use uuid::Uuid;

use super::writer::{Memory, Writer};
use crate::projections::error::{ProjectionError, database};
use crate::projections::source::Projection;
use crate::projections::staging::{self, Batch};
use crate::sql::{Session, Value};

/// Keeps in mind whose personal data must not be staged from this batch on: events of theirs may have been opened
/// before their keys were destroyed.
pub async fn remember(session: &mut Session, memory: &mut Memory, batch: &Batch) -> Result<(), ProjectionError> {
    for subject in batch.erased_subjects() {
        if memory.forgotten.insert(subject) {
            memory.staged = memory.staged.max(staging::KEPT);
            let sql = "INSERT INTO commlog_forgotten (subject_id) VALUES ($1)";
            session.execute(sql, &[Value::from(subject.uuid())]).await.map_err(database("remember the forgotten"))?;
        }
    }
    Ok(())
}

/// Runs the `forget` sections over customers, given as tenant and customer.
pub async fn purge(
    session: &mut Session,
    projections: &[Projection],
    customers: &[(Uuid, Uuid)],
) -> Result<(), ProjectionError> {
    if customers.is_empty() {
        return Ok(());
    }
    staging::fill_forgotten(session, customers).await.map_err(database("stage the forgotten"))?;
    for sql in projections.iter().flat_map(|projection| &projection.forget) {
        session.run(sql).await.map_err(database("forget a customer"))?;
    }
    for (tenant, customer) in customers {
        // A database's message may quote what it could not take.
        let sql = "UPDATE commlog_parked SET reason = 'forgotten' \
                   WHERE reason IS NOT NULL AND tenant_id = $1 AND stream_key = $2";
        let values = [Value::from(*tenant), Value::from(*customer)];
        session.execute(sql, &values).await.map_err(database("forget a customer"))?;
    }
    Ok(())
}

impl Writer {
    /// Purges these tables of customers, as if they had asked before the checkpoint: for comparing an older state.
    pub async fn forget(&mut self, customers: &[(Uuid, Uuid)]) -> Result<(), ProjectionError> {
        let projections = self.projections.clone();
        self.transaction(async |session, _| purge(session, &projections, customers).await).await
    }
}
