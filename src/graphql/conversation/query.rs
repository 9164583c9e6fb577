//! Queries of conversations.

use async_graphql::{Context, Object, Result};

use super::object as conversation;
use super::object::{Conversation, ConversationConnection, ConversationFilterInput, ConversationOrder};
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
        #[graphql(desc = "The conversation's global id.")] id: Of<ConversationId>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Option<Conversation>> {
        Reading::of(ctx)?.api.wait_for(wait_for).await?;
        Conversation::load_from(ctx, id.0, Tables::Live).await
    }

    /// Conversations, by default most recently active first.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn conversations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts what is found; omitted fields do not filter.")] filter: Option<
            ConversationFilterInput,
        >,
        #[graphql(desc = "The order; by default the one that moved last first.")] order_by: Option<ConversationOrder>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<ConversationConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        conversation::list(reading, &Tables::Live, None, filter, order_by, &page).await
    }
}
