//! Subscriptions to timelines.

use async_graphql::{Context, Result, Subscription};
use futures::stream::Stream;

use super::changes::Changes;
use super::object::TimelineEntry;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::resume::Resume;
use crate::ids::CustomerId;

/// Subscriptions to timelines.
#[derive(Default)]
pub struct TimelineSubscriptions;

#[Subscription]
impl TimelineSubscriptions {
    /// New and changed entries of a customer's timeline: a message that is opened is reported again, with its new
    /// state. Includes all customers merged into this one. With `after` (a position from a query, a mutation or the entry
    /// received last), it continues there: nothing is missed, and nothing is repeated that did not change again.
    #[graphql(guard = "May(Permission::Read)")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(desc = "Continues after this position, from a query, a mutation or the last entry; by default now.")]
        after: Option<Resume>,
    ) -> Result<impl Stream<Item = Result<TimelineEntry>> + use<>> {
        let reading = Reading::of(ctx)?;
        Ok(Changes::begin(reading, customer_id.0, after).await?.entries())
    }
}
