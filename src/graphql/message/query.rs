//! Queries of messages.

use async_graphql::{Context, Object, Result};

use super::object::Message;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::scalar::Cursor;
use crate::ids::MessageId;
use crate::queries::messages;
use crate::queries::page::PAGE;

/// Queries of messages.
#[derive(Default)]
pub struct MessageQueries;

#[Object]
impl MessageQueries {
    /// One message, with its whole history and the reasons for each decision; null if it does not exist.
    #[graphql(guard = "May(Permission::Read)")]
    async fn message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message's global id.")] id: Of<MessageId>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Option<Message>> {
        Reading::of(ctx)?.api.wait_for(wait_for).await?;
        Message::load(ctx, id.0).await
    }

    /// Messages that a provider may or may not have accepted, oldest first; at most 200.
    #[graphql(guard = "May(Permission::Read)", complexity = "1 + PAGE.largest * child_complexity")]
    async fn in_doubt(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Vec<Message>> {
        let reading = Reading::of(ctx)?;
        reading.api.wait_for(wait_for).await?;
        let tenant = reading.session.principal.tenant;
        let rows = messages::in_doubt_of(&reading.api.reads.db(), tenant, PAGE.largest).await;
        let rows = rows.map_err(|error| reading.api.failed(&error))?;
        Ok(rows.into_iter().map(|row| Message::new(row, reading.personal(), Tables::Live)).collect())
    }
}
