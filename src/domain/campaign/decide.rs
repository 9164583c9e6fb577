//! Commands on campaigns, and what the runner decides.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::campaign::event::{
    AudienceChosen, CampaignCancelled, CampaignCompleted, CampaignCreated, CampaignEvent, CampaignPaused,
    CampaignPlanChanged, CampaignRateChanged, CampaignResumed, CampaignRunEvent, CampaignScheduled, CampaignStarted,
    CampaignUnscheduled, PauseCause, RecipientsChosen, RecipientsDecided,
};
use crate::domain::campaign::plan::CampaignPlan;
use crate::domain::campaign::run::CampaignRun;
use crate::domain::campaign::schedule::{Counts, Due, PAST_DUE_AFTER, Rate};
use crate::domain::campaign::state::{Campaign, CampaignState, Described};
use crate::domain::decision::{Context, Decision};
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::ids::{CampaignId, CustomerId};

/// Makes a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreateCampaign {
    /// The campaign's id; not part of what a repetition must repeat.
    #[serde(skip)]
    pub campaign_id: CampaignId,
    /// What it is to do.
    pub plan: CampaignPlan,
}

/// Changes what a campaign is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeCampaign {
    /// The whole plan.
    pub plan: CampaignPlan,
}

/// Starts a campaign, or says when it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StartCampaign {
    /// Says that it is meant to go to all customers.
    pub everybody: bool,
    /// What was found when the command was given.
    #[serde(skip)]
    pub ready: Readiness,
}

/// What a campaign needs beside its plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readiness {
    /// The published versions of its templates, by code.
    pub versions: BTreeMap<String, u32>,
    /// How many customers its audience has.
    pub audience: u64,
}

/// Stops a campaign for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PauseCampaign {
    /// For people.
    pub reason: String,
}

/// Lets a campaign go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResumeCampaign {}

/// Takes the start of a campaign back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnscheduleCampaign {}

/// Stops a campaign for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CancelCampaign {
    /// For people.
    pub reason: String,
}

/// Changes how fast a campaign goes out, also while it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetCampaignRate {
    /// 0 messages: without a limit of its own.
    pub rate: Rate,
}

/// The answer to a command on a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangedCampaign {
    /// The campaign's id.
    pub campaign_id: CampaignId,
}

/// There is no such campaign.
#[must_use]
pub fn unknown() -> Refusal {
    Refusal { field: Some("campaign_id".to_owned()), ..Refusal::new("CAMPAIGN_UNKNOWN", "no campaign has this id") }
}

/// Makes a campaign.
pub fn create(state: &Campaign, command: CreateCampaign, context: &Context<'_>) -> Decision<CampaignEvent> {
    if state.current.is_some() || state.past.is_some() {
        return Err(Refusal::new("CAMPAIGN_EXISTS", "a campaign with this id already exists"));
    }
    let CreateCampaign { campaign_id, plan } = command;
    Ok(vec![context.now(CampaignCreated { campaign_id, plan: plan.checked()? })])
}

/// Changes what a campaign is to do, before it starts.
pub fn change(state: &Campaign, command: ChangeCampaign, context: &Context<'_>) -> Decision<CampaignEvent> {
    let campaign = existing(state)?;
    if !matches!(campaign.state, CampaignState::Draft | CampaignState::Scheduled) {
        let message = format!("the campaign is {}; only one that has not started can be changed", campaign.state);
        return Err(Refusal::new("CAMPAIGN_STARTED", message));
    }
    let plan = command.plan.checked()?;
    if plan == campaign.plan {
        return Ok(vec![]);
    }
    Ok(vec![context.now(CampaignPlanChanged { campaign_id: campaign.campaign_id, plan })])
}

/// Starts a campaign, or says when it starts.
pub fn start(state: &Campaign, command: &StartCampaign, context: &Context<'_>) -> Decision<CampaignEvent> {
    let campaign = existing(state)?;
    match campaign.state {
        CampaignState::Draft | CampaignState::Scheduled => {}
        CampaignState::Paused => {
            return Err(Refusal::new("CAMPAIGN_PAUSED", "the campaign is paused: resume it instead"));
        }
        CampaignState::Running | CampaignState::Completed | CampaignState::Cancelled => {
            return Err(Refusal::new("CAMPAIGN_STARTED", format!("the campaign is {} already", campaign.state)));
        }
    }
    if campaign.plan.audience.everybody && !command.everybody {
        let message = format!(
            "the campaign goes to everybody, {} customers at present: say so when you start it",
            command.ready.audience
        );
        let field = Some("everybody".to_owned());
        return Err(Refusal { field, ..Refusal::new("CAMPAIGN_TO_EVERYBODY", message) });
    }
    if command.ready.audience == 0 {
        return Err(Refusal::new("AUDIENCE_EMPTY", "nobody is in the campaign's audience"));
    }
    let campaign_id = campaign.campaign_id;
    match due(campaign, context)? {
        Due::Later { at } if campaign.start_at == Some(at) => Ok(vec![]),
        Due::Later { at } => Ok(vec![context.now(CampaignScheduled { campaign_id, start_at: at })]),
        Due::LongPastDue { .. } | Due::Over => {
            Err(Refusal::invalid("schedule", "its time is more than an hour ago: change it first"))
        }
        Due::Now => Ok(vec![context.now(CampaignStarted { campaign_id, versions: command.ready.versions.clone() })]),
    }
}

/// Whether a campaign's time has come: of one at a local time, when the first clocks of the world show it.
fn due(campaign: &Described, context: &Context<'_>) -> Result<Due, Refusal> {
    let plan = campaign.plan.schedule.check(context.policy.zone_of(None));
    let plan = plan.map_err(|error| Refusal::invalid("schedule", error.to_string()))?;
    let now = context.now;
    Ok(match plan.due(now, now) {
        // It was early for somebody: those whose clocks are ahead get it at once.
        Due::Later { at } => match Due::of(plan.span(now).map_or(at, |span| span.earliest.min(at)), now) {
            Due::LongPastDue { .. } => Due::Now,
            due => due,
        },
        due => due,
    })
}

/// Takes the start of a scheduled campaign back.
pub fn unschedule(state: &Campaign, context: &Context<'_>) -> Decision<CampaignEvent> {
    let campaign = existing(state)?;
    match campaign.state {
        CampaignState::Draft => Ok(vec![]),
        CampaignState::Scheduled => {
            Ok(vec![context.now(CampaignUnscheduled { campaign_id: campaign.campaign_id, overdue: false })])
        }
        _ => Err(Refusal::new("CAMPAIGN_STARTED", format!("the campaign is {} already", campaign.state))),
    }
}

/// Stops a campaign for a while: also one that is completed, whose messages may still wait for their time.
pub fn pause(state: &Campaign, command: PauseCampaign, context: &Context<'_>) -> Decision<CampaignEvent> {
    let campaign = existing(state)?;
    match campaign.state {
        CampaignState::Paused => Ok(vec![]),
        CampaignState::Running | CampaignState::Completed => {
            let reason = text::required("reason", command.reason, text::SHORT)?;
            let cause = PauseCause::Manual;
            Ok(vec![context.now(CampaignPaused { campaign_id: campaign.campaign_id, cause, reason, counts: None })])
        }
        _ => Err(not_running(campaign)),
    }
}

/// Lets a paused campaign go on.
pub fn resume(state: &Campaign, context: &Context<'_>) -> Decision<CampaignEvent> {
    let campaign = existing(state)?;
    match campaign.state {
        CampaignState::Running => Ok(vec![]),
        CampaignState::Paused => Ok(vec![context.now(CampaignResumed { campaign_id: campaign.campaign_id })]),
        _ => Err(not_running(campaign)),
    }
}

/// Changes how fast a campaign goes out.
pub fn set_rate(state: &Campaign, command: &SetCampaignRate, context: &Context<'_>) -> Decision<CampaignEvent> {
    let campaign = existing(state)?;
    let rate = command.rate;
    rate.check().map_err(|error| Refusal::invalid("rate", error.to_string()))?;
    if matches!(campaign.state, CampaignState::Completed | CampaignState::Cancelled) {
        return Err(not_running(campaign));
    }
    if campaign.plan.rate == rate {
        return Ok(vec![]);
    }
    Ok(vec![context.now(CampaignRateChanged { campaign_id: campaign.campaign_id, rate })])
}

/// Stops a campaign for good: also one that is completed, whose messages may still wait. What was handed to a provider stays
/// sent.
pub fn cancel(state: &Campaign, command: CancelCampaign, context: &Context<'_>) -> Decision<CampaignEvent> {
    let campaign = existing(state)?;
    match campaign.state {
        CampaignState::Cancelled => Ok(vec![]),
        _ => {
            let reason = text::required("reason", command.reason, text::SHORT)?;
            Ok(vec![context.now(CampaignCancelled { campaign_id: campaign.campaign_id, reason })])
        }
    }
}

/// The campaign, if it exists and can be sent.
pub fn existing(state: &Campaign) -> Result<&Described, Refusal> {
    match (&state.current, &state.past) {
        (Some(current), _) => Ok(current),
        (None, Some(_)) => Err(Refusal::new("CAMPAIGN_IMPORTED", "an import brought this campaign: it cannot be sent")),
        (None, None) => Err(unknown()),
    }
}

fn not_running(campaign: &Described) -> Refusal {
    Refusal::new("CAMPAIGN_NOT_RUNNING", format!("the campaign is {}", campaign.state))
}

/// Starts a scheduled campaign whose time has come, unless that was too long ago.
#[must_use]
pub fn begin(state: &Campaign, ready: &Readiness, context: &Context<'_>) -> Option<CampaignEvent> {
    let campaign = state.current.as_ref().filter(|campaign| campaign.state == CampaignState::Scheduled)?;
    let start_at = campaign.start_at.filter(|at| *at <= context.now)?;
    let campaign_id = campaign.campaign_id;
    Some(if context.now - start_at > PAST_DUE_AFTER {
        CampaignUnscheduled { campaign_id, overdue: true }.into()
    } else {
        CampaignStarted { campaign_id, versions: ready.versions.clone() }.into()
    })
}

/// Pauses a campaign that cannot start, or go on, with what stands against it.
#[must_use]
pub fn stop(state: &Campaign, cause: PauseCause, reason: &str, counts: Option<Counts>) -> Option<CampaignEvent> {
    let can_fail = |state| matches!(state, CampaignState::Scheduled | CampaignState::Running);
    let campaign = state.current.as_ref().filter(|campaign| can_fail(campaign.state))?;
    let reason = reason.chars().take(text::SHORT).collect();
    Some(CampaignPaused { campaign_id: campaign.campaign_id, cause, reason, counts }.into())
}

/// Completes a campaign of whose audience everybody was decided on.
#[must_use]
pub fn complete(state: &Campaign) -> Option<CampaignEvent> {
    let campaign = state.current.as_ref().filter(|campaign| campaign.state == CampaignState::Running)?;
    Some(CampaignCompleted { campaign_id: campaign.campaign_id }.into())
}

/// A part of the audience. What another runner chose already is left out.
#[must_use]
pub fn choose(
    run: &CampaignRun,
    campaign_id: CampaignId,
    recipients: Vec<CustomerId>,
    excluded: BTreeMap<CustomerId, String>,
) -> Option<CampaignRunEvent> {
    if run.is_chosen {
        return None;
    }
    let is_new = |id: CustomerId| run.chosen_until.is_none_or(|until| id > until);
    let recipients: Vec<_> = recipients.into_iter().filter(|id| is_new(*id)).collect();
    let excluded: BTreeMap<_, _> = excluded.into_iter().filter(|(id, _)| is_new(*id)).collect();
    let is_empty = recipients.is_empty() && excluded.is_empty();
    (!is_empty).then(|| RecipientsChosen { campaign_id, recipients, excluded }.into())
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
