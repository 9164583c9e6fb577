//! Subscriptions to what campaigns achieve.

use async_graphql::{Context, Result, Subscription};
use futures::stream::{self, Stream};

use super::metrics::CampaignMetrics;
use super::object::Campaign;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::live::{COUNTERS_PACE, Live};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::{Reading, Session};
use crate::ids::CampaignId;
use crate::queries::campaigns;

/// Subscriptions to what campaigns achieve.
#[derive(Default)]
pub struct CampaignSubscriptions;

#[Subscription]
impl CampaignSubscriptions {
    /// A campaign's figures: at once, and after every change.
    #[graphql(guard = "May(Permission::Read)")]
    async fn campaign_metrics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's id: a UUID of your own, or its global id.")] campaign_id: Of<CampaignId>,
    ) -> Result<impl Stream<Item = Result<CampaignMetrics>> + use<>> {
        let reading = Reading::of(ctx)?;
        let (api, principal, campaign) = (reading.api.clone(), reading.session.principal, campaign_id.0);
        let live = Live::new(reading.api.reads.applied(), COUNTERS_PACE);
        Ok(stream::unfold((live, None), move |(mut live, mut last)| {
            let api: Api = api.clone();
            async move {
                let session = Session::new(principal);
                loop {
                    live.next().await?;
                    let reading = Reading { api: &api, session: &session };
                    match CampaignMetrics::rows(reading, campaign).await {
                        Ok(rows) if last.as_ref() == Some(&rows) => {}
                        Ok(rows) => {
                            last = Some(rows);
                            return Some((Ok(CampaignMetrics::new(campaign)), (live, last)));
                        }
                        Err(error) => return Some((Err(error), (live, last))),
                    }
                }
            }
        }))
    }

    /// A campaign: at once, and after every change of it and of what became of its audience.
    #[graphql(guard = "May(Permission::Read)")]
    async fn campaign_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's global id.")] campaign_id: Of<CampaignId>,
    ) -> Result<impl Stream<Item = Result<Campaign>> + use<>> {
        let reading = Reading::of(ctx)?;
        let (api, tenant, id) = (reading.api.clone(), reading.session.principal.tenant, campaign_id.0);
        let live = Live::new(reading.api.reads.applied(), COUNTERS_PACE);
        Ok(stream::unfold((live, None), move |(mut live, last)| {
            let api: Api = api.clone();
            async move {
                loop {
                    live.next().await?;
                    match campaigns::by_id(&api.reads.db(), tenant, id).await {
                        Ok(row) if row == last => {}
                        Ok(None) => {}
                        Ok(Some(row)) => return Some((Ok(Campaign::new(row.clone())), (live, Some(row)))),
                        Err(error) => return Some((Err(api.failed(&error)), (live, last))),
                    }
                }
            }
        }))
    }
}
