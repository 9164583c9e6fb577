//! Advances read tables by several batches at once, while they are far behind the log.
//!
//! Pages that many batches change are then written once for all of them. Batches are staged one after the other and let
//! go, so that no more than a few of them are in memory beside what is staged.

use std::collections::HashSet;

use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::apply::{hold_checkpoint, move_checkpoint};
use super::create::Checkpoint;
use super::forget;
use super::indexes;
use super::isolate::{is_parked, run};
use super::writer::{Memory, Writer};
use crate::ids::Position;
use crate::projections::error::{ProjectionError, database, is_poison};
use crate::projections::source::Projection;
use crate::projections::staging::{self, Batch, LastEvent};
use crate::sql::Session;

/// How much is applied at once at most.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Events.
    pub events: usize,
    /// Bytes of opened payloads: they are in memory while the group is applied.
    pub bytes: usize,
}

/// What became of a group.
pub enum Grouped {
    /// It is applied; `forgot` if customers were purged. What was received and has to be applied by itself is `left`.
    Applied { checkpoint: Checkpoint, forgot: bool, left: Option<Batch> },
    /// Nothing is done: an event up to here cannot be applied. Batch by batch, it is isolated.
    Poisoned(Position),
    /// Nothing is done: the work was asked to stop.
    Stopped,
}

impl Writer {
    /// Whether nothing in a batch needs a look at single events.
    pub async fn is_plain(&mut self, batch: &Batch) -> Result<bool, ProjectionError> {
        let projections = self.projections.clone();
        let (_, memory) = self.parts().await?;
        Ok(is_plain(batch, memory, &projections))
    }

    /// Applies a plain batch that was read right after this writer's checkpoint, and those that follow, until there are
    /// no more or the group is full, all or nothing.
    ///
    /// # Errors
    /// [`ProjectionError::Fenced`] if another writer moved the checkpoint first: nothing was applied.
    pub async fn apply_group(
        &mut self,
        first: Batch,
        rest: &mut Receiver<Batch>,
        most: Most,
        stop: &CancellationToken,
    ) -> Result<Grouped, ProjectionError> {
        let projections = self.projections.clone();
        let mut group = Group::default();
        let done = self
            .transaction(async |session, memory| {
                let from = memory.checkpoint.position;
                hold_checkpoint(session, from).await?;
                group.stage_all(session, memory, &projections, first, rest, most).await?;
                let types: HashSet<&str> = group.types.iter().map(String::as_str).collect();
                indexes::make_for(session, &mut memory.missing, &types).await?;
                for projection in projections.iter() {
                    if stop.is_cancelled() {
                        return Err(ProjectionError::Stopped);
                    }
                    run(session, projection, &types).await.map_err(database("apply a batch"))?;
                }
                forget::purge(session, &projections, &group.forgotten).await?;
                move_checkpoint(session, from, memory.checkpoint).await?;
                Ok(memory.checkpoint)
            })
            .await;
        match done {
            Ok(checkpoint) => {
                Ok(Grouped::Applied { checkpoint, forgot: !group.forgotten.is_empty(), left: group.left })
            }
            Err(ProjectionError::Stopped) => Ok(Grouped::Stopped),
            Err(ProjectionError::Database { source, .. }) if is_poison(&source) => {
                tracing::warn!(error = %source, "a group of batches holds an event that cannot be applied; isolating it");
                Ok(Grouped::Poisoned(group.last))
            }
            Err(error) => Err(error),
        }
    }
}

/// What is staged of a group.
#[derive(Default)]
struct Group {
    last: Position,
    events: usize,
    bytes: usize,
    types: HashSet<String>,
    forgotten: Vec<(Uuid, Uuid)>,
    left: Option<Batch>,
}

impl Group {
    async fn stage_all(
        &mut self,
        session: &mut Session,
        memory: &mut Memory,
        projections: &[Projection],
        first: Batch,
        rest: &mut Receiver<Batch>,
        most: Most,
    ) -> Result<(), ProjectionError> {
        staging::fill(session, &Batch::default(), &[], &memory.forgotten).await.map_err(database("stage a batch"))?;
        let mut next = Some(first);
        while let Some(batch) = next.take() {
            self.stage(session, memory, &batch).await?;
            if !batch.more || self.events >= most.events || self.bytes >= most.bytes {
                break;
            }
            drop(batch);
            match rest.recv().await {
                Some(batch) if is_plain(&batch, memory, projections) => next = Some(batch),
                other => self.left = other,
            }
        }
        Ok(())
    }

    async fn stage(
        &mut self,
        session: &mut Session,
        memory: &mut Memory,
        batch: &Batch,
    ) -> Result<(), ProjectionError> {
        forget::remember(session, memory, batch).await?;
        let events: Vec<usize> = (0..batch.len()).collect();
        let behind = i64::try_from(self.events).unwrap_or(i64::MAX);
        if let Some(LastEvent { position, recorded_at, hash }) = batch.last() {
            let unclean = memory.checkpoint.unclean || batch.forgets();
            memory.checkpoint = Checkpoint { position, recorded_at, hash, unclean };
            self.last = position;
        }
        let added = staging::add(session, batch, &events, behind, &memory.forgotten).await;
        added.map_err(database("stage a batch"))?;
        self.events += batch.len();
        memory.staged += batch.len();
        self.bytes += batch.bytes();
        for name in batch.types(&events) {
            if !self.types.contains(name) {
                self.types.insert(name.to_owned());
            }
        }
        self.forgotten.extend(batch.forgotten());
        Ok(())
    }
}

fn is_plain(batch: &Batch, memory: &Memory, projections: &[Projection]) -> bool {
    !batch.decides()
        && batch.events.iter().all(|event| {
            event.malformed.is_none()
                && (memory.parked.is_empty()
                    || projections.iter().all(|projection| {
                        !projection.events.contains(&event.event_type) || !is_parked(memory, projection, event.stream)
                    }))
        })
}
