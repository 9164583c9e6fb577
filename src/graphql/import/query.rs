//! Queries of imports.

use async_graphql::{Context, Object, Result};

use super::object::{Import, ImportConnection, list};
use crate::graphql::engine::connection::{page, page_cost};
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;
use crate::ids::ImportId;

/// Queries of imports.
#[derive(Default)]
pub struct ImportQueries;

#[Object]
impl ImportQueries {
    /// One import; null if it does not exist.
    #[graphql(guard = "May(Permission::Read)")]
    async fn import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The import's global id.")] id: Of<ImportId>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Option<Import>> {
        Reading::of(ctx)?.api.wait_for(wait_for).await?;
        Import::load(ctx, id.0).await
    }

    /// Imports, newest first.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    async fn imports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<ImportConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        list(reading, &page).await
    }
}
