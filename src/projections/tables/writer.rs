//! The one who writes a set of read tables: its connection, and what it remembers between batches.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::create::{Checkpoint, checkpoint};
use super::{indexes, parked};
use crate::ids::SubjectId;
use crate::log::StreamId;
use crate::projections::error::{ProjectionError, database};
use crate::projections::source::{Index, Projection};
use crate::projections::staging::{self, Forgotten};
use crate::sql::{Db, Engine, Session, row};

/// Writes one set of read tables. Another writer may exist, in another process: the checkpoint fences.
#[derive(Debug)]
pub struct Writer {
    pub(super) projections: Arc<[Projection]>,
    db: Db,
    session: Option<Session>,
    memory: Option<Memory>,
    /// Set while a transaction is open: if a call is dropped in the middle, the next one rolls back first.
    in_transaction: bool,
}

/// What the tables say, kept so that a batch need not ask.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    pub checkpoint: Checkpoint,
    pub parked: ParkedStreams,
    pub forgotten: Forgotten,
    /// Of tables that are built: the indexes that they do not have yet.
    pub missing: Vec<Index>,
    /// How many events were staged since the staging relations were last emptied.
    pub staged: usize,
}

/// By projection, the streams whose further events wait.
pub(super) type ParkedStreams = HashMap<String, HashSet<StreamId>>;

row! {
    struct Subject {
        subject_id: Uuid,
    }
}

impl Writer {
    /// Takes a pool whose connections are for writing, and the projections that the tables were created from.
    pub fn new(db: Db, projections: Arc<[Projection]>) -> Self {
        Self { projections, db, session: None, memory: None, in_transaction: false }
    }

    /// How far the tables have come, as far as this writer knows or finds out.
    pub async fn checkpoint(&mut self) -> Result<Checkpoint, ProjectionError> {
        let (_, memory) = self.parts().await?;
        Ok(memory.checkpoint)
    }

    /// Forgets what was remembered: somebody else has written.
    pub fn refresh(&mut self) {
        self.memory = None;
    }

    /// Gives the connection back to its pool; the next call takes one again.
    pub fn release(&mut self) {
        self.session = None;
        self.memory = None;
    }

    /// The connection, outside of any transaction.
    pub async fn session(&mut self) -> Result<&mut Session, ProjectionError> {
        self.parts().await.map(|(session, _)| session)
    }

    /// The connection, with staging relations and no open transaction, and the memory.
    pub(super) async fn parts(&mut self) -> Result<(&mut Session, &mut Memory), ProjectionError> {
        if self.in_transaction {
            self.memory = None;
            if let Some(session) = &mut self.session
                && session.rollback().await.is_err()
            {
                self.session = None;
            }
            self.in_transaction = false;
        }
        let (session, may_hold) = match self.session.take() {
            Some(session) => (session, staging::KEPT),
            None => {
                self.memory = None;
                let mut session = self.db.session().await.map_err(database("be reached"))?;
                let created = staging::create(&mut session, &self.projections).await;
                created.map_err(database("create the staging relations"))?;
                (session, 0)
            }
        };
        let session = self.session.insert(session);
        let memory = match self.memory.take() {
            Some(memory) => memory,
            None => recall(session, &self.projections, may_hold).await?,
        };
        Ok((session, self.memory.insert(memory)))
    }

    /// Keeps that no traces of forgotten customers are left.
    pub async fn set_clean(&mut self) -> Result<Checkpoint, ProjectionError> {
        self.transaction(async |session, memory| {
            let sql = "UPDATE commlog_checkpoint SET unclean = FALSE WHERE position = $1";
            let values = [memory.checkpoint.position.into()];
            session.execute(sql, &values).await.map_err(database("keep that they are clean"))?;
            memory.checkpoint.unclean = false;
            Ok(memory.checkpoint)
        })
        .await
    }

    /// Runs work in a transaction that is taken back.
    pub async fn tentatively<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Session, &[Projection]) -> Result<T, ProjectionError>,
    ) -> Result<T, ProjectionError> {
        let projections = self.projections.clone();
        self.parts().await?;
        self.in_transaction = true;
        let Some(session) = &mut self.session else { return Err(ProjectionError::Stopped) };
        session.begin().await.map_err(database("begin"))?;
        if session.engine() == Engine::Postgres {
            // Between its statements, other tables may be built.
            let wait = session.run("SET LOCAL idle_in_transaction_session_timeout = 0");
            wait.await.map_err(database("begin"))?;
        }
        // `parts` rolls back before anything else is done.
        let done = work(session, &projections).await;
        self.parts().await?;
        done
    }

    /// Runs work in a transaction; what it remembers counts only if it commits.
    pub(super) async fn transaction<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Session, &mut Memory) -> Result<T, ProjectionError>,
    ) -> Result<T, ProjectionError> {
        let mut memory = self.parts().await?.1.clone();
        self.in_transaction = true;
        let Some(session) = &mut self.session else { return Err(ProjectionError::Stopped) };
        session.begin().await.map_err(database("begin"))?;
        let done = work(session, &mut memory).await;
        let done = match done {
            Ok(value) => empty_staging(session, &mut memory).await.map(|()| value),
            Err(error) => Err(error),
        };
        let done = match done {
            Ok(value) => session.commit().await.map(|()| value).map_err(database("commit a batch")),
            Err(error) => Err(error),
        };
        match done {
            Ok(value) => {
                self.in_transaction = false;
                self.memory = Some(memory);
                Ok(value)
            }
            Err(error) => {
                if session.rollback().await.is_err() {
                    self.session = None;
                }
                self.in_transaction = false;
                self.memory = None;
                Err(error)
            }
        }
    }
}

/// Empties the staging relations once much was staged, or somebody was forgotten whose data may stand there.
async fn empty_staging(session: &mut Session, memory: &mut Memory) -> Result<(), ProjectionError> {
    if memory.staged >= staging::KEPT {
        staging::empty(session).await.map_err(database("empty the staging relations"))?;
        memory.staged = 0;
    }
    Ok(())
}

/// `staged` is how many events the staging relations may hold.
async fn recall(session: &mut Session, projections: &[Projection], staged: usize) -> Result<Memory, ProjectionError> {
    let checkpoint = checkpoint(session).await?;
    let sql = "SELECT subject_id FROM commlog_forgotten";
    let forgotten: Vec<Subject> =
        session.fetch_all(sql, &[]).await.map_err(database("read the forgotten customers"))?;
    let forgotten = forgotten.into_iter().map(|row| SubjectId(row.subject_id)).collect();
    let missing = indexes::missing(session, projections).await?;
    let parked = parked::streams(session).await?;
    Ok(Memory { checkpoint, parked, forgotten, missing, staged })
}
