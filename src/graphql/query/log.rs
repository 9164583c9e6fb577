//! The log itself, imports, projections and keys: for auditors and operators.

use async_graphql::{Context, Object, Result};

use crate::graphql::api::Reading;
use crate::graphql::connection::{page, page_cost};
use crate::graphql::failure::opaque;
use crate::graphql::flat::Boxed;
use crate::graphql::guard::May;
use crate::graphql::id::Of;
use crate::graphql::model::event::{EventConnection, EventFilterInput, events};
use crate::graphql::model::import::{Import, ImportConnection, list};
use crate::graphql::model::key::ApiKey;
use crate::graphql::model::projection::{Parked, Projection};
use crate::graphql::principal::Permission;
use crate::graphql::scalar::Cursor;
use crate::ids::ImportId;
use crate::queries::tenants;

/// The log itself, imports, projections and keys.
#[derive(Default)]
pub struct LogQueries;

#[Object]
impl LogQueries {
    /// The tenant's events as the log holds them, in its order. `last` pages from the newest. Needs a role that may
    /// read events; that personal data was read is itself recorded.
    #[graphql(guard = "May(Permission::ReadEvents)", complexity = "page_cost(first, last, child_complexity)")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        filter: Option<EventFilterInput>,
        first: Option<i32>,
        #[graphql(desc = "A position in the log: events after it.")] after: Option<String>,
        last: Option<i32>,
        #[graphql(desc = "A position in the log: events before it.")] before: Option<String>,
    ) -> Result<EventConnection> {
        events(ctx, filter, (first, after), (last, before)).await
    }

    /// One import; null if there is none.
    #[graphql(guard = "May(Permission::Read)")]
    async fn import(&self, ctx: &Context<'_>, id: Of<ImportId>, wait_for: Option<Cursor>) -> Result<Option<Import>> {
        Reading::of(ctx)?.api.wait_for(wait_for).await?;
        Import::load(ctx, id.0).await
    }

    /// Imports, newest first.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    async fn imports(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<ImportConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        list(reading, &page).await
    }

    /// How far each read model is, and what it could not apply.
    #[graphql(guard = "May(Permission::Read)", complexity = "1 + 12 * child_complexity")]
    async fn projections(&self, ctx: &Context<'_>) -> Result<Vec<Projection>> {
        Reading::of(ctx)?.api.projections().await
    }

    /// The tenant's events that a projection could not apply. Needs the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)", complexity = "1 + 10 * child_complexity")]
    async fn parked(&self, ctx: &Context<'_>) -> Result<Vec<Parked>> {
        let reading = Reading::of(ctx)?;
        reading.api.parked(reading.session.principal.tenant).await
    }

    /// The tenant's API keys, oldest first, revoked ones too. Needs the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)", complexity = "1 + 10 * child_complexity")]
    async fn api_keys(&self, ctx: &Context<'_>, wait_for: Option<Cursor>) -> Result<Vec<ApiKey>> {
        let reading = Reading::of(ctx)?;
        reading.api.wait_for(wait_for).await?;
        let rows = tenants::api_keys(&reading.api.reads.db(), reading.session.principal.tenant)
            .await
            .map_err(|error| opaque(reading.api.ambient(), &error))?;
        rows.into_iter().map(ApiKey::new).collect()
    }
}
