//! Queries of timelines.

use async_graphql::{Context, Object, Result};
use chrono::{DateTime, Utc};

use super::object as timeline;
use super::object::{TimelineConnection, TimelineFilterInput};
use crate::graphql::engine::connection::page_cost;
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::{AsOfInput, Reading};
use crate::graphql::engine::scalar::Cursor;
use crate::ids::CustomerId;

/// Queries of timelines.
#[derive(Default)]
pub struct TimelineQueries;

#[Object]
impl TimelineQueries {
    /// A customer's history, newest first: messages, orders and other activities, notes, consent. With `asOf`: as of
    /// that moment (later erasures apply).
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(desc = "Restricts what is found; omitted fields do not filter.")] filter: Option<TimelineFilterInput>,
        #[graphql(desc = "Jumps to a date: the page begins with the newest entry at or before it.")] at: Option<
            DateTime<Utc>,
        >,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Shows the state of an earlier moment: a time or a position. By default the present one.")]
        as_of: Option<AsOfInput>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<TimelineConnection>> {
        let reading = Reading::of(ctx)?;
        let page = timeline::page(at, first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        let tables = reading.tables(customer_id.0, as_of).await?;
        timeline::of_customer(reading, &tables, customer_id.0, filter, &page).await
    }
}
