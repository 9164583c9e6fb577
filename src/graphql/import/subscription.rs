//! Imports, as they go on.

use async_graphql::{Context, Result, Subscription};
use futures::{Stream, StreamExt as _};

use super::run::ImportRun;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::bad_argument;
use crate::graphql::engine::guard::{May, principal};
use crate::graphql::engine::id::{ImportRunId, Of};
use crate::graphql::engine::live::until_ended;
use crate::graphql::engine::principal::Permission;

/// Subscriptions to imports.
#[derive(Default)]
pub struct ImportSubscriptions;

#[Subscription]
impl ImportSubscriptions {
    /// A run: at once, and after every change of it, until it has ended.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn import_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The run's global id.")] run_id: Of<ImportRunId>,
    ) -> Result<impl Stream<Item = ImportRun> + use<>> {
        let tenant = principal(ctx)?.tenant;
        let run = Api::of(ctx)?.imports.watch(tenant, run_id.0.0);
        let run = run.ok_or_else(|| bad_argument("runId", "names no run that this server knows"))?;
        Ok(until_ended(run, |run| run.ended_at.is_some()).map(Into::into))
    }
}
