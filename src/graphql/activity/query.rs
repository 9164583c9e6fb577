//! Queries of activities.

use async_graphql::{Context, Object, Result};

use super::object as activity;
use super::object::{ActivityConnection, ActivityFilterInput};
use crate::graphql::engine::connection::{page, page_cost};
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::scalar::Cursor;
use crate::ids::CustomerId;

/// Queries of activities.
#[derive(Default)]
pub struct ActivityQueries;

#[Object]
impl ActivityQueries {
    /// A customer's business activity, newest first.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn activities(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        filter: Option<ActivityFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<ActivityConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        activity::of_customer(reading, &Tables::Live, customer_id.0, filter, &page).await
    }
}
