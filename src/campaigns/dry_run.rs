//! What a campaign would do if it started now: the decisions of the run itself, without recording anything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;

use crate::app::{App, Caller, CampaignText, Judged, Known, Recipient};
use crate::campaigns::CampaignError;
use crate::campaigns::audience::{PART, part_after};
use crate::campaigns::business::find_business;
use crate::domain::campaign::decide::unknown;
use crate::domain::campaign::event::Exclusion;
use crate::domain::campaign::schedule::Pace;
use crate::domain::refusal::Refusal;
use crate::ids::{AddressId, CampaignId, CustomerId};
use crate::queries::{QueryError, Reads, habits};

/// How many recipients are decided on at once.
const AT_ONCE: usize = 16;
/// How long the read tables may take to show what was recorded before.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many recipients of each outcome are named.
const SAMPLES: usize = 3;

/// What a campaign would do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DryRun {
    /// The published versions of its templates, by code.
    pub versions: BTreeMap<String, u32>,
    /// Customers of the audience.
    pub audience: u64,
    /// Messages that would go out at once.
    pub queued: u64,
    /// Messages that would wait.
    pub held: u64,
    /// Messages that a rule would stop, by rule.
    pub suppressed: BTreeMap<String, u64>,
    /// Who would be left out, by reason.
    pub excluded: BTreeMap<String, u64>,
    /// SMS segments of what would go out or wait; on other channels messages.
    pub segments: u64,
    /// When the last message would be asked for, at the plan's rate; absent if that is after 2199.
    pub finished_at: Option<DateTime<Utc>>,
    /// Some recipients of each outcome: `queued`, `held`, a rule, or a reason.
    pub samples: BTreeMap<String, Vec<CustomerId>>,
    /// What the first refusal of each reason says.
    pub refusals: BTreeMap<String, String>,
}

impl DryRun {
    fn count(&mut self, customer_id: CustomerId, judged: Judged, taken: &mut BTreeSet<AddressId>) {
        let goes = matches!(judged.outcome, Recipient::Queued | Recipient::Held);
        let is_copy = goes && judged.address_id.is_some_and(|address| !taken.insert(address));
        let outcome = match judged.outcome {
            _ if is_copy => Recipient::Excluded { by: Exclusion::DuplicateAddress.word().to_owned() },
            outcome => outcome,
        };
        let name = match outcome {
            Recipient::Queued => {
                self.queued += 1;
                "queued".to_owned()
            }
            Recipient::Held => {
                self.held += 1;
                "held".to_owned()
            }
            Recipient::Suppressed { rule } => {
                *self.suppressed.entry(rule.clone()).or_default() += 1;
                rule
            }
            Recipient::Excluded { by } => {
                if let Some(refusal) = judged.refusal {
                    self.refusals.entry(by.clone()).or_insert(refusal);
                }
                *self.excluded.entry(by.clone()).or_default() += 1;
                by
            }
        };
        if goes && !is_copy {
            self.segments += u64::from(judged.segments);
        }
        let samples = self.samples.entry(name).or_default();
        if samples.len() < SAMPLES {
            samples.push(customer_id);
        }
    }
}

/// What the read tables know of a recipient, as far as text and schedule ask for it.
pub async fn known_of(
    reads: &Reads,
    caller: &Caller,
    text: &CampaignText,
    customer_id: CustomerId,
) -> Result<Known, QueryError> {
    let mut known = Known::default();
    if text.needs_business() {
        known.business = find_business(&reads.db(), caller.tenant, customer_id, None).await?.unwrap_or_default();
    }
    if text.needs_habits() {
        (known.opened, known.replied) = habits::of_customer(&reads.db(), caller.tenant, customer_id).await?;
    }
    Ok(known)
}

/// Decides on everybody of a campaign's audience, as its run would now.
pub async fn dry_run(
    app: &App,
    reads: &Reads,
    caller: &Caller,
    campaign_id: CampaignId,
) -> Result<Result<DryRun, Refusal>, CampaignError> {
    if let Some(refusal) = app.campaign_cannot_run(caller.tenant, campaign_id).await? {
        return Ok(Err(refusal));
    }
    let Some(campaign) = app.campaign(caller.tenant, campaign_id).await? else { return Ok(Err(unknown())) };
    let text = match app.campaign_text(caller, &campaign).await? {
        Ok(text) => text,
        Err(refusal) => return Ok(Err(refusal)),
    };
    reads.wait_for(app.end().await?, PATIENCE).await?;
    let plan = campaign.plan;
    let mut run = DryRun { versions: text.versions(), ..DryRun::default() };
    let (mut taken, mut after) = (BTreeSet::new(), None);
    let (mut persons, text) = (BTreeSet::new(), &text);
    loop {
        let part = part_after(&reads.db(), caller.tenant, &plan.audience, after, PART).await?;
        run.audience += (part.recipients.len() + part.excluded.len()) as u64;
        for (customer_id, by) in part.excluded {
            let judged = Judged::left_out(by);
            run.count(customer_id, judged, &mut taken);
        }
        let judge = |customer_id| async move {
            let known = known_of(reads, caller, text, customer_id).await?;
            let judged = app.try_in_campaign(caller, text, customer_id, &known).await?;
            Ok::<_, CampaignError>((customer_id, judged))
        };
        let mut judged = futures::stream::iter(part.recipients).map(judge).buffered(AT_ONCE);
        while let Some(found) = judged.next().await {
            let (customer_id, mut judged) = found?;
            if !persons.insert(judged.person.unwrap_or(customer_id)) {
                judged = Judged::left_out(Exclusion::DuplicatePerson.word().to_owned());
            }
            run.count(customer_id, judged, &mut taken);
        }
        after = part.last;
        if !part.more {
            break;
        }
    }
    let zone = app.zone(caller.tenant).await?;
    let pace = Pace { zone, rate: plan.rate, calendar: &plan.seasons, ramp: None };
    let now = app.ambient().now();
    run.finished_at = pace.estimate(run.queued + run.held, now).map(|estimate| estimate.last);
    Ok(Ok(run))
}
