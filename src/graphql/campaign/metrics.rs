//! What campaigns achieved.

use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::achieved::{CampaignRates, DomainFigures, LinkFigures, ListFigures};
use crate::campaigns::rates::Rates;
use crate::domain::campaign::plan::CampaignPlan;
use crate::graphql::engine::connection::{DEFAULT_FIRST, page_size};
use crate::graphql::engine::flat::Flat;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::loaders::{CampaignCostsOf, CampaignTotalsOf};
use crate::graphql::engine::money::Money;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::reports::{ReportCounts, report_counts};
use crate::graphql::engine::scalar::Micros;
use crate::graphql::engine::words::Channel;
use crate::ids::CampaignId;
use crate::queries::campaign_metrics::{CostRow, HourlyMetricsRow, MetricsRow};
use crate::queries::{campaign_groups, campaign_metrics, campaigns};

/// Counts of messages, opens and clicks. A message counts as sent from the first evidence that a provider accepted it.
/// Raw opens are machine and human ones together; the unique ones count each message once.
#[derive(SimpleObject, Clone)]
pub struct Metrics {
    /// The variant; empty for messages without one.
    variant: String,
    /// The channel.
    channel: Channel,
    /// Requested messages.
    queued: i64,
    /// Messages that a rule suppressed.
    suppressed: i64,
    /// Messages cancelled before dispatch.
    cancelled: i64,
    /// Messages that a provider accepted.
    sent: i64,
    /// Messages that arrived.
    delivered: i64,
    /// Messages that the receiving side asked to send later.
    deferred: i64,
    /// Messages that bounced temporarily.
    soft_bounced: i64,
    /// Messages that bounced permanently.
    hard_bounced: i64,
    /// Messages that were refused for good, or could not be delivered.
    failed: i64,
    /// Messages reported as spam.
    complained: i64,
    /// Messages that led to an opt-out.
    opted_out: i64,
    /// Messages that were replied to.
    replied: i64,
    /// Opens: raw, machine, likely human.
    opens: Flat<Counted>,
    /// Clicks: raw, machine, likely human.
    clicks: Flat<Counted>,
    /// Messages that arrived, by any evidence: delivered, opened, clicked, replied to, reported or opted out of.
    arrived: i64,
    /// Messages that bounced, temporarily or permanently.
    bounced: i64,
    /// Messages as parts of each other.
    rates: Flat<CampaignRates>,
}

/// Three figures, because opens and clicks lie: proxies open everything, scanners click everything.
#[derive(SimpleObject, Clone)]
pub struct Counted {
    /// All that were reported.
    raw: i64,
    /// Those made by proxies and scanners.
    machine: i64,
    /// Those that were probably made by a person.
    human: i64,
    /// Messages with at least one.
    unique_raw: i64,
    /// Messages with at least one by a machine.
    unique_machine: i64,
    /// Messages with at least one by a person.
    unique_human: i64,
}

impl Metrics {
    fn new(row: MetricsRow) -> Self {
        Self {
            rates: Flat(Rates::from(&row).into()),
            arrived: row.arrived,
            bounced: row.bounced,
            variant: row.variant,
            channel: row.channel.into(),
            queued: row.queued,
            suppressed: row.suppressed,
            cancelled: row.cancelled,
            sent: row.sent,
            delivered: row.delivered,
            deferred: row.deferred,
            soft_bounced: row.soft_bounced,
            hard_bounced: row.hard_bounced,
            failed: row.failed,
            complained: row.complained,
            opted_out: row.opted_out,
            replied: row.replied,
            opens: Flat(Counted {
                raw: row.opens,
                machine: row.opens_machine,
                human: row.opens_human,
                unique_raw: row.unique_opens,
                unique_machine: row.unique_opens_machine,
                unique_human: row.unique_opens_human,
            }),
            clicks: Flat(Counted {
                raw: row.clicks,
                machine: row.clicks_machine,
                human: row.clicks_human,
                unique_raw: row.unique_clicks,
                unique_machine: row.unique_clicks_machine,
                unique_human: row.unique_clicks_human,
            }),
        }
    }
}

/// The reports of one hour. They count reports, not messages: a second delivery report counts again.
#[derive(SimpleObject, Clone)]
pub struct HourlyMetrics {
    /// The hour's beginning, UTC.
    hour: DateTime<Utc>,
    /// The variant; empty for messages without one.
    variant: String,
    /// The channel.
    channel: Channel,
    /// Requested messages.
    queued: i64,
    /// Messages that a rule suppressed.
    suppressed: i64,
    /// Messages cancelled before dispatch.
    cancelled: i64,
    #[graphql(flatten)]
    reports: ReportCounts,
    /// Opt-outs.
    opted_out: i64,
    /// Replies.
    replied: i64,
    /// Opens by proxies and scanners.
    opens_machine: i64,
    /// Opens that were probably a person's.
    opens_human: i64,
    /// Clicks by scanners.
    clicks_machine: i64,
    /// Clicks that were probably a person's.
    clicks_human: i64,
}

impl HourlyMetrics {
    fn new(row: HourlyMetricsRow) -> Self {
        Self {
            hour: row.hour,
            variant: row.variant,
            channel: row.channel.into(),
            queued: row.queued,
            suppressed: row.suppressed,
            cancelled: row.cancelled,
            reports: report_counts!(row),
            opted_out: row.opted_out,
            replied: row.replied,
            opens_machine: row.opens_machine,
            opens_human: row.opens_human,
            clicks_machine: row.clicks_machine,
            clicks_human: row.clicks_human,
        }
    }
}

/// The costs of a campaign's messages.
#[derive(SimpleObject, Clone)]
pub struct Cost {
    /// The variant; empty for messages without one.
    variant: String,
    /// The channel.
    channel: Channel,
    /// The total.
    total: Money,
    /// SMS segments; on other channels messages.
    segments: i64,
}

impl Cost {
    fn new(row: CostRow) -> Self {
        let micros = Micros(row.cost());
        Self {
            variant: row.variant,
            channel: row.channel.into(),
            total: Money { micros, currency: row.currency },
            segments: row.segments,
        }
    }
}

/// A campaign's figures.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub struct CampaignMetrics {
    /// The campaign.
    campaign_id: Of<CampaignId>,
}

impl CampaignMetrics {
    /// Of a campaign; a campaign without messages has no counts.
    #[must_use]
    pub const fn new(campaign: CampaignId) -> Self {
        Self { campaign_id: Of(campaign) }
    }

    /// The totals, to be compared with later ones.
    pub async fn rows(reading: Reading<'_>, campaign: CampaignId) -> Result<Vec<MetricsRow>> {
        let tenant = reading.session.principal.tenant;
        campaign_metrics::totals(&reading.api.reads.db(), tenant, &[campaign])
            .await
            .map_err(|error| reading.api.failed(&error))
    }
}

#[ComplexObject]
impl CampaignMetrics {
    /// The counts by variant and channel.
    #[graphql(complexity = "1 + 8 * child_complexity")]
    async fn totals(&self, ctx: &Context<'_>) -> Result<Vec<Flat<Metrics>>> {
        let rows = CampaignTotalsOf(self.campaign_id.0).load(Reading::of(ctx)?, &Tables::Live).await?;
        Ok(rows.into_iter().map(|row| Flat(Metrics::new(row))).collect())
    }

    /// The counts by hour, variant and channel.
    #[graphql(complexity = "1 + 48 * child_complexity")]
    async fn by_hour(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From this time on.")] since: Option<DateTime<Utc>>,
        #[graphql(desc = "Before this time.")] until: Option<DateTime<Utc>>,
    ) -> Result<Vec<Flat<HourlyMetrics>>> {
        let reading = Reading::of(ctx)?;
        let tenant = reading.session.principal.tenant;
        let rows = campaign_metrics::by_hour(&reading.api.reads.db(), tenant, self.campaign_id.0, since, until)
            .await
            .map_err(|error| reading.api.failed(&error))?;
        Ok(rows.into_iter().map(|row| Flat(HourlyMetrics::new(row))).collect())
    }

    /// The costs by variant, channel and currency.
    #[graphql(complexity = "1 + 8 * child_complexity")]
    async fn costs(&self, ctx: &Context<'_>) -> Result<Vec<Flat<Cost>>> {
        let rows = CampaignCostsOf(self.campaign_id.0).load(Reading::of(ctx)?, &Tables::Live).await?;
        Ok(rows.into_iter().map(|row| Flat(Cost::new(row))).collect())
    }

    /// The counts by domain of the mailboxes, the one with most messages first. Reads every message of the campaign.
    #[graphql(complexity = "200 + 8 * child_complexity")]
    async fn domains(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 200.", default_with = "DEFAULT_FIRST")] first: i32,
    ) -> Result<Vec<Flat<DomainFigures>>> {
        let reading = Reading::of(ctx)?;
        let (db, tenant, most) = (reading.api.reads.db(), reading.session.principal.tenant, page_size(Some(first))?);
        let rows = campaign_groups::by_domain(&db, tenant, self.campaign_id.0, most).await;
        let rows = rows.map_err(|error| reading.api.failed(&error))?;
        Ok(rows.into_iter().map(|row| Flat(DomainFigures::new(row, reading.personal()))).collect())
    }

    /// The counts by list of the audience; empty before the campaign starts, and for campaigns that are planned elsewhere. Reads every
    /// message of the campaign for each list.
    #[graphql(complexity = "200 + 8 * child_complexity")]
    async fn lists(&self, ctx: &Context<'_>) -> Result<Vec<Flat<ListFigures>>> {
        let reading = Reading::of(ctx)?;
        let (db, tenant, id) = (reading.api.reads.db(), reading.session.principal.tenant, self.campaign_id.0);
        let row = campaigns::by_id(&db, tenant, id).await.map_err(|error| reading.api.failed(&error))?;
        let plan = row.as_ref().and_then(|row| row.plan.as_ref());
        let plan = plan.and_then(|plan| serde_json::from_value::<CampaignPlan>(plan.0.clone()).ok());
        let Some((plan, at)) = plan.zip(row.and_then(|row| row.started_at)) else { return Ok(vec![]) };
        let mut found = Vec::with_capacity(plan.audience.lists.len());
        for list in plan.audience.lists {
            let figures = campaign_groups::of_list(&db, tenant, id, list, at).await;
            let figures = figures.map_err(|error| reading.api.failed(&error))?;
            found.push(Flat(ListFigures::new(list, at, &figures)));
        }
        Ok(found)
    }

    /// Clicks by link, the link that most people followed first.
    #[graphql(complexity = "50 + 8 * child_complexity")]
    async fn links(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 200.", default_with = "DEFAULT_FIRST")] first: i32,
    ) -> Result<Vec<Flat<LinkFigures>>> {
        let reading = Reading::of(ctx)?;
        let (db, tenant, most) = (reading.api.reads.db(), reading.session.principal.tenant, page_size(Some(first))?);
        let rows = campaign_groups::by_link(&db, tenant, self.campaign_id.0, most).await;
        let rows = rows.map_err(|error| reading.api.failed(&error))?;
        Ok(rows.into_iter().map(|row| Flat(LinkFigures::new(row, reading.personal()))).collect())
    }
}
