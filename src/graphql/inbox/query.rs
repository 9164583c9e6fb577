//! The inbox.

use async_graphql::{Context, Object, Result};

use super::object::Inbox;
use crate::graphql::conversation::object::ConversationFilterInput;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;

/// The inbox.
#[derive(Default)]
pub struct InboxQueries;

#[Object]
impl InboxQueries {
    /// The inbox: counts of conversations by state, assignee, team, priority and channel, and a list. `subscription {
    /// inbox }` with the same filter pushes changes.
    #[graphql(guard = "May(Permission::Read)")]
    async fn inbox(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts what is found; omitted fields do not filter.")] filter: Option<
            ConversationFilterInput,
        >,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Inbox> {
        let reading = Reading::of(ctx)?;
        reading.api.wait_for(wait_for).await?;
        Inbox::load(reading, filter.unwrap_or_default()).await
    }
}
