//! Subscriptions to how far the read models are.

use async_graphql::{Context, Result, Subscription};
use futures::stream::{self, Stream};

use super::object::Projection;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::live::{COUNTERS_PACE, Live};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;

/// Subscriptions to how far the read models are.
#[derive(Default)]
pub struct ProjectionSubscriptions;

#[Subscription]
impl ProjectionSubscriptions {
    /// The progress of the read models: at once, and after every change.
    #[graphql(guard = "May(Permission::Read)")]
    async fn projection_lag(&self, ctx: &Context<'_>) -> Result<impl Stream<Item = Result<Vec<Projection>>> + use<>> {
        let api = Reading::of(ctx)?.api.clone();
        let live = Live::new(api.reads.applied(), COUNTERS_PACE).with_log(api.reads.journal().backend().watch());
        Ok(stream::unfold((live, None), move |(mut live, mut last)| {
            let api = api.clone();
            async move {
                loop {
                    live.next().await?;
                    match api.projections().await {
                        Ok(status) if last.as_ref() == Some(&status) => {}
                        Ok(status) => {
                            last = Some(status.clone());
                            return Some((Ok(status), (live, last)));
                        }
                        Err(error) => return Some((Err(error), (live, last))),
                    }
                }
            }
        }))
    }
}
