//! Removes what deleted rows leave behind in files.

use super::generation::Generation;
use super::location::Location;
use crate::projections::error::{ProjectionError, database};
use crate::projections::tables::Checkpoint;
use crate::sql::row;

row! {
    /// What SQLite says of cutting the write-ahead log.
    struct Cut {
        busy: i64,
    }
}

/// Makes sure that nothing of purged rows is left in the generation's files.
///
/// SQLite: `secure_delete` zeroes what is deleted, but cells that moved to another page of their tree may leave copies
/// in the gaps, so the file is rewritten, and the write-ahead log cut. PostgreSQL: dead row versions are vacuumed.
///
/// The checkpoint stays unclean if a reader still holds an older state of the file: to be tried again.
pub async fn scrub(location: &Location, generation: &Generation) -> Result<Checkpoint, ProjectionError> {
    let mut writer = generation.writer.lock().await;
    let session = writer.session().await?;
    match location {
        Location::Folder(_) => {
            session.run("VACUUM").await.map_err(database("remove what forgotten customers left"))?;
            let cut: Vec<Cut> = session
                .fetch_all("PRAGMA wal_checkpoint(TRUNCATE)", &[])
                .await
                .map_err(database("remove what forgotten customers left"))?;
            if cut.iter().any(|cut| cut.busy != 0) {
                return writer.checkpoint().await;
            }
        }
        Location::Database(_) => {
            let tables = generation.projections.iter().flat_map(|projection| &projection.tables);
            for table in tables.map(|table| table.name.as_str()).chain(["commlog_parked"]) {
                let sql = format!("VACUUM {table}");
                session.run(&sql).await.map_err(database("remove what forgotten customers left"))?;
            }
        }
    }
    writer.set_clean().await
}
