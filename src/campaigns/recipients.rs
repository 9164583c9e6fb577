//! A campaign's recipients by what became of them.

use super::attribution::converted;
use crate::domain::campaign::attribution::{Touch, Windows};
use crate::domain::value::Channel;
use crate::ids::{CampaignId, TenantId};
use crate::queries::campaign_attribution::page_of;
use crate::queries::messages::{self, MessageFilter, MessageOrder, MessageRow, Outcome};
use crate::queries::{Counted, Db, Page, QueryError, Slice};

/// Which recipients are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What became of them.
    pub outcome: Outcome,
    /// With this reason.
    pub reason: Option<String>,
    /// Written to on this channel.
    pub channel: Option<Channel>,
    /// Of this variant.
    pub variant: Option<String>,
}

impl Wanted {
    fn of(&self, campaign: CampaignId) -> MessageFilter {
        MessageFilter {
            campaign_id: Some(campaign),
            outcome: Some(self.outcome),
            reason: self.reason.clone(),
            channels: self.channel.into_iter().collect(),
            variant: self.variant.clone(),
            ..MessageFilter::default()
        }
    }
}

/// A page of the messages to those of whom something became, newest first. Conversions are those of the default windows, from
/// the sending on; only the outcome restricts them.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    wanted: &Wanted,
    page: &Page,
) -> Result<Slice<MessageRow>, QueryError> {
    if wanted.outcome == Outcome::Converted {
        let keys = converted(db, tenant, campaign, Touch::Sent, &Windows::default()).await?;
        return page_of(db, tenant, keys, page).await;
    }
    messages::list(db, tenant, &wanted.of(campaign), MessageOrder::NewestFirst, page).await
}

/// How many there are, counted up to 10,000.
pub async fn count(db: &Db, tenant: TenantId, campaign: CampaignId, wanted: &Wanted) -> Result<Counted, QueryError> {
    if wanted.outcome == Outcome::Converted {
        let found = converted(db, tenant, campaign, Touch::Sent, &Windows::default()).await?;
        return Ok((found.len() as u64).into());
    }
    messages::count(db, tenant, &wanted.of(campaign)).await
}
