//! What a campaign has cost so far, for its budget.

use crate::domain::campaign::budget::Spending;
use crate::domain::value::Currency;
use crate::ids::{CampaignId, TenantId};
use crate::queries::{Db, QueryError, campaign_attribution, campaign_metrics};

/// What was charged, and how many messages have no price yet: those that were sent, and those that wait to be.
pub async fn spending(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    currency: Currency,
) -> Result<Spending, QueryError> {
    let mut spending = Spending::default();
    for row in campaign_metrics::costs(db, tenant, &[campaign]).await? {
        if row.currency == currency.to_string() {
            spending.charged += row.cost();
        } else if row.cost() != 0 {
            spending.other_currency = Some(row.currency);
        }
    }
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    for row in campaign_attribution::unpriced(db, tenant, campaign).await? {
        spending.unpriced += count(row.segments.max(row.messages));
    }
    for row in campaign_metrics::totals(db, tenant, &[campaign]).await? {
        spending.unpriced += count(row.queued - row.suppressed - row.cancelled - row.sent - row.failed);
    }
    Ok(spending)
}
