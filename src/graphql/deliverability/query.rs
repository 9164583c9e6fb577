//! Queries of deliverability.

use async_graphql::{Context, Object, Result};

use super::object::{Deliverability, DeliverabilityFilterInput};
use crate::graphql::engine::connection::{page_cost, page_size};
use crate::graphql::engine::guard::May;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;
use crate::queries::deliverability;

/// Queries of deliverability.
#[derive(Default)]
pub struct DeliverabilityQueries;

#[Object]
impl DeliverabilityQueries {
    /// Deliverability by sending domain, provider, channel and day, newest first.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, None, child_complexity)")]
    async fn deliverability(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts what is found; omitted fields do not filter.")] filter: Option<
            DeliverabilityFilterInput,
        >,
        #[graphql(desc = "The maximum number of rows; limited as pages are.")] first: Option<i32>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Vec<Deliverability>> {
        let reading = Reading::of(ctx)?;
        let limit = page_size(first)?;
        reading.api.wait_for(wait_for).await?;
        let filter = filter.unwrap_or_default().into();
        let tenant = reading.session.principal.tenant;
        let rows = deliverability::by_day(&reading.api.reads.db(), tenant, &filter, limit)
            .await
            .map_err(|error| reading.api.failed(&error))?;
        Ok(rows.into_iter().map(Deliverability::new).collect())
    }
}
