//! Advances read tables by a batch.

use super::create::Checkpoint;
use super::forget;
use super::history::History;
use super::indexes;
use super::isolate::{Isolation, is_parked, run, settle};
use super::parked;
use super::writer::{Memory, Writer};
use crate::ids::Position;
use crate::log::StreamId;
use crate::projections::error::{ProjectionError, database, is_poison};
use crate::projections::source::Projection;
use crate::projections::staging::{self, Batch, LastEvent};
use crate::sql::{self, Session, Value};

impl Writer {
    /// Applies a batch that was read right after this writer's checkpoint, and moves the checkpoint, all or nothing.
    ///
    /// # Errors
    /// [`ProjectionError::Fenced`] if another writer moved the checkpoint first: nothing of the batch was applied.
    pub async fn apply(&mut self, batch: &Batch, history: History<'_>) -> Result<Checkpoint, ProjectionError> {
        match self.advance(batch, history, false).await {
            Err(ProjectionError::Database { source, .. }) if is_poison(&source) => {
                tracing::warn!(error = %source, "a batch holds an event that cannot be applied; isolating it");
                self.advance(batch, history, true).await
            }
            done => done,
        }
    }

    /// Applies a batch in one transaction. Savepoints cost a copy of every page that changes, and hardly any batch needs
    /// them: they are set only once it is known that something in the batch fails.
    async fn advance(
        &mut self,
        batch: &Batch,
        history: History<'_>,
        savepoints: bool,
    ) -> Result<Checkpoint, ProjectionError> {
        let projections = self.projections.clone();
        self.transaction(async |session, memory| {
            if let Some(last) = batch.last() {
                let unclean = memory.checkpoint.unclean || batch.forgets();
                let LastEvent { position, recorded_at, hash } = last;
                let next = Checkpoint { position, recorded_at, hash, unclean };
                move_checkpoint(session, memory.checkpoint.position, next).await?;
                memory.checkpoint = next;
            }
            memory.staged += batch.len();
            forget::remember(session, memory, batch).await?;
            let events: Vec<usize> = (0..batch.len()).collect();
            indexes::make_for(session, &mut memory.missing, &batch.types(&events)).await?;
            Application { session, memory, batch, savepoints, staged: false }.all(&projections).await?;
            forget::purge(session, &projections, &batch.forgotten()).await?;
            skip(session, memory, &projections, batch, history).await?;
            Ok(memory.checkpoint)
        })
        .await
    }
}

/// Compare-and-set, first in the transaction: on PostgreSQL a second writer waits here for the first one's commit, and
/// is then fenced.
pub(super) async fn move_checkpoint(
    session: &mut Session,
    from: Position,
    to: Checkpoint,
) -> Result<(), ProjectionError> {
    let sql =
        "UPDATE commlog_checkpoint SET position = $1, recorded_at = $2, hash = $3, unclean = $4 WHERE position = $5";
    let hash = Value::Bytes(to.hash.to_vec());
    let values = [to.position.into(), to.recorded_at.into(), hash, to.unclean.into(), Value::from(from)];
    match session.execute(sql, &values).await.map_err(database("move their checkpoint"))? {
        1 => Ok(()),
        _ => Err(ProjectionError::Fenced),
    }
}

/// As [`move_checkpoint`], staying where it is.
pub async fn hold_checkpoint(session: &mut Session, at: Position) -> Result<(), ProjectionError> {
    let sql = "UPDATE commlog_checkpoint SET position = position WHERE position = $1";
    match session.execute(sql, &[Value::from(at)]).await.map_err(database("hold their checkpoint"))? {
        1 => Ok(()),
        _ => Err(ProjectionError::Fenced),
    }
}

/// A batch on its way through all projections.
struct Application<'a> {
    session: &'a mut Session,
    memory: &'a mut Memory,
    batch: &'a Batch,
    savepoints: bool,
    /// Whether the staging relations hold the whole batch.
    staged: bool,
}

impl Application<'_> {
    async fn all(mut self, projections: &[Projection]) -> Result<(), ProjectionError> {
        let events: Vec<usize> = (0..self.batch.len()).collect();
        for projection in projections {
            let troubled = self.batch.events.iter().any(|event| {
                projection.events.contains(&event.event_type)
                    && (event.malformed.is_some() || is_parked(self.memory, projection, event.stream))
            });
            if troubled || !self.together(projection, &events).await? {
                self.staged = false;
                let (batch, memory) = (self.batch, &mut *self.memory);
                Isolation { session: self.session, memory, batch, projection }.apply(&events).await?;
            }
        }
        Ok(())
    }

    /// Applies the whole batch at once; false, with nothing done, if an event in it cannot be applied. Without
    /// savepoints, that is an error, and the transaction is to be given up.
    async fn together(&mut self, projection: &Projection, events: &[usize]) -> Result<bool, ProjectionError> {
        if !self.staged {
            self.savepoint().await?;
            let filled = staging::fill(self.session, self.batch, events, &self.memory.forgotten).await;
            if !self.settled(filled).await? {
                return Ok(false);
            }
            self.staged = true;
        }
        self.savepoint().await?;
        let done = run(self.session, projection, &self.batch.types(events)).await;
        self.settled(done).await
    }

    async fn savepoint(&mut self) -> Result<(), ProjectionError> {
        if self.savepoints {
            self.session.run("SAVEPOINT attempt").await.map_err(database("set a savepoint"))?;
        }
        Ok(())
    }

    async fn settled(&mut self, done: Result<(), sql::Error>) -> Result<bool, ProjectionError> {
        if self.savepoints {
            Ok(settle(self.session, done).await?.is_none())
        } else {
            done.map(|()| true).map_err(database("apply a batch"))
        }
    }
}

/// Carries out operators' decisions to give parked events up: what waited behind them goes on.
async fn skip(
    session: &mut Session,
    memory: &mut Memory,
    projections: &[Projection],
    batch: &Batch,
    history: History<'_>,
) -> Result<(), ProjectionError> {
    for (decided_in, skip) in batch.skips() {
        let waiting = parked::stream_of(session, decided_in.tenant, &skip).await?;
        let projection = projections.iter().find(|projection| projection.name == skip.projection);
        if let (Some(stream), Some(projection)) = (waiting, projection) {
            give_up(session, projection, stream, skip.event_id).await?;
            parked::retry(session, memory, projection, stream, history).await?;
        }
    }
    Ok(())
}

async fn give_up(
    session: &mut Session,
    projection: &Projection,
    stream: StreamId,
    event: uuid::Uuid,
) -> Result<(), ProjectionError> {
    let sql = "DELETE FROM commlog_parked WHERE projection = $1 AND tenant_id = $2 AND event_id = $3";
    let values = [projection.name.as_str().into(), stream.tenant.uuid().into(), event.into()];
    session.execute(sql, &values).await.map(drop).map_err(database("give a parked event up"))
}
