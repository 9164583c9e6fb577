//! Creates a set of read tables, and reads what it knows about itself.

use chrono::{DateTime, Utc};

use crate::ids::Position;
use crate::log::EventHash;
use crate::projections::error::{ProjectionError, database};
use crate::projections::source::{Projection, dialect};
use crate::projections::staging;
use crate::sql::{Session, Value, row};

/// How far a set of tables has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Of the last event that is applied.
    pub position: Position,
    /// When that event was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The hash of that event; zeros at the start.
    pub hash: EventHash,
    /// Whether traces of forgotten customers are still to be removed from the files.
    pub unclean: bool,
}

row! {
    struct CheckpointRow {
        position: Vec<u8>,
        recorded_at: DateTime<Utc>,
        hash: Vec<u8>,
        unclean: bool,
    }
}

row! {
    struct Definition {
        definition: String,
    }
}

/// Creates all tables in one transaction, and proves that every statement runs. Without `indexes`, those that are not needed
/// from the first batch on are left to [`super::indexes`].
pub async fn create(session: &mut Session, projections: &[Projection], indexes: bool) -> Result<(), ProjectionError> {
    staging::create(session, &[]).await.map_err(database("create the staging relations"))?;
    session.begin().await.map_err(database("begin"))?;
    match create_all(session, projections, indexes).await {
        Ok(()) => session.commit().await.map_err(database("commit new tables")),
        Err(error) => {
            // The first error is the one to report; a connection that cannot roll back is closed by the pool.
            session.rollback().await.ok();
            Err(error)
        }
    }
}

async fn create_all(session: &mut Session, projections: &[Projection], indexes: bool) -> Result<(), ProjectionError> {
    let meta = dialect(session.engine(), include_str!("meta.sql"));
    session.run(&meta).await.map_err(database("create their bookkeeping"))?;
    let first =
        "INSERT INTO commlog_checkpoint (one, position, recorded_at, hash, unclean) VALUES (1, $1, $2, $3, FALSE)";
    let start = [Position::START.into(), DateTime::UNIX_EPOCH.into(), Value::Bytes(EventHash::default().to_vec())];
    session.execute(first, &start).await.map_err(database("set their checkpoint"))?;
    for projection in projections {
        let statements = projection.apply.iter().map(|statement| &statement.sql).chain(&projection.forget);
        let indexes = projection.indexes.iter().map(|index| &index.sql).filter(|_| indexes);
        for sql in projection.create.iter().chain(indexes).chain(&projection.create_for_batch).chain(statements) {
            session.run(sql).await.map_err(|source| ProjectionError::Statement {
                projection: projection.name.clone(),
                statement: sql.chars().take(200).collect(),
                source,
            })?;
        }
        let definition = serde_json::to_string(projection).unwrap_or_default();
        let keep = "INSERT INTO commlog_projections (name, definition) VALUES ($1, $2)";
        let values = [Value::from(projection.name.as_str()), Value::from(definition)];
        session.execute(keep, &values).await.map_err(database("keep the projections"))?;
    }
    Ok(())
}

/// How far the tables have come.
pub async fn checkpoint(session: &mut Session) -> Result<Checkpoint, ProjectionError> {
    let sql = "SELECT position, recorded_at, hash, unclean FROM commlog_checkpoint";
    let rows: Vec<CheckpointRow> = session.fetch_all(sql, &[]).await.map_err(database("read their checkpoint"))?;
    let row = rows.first().ok_or_else(|| damaged("the checkpoint is missing"))?;
    let position = Position::try_from_bytes(&row.position).map_err(|_| damaged("the checkpoint is not a position"))?;
    let hash = row.hash.as_slice().try_into().map_err(|_| damaged("the checkpoint's hash is not a hash"))?;
    Ok(Checkpoint { position, recorded_at: row.recorded_at, hash, unclean: row.unclean })
}

/// The projections that the tables were created from, by name.
pub async fn definitions(session: &mut Session) -> Result<Vec<Projection>, ProjectionError> {
    let sql = "SELECT definition FROM commlog_projections ORDER BY name";
    let rows: Vec<Definition> = session.fetch_all(sql, &[]).await.map_err(database("read their projections"))?;
    rows.iter()
        .map(|row| serde_json::from_str(&row.definition))
        .collect::<Result<_, _>>()
        .map_err(|_| damaged("a projection's definition cannot be read"))
}

fn damaged(reason: &str) -> ProjectionError {
    ProjectionError::Foreign { location: "the store".to_owned(), reason: reason.to_owned() }
}
