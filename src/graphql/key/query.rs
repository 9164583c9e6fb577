//! Queries of API keys.

use async_graphql::{Context, Object, Result};

use super::object::{ApiKey, Viewer};
use crate::graphql::engine::acting::ActingUser;
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::guard::{May, principal};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;
use crate::queries::tenants;

/// Queries of API keys.
#[derive(Default)]
pub struct KeyQueries;

#[Object]
impl KeyQueries {
    /// The tenant's API keys, oldest first, including revoked ones. Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)", complexity = "1 + 10 * child_complexity")]
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Vec<ApiKey>> {
        let reading = Reading::of(ctx)?;
        reading.api.wait_for(wait_for).await?;
        let rows = tenants::api_keys(&reading.api.reads.db(), reading.session.principal.tenant)
            .await
            .map_err(|error| opaque(reading.api.ambient(), &error))?;
        Ok(rows.into_iter().map(ApiKey::new).collect())
    }

    /// The API key of this request, and its permissions.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        Ok(Viewer::new(principal(ctx)?, ctx.data_opt::<ActingUser>()))
    }
}
