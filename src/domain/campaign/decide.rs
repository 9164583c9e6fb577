//! Commands on campaigns, and what the runner decides.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::campaign::budget::Budget;
use crate::domain::campaign::event::{
    CampaignApproved, CampaignBudgetChanged, CampaignCancelled, CampaignCreated, CampaignEvent, CampaignPaused,
    CampaignPlanChanged, CampaignRateChanged, CampaignResumed, CampaignScheduled, CampaignStarted, CampaignUnscheduled,
    PauseCause, WinnerChosen,
};
use crate::domain::campaign::plan::CampaignPlan;
use crate::domain::campaign::schedule::{Due, Rate};
use crate::domain::campaign::state::{Campaign, CampaignState, Described};
use crate::domain::campaign::winner::{ChosenBy, Winner};
use crate::domain::decision::{Context, Decision};
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::ids::CampaignId;

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

/// Says, as somebody who did not write it, that a campaign may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApproveCampaign {}

/// Chooses the variant that the rest of the audience gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChooseWinner {
    /// Its name.
    pub variant: String,
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

/// Changes what a campaign may cost, also while it goes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetCampaignBudget {
    /// Absent, or of 0: as much as it does.
    pub budget: Option<Budget>,
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

/// Makes a campaign, whose plan `author` wrote.
pub fn create(
    state: &Campaign,
    command: CreateCampaign,
    author: &str,
    context: &Context<'_>,
) -> Decision<CampaignEvent> {
    if state.current.is_some() || state.past.is_some() {
        return Err(Refusal::new("CAMPAIGN_EXISTS", "a campaign with this id already exists"));
    }
    let CreateCampaign { campaign_id, plan } = command;
    let author = Some(author.to_owned());
    Ok(vec![context.now(CampaignCreated { campaign_id, plan: plan.checked()?, author, series: None })])
}

/// Changes what a campaign is to do, before it starts.
pub fn change(
    state: &Campaign,
    command: ChangeCampaign,
    author: &str,
    context: &Context<'_>,
) -> Decision<CampaignEvent> {
    let campaign = existing(state)?;
    if !matches!(campaign.state, CampaignState::Draft | CampaignState::Scheduled) {
        let message = format!("the campaign is {}; only one that has not started can be changed", campaign.state);
        return Err(Refusal::new("CAMPAIGN_STARTED", message));
    }
    let plan = command.plan.checked()?;
    if plan == campaign.plan {
        return Ok(vec![]);
    }
    let author = Some(author.to_owned());
    Ok(vec![context.now(CampaignPlanChanged { campaign_id: campaign.campaign_id, plan, author })])
}

/// Approves a campaign that has not started: it may be started as it is planned now.
pub fn approve(state: &Campaign, approver: &str, context: &Context<'_>) -> Decision<CampaignEvent> {
    let campaign = existing(state)?;
    if !matches!(campaign.state, CampaignState::Draft | CampaignState::Scheduled) {
        return Err(Refusal::new("CAMPAIGN_STARTED", format!("the campaign is {} already", campaign.state)));
    }
    if campaign.approved_by.is_some() {
        return Ok(vec![]);
    }
    if campaign.authors.contains(approver) {
        let message = "you wrote this campaign, or a part of it: somebody else has to approve it";
        return Err(Refusal::new("CAMPAIGN_OWN", message));
    }
    Ok(vec![context.now(CampaignApproved { campaign_id: campaign.campaign_id, by: approver.to_owned() })])
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
    if command.ready.audience == 0 && !campaign.plan.schedule.is_recurring() {
        return Err(Refusal::new("AUDIENCE_EMPTY", "nobody is in the campaign's audience"));
    }
    let approved_from = u64::from(context.policy.campaign_approval_from);
    if approved_from > 0 && command.ready.audience >= approved_from && campaign.approved_by.is_none() {
        let message = format!(
            "the campaign goes to {} customers, and somebody who did not write it has to approve it first",
            command.ready.audience
        );
        return Err(Refusal::new("CAMPAIGN_UNAPPROVED", message));
    }
    let campaign_id = campaign.campaign_id;
    match due(campaign, context)? {
        Due::Later { at } if campaign.start_at == Some(at) => Ok(vec![]),
        Due::Later { at } => Ok(vec![context.now(CampaignScheduled { campaign_id, start_at: at, missed: 0 })]),
        Due::Over => Err(Refusal::invalid("schedule", "it does not come again: change it first")),
        Due::LongPastDue { .. } => {
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
    if campaign.plan.schedule.is_recurring() {
        // Each occurrence is a campaign of its own: this one waits, also when it comes at this very moment.
        return Ok(plan.first_run(now).map_or(Due::Over, |at| Due::Later { at }));
    }
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
        CampaignState::Scheduled if !campaign.plan.schedule.is_recurring() => Err(not_running(campaign)),
        CampaignState::Running | CampaignState::Completed | CampaignState::Scheduled => {
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
        CampaignState::Paused if campaign.budget_spent => {
            Err(Refusal::new("BUDGET_SPENT", "the campaign's budget is spent: change it first"))
        }
        CampaignState::Paused if campaign.waits_for_winner() => {
            Err(Refusal::new("WINNER_UNKNOWN", "no variant has won: choose one for the rest of the audience first"))
        }
        CampaignState::Paused => Ok(vec![context.now(CampaignResumed { campaign_id: campaign.campaign_id })]),
        _ => Err(not_running(campaign)),
    }
}

/// Chooses the variant that the rest of the audience gets.
pub fn choose_winner(state: &Campaign, command: &ChooseWinner, context: &Context<'_>) -> Decision<CampaignEvent> {
    let campaign = existing(state)?;
    if !matches!(campaign.state, CampaignState::Running | CampaignState::Paused) {
        return Err(not_running(campaign));
    }
    let experiment = campaign.plan.experiment.as_ref().filter(|experiment| experiment.winner.is_some());
    let Some(experiment) = experiment else {
        return Err(Refusal::new(
            "WINNER_NOT_PLANNED",
            "the whole audience gets one of the variants: there is no rest",
        ));
    };
    let variant = command.variant.clone();
    if experiment.shares.variants().iter().all(|one| one.name != variant) {
        return Err(Refusal::invalid("variant", "no variant has this name"));
    }
    match &campaign.winner {
        Some(winner) if *winner == variant => Ok(vec![]),
        Some(winner) => Err(Refusal::new("WINNER_KNOWN", format!("the rest of the audience gets {winner} already"))),
        None => {
            let chosen_by = ChosenBy::Colleague;
            let winner = Winner { variant, chosen_by, tested: vec![], p_value: None, needed: None };
            Ok(vec![context.now(WinnerChosen { campaign_id: campaign.campaign_id, winner })])
        }
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

/// Changes what a campaign may cost. A paused one stays paused.
pub fn set_budget(state: &Campaign, command: &SetCampaignBudget, context: &Context<'_>) -> Decision<CampaignEvent> {
    let campaign = existing(state)?;
    if matches!(campaign.state, CampaignState::Completed | CampaignState::Cancelled) {
        return Err(not_running(campaign));
    }
    let budget = command.budget.map(Budget::checked).transpose()?.flatten();
    if campaign.plan.budget == budget {
        return Ok(vec![]);
    }
    Ok(vec![context.now(CampaignBudgetChanged { campaign_id: campaign.campaign_id, budget })])
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
