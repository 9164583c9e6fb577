//! Read tables that are fed by hand: for as-of, and for tests of projections.

use std::sync::Arc;

use uuid::Uuid;

use super::error::{ProjectionError, database};
use super::registry::Registry;
use super::staging::Batch;
use super::store::options;
use super::tables::{self, History, Parked, Writer};
use crate::log::RecordedEvent;
use crate::sql::{Db, Engine, SqlitePool};

/// A set of read tables without a catalog: created empty, advanced by [`Scratch::apply`], gone with its database.
#[derive(Debug)]
pub struct Scratch {
    db: Db,
    writer: Writer,
    /// What was applied, to take parked events up again.
    seen: Vec<RecordedEvent>,
}

impl Scratch {
    /// In memory, on SQLite.
    pub async fn in_memory(registry: &Registry) -> Result<Self, ProjectionError> {
        let pool = SqlitePool::open(options::in_memory()).await.map_err(database("be created in memory"))?;
        Self::create(Db::Sqlite(pool.clone()), Db::Sqlite(pool), registry).await
    }

    /// In a schema of a PostgreSQL database, which must not exist yet. `url` names the database.
    pub async fn in_schema(url: &str, schema: &str, registry: &Registry) -> Result<Self, ProjectionError> {
        let writer = options::postgres_writer(url, schema)?;
        let readers = options::postgres_reader_pool().connect_lazy_with(options::postgres_reader(url, schema)?);
        let mut session = writer.session().await.map_err(database("be reached"))?;
        session.run(&format!("CREATE SCHEMA {schema}")).await.map_err(database("create a schema"))?;
        drop(session);
        Self::create(Db::Postgres(readers), writer, registry).await
    }

    async fn create(db: Db, writer: Db, registry: &Registry) -> Result<Self, ProjectionError> {
        let projections: Arc<[_]> = registry.compile(writer.engine()).into();
        tables::create(&mut writer.session().await.map_err(database("be reached"))?, &projections, true).await?;
        Ok(Self { db, writer: Writer::new(writer, projections), seen: Vec::new() })
    }

    /// The tables, for queries. In memory, there is one connection: a query waits for [`Self::apply`] and the other way
    /// round.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// Applies events as one batch. What cannot be applied is parked; see [`Self::parked`].
    pub async fn apply(&mut self, events: &[RecordedEvent]) -> Result<(), ProjectionError> {
        self.seen.extend_from_slice(events);
        let done = self.writer.apply(&Batch::prepare(events), History::Events(&self.seen)).await;
        self.let_queries_in();
        done.map(drop)
    }

    /// As [`Self::apply`], without keeping the events: decisions about parked ones have no effect.
    pub(super) async fn apply_once(&mut self, events: &[RecordedEvent]) -> Result<(), ProjectionError> {
        let done = self.writer.apply(&Batch::prepare(events), History::Events(&[])).await;
        self.let_queries_in();
        done.map(drop)
    }

    /// Purges customers, given as tenant and customer.
    pub(super) async fn forget(&mut self, customers: &[(Uuid, Uuid)]) -> Result<(), ProjectionError> {
        let done = self.writer.forget(customers).await;
        self.let_queries_in();
        done
    }

    /// In memory, the writer's connection is the only one.
    fn let_queries_in(&mut self) {
        if self.db.engine() == Engine::Sqlite {
            self.writer.release();
        }
    }

    /// What could not be applied.
    pub async fn parked(&self) -> Result<Vec<Parked>, ProjectionError> {
        tables::parked(&self.db).await
    }
}
