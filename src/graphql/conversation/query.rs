//! Queries of conversations.

use async_graphql::{Context, Object, Result};

use super::object as conversation;
use super::object::{Conversation, ConversationConnection, ConversationFilterInput};
use crate::graphql::engine::connection::{page, page_cost};
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::scalar::Cursor;
use crate::ids::ConversationId;

/// Queries of conversations.
#[derive(Default)]
pub struct ConversationQueries;

#[Object]
impl ConversationQueries {
    /// One conversation; null if it does not exist.
    #[graphql(guard = "May(Permission::Read)")]
    async fn conversation(
        &self,
        ctx: &Context<'_>,
        id: Of<ConversationId>,
        wait_for: Option<Cursor>,
    ) -> Result<Option<Conversation>> {
        Reading::of(ctx)?.api.wait_for(wait_for).await?;
        Conversation::load_from(ctx, id.0, Tables::Live).await
    }

    /// Conversations, most recently active first.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn conversations(
        &self,
        ctx: &Context<'_>,
        filter: Option<ConversationFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<ConversationConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        conversation::list(reading, &Tables::Live, None, filter, &page).await
    }
}
