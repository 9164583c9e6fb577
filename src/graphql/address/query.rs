//! Queries of addresses and suppressions.

use async_graphql::{Context, Object, Result};

use super::suppression;
use super::suppression::{SuppressionConnection, SuppressionFilterInput};
use crate::graphql::engine::connection::{page, page_cost};
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;

/// Queries of addresses and suppressions.
#[derive(Default)]
pub struct AddressQueries;

#[Object]
impl AddressQueries {
    /// Suppressed addresses, newest first.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn suppressions(
        &self,
        ctx: &Context<'_>,
        filter: Option<SuppressionFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<SuppressionConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        suppression::list(reading, filter, &page).await
    }
}
