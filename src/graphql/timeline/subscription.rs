//! Subscriptions to timelines.

use async_graphql::{Context, Result, Subscription};
use futures::stream::Stream;

use super::changes::Changes;
use super::object::TimelineEntry;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;
use crate::ids::CustomerId;

/// Subscriptions to timelines.
#[derive(Default)]
pub struct TimelineSubscriptions;

#[Subscription]
impl TimelineSubscriptions {
    /// The entries of a customer's timeline that are new or changed: a message that is opened is told again, with its
    /// new state. What happens with customers who were merged into this one is told as well. With `after` (a position that a query or mutation answered) nothing is missed in between.
    #[graphql(guard = "May(Permission::Read)")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<TimelineEntry>> + use<>> {
        let reading = Reading::of(ctx)?;
        Ok(Changes::begin(reading, customer_id.0, after.map(|after| after.0)).entries())
    }
}
