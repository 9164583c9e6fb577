//! Imports, as they go on.

use async_graphql::{Context, ID, Result, Subscription};
use futures::stream::{self, Stream};

use super::run::{ImportRun, id};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::bad_argument;
use crate::graphql::engine::guard::{May, principal};
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
        #[graphql(desc = "The run's id.")] run_id: ID,
    ) -> Result<impl Stream<Item = ImportRun> + use<>> {
        let tenant = principal(ctx)?.tenant;
        let run = Api::of(ctx)?.imports.watch(tenant, id("runId", &run_id)?);
        let mut run = run.ok_or_else(|| bad_argument("runId", "names no run that this server knows"))?;
        run.mark_changed();
        Ok(stream::unfold(Some(run), |run| async move {
            let mut run = run?;
            run.changed().await.ok()?;
            let now = run.borrow_and_update().clone();
            let has_ended = now.ended_at.is_some();
            Some((now.into(), (!has_ended).then_some(run)))
        }))
    }
}
