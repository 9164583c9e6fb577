//! Queries of the log.

use async_graphql::{Context, Object, Result};

use super::object::{self, EventConnection, EventFilterInput, Window};
use crate::graphql::engine::connection::page_cost;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::principal::Permission;

/// Queries of the log.
#[derive(Default)]
pub struct LogQueries;

#[Object]
impl LogQueries {
    /// The tenant's events in log order. `last` pages from the newest. Requires a role that may read events; reading
    /// personal data is itself recorded.
    #[graphql(guard = "May(Permission::ReadEvents)", complexity = "page_cost(first, last, child_complexity)")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts what is found; omitted fields do not filter.")] filter: Option<EventFilterInput>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only events after this position.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only events before this position.")] before: Option<String>,
    ) -> Result<EventConnection> {
        object::events(ctx, filter, Window { first, after, last, before }).await
    }
}
