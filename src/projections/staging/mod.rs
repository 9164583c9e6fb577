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
use crate::projections::source::{Projection, dialect};
use crate::sql::{self, Engine, Session, Value};

/// Raised when the staging relations change in a way that changes tables; part of a generation's fingerprint.
pub(super) const REVISION: u32 = 2;

/// Whose personal data is no longer shown, though the log may still have been able to open it.
pub(super) type Forgotten = HashSet<SubjectId>;

/// How many events may have been staged on PostgreSQL until the staging relations are emptied. What is deleted there stays in
/// their pages till then; these are no more pages than PostgreSQL plans for in a temporary table that holds a few rows.
pub(super) const KEPT: usize = 256;

/// Creates the staging relations of a connection, and those that projections declare for a batch, unless it has them.
pub(super) async fn create(session: &mut Session, projections: &[Projection]) -> Result<(), sql::Error> {
    let staging = match session.engine() {
        // Declared otherwise than the tables, and so of another affinity, ids would be found by no index.
        Engine::Sqlite => dialect(Engine::Sqlite, sqlite::CREATE),
        Engine::Postgres => postgres::CREATE.to_owned(),
    };
    // In one transaction: generations that were made before have tables that PostgreSQL empties at the end of each.
    let declared = projections.iter().flat_map(|projection| &projection.create_for_batch).map(String::as_str);
    let all: Vec<&str> = std::iter::once(staging.trim_end().trim_end_matches(';')).chain(declared).collect();
    session.run(&all.join(";\n")).await
}

/// Gives back what deleted rows take, on PostgreSQL; SQLite uses it again.
pub(super) async fn empty(session: &mut Session) -> Result<(), sql::Error> {
    match session.engine() {
        Engine::Sqlite => Ok(()),
        Engine::Postgres => session.run(postgres::EMPTY).await,
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
