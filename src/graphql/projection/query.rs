//! Queries of projections.

use async_graphql::{Context, Object, Result};

use super::object::{Parked, Projection};
use crate::graphql::engine::guard::May;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;

/// Queries of projections.
#[derive(Default)]
pub struct ProjectionQueries;

#[Object]
impl ProjectionQueries {
    /// The progress of each read model, and the events that it could not apply.
    #[graphql(guard = "May(Permission::Read)", complexity = "1 + 12 * child_complexity")]
    async fn projections(&self, ctx: &Context<'_>) -> Result<Vec<Projection>> {
        Reading::of(ctx)?.api.projections().await
    }

    /// The tenant's events that a projection could not apply. Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)", complexity = "1 + 10 * child_complexity")]
    async fn parked(&self, ctx: &Context<'_>) -> Result<Vec<Parked>> {
        let reading = Reading::of(ctx)?;
        reading.api.parked(reading.session.principal.tenant).await
    }
}
