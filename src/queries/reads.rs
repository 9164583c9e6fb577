//! The read tables as the interfaces use them.

use std::time::Duration;

use tokio::sync::watch;

use super::lists::Samples;
use super::{Db, QueryError};
use crate::ids::{CustomerId, Position, TenantId};
use crate::log::Journal;
use crate::projections::views::View;
use crate::projections::{AsOf, Parked, ParkedStream, ProjectionError, ProjectionStatus, ReadStore, WaitError};
use crate::sql::Snapshot;

/// The live tables, how far they are, and how they were. Cheap to clone.
#[derive(Clone)]
pub struct Reads(ReadStore, Samples);

impl Reads {
    /// Reads over a store of generations.
    #[must_use]
    pub fn new(store: ReadStore) -> Self {
        Self(store, Samples::default())
    }

    /// The samples that previews of lists were taken from.
    #[must_use]
    pub const fn samples(&self) -> &Samples {
        &self.1
    }

    /// The live tables, for one query or several that belong together.
    #[must_use]
    pub fn db(&self) -> Db {
        self.0.db()
    }

    /// The same as they are now, for a process that asks many questions about the same rows one after the other.
    ///
    /// # Errors
    /// If the database does not respond.
    pub async fn snapshot(&self) -> Result<Snapshot, QueryError> {
        self.0.steady_db().snapshot().await.map_err(QueryError::reading("a moment"))
    }

    /// The views for analysts over the live tables.
    #[must_use]
    pub fn views(&self) -> Vec<View> {
        self.0.views()
    }

    /// The log that the tables follow.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        self.0.journal()
    }

    /// Announces up to where the live tables show the log; never goes back.
    #[must_use]
    pub fn applied(&self) -> watch::Receiver<Position> {
        self.0.applied()
    }

    /// Whether the live tables show a position, as they say themselves. If they do not respond, they are taken to lag.
    pub async fn shows(&self, position: Position) -> bool {
        self.0.live().look().await.is_ok_and(|applied| applied.position >= position)
    }

    /// Waits until the live tables show a position, for somebody who waits: they are brought there at once.
    pub async fn hurry_to(&self, position: Position, most: Duration) -> Result<(), WaitError> {
        self.0.hurry_to(position, most).await
    }

    /// Waits until the live tables show a position.
    pub async fn wait_for(&self, position: Position, most: Duration) -> Result<(), WaitError> {
        self.0.wait_for(position, most).await
    }

    /// The tables of some customers as of a moment, in memory: of all that one person is made of now, who may not have
    /// been one then. Customers forgotten since then are forgotten there too.
    pub async fn as_of_customers(
        &self,
        tenant: TenantId,
        customers: &[CustomerId],
        as_of: AsOf,
    ) -> Result<Db, ProjectionError> {
        self.0.as_of_customers(tenant, customers, as_of).await
    }

    /// Whether the tables are rebuilt because the log is not the one that they were made from.
    #[must_use]
    pub fn is_rebuilding(&self) -> bool {
        self.0.is_rebuilding()
    }

    /// Whether nodes of another version serve better until the read tables of this one are built.
    #[must_use]
    pub fn is_waiting_for_own(&self) -> bool {
        self.0.is_waiting_for_own()
    }

    /// Whether the read tables cannot be advanced now.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.0.is_stuck()
    }

    /// How far each projection is.
    pub async fn status(&self) -> Result<Vec<ProjectionStatus>, ProjectionError> {
        self.0.status().await
    }

    /// A tenant's events that could not be applied, in log order.
    pub async fn parked(&self, tenant: TenantId) -> Result<Vec<Parked>, ProjectionError> {
        let mut parked = self.0.parked().await?;
        parked.retain(|parked| parked.stream.tenant == tenant);
        Ok(parked)
    }

    /// Tries again what waits of a stream for a projection; returns how many events were applied.
    pub async fn retry(&self, parked: &ParkedStream) -> Result<usize, ProjectionError> {
        self.0.retry(parked).await
    }
}
