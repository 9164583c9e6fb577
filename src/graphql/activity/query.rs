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
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(desc = "Restricts what is found; omitted fields do not filter.")] filter: Option<ActivityFilterInput>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<ActivityConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        activity::of_customer(reading, &Tables::Live, customer_id.0, filter, &page).await
    }
}
