//! Queries of exports.

use async_graphql::{Context, Object, Result};

use super::object::{Export, Exportable};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::{May, principal};
use crate::graphql::engine::id::{ExportId, Of};
use crate::graphql::engine::principal::Permission;

/// Queries of exports.
#[derive(Default)]
pub struct ExportQueries;

#[Object]
impl ExportQueries {
    /// What can be exported: events, and read models by name.
    #[graphql(guard = "May(Permission::Administer)", complexity = "20 * child_complexity")]
    async fn exportables(&self, ctx: &Context<'_>) -> Result<Vec<Exportable>> {
        Ok(Api::of(ctx)?.exports.exportables().into_iter().map(Into::into).collect())
    }

    /// An export that this server knows; null if it knows none.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The export's global id.")] id: Of<ExportId>,
    ) -> Result<Option<Export>> {
        Export::load(ctx, id.0)
    }

    /// The exports that this server knows, newest first, at most 100 that have ended.
    #[graphql(guard = "May(Permission::Administer)", complexity = "20 * child_complexity")]
    async fn exports(&self, ctx: &Context<'_>) -> Result<Vec<Export>> {
        let runs = Api::of(ctx)?.exports.list(principal(ctx)?.tenant);
        Ok(runs.into_iter().map(Into::into).collect())
    }
}
