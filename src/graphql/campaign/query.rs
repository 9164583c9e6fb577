//! Queries of campaigns.

use async_graphql::{Context, Object, Result};

use super::dry_run::{CampaignDryRun, DryRunResult};
use super::metrics::CampaignMetrics;
use super::object::{Campaign, CampaignConnection};
use crate::campaigns::dry_run::dry_run;
use crate::graphql::engine::connection::{count_later, page, page_cost};
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::caller;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;
use crate::ids::CampaignId;
use crate::queries::campaigns;

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

    /// Campaigns, the one that began last first; those that are planned elsewhere too, once a message was requested in them.
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
        let slice = campaigns::list(&db, tenant, &page).await;
        let slice = slice.map_err(|error| reading.api.failed(&error))?;
        let api = reading.api.clone();
        let count = count_later(async move { campaigns::count(&db, tenant).await.map_err(|error| api.failed(&error)) });
        Ok(CampaignConnection::new(slice, count, Campaign::new))
    }

    /// One campaign.
    #[graphql(guard = "May(Permission::Read)")]
    async fn campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's global id.")] campaign_id: Of<CampaignId>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Option<Campaign>> {
        Reading::of(ctx)?.api.wait_for(wait_for).await?;
        Campaign::load(ctx, campaign_id.0).await
    }

    /// What a campaign would do if it started now, by the same decisions, without sending or recording anything. Requires the
    /// role `ADMIN` or `MARKETER`.
    #[graphql(guard = "May(Permission::Author)", complexity = "100 + child_complexity")]
    async fn dry_run_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's global id.")] campaign_id: Of<CampaignId>,
    ) -> Result<DryRunResult> {
        let api = Reading::of(ctx)?.api;
        let done = dry_run(&api.app, &api.reads, &caller(ctx, None)?, campaign_id.0).await;
        Ok(match done.map_err(|error| opaque(api.ambient(), &error))? {
            Ok(run) => DryRunResult { dry_run: Some(CampaignDryRun::new(run)), refusal: None },
            Err(refusal) => DryRunResult { dry_run: None, refusal: Some(refusal.into()) },
        })
    }
}
