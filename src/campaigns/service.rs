//! What colleagues do with campaigns where the read tables are needed as well.

use std::time::Duration;

use crate::app::{App, Caller, Outcome};
use crate::campaigns::CampaignError;
use crate::campaigns::audience::{PART, part_after};
use crate::domain::campaign::decide::{ChangedCampaign, Readiness, StartCampaign, unknown};
use crate::domain::campaign::plan::Audience;
use crate::domain::refusal::Refusal;
use crate::ids::{CampaignId, ListId, TenantId};
use crate::queries::customers::{self, CustomerFilter};
use crate::queries::{Db, QueryError, Reads, campaigns, lists};

/// How long the read tables may take to show what was recorded before a campaign starts.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many customers are written to at most, by the sizes of lists where these do not overlap; exact where it is small.
pub async fn audience_size(db: &Db, tenant: TenantId, audience: &Audience) -> Result<u64, QueryError> {
    let first = part_after(db, tenant, audience, None, PART).await?;
    if !first.more {
        return Ok(first.recipients.len() as u64);
    }
    if audience.everybody {
        return customers::count(db, tenant, &CustomerFilter::default()).await;
    }
    let mut size = 0;
    for list in &audience.lists {
        let row = lists::by_id(db, tenant, *list).await?;
        size += row.map_or(0, |row| u64::try_from(row.members).unwrap_or_default());
    }
    Ok(size)
}

/// What would no longer work without a list: other lists that ask for its members, and campaigns that have not ended.
pub async fn users_of_list(db: &Db, tenant: TenantId, list: ListId) -> Result<Vec<String>, QueryError> {
    let mut names: Vec<String> = lists::users_of(db, tenant, list).await?.into_iter().map(|user| user.name).collect();
    let campaigns = campaigns::naming_list(db, tenant, list).await?;
    names.extend(campaigns.into_iter().map(|name| format!("the campaign {name}")));
    Ok(names)
}

/// Why the members of one of some lists are not known: it does not exist, or is being evaluated.
pub async fn unready(db: &Db, tenant: TenantId, of: &[ListId]) -> Result<Option<Refusal>, QueryError> {
    for list in of {
        match lists::by_id(db, tenant, *list).await? {
            None => {
                return Ok(Some(Refusal::new(
                    "LIST_UNKNOWN",
                    format!("the list {list} does not exist, or was deleted"),
                )));
            }
            Some(row) if row.evaluated_version < row.rule_version => {
                let message = format!("the list {} is being evaluated; its members are not known yet", row.name);
                return Ok(Some(Refusal::new("LIST_EVALUATING", message)));
            }
            Some(_) => {}
        }
    }
    Ok(None)
}

/// Starts a campaign, or says when it starts, once all that it needs was found.
pub async fn start(
    app: &App,
    reads: &Reads,
    caller: &Caller,
    campaign_id: CampaignId,
    command: StartCampaign,
) -> Result<Outcome<ChangedCampaign>, CampaignError> {
    if let Some(refusal) = app.campaign_cannot_run(caller.tenant, campaign_id).await? {
        return Ok(Outcome::Refused(refusal));
    }
    let Some(campaign) = app.campaign(caller.tenant, campaign_id).await? else {
        return Ok(Outcome::Refused(unknown()));
    };
    let text = match app.campaign_text(caller, &campaign).await? {
        Ok(text) => text,
        Err(refusal) => return Ok(Outcome::Refused(refusal)),
    };
    reads.wait_for(app.end().await?, PATIENCE).await?;
    if let Some(refusal) = unready(&reads.db(), caller.tenant, &campaign.plan.audience.all_lists()).await? {
        return Ok(Outcome::Refused(Refusal { field: Some("audience".to_owned()), ..refusal }));
    }
    let audience = audience_size(&reads.db(), caller.tenant, &campaign.plan.audience).await?;
    let ready = Readiness { versions: text.versions(), audience };
    Ok(app.start_campaign(caller, campaign_id, StartCampaign { ready, ..command }).await?)
}
