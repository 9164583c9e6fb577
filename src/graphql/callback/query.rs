//! Queries of kept callbacks.

use async_graphql::{Context, ID, Object, Result};
use uuid::Uuid;

use super::object;
use super::object::{KeptCallback, KeptCallbackConnection, KeptCallbackFilterInput};
use crate::graphql::engine::connection::{page, page_cost};
use crate::graphql::engine::failure::bad_argument;
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;

/// Queries of kept callbacks.
#[derive(Default)]
pub struct CallbackQueries;

#[Object]
impl CallbackQueries {
    /// Callbacks of providers that could not be recorded as what they are, newest first. Requires a role that may read
    /// events.
    #[graphql(guard = "May(Permission::ReadEvents)", complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn kept_callbacks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts what is found; omitted fields do not filter.")] filter: Option<
            KeptCallbackFilterInput,
        >,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<KeptCallbackConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        object::list(reading, filter, &page).await
    }

    /// A callback that could not be recorded as what it is. Requires a role that may read events.
    #[graphql(guard = "May(Permission::ReadEvents)")]
    async fn kept_callback(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The kept callback's UUID.")] callback_id: ID,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Option<KeptCallback>> {
        let reading = Reading::of(ctx)?;
        let id =
            Uuid::try_parse(&callback_id).map_err(|_| bad_argument("callbackId", "must be the id of a callback"))?;
        reading.api.wait_for(wait_for).await?;
        KeptCallback::load(reading, id).await
    }
}
