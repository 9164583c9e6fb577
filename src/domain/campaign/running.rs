//! What the runner decides.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::campaign::budget::{Spending, Spent};
use crate::domain::campaign::decide::Readiness;
use crate::domain::campaign::event::{
    AudienceChosen, CampaignBudgetNoticed, CampaignCompleted, CampaignCreated, CampaignEvent, CampaignPaused,
    CampaignRunEvent, CampaignScheduled, CampaignStarted, CampaignUnscheduled, PauseCause, RecipientsChosen,
    RecipientsDecided, WinnerChosen,
};
use crate::domain::campaign::plan::CampaignPlan;
use crate::domain::campaign::run::CampaignRun;
use crate::domain::campaign::schedule::{Counts, PAST_DUE_AFTER};
use crate::domain::campaign::state::{Campaign, CampaignState, Described};
use crate::domain::campaign::winner::Tested;
use crate::domain::decision::Context;
use crate::domain::text;
use crate::ids::{CampaignId, CustomerId};

/// Starts a scheduled campaign whose time has come, unless that was too long ago.
#[must_use]
pub fn begin(state: &Campaign, ready: &Readiness, context: &Context<'_>) -> Option<CampaignEvent> {
    let campaign = state.current.as_ref().filter(|campaign| campaign.state == CampaignState::Scheduled)?;
    if campaign.plan.schedule.is_recurring() {
        return None;
    }
    let start_at = campaign.start_at.filter(|at| *at <= context.now)?;
    let campaign_id = campaign.campaign_id;
    Some(if context.now - start_at > PAST_DUE_AFTER {
        CampaignUnscheduled { campaign_id, overdue: true }.into()
    } else {
        CampaignStarted { campaign_id, versions: ready.versions.clone() }.into()
    })
}

/// Makes the campaign of one occurrence of a recurring one, and starts it: what was decided on the series holds for it. Nothing if it
/// was made before.
#[must_use]
pub fn begin_occurrence(
    state: &Campaign,
    series: &Described,
    campaign_id: CampaignId,
    plan: &CampaignPlan,
    versions: &BTreeMap<String, u32>,
) -> Vec<CampaignEvent> {
    if state.current.is_some() {
        return vec![];
    }
    let created = CampaignCreated { campaign_id, plan: plan.clone(), author: None, series: Some(series.campaign_id) };
    vec![created.into(), CampaignStarted { campaign_id, versions: versions.clone() }.into()]
}

/// Says when a recurring campaign comes next, after the occurrence at a time; or that it is over.
#[must_use]
pub fn next_occurrence(state: &Campaign, after: DateTime<Utc>, context: &Context<'_>) -> Option<CampaignEvent> {
    let campaign = state.current.as_ref().filter(|campaign| campaign.state == CampaignState::Scheduled)?;
    let campaign_id = campaign.campaign_id;
    if campaign.start_at != Some(after) {
        return None;
    }
    let plan = campaign.plan.schedule.check(context.policy.zone_of(None)).ok()?;
    let mut missed = u32::from(context.now - after > PAST_DUE_AFTER);
    let mut next = plan.next_run(after);
    while let Some(at) = next.filter(|at| context.now - *at > PAST_DUE_AFTER) {
        missed += 1;
        next = plan.next_run(at);
    }
    Some(match next {
        Some(start_at) => CampaignScheduled { campaign_id, start_at, missed }.into(),
        None => CampaignCompleted { campaign_id }.into(),
    })
}

/// What follows from the test of the variants: a winner, or that a colleague has to choose. Nothing if that is known.
#[must_use]
pub fn end_test(state: &Campaign, tested: &Tested) -> Option<CampaignEvent> {
    let campaign = state.current.as_ref().filter(|campaign| campaign.state == CampaignState::Running)?;
    if campaign.winner.is_some() {
        return None;
    }
    match tested {
        Tested::Winner(winner) => {
            Some(WinnerChosen { campaign_id: campaign.campaign_id, winner: winner.clone() }.into())
        }
        Tested::Ask { reason } => stop(state, PauseCause::Winner, reason, None),
    }
}

/// Pauses a campaign that cannot start, or go on, with what stands against it.
#[must_use]
pub fn stop(state: &Campaign, cause: PauseCause, reason: &str, counts: Option<Counts>) -> Option<CampaignEvent> {
    let can_fail = |state| matches!(state, CampaignState::Scheduled | CampaignState::Running);
    let campaign = state.current.as_ref().filter(|campaign| can_fail(campaign.state))?;
    let reason = reason.chars().take(text::SHORT).collect();
    Some(CampaignPaused { campaign_id: campaign.campaign_id, cause, reason, counts }.into())
}

/// Says once that most of a campaign's budget is spent, or pauses it when all of it is.
#[must_use]
pub fn spend(state: &Campaign, spending: &Spending) -> Option<CampaignEvent> {
    let campaign = state.current.as_ref().filter(|campaign| campaign.state == CampaignState::Running)?;
    let budget = campaign.plan.budget?;
    let (campaign_id, spent) = (campaign.campaign_id, budget.spent(spending));
    match budget.state(spending) {
        Spent::Little => None,
        Spent::Most if campaign.budget_noticed => None,
        Spent::Most => {
            let spent_micros = i64::try_from(spent).unwrap_or(i64::MAX);
            Some(CampaignBudgetNoticed { campaign_id, spent_micros, budget }.into())
        }
        Spent::All => {
            let reason = match &spending.other_currency {
                Some(other) => format!("messages are charged in {other}, and the budget is in {}", budget.currency),
                None => format!("{spent} of {} micros {} are spent or expected", budget.micros, budget.currency),
            };
            stop(state, PauseCause::Budget, &reason, None)
        }
    }
}

/// Completes a campaign of whose audience everybody was decided on.
#[must_use]
pub fn complete(state: &Campaign) -> Option<CampaignEvent> {
    let campaign = state.current.as_ref().filter(|campaign| campaign.state == CampaignState::Running)?;
    Some(CampaignCompleted { campaign_id: campaign.campaign_id }.into())
}

/// A part of the audience that was chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Who is written to first.
    pub recipients: Vec<CustomerId>,
    /// Who waits for a winner.
    pub rest: Vec<CustomerId>,
    /// Who is left out, and why.
    pub excluded: BTreeMap<CustomerId, String>,
}

/// A part of the audience. What another runner chose already is left out.
#[must_use]
pub fn choose(run: &CampaignRun, campaign_id: CampaignId, chosen: Chosen) -> Vec<CampaignRunEvent> {
    if run.is_chosen {
        return vec![];
    }
    let is_new = |id: CustomerId| run.chosen_until.is_none_or(|until| id > until);
    let only_new = |ids: Vec<CustomerId>| -> Vec<_> { ids.into_iter().filter(|id| is_new(*id)).collect() };
    let (recipients, rest) = (only_new(chosen.recipients), only_new(chosen.rest));
    let excluded: BTreeMap<_, _> = chosen.excluded.into_iter().filter(|(id, _)| is_new(*id)).collect();
    let mut events: Vec<CampaignRunEvent> = vec![];
    if !recipients.is_empty() || !excluded.is_empty() {
        events.push(RecipientsChosen { campaign_id, recipients, rest: false, excluded }.into());
    }
    if !rest.is_empty() {
        events.push(RecipientsChosen { campaign_id, recipients: rest, rest: true, excluded: BTreeMap::new() }.into());
    }
    events
}

/// The audience is complete.
#[must_use]
pub fn chosen(run: &CampaignRun, campaign_id: CampaignId) -> Option<CampaignRunEvent> {
    let (recipients, excluded) = (run.recipients, run.excluded);
    (!run.is_chosen).then(|| AudienceChosen { campaign_id, recipients, excluded }.into())
}

/// What became of the recipients of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Messages that go out.
    pub queued: u64,
    /// Messages that wait.
    pub held: u64,
    /// Messages that are not sent, by rule.
    pub suppressed: BTreeMap<String, u64>,
    /// Who is left out, and why.
    pub excluded: BTreeMap<CustomerId, String>,
}

/// Each recipient of a part was decided on; nothing if another runner said so.
#[must_use]
pub fn decided(run: &CampaignRun, campaign_id: CampaignId, part: u32, outcomes: Outcomes) -> Option<CampaignRunEvent> {
    let Outcomes { queued, held, suppressed, excluded } = outcomes;
    let decided = queued + held + suppressed.values().sum::<u64>() + excluded.len() as u64;
    let event = RecipientsDecided { campaign_id, part, decided, queued, held, suppressed, excluded };
    (run.decided == part).then(|| event.into())
}
