//! Queries of the brand.

use async_graphql::{Context, Object, Result};

use super::object::Brand;
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;

/// Queries of the brand.
#[derive(Default)]
pub struct BrandQueries;

#[Object]
impl BrandQueries {
    /// How the tenant appears on the pages behind links in messages, as used now: read from the log, so it never lags. The events
    /// `BrandChanged` hold its history.
    #[graphql(guard = "May(Permission::Read)", complexity = "1 + 3 * child_complexity")]
    async fn brand(&self, ctx: &Context<'_>) -> Result<Brand> {
        let reading = Reading::of(ctx)?;
        let appearance = reading.api.app.appearance(reading.session.principal.tenant).await;
        appearance.map(|appearance| (&appearance).into()).map_err(|error| opaque(reading.api.ambient(), &error))
    }
}
