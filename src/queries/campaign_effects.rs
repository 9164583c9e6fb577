//! What those who were written to did afterwards, beside those who were held out.
//!
//! Everybody who was assigned to a group counts in it, whether or not a message reached them: whoever leaves some out
//! compares people who differ in more than the message. Orders count from the start of the campaign, for all groups.

use chrono::{DateTime, Utc};

use super::QueryError;
use super::select::Select;
use crate::ids::{CampaignId, CustomerId, TenantId};
use crate::sql::{Db, Engine, row};

const READING: &str = "effects of campaigns";

row! {
    /// The customers of a group.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct GroupRow {
        /// Empty for messages without a variant.
        pub variant: String,
        pub customers: i64,
        /// Whose message a person opened, and so on.
        pub opened: i64,
        pub clicked: i64,
        pub replied: i64,
        pub opted_out: i64,
    }
}

row! {
    /// What a customer of a group ordered, in one currency.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct OrderedRow {
        pub customer_id: CustomerId,
        /// Empty for messages without a variant; absent for those held out.
        pub variant: Option<String>,
        pub currency: Option<String>,
        /// In micros; cancellations are taken off.
        pub amount_micros: Option<i64>,
        /// Whether an order was placed, and not only cancelled.
        pub placed: bool,
    }
}

row! {
    /// How many customers of a group did something.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ActiveRow {
        /// Empty for messages without a variant; absent for those held out.
        pub variant: Option<String>,
        pub customers: i64,
    }
}

/// The groups of those who were assigned a message, by variant.
pub async fn groups(db: &Db, tenant: TenantId, campaign: CampaignId) -> Result<Vec<GroupRow>, QueryError> {
    let mut select = Select::new(
        "SELECT g.variant, CAST(SUM(g.queued) AS BIGINT) AS customers, \
         CAST(SUM(g.unique_opens_human) AS BIGINT) AS opened, CAST(SUM(g.unique_clicks_human) AS BIGINT) AS clicked, \
         CAST(SUM(g.replied) AS BIGINT) AS replied, CAST(SUM(g.opted_out) AS BIGINT) AS opted_out \
         FROM campaign_metrics g",
        [],
    );
    select.and_equal("g.tenant_id", Some(tenant.0));
    select.and_equal("g.campaign_id", Some(campaign.0));
    select.push(" GROUP BY g.variant ORDER BY g.variant", []);
    select.all(db, READING).await
}

/// How many customers were held out.
pub async fn held_out(db: &Db, tenant: TenantId, campaign: CampaignId) -> Result<u64, QueryError> {
    let mut select = Select::new("SELECT COUNT(*) AS count FROM campaign_excluded e", []);
    select.and_equal("e.tenant_id", Some(tenant.0));
    select.and_equal("e.campaign_id", Some(campaign.0));
    select.and("e.reason = 'hold_out'", []);
    select.count(db, READING).await
}

/// What customers of all groups ordered in a time, by customer and currency. Orders are found by their time: those of a
/// window are fewer than the recipients of a large campaign.
pub async fn ordered(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<OrderedRow>, QueryError> {
    let mut rows = Vec::new();
    for (variant, group) in members(db) {
        let text = format!(
            "SELECT o.customer_id, {variant} AS variant, o.currency, o.amount_micros, o.placed FROM (\
             SELECT a.customer_id, a.currency, CAST(SUM(a.amount_micros) AS BIGINT) AS amount_micros, \
             MAX(CASE WHEN COALESCE(a.amount_micros, 0) >= 0 THEN 1 ELSE 0 END) = 1 AS placed FROM activities a \
             WHERE a.tenant_id = ? AND a.occurred_at >= ? AND a.occurred_at < ? AND a.kind = 'order' \
             GROUP BY a.customer_id, a.currency) o CROSS JOIN {group}"
        );
        let values = [tenant.into(), since.into(), until.into(), tenant.into(), campaign.0.into()];
        rows.extend(Select::new(&text, values).all::<OrderedRow>(db, READING).await?);
    }
    Ok(rows)
}

/// How many customers of all groups did something in a time: an activity of this kind, or a custom one of this name.
pub async fn active(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    kind: &str,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<ActiveRow>, QueryError> {
    let mut rows = Vec::new();
    for (variant, group) in members(db) {
        let text = format!(
            "SELECT d.variant, COUNT(*) AS customers FROM (SELECT {variant} AS variant FROM (\
             SELECT DISTINCT a.customer_id FROM activities a \
             WHERE a.tenant_id = ? AND a.occurred_at >= ? AND a.occurred_at < ? AND (a.kind = ? OR a.name = ?)\
             ) o CROSS JOIN {group}) d GROUP BY d.variant"
        );
        let values =
            [tenant.into(), since.into(), until.into(), kind.into(), kind.into(), tenant.into(), campaign.0.into()];
        rows.extend(Select::new(&text, values).all::<ActiveRow>(db, READING).await?);
    }
    Ok(rows)
}

/// The variant of a member of each group, and the members, beside customers `o`: those who were written to, and those held out.
/// Conditions that are expressions keep PostgreSQL, while it has no statistics, from reading the whole campaign for each customer.
fn members(db: &Db) -> [(&'static str, String); 2] {
    let by_customer = if db.engine() == Engine::Sqlite { " INDEXED BY messages_of_customer" } else { "" };
    [
        (
            "COALESCE(m.variant, '')",
            format!(
                "messages m{by_customer} WHERE m.tenant_id = ? AND m.customer_id = o.customer_id \
                 AND (m.campaign_id = ?) IS TRUE AND m.direction || '' = 'outbound'"
            ),
        ),
        (
            "CAST(NULL AS TEXT)",
            "campaign_excluded e WHERE e.tenant_id = ? AND e.campaign_id = ? AND e.customer_id = o.customer_id \
             AND e.reason = 'hold_out'"
                .to_owned(),
        ),
    ]
}
