//! A batch of events as projections see it: the staging relations `batch`, `batch_tokens`, `batch_lines` and
//! `forgotten`, temporary and in memory, so that personal data is never on disk in the clear because of them.

mod batch;
mod payload;
mod postgres;
mod sqlite;
mod tokens;

use std::collections::HashSet;

use uuid::Uuid;

pub(super) use batch::StagedEvent;
pub use batch::{Batch, LastEvent};
pub(super) use payload::Skip;

use crate::ids::SubjectId;
use crate::projections::source::dialect;
use crate::sql::{self, Engine, Session, Value};

/// Raised when the staging relations change in a way that changes tables; part of a generation's fingerprint.
pub(super) const REVISION: u32 = 2;

/// Whose personal data is no longer shown, though the log may still have been able to open it.
pub(super) type Forgotten = HashSet<SubjectId>;

/// Creates the staging relations of a connection, unless it has them.
pub(super) async fn create(session: &mut Session) -> Result<(), sql::Error> {
    match session {
        // Declared otherwise than the tables, and so of another affinity, ids would be found by no index.
        Session::Sqlite(_) => session.run(&dialect(Engine::Sqlite, sqlite::CREATE)).await,
        Session::Postgres(..) => session.run(postgres::CREATE).await,
    }
}

/// Puts events of a batch (by index) into the staging relations, in place of what they held.
pub(super) async fn fill(
    session: &mut Session,
    batch: &Batch,
    events: &[usize],
    forgotten: &Forgotten,
) -> Result<(), sql::Error> {
    session.run("DELETE FROM batch; DELETE FROM batch_lines; DELETE FROM batch_tokens").await?;
    add(session, batch, events, 0, forgotten).await
}

/// Adds events of a batch (by index) to the staging relations. `behind` is how many events stand before this batch's
/// first one, in batches that were added before.
pub(super) async fn add(
    session: &mut Session,
    batch: &Batch,
    events: &[usize],
    behind: i64,
    forgotten: &Forgotten,
) -> Result<(), sql::Error> {
    match session {
        Session::Sqlite(connection) => sqlite::add(connection, batch, events, behind, forgotten).await,
        Session::Postgres(held, backend) => {
            Ok(backend.at_work(postgres::add(held, batch, events, behind, forgotten)).await?)
        }
    }
}

/// Fills `forgotten` with customers.
pub(super) async fn fill_forgotten(session: &mut Session, customers: &[(Uuid, Uuid)]) -> Result<(), sql::Error> {
    session.run("DELETE FROM forgotten").await?;
    for (tenant, customer) in customers {
        let insert = "INSERT INTO forgotten (tenant_id, customer_id) VALUES ($1, $2)";
        session.execute(insert, &[Value::Uuid(*tenant), Value::Uuid(*customer)]).await?;
    }
    Ok(())
}
