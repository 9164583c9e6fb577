//! Exports, as they go on.

use async_graphql::{Context, Result, Subscription};
use futures::{Stream, StreamExt as _};

use super::object::Export;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::bad_argument;
use crate::graphql::engine::guard::{May, principal};
use crate::graphql::engine::id::{ExportId, Of};
use crate::graphql::engine::live::until_ended;
use crate::graphql::engine::principal::Permission;

/// Subscriptions to exports.
#[derive(Default)]
pub struct ExportSubscriptions;

#[Subscription]
impl ExportSubscriptions {
    /// An export: at once, and after every change of it, until it has ended.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn export_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The export's global id.")] id: Of<ExportId>,
    ) -> Result<impl Stream<Item = Export> + use<>> {
        let run = Api::of(ctx)?.exports.watch(principal(ctx)?.tenant, id.0.0);
        let run = run.ok_or_else(|| bad_argument("id", "names no export that this server knows"))?;
        Ok(until_ended(run, |run| run.ended_at.is_some()).map(Into::into))
    }
}
