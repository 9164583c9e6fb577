//! A campaign's recipients by what became of them.

use super::attribution::converted;
use crate::domain::campaign::attribution::{Touch, Windows};
use crate::ids::{CampaignId, TenantId};
use crate::queries::campaign_attribution::page_of;
use crate::queries::messages::{self, MessageFilter, MessageOrder, MessageRow, Outcome};
use crate::queries::{Counted, Db, Page, QueryError, Slice};

/// A page of the messages to those of whom something became, newest first. Conversions are those of the default windows, from
/// the sending on; a reason does not restrict them.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    outcome: Outcome,
    reason: Option<&str>,
    page: &Page,
) -> Result<Slice<MessageRow>, QueryError> {
    if outcome == Outcome::Converted {
        let keys = converted(db, tenant, campaign, Touch::Sent, &Windows::default()).await?;
        return page_of(db, tenant, keys, page).await;
    }
    messages::list(db, tenant, &filter(campaign, outcome, reason), MessageOrder::NewestFirst, page).await
}

/// How many there are, counted up to 10,000.
pub async fn count(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    outcome: Outcome,
    reason: Option<&str>,
) -> Result<Counted, QueryError> {
    if outcome == Outcome::Converted {
        let found = converted(db, tenant, campaign, Touch::Sent, &Windows::default()).await?;
        return Ok((found.len() as u64).into());
    }
    messages::count(db, tenant, &filter(campaign, outcome, reason)).await
}

fn filter(campaign: CampaignId, outcome: Outcome, reason: Option<&str>) -> MessageFilter {
    MessageFilter {
        campaign_id: Some(campaign),
        outcome: Some(outcome),
        reason: reason.map(str::to_owned),
        ..MessageFilter::default()
    }
}
