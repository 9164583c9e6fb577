//! What operators see of the projector, and may tell it.

use async_graphql::Result;

use super::object::{Parked, ParkedInput, Projection};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::opaque;
use crate::ids::TenantId;
use crate::queries::{ParkedStream, ProjectionError};

impl Api {
    /// How far each read model is.
    pub async fn projections(&self) -> Result<Vec<Projection>> {
        let status = self.reads.status().await.map_err(|error| self.projector_failed(&error))?;
        Ok(status.into_iter().map(Into::into).collect())
    }

    /// A tenant's parked events.
    pub async fn parked(&self, tenant: TenantId) -> Result<Vec<Parked>> {
        let parked = self.reads.parked(tenant).await.map_err(|error| self.projector_failed(&error))?;
        Ok(parked.into_iter().map(Into::into).collect())
    }

    /// The parked stream that an event of the tenant stands in; absent if the event is not parked.
    pub async fn parked_stream(&self, tenant: TenantId, wanted: &ParkedInput) -> Result<Option<ParkedStream>> {
        let parked = self.reads.parked(tenant).await.map_err(|error| self.projector_failed(&error))?;
        let found = parked
            .into_iter()
            .find(|one| one.projection == wanted.projection && one.event_id == wanted.event_id.0)
            .map(|one| ParkedStream { projection: one.projection, stream: one.stream });
        Ok(found)
    }

    /// Tries again what waits of a stream for a projection; how many events were applied.
    pub async fn retry(&self, parked: &ParkedStream) -> Result<usize> {
        self.reads.retry(parked).await.map_err(|error| self.projector_failed(&error))
    }

    fn projector_failed(&self, error: &ProjectionError) -> async_graphql::Error {
        opaque(self.ambient(), error)
    }
}
