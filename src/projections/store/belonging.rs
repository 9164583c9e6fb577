//! Whether read tables were made from this log. A log that was restored from a backup, or replaced, lacks the event up to
//! which they were applied: they would show what never was, and miss what follows. Such tables are discarded, and built
//! from the log's first event.

use super::Inner;
use super::ReadStore;
use super::generation::Generation;
use super::location::Location;
use crate::ids::Position;
use crate::log::{EventLog, LogError};
use crate::projections::error::ProjectionError;
use crate::projections::tables::Checkpoint;

/// Whether the log contains the event that tables were applied up to.
pub(super) async fn is_of(log: &dyn EventLog, checkpoint: Checkpoint) -> Result<bool, LogError> {
    if checkpoint.position == Position::START {
        return Ok(true);
    }
    let (_, hashes) = log.hashes_at(&[checkpoint.position]).await?;
    Ok(hashes.first().copied().flatten() == Some(checkpoint.hash))
}

/// A generation in the catalog; [`None`] if it was made from another log.
pub(super) async fn open_own(
    location: &Location,
    id: &str,
    log: &dyn EventLog,
) -> Result<Option<Generation>, ProjectionError> {
    let generation = Generation::open(location, id).await?;
    let checkpoint = generation.checkpoint();
    if is_of(log, checkpoint).await? {
        return Ok(Some(generation));
    }
    tracing::warn!(
        generation = id,
        position = %checkpoint.position,
        "read tables were made from another log, which was perhaps restored since: they are discarded and rebuilt"
    );
    generation.retire().await;
    Ok(None)
}

impl ReadStore {
    /// Whether the live tables replace others that were made from another log, and have not reached the end that this one
    /// had when that was found.
    #[must_use]
    pub fn is_rebuilding(&self) -> bool {
        let Inner { rebuilt_at, .. } = &*self.0;
        rebuilt_at.is_some_and(|end| self.live().checkpoint().position < end)
    }
}
