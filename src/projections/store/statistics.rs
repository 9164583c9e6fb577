//! What PostgreSQL plans by. Its own analysis comes a minute after tables were filled, and a page that is planned without
//! statistics may read and sort all of a customer's entries.

use super::generation::Generation;
use super::location::Location;
use crate::ids::Position;
use crate::projections::error::{ProjectionError, database};

/// How many events are worth the first statistics.
const FIRST: u64 = 10_000;

/// When statistics are due: each time that the tables have doubled.
#[derive(Debug)]
pub struct Statistics {
    next: u64,
}

impl Statistics {
    /// For tables that stand at a position.
    pub fn at(position: Position) -> Self {
        Self { next: position.counter().saturating_mul(2).max(FIRST) }
    }

    /// Gathers statistics if they are due. SQLite needs none: its plans do not depend on how full tables are.
    pub async fn keep_up(
        &mut self,
        location: &Location,
        generation: &Generation,
        position: Position,
    ) -> Result<(), ProjectionError> {
        if position.counter() < self.next {
            return Ok(());
        }
        *self = Self::at(position);
        gather(location, generation).await
    }
}

/// Gathers statistics of all tables.
pub async fn gather(location: &Location, generation: &Generation) -> Result<(), ProjectionError> {
    let Location::Database(_) = location else { return Ok(()) };
    let mut writer = generation.writer.lock().await;
    let session = writer.session().await?;
    for table in generation.projections.iter().flat_map(|projection| &projection.tables) {
        session.run(&format!("ANALYZE {}", table.name)).await.map_err(database("gather statistics"))?;
    }
    Ok(())
}
