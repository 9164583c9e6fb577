//! Subscriptions to who enters and leaves lists.

use async_graphql::{Context, Result, Subscription};
use futures::stream::{self, Stream};

use super::object::ListChange;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::live::{COUNTERS_PACE, Live};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::ids::ListId;
use crate::queries::lists;

/// How many changes are pushed at once at most; the others follow with the next push.
const AT_ONCE: usize = 200;

/// Subscriptions to who enters and leaves lists.
#[derive(Default)]
pub struct ListSubscriptions;

#[Subscription]
impl ListSubscriptions {
    /// Customers who enter and leave a list from now on, in order, up to 200 at once.
    #[graphql(guard = "May(Permission::Read)")]
    async fn list_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The list's global id.")] list_id: Of<ListId>,
    ) -> Result<impl Stream<Item = Result<Vec<ListChange>>> + use<>> {
        let reading = Reading::of(ctx)?;
        let (api, tenant, list) = (reading.api.clone(), reading.session.principal.tenant, list_id.0);
        let live = Live::new(reading.api.reads.applied(), COUNTERS_PACE);
        let begun = lists::last_change(&api.reads.db(), tenant, list).await.map_err(|error| api.failed(&error))?;
        Ok(stream::unfold((live, begun), move |(mut live, last)| {
            let api = api.clone();
            async move {
                loop {
                    live.next().await?;
                    match lists::changes_after(&api.reads.db(), tenant, list, last.as_ref(), AT_ONCE).await {
                        Ok(rows) if rows.is_empty() => {}
                        Ok(rows) => {
                            let next = rows.last().cloned().or(last);
                            let changes = rows.into_iter().map(ListChange::new).collect();
                            return Some((Ok(changes), (live, next)));
                        }
                        Err(error) => return Some((Err(api.failed(&error)), (live, last))),
                    }
                }
            }
        }))
    }
}
