//! All read tables as they were at an earlier moment, in a SQLite file of their own.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::as_of::AsOf;
use super::follower::Reader;
use super::location::{file_error, remove_database};
use super::{ReadStore, options};
use crate::domain::customer::event::CustomerForgotten;
use crate::domain::event::Event as _;
use crate::ids::Position;
use crate::log::{LogError, ReadLimit};
use crate::projections::error::{ProjectionError, database};
use crate::projections::tables::{self, History, Writer};
use crate::projections::views;
use crate::sql::{Db, Engine, SqlitePool};

impl ReadStore {
    /// Writes the read tables as of a moment into a new SQLite file; returns the position that it stands for. Customers
    /// who were forgotten since are forgotten there too. `progress` receives the number of events applied.
    pub async fn replay_into(
        &self,
        file: &Path,
        as_of: AsOf,
        progress: impl Fn(u64) + Send + Sync,
    ) -> Result<Position, ProjectionError> {
        let head = self.0.journal.backend().head().await?.position;
        let until = match as_of {
            AsOf::Position(position) if position > head => {
                return Err(ProjectionError::BeyondEnd { wanted: position, head });
            }
            AsOf::Position(position) => position,
            AsOf::Time(time) => self.0.journal.backend().position_at(time).await?,
        };
        let reserved = std::fs::File::create_new(file).map_err(file_error("create", file))?;
        drop(reserved);
        let done = self.replay(file, until, &progress).await;
        if done.is_err() {
            remove_database(file)?;
        }
        done
    }

    async fn replay(
        &self,
        file: &Path,
        until: Position,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Position, ProjectionError> {
        // Nobody reads the file before it is whole, and a file that is not is removed: it needs no protection.
        let options = options::sqlite_writer(file, true).pragma("journal_mode", "MEMORY").pragma("synchronous", "OFF");
        let db = Db::Sqlite(SqlitePool::open(options).await.map_err(database("be opened"))?);
        let projections: Arc<[_]> = self.0.registry.compile(Engine::Sqlite).into();
        let mut session = db.session().await.map_err(database("be reached"))?;
        tables::create(&mut session, &projections, true).await?;
        let views = views::of_projections(&projections);
        views::write_sqlite(&mut session, &views).await.map_err(database("make the views for analysts"))?;
        drop(session);
        let mut writer = Writer::new(db.clone(), projections);
        let (send, mut batches) = mpsc::channel(1);
        let (limits, stop) = (self.0.limits, CancellationToken::new());
        let reader = Reader { journal: self.0.journal.clone(), limits, until: Some(until), stop, pace: Arc::default() };
        let reader = AbortOnDropHandle::new(tokio::spawn(reader.run(Position::START, send)));
        while let Some(batch) = batches.recv().await {
            let checkpoint = writer.apply(&batch, History::Journal(&self.0.journal)).await?;
            progress(checkpoint.position.counter());
        }
        reader.await.map_err(|_| LogError::Closed)??;
        writer.forget(&self.forgotten_after(until).await?).await?;
        writer.release();
        db.close().await;
        Ok(until)
    }

    /// Tenant and customer of all who were forgotten after a position.
    pub(super) async fn forgotten_after(&self, position: Position) -> Result<Vec<(Uuid, Uuid)>, ProjectionError> {
        let (mut after, mut forgotten) = (position, Vec::new());
        loop {
            // Sealed: only the envelopes matter.
            let events = self.0.journal.backend().read_all(after, ReadLimit::events(5_000)).await?;
            let Some(last) = events.last() else { return Ok(forgotten) };
            after = last.envelope.position;
            let found = events.iter().filter(|event| event.envelope.event_type == CustomerForgotten::TYPE);
            forgotten.extend(found.map(|event| (event.envelope.stream.tenant.uuid(), event.envelope.stream.key)));
        }
    }
}
