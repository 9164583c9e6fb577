//! Subscriptions to inboxes.

use async_graphql::{Context, Result, Subscription};
use futures::stream::Stream;

use super::changes::inbox_changes;
use super::object::InboxChange;
use crate::graphql::conversation::object::ConversationFilterInput;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;

/// Subscriptions to inboxes.
#[derive(Default)]
pub struct InboxSubscriptions;

#[Subscription]
impl InboxSubscriptions {
    /// Changed conversations, each in its current state; simultaneous changes are reported as one. With `after` (a
    /// position from a query, a mutation or an earlier change), nothing in between is missed.
    #[graphql(guard = "May(Permission::Read)")]
    async fn inbox(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts what is found; omitted fields do not filter.")] filter: Option<
            ConversationFilterInput,
        >,
        #[graphql(
            desc = "Continues after this position, from a query, a mutation or an earlier change; by default now."
        )]
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<InboxChange>> + use<>> {
        let reading = Reading::of(ctx)?;
        if let Some(after) = after {
            reading.api.wait_for_after(after.0).await?;
        }
        Ok(inbox_changes(reading, filter.unwrap_or_default().into(), after.map(|after| after.0)))
    }
}
