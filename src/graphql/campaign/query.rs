//! Queries of campaigns.

use async_graphql::{Context, Object, Result};

use super::object::CampaignMetrics;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;
use crate::ids::CampaignId;

/// Queries of campaigns.
#[derive(Default)]
pub struct CampaignQueries;

#[Object]
impl CampaignQueries {
    /// A campaign's figures by variant and channel, and by hour.
    #[graphql(guard = "May(Permission::Read)")]
    async fn campaign_metrics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's id: a UUID of your own, or its global id.")] campaign_id: Of<CampaignId>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<CampaignMetrics> {
        Reading::of(ctx)?.api.wait_for(wait_for).await?;
        Ok(CampaignMetrics::new(campaign_id.0))
    }
}
