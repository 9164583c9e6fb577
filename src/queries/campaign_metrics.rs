//! What campaigns achieved, by variant and channel: in all, and by hour.

use chrono::{DateTime, Utc};

use super::QueryError;
use super::customers::total;
use super::select::Select;
use crate::domain::value::Channel;
use crate::ids::{CampaignId, TenantId};
use crate::sql::{Db, row};

const READING: &str = "campaign metrics";

row! {
    /// Counts of messages, and of opens and clicks. Raw opens are machine and human ones together; the unique ones count
    /// each message once. A message counts as sent from the first evidence that a provider took it, so that nothing can
    /// have been opened by more than were sent.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct MetricsRow {
        pub campaign_id: CampaignId,
        /// Empty for messages without a variant.
        pub variant: String,
        pub channel: Channel,
        /// Messages asked for.
        pub queued: i64,
        /// Messages not sent by a rule.
        pub suppressed: i64,
        /// Messages taken back before dispatch.
        pub cancelled: i64,
        pub sent: i64,
        pub delivered: i64,
        pub deferred: i64,
        pub soft_bounced: i64,
        pub hard_bounced: i64,
        /// Messages that a provider refused for good, or took and could not deliver.
        pub failed: i64,
        pub complained: i64,
        pub opted_out: i64,
        pub replied: i64,
        pub opens: i64,
        pub opens_machine: i64,
        pub opens_human: i64,
        pub unique_opens: i64,
        pub unique_opens_machine: i64,
        pub unique_opens_human: i64,
        pub clicks: i64,
        pub clicks_machine: i64,
        pub clicks_human: i64,
        pub unique_clicks: i64,
        pub unique_clicks_machine: i64,
        pub unique_clicks_human: i64,
        /// Messages that arrived by any evidence.
        pub arrived: i64,
        /// Messages that bounced, for whatever reason.
        pub bounced: i64,
        /// Messages that a person opened, or followed a link in.
        pub engaged_human: i64,
    }
}

row! {
    /// What was reported in one hour. These count reports, not messages: a second delivery report counts again.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct HourlyMetricsRow {
        pub campaign_id: CampaignId,
        /// Empty for messages without a variant.
        pub variant: String,
        pub channel: Channel,
        /// Its beginning, UTC.
        pub hour: DateTime<Utc>,
        pub queued: i64,
        pub suppressed: i64,
        pub cancelled: i64,
        pub sent: i64,
        pub delivered: i64,
        pub deferred: i64,
        pub soft_bounced: i64,
        pub hard_bounced: i64,
        /// Taken by the provider, but not deliverable.
        pub failed: i64,
        /// Refused by the provider for good.
        pub refused: i64,
        pub complained: i64,
        pub opted_out: i64,
        pub replied: i64,
        pub opens_machine: i64,
        pub opens_human: i64,
        pub clicks_machine: i64,
        pub clicks_human: i64,
    }
}

row! {
    /// What the messages of a campaign cost, in one currency.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CostRow {
        pub campaign_id: CampaignId,
        pub variant: String,
        pub channel: Channel,
        pub currency: String,
        /// Sum of the whole thousands of the costs.
        pub cost_thousands: i64,
        /// Sum of what is left of them, in micros.
        pub cost_micros: i64,
        /// SMS segments; on other channels messages.
        pub segments: i64,
    }
}

impl CostRow {
    /// Sum of the costs, in micros.
    #[must_use]
    pub fn cost(&self) -> i128 {
        total(self.cost_thousands, self.cost_micros)
    }
}

/// Messages are counted in `campaign_metrics`, opens and clicks by the hour.
const TOTALS: &str = "SELECT m.*, \
    CAST(COALESCE(SUM(h.opens_machine + h.opens_human), 0) AS BIGINT) AS opens, \
    CAST(COALESCE(SUM(h.opens_machine), 0) AS BIGINT) AS opens_machine, \
    CAST(COALESCE(SUM(h.opens_human), 0) AS BIGINT) AS opens_human, \
    CAST(COALESCE(SUM(h.clicks_machine + h.clicks_human), 0) AS BIGINT) AS clicks, \
    CAST(COALESCE(SUM(h.clicks_machine), 0) AS BIGINT) AS clicks_machine, \
    CAST(COALESCE(SUM(h.clicks_human), 0) AS BIGINT) AS clicks_human \
    FROM campaign_metrics m LEFT JOIN campaign_hours h ON h.tenant_id = m.tenant_id \
    AND h.campaign_id = m.campaign_id AND h.variant = m.variant AND h.channel = m.channel";

/// The totals of several campaigns: by campaign, variant and channel.
pub async fn totals(db: &Db, tenant: TenantId, ids: &[CampaignId]) -> Result<Vec<MetricsRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new(TOTALS, []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and_in("m.campaign_id", ids.iter().map(|id| id.0.into()));
    select.push(
        " GROUP BY m.tenant_id, m.campaign_id, m.variant, m.channel ORDER BY m.campaign_id, m.variant, m.channel",
        [],
    );
    select.all(db, READING).await
}

/// A campaign's hours from `since` to before `until`: by hour, variant and channel.
pub async fn by_hour(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
) -> Result<Vec<HourlyMetricsRow>, QueryError> {
    let mut select = Select::new("SELECT * FROM campaign_hours", []);
    select.and_equal("tenant_id", Some(tenant.0));
    select.and_equal("campaign_id", Some(campaign.0));
    if let Some(since) = since {
        select.and("hour >= ?", [since.into()]);
    }
    if let Some(until) = until {
        select.and("hour < ?", [until.into()]);
    }
    select.push(" ORDER BY hour, variant, channel", []);
    select.all(db, READING).await
}

/// What several campaigns cost: by campaign, variant, channel and currency.
pub async fn costs(db: &Db, tenant: TenantId, ids: &[CampaignId]) -> Result<Vec<CostRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT * FROM campaign_costs", []);
    select.and_equal("tenant_id", Some(tenant.0));
    select.and_in("campaign_id", ids.iter().map(|id| id.0.into()));
    select.push(" ORDER BY campaign_id, variant, channel, currency", []);
    select.all(db, READING).await
}
