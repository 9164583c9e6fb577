//! What operators see of the projector, and may tell it.

use async_graphql::Result;

use super::api::Api;
use super::failure::field_refused;
use super::model::projection::{Parked, ParkedInput, Projection};
use crate::ids::TenantId;

impl Api {
    /// How far each read model is.
    pub async fn projections(&self) -> Result<Vec<Projection>> {
        Ok(Vec::new())
    }

    /// A tenant's parked events.
    pub async fn parked(&self, _tenant: TenantId) -> Result<Vec<Parked>> {
        Ok(Vec::new())
    }

    /// Refuses to touch a parked event that the tenant does not have.
    pub async fn require_parked(&self, tenant: TenantId, parked: &ParkedInput) -> Result<()> {
        let known = self.parked(tenant).await?;
        if known.iter().any(|one| one.projection == parked.projection && one.event_id == parked.event_id) {
            return Ok(());
        }
        Err(field_refused("NOT_PARKED", "this event is not parked for this projection"))
    }

    /// Leaves a parked event out.
    pub async fn skip(&self, _parked: &ParkedInput) -> Result<()> {
        Ok(())
    }

    /// Tries a parked event again; true if it was applied.
    pub async fn retry(&self, _parked: &ParkedInput) -> Result<bool> {
        Ok(true)
    }
}
