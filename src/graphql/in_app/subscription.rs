//! Follows a customer's inbox.

use async_graphql::{Context, Result, Subscription as Follows};
use futures::stream::{self, Stream};

use super::holder;
use super::object::Inbox;
use super::reading::{inbox, size};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::live::{COUNTERS_PACE, Live};

/// Subscriptions of the customer who holds the token.
pub struct Subscription;

#[Follows]
impl Subscription {
    /// The inbox as it stands, and again whenever it changes: each time as a whole, so that a page that missed something, or was
    /// offline, shows the right messages and the right number with the next one. Ends with the token.
    async fn inbox(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many messages, up to 50.", default = 20)] first: i32,
    ) -> Result<impl Stream<Item = Result<Inbox>> + use<>> {
        let (api, holder, size) = (Api::of(ctx)?.clone(), holder(ctx)?, size(first)?);
        let live = Live::new(api.reads.applied(), COUNTERS_PACE);
        Ok(stream::unfold((live, None), move |(mut live, mut shown)| {
            let api = api.clone();
            async move {
                loop {
                    live.next().await?;
                    match inbox(&api, &holder, size).await {
                        Ok(now) if shown.as_ref() == Some(&now) => {}
                        Ok(now) => {
                            shown = Some(now.clone());
                            return Some((Ok(now), (live, shown)));
                        }
                        Err(error) => return Some((Err(error), (live, shown))),
                    }
                }
            }
        }))
    }
}
