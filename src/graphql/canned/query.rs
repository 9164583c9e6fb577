//! Canned replies.

use async_graphql::{Context, Object, Result};

use super::object::CannedReply;
use crate::graphql::engine::connection::{DEFAULT_FIRST, page_size};
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;
use crate::queries::canned_replies;

/// Canned replies.
#[derive(Default)]
pub struct CannedReplyQueries;

#[Object]
impl CannedReplyQueries {
    /// The canned replies, by code.
    #[graphql(guard = "May(Permission::Read)", complexity = "1 + first.max(0) as usize * child_complexity")]
    async fn canned_replies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The beginning of the code or the title.")] search: Option<String>,
        #[graphql(default_with = "DEFAULT_FIRST", desc = "The maximum number of replies; limited as pages are.")]
        first: i32,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Vec<CannedReply>> {
        let reading = Reading::of(ctx)?;
        let limit = page_size(Some(first))?;
        reading.api.wait_for(wait_for).await?;
        let tenant = reading.session.principal.tenant;
        let rows = canned_replies::list(&reading.api.reads.db(), tenant, search.as_deref(), limit).await;
        let rows = rows.map_err(|error| opaque(reading.api.ambient(), &error))?;
        rows.into_iter().map(CannedReply::new).collect()
    }
}
