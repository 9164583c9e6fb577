//! Queries of campaigns.

use async_graphql::{Context, Object, Result};

use super::object::{Campaign, CampaignConnection, CampaignMetrics};
use crate::graphql::engine::connection::{count_later, page, page_cost};
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;
use crate::ids::CampaignId;
use crate::queries::campaign_metrics;

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

    /// Campaigns that messages were requested in, the one that began last first.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    async fn campaigns(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<CampaignConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        let tenant = reading.session.principal.tenant;
        let db = reading.api.reads.db();
        let slice = campaign_metrics::campaigns(&db, tenant, &page).await;
        let slice = slice.map_err(|error| reading.api.failed(&error))?;
        let api = reading.api.clone();
        let count = count_later(async move {
            campaign_metrics::count_campaigns(&db, tenant).await.map_err(|error| api.failed(&error))
        });
        Ok(CampaignConnection::new(slice, count, Campaign::new))
    }
}
