//! Commands on campaigns, and what the runner records of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::app::engine::deciding::{Attempted, CommandRun, MAX_ATTEMPTS};
use crate::app::engine::error::Stop;
use crate::app::engine::states::decode;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::campaign::budget::Spending;
use crate::domain::campaign::decide::{
    self, ApproveCampaign, CancelCampaign, ChangeCampaign, ChangedCampaign, ChooseWinner, CreateCampaign,
    PauseCampaign, Readiness, ResumeCampaign, SetCampaignBudget, SetCampaignRate, StartCampaign, UnscheduleCampaign,
};
use crate::domain::campaign::event::{CampaignEvent, CampaignRunEvent, PauseCause};
use crate::domain::campaign::plan::CampaignPlan;
use crate::domain::campaign::run::CampaignRun;
use crate::domain::campaign::running::{self, Chosen, Outcomes};
use crate::domain::campaign::schedule::Counts;
use crate::domain::campaign::state::{Campaign, CampaignState, Described};
use crate::domain::campaign::winner::Tested;
use crate::domain::command::Command;
use crate::domain::decision::{Context, Decision};
use crate::domain::list::state::List;
use crate::domain::refusal::Refusal;
use crate::ids::{CampaignId, CustomerId, Label, ListId, TenantId};
use crate::log::{Category, ReadLimit, StreamId};

/// Whether a campaign's messages may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Yes; also for campaigns that are planned elsewhere.
    Open,
    /// Not now.
    Paused,
    /// Never.
    Cancelled,
    /// Never: its time has passed.
    Over,
}

/// Why messages of a campaign are cancelled whose time has passed.
pub(super) const OVER: &str = "the time in which the campaign is sent has passed";

/// The campaigns whose standing was looked up a moment ago: pausing takes effect at once, and a look at the log for each message
/// would cost as much as the message.
pub(super) type Standings = moka::sync::Cache<(TenantId, CampaignId), Standing>;

pub(super) fn standings() -> Standings {
    moka::sync::Cache::builder().max_capacity(10_000).time_to_live(std::time::Duration::from_millis(250)).build()
}

impl App {
    /// Makes a campaign, as a draft.
    pub async fn create_campaign(
        &self,
        caller: &Caller,
        command: CreateCampaign,
    ) -> Result<Outcome<ChangedCampaign>, AppError> {
        let campaign_id = command.campaign_id;
        if let Err(refusal) = self.must_know_lists(caller.tenant, &command.plan.audience.all_lists()).await? {
            return Ok(Outcome::Refused(refusal));
        }
        let decide = |state: &Campaign, command: CreateCampaign, context: &Context<'_>| {
            decide::create(state, command, &caller.actor, context)
        };
        self.on_campaign(caller, campaign_id, command, decide).await
    }

    /// Changes what a campaign is to do, before it starts.
    pub async fn change_campaign(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        command: ChangeCampaign,
    ) -> Result<Outcome<ChangedCampaign>, AppError> {
        if let Err(refusal) = self.must_know_lists(caller.tenant, &command.plan.audience.all_lists()).await? {
            return Ok(Outcome::Refused(refusal));
        }
        let decide = |state: &Campaign, command: ChangeCampaign, context: &Context<'_>| {
            decide::change(state, command, &caller.actor, context)
        };
        self.on_campaign(caller, campaign_id, command, decide).await
    }

    /// Approves a campaign that somebody else wrote: it may be started as it is planned now.
    pub async fn approve_campaign(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
    ) -> Result<Outcome<ChangedCampaign>, AppError> {
        let decide = |state: &Campaign, _: ApproveCampaign, context: &Context<'_>| {
            decide::approve(state, &caller.actor, context)
        };
        self.on_campaign(caller, campaign_id, ApproveCampaign {}, decide).await
    }

    /// Chooses the variant that the rest of a campaign's audience gets.
    pub async fn choose_winner(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        command: ChooseWinner,
    ) -> Result<Outcome<ChangedCampaign>, AppError> {
        let decide = |state: &Campaign, command: ChooseWinner, context: &Context<'_>| {
            decide::choose_winner(state, &command, context)
        };
        self.on_campaign(caller, campaign_id, command, decide).await
    }

    /// Starts a campaign, or says when it starts.
    pub async fn start_campaign(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        command: StartCampaign,
    ) -> Result<Outcome<ChangedCampaign>, AppError> {
        let decide =
            |state: &Campaign, command: StartCampaign, context: &Context<'_>| decide::start(state, &command, context);
        self.on_campaign(caller, campaign_id, command, decide).await
    }

    /// Takes the start of a scheduled campaign back.
    pub async fn unschedule_campaign(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
    ) -> Result<Outcome<ChangedCampaign>, AppError> {
        let decide =
            |state: &Campaign, _: UnscheduleCampaign, context: &Context<'_>| decide::unschedule(state, context);
        self.on_campaign(caller, campaign_id, UnscheduleCampaign {}, decide).await
    }

    /// Stops a campaign for a while: what is queued already waits too.
    pub async fn pause_campaign(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        command: PauseCampaign,
    ) -> Result<Outcome<ChangedCampaign>, AppError> {
        let paused = self.on_campaign(caller, campaign_id, command, decide::pause).await;
        self.shared.standings.invalidate(&(caller.tenant, campaign_id));
        paused
    }

    /// Lets a paused campaign go on.
    pub async fn resume_campaign(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
    ) -> Result<Outcome<ChangedCampaign>, AppError> {
        let decide = |state: &Campaign, _: ResumeCampaign, context: &Context<'_>| decide::resume(state, context);
        let resumed = self.on_campaign(caller, campaign_id, ResumeCampaign {}, decide).await;
        self.shared.standings.invalidate(&(caller.tenant, campaign_id));
        resumed
    }

    /// Changes how fast a campaign goes out, also while it does.
    pub async fn set_campaign_rate(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        command: SetCampaignRate,
    ) -> Result<Outcome<ChangedCampaign>, AppError> {
        let decide = |state: &Campaign, command: SetCampaignRate, context: &Context<'_>| {
            decide::set_rate(state, &command, context)
        };
        self.on_campaign(caller, campaign_id, command, decide).await
    }

    /// Changes what a campaign may cost, also while it goes out.
    pub async fn set_campaign_budget(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        command: SetCampaignBudget,
    ) -> Result<Outcome<ChangedCampaign>, AppError> {
        let decide = |state: &Campaign, command: SetCampaignBudget, context: &Context<'_>| {
            decide::set_budget(state, &command, context)
        };
        self.on_campaign(caller, campaign_id, command, decide).await
    }

    /// Stops a campaign for good. What is queued is cancelled; what was handed to a provider stays sent.
    pub async fn cancel_campaign(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        command: CancelCampaign,
    ) -> Result<Outcome<ChangedCampaign>, AppError> {
        let cancelled = self.on_campaign(caller, campaign_id, command, decide::cancel).await;
        self.shared.standings.invalidate(&(caller.tenant, campaign_id));
        cancelled
    }

    async fn on_campaign<C: Command<State = Campaign>>(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        command: C,
        decide: impl Fn(&Campaign, C, &Context<'_>) -> Decision<CampaignEvent> + Send + Sync,
    ) -> Result<Outcome<ChangedCampaign>, AppError> {
        let stream = campaign_stream(caller.tenant, campaign_id);
        let answer = |made: &crate::app::engine::deciding::Committed<CampaignEvent>| {
            Some(ChangedCampaign { campaign_id: CampaignId(made.stream.key) })
        };
        self.run(caller, stream, command, decide, answer).await
    }

    /// What a campaign is at the moment; [`None`] if there is none.
    pub async fn campaign(&self, tenant: TenantId, campaign_id: CampaignId) -> Result<Option<Described>, AppError> {
        let stream = campaign_stream(tenant, campaign_id);
        self.read_fresh_state::<Campaign, _>(stream, |loaded| loaded.state.current.clone()).await
    }

    /// Why a campaign cannot be started or tried; [`None`] if nothing about its existence stands against that.
    pub async fn campaign_cannot_run(
        &self,
        tenant: TenantId,
        campaign_id: CampaignId,
    ) -> Result<Option<Refusal>, AppError> {
        let stream = campaign_stream(tenant, campaign_id);
        self.read_fresh_state::<Campaign, _>(stream, |loaded| decide::existing(&loaded.state).err()).await
    }

    /// How far a campaign's run has come.
    pub async fn campaign_run(&self, tenant: TenantId, campaign_id: CampaignId) -> Result<CampaignRun, AppError> {
        self.read_fresh_state::<CampaignRun, _>(run_stream(tenant, campaign_id), |loaded| loaded.state.clone()).await
    }

    /// Lists that exist.
    async fn must_know_lists(&self, tenant: TenantId, lists: &[ListId]) -> Result<Result<(), Refusal>, AppError> {
        for id in lists {
            let stream = StreamId::new(tenant, Category::List, id.0);
            if self.read_fresh_state::<List, _>(stream, |loaded| loaded.state.current.is_none()).await? {
                let message = format!("there is no list {id}");
                let field = Some("audience".to_owned());
                return Ok(Err(Refusal { field, ..Refusal::new("LIST_UNKNOWN", message) }));
            }
        }
        Ok(Ok(()))
    }

    /// Starts a scheduled campaign whose time has come.
    pub async fn begin_campaign(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        ready: &Readiness,
    ) -> Result<(), AppError> {
        self.record_on_campaign(caller, campaign_id, |state, context| running::begin(state, ready, context)).await
    }

    /// Pauses a campaign that cannot go on, or whose messages go wrong too often.
    pub async fn stop_campaign(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        cause: PauseCause,
        reason: &str,
        counts: Option<Counts>,
    ) -> Result<(), AppError> {
        self.record_on_campaign(caller, campaign_id, |state, _| running::stop(state, cause, reason, counts)).await?;
        self.shared.standings.invalidate(&(caller.tenant, campaign_id));
        Ok(())
    }

    /// Records that most of a campaign's budget is spent, once; pauses it when all of it is.
    pub async fn spend(&self, caller: &Caller, campaign_id: CampaignId, spending: &Spending) -> Result<(), AppError> {
        self.record_on_campaign(caller, campaign_id, |state, _| running::spend(state, spending)).await?;
        self.shared.standings.invalidate(&(caller.tenant, campaign_id));
        Ok(())
    }

    /// Completes a campaign of whose audience everybody was decided on.
    pub async fn complete_campaign(&self, caller: &Caller, campaign_id: CampaignId) -> Result<(), AppError> {
        self.record_on_campaign(caller, campaign_id, |state, _| running::complete(state)).await
    }

    /// Makes and starts the campaign of one occurrence of a recurring one, once, whoever repeats it. Returns its id.
    pub async fn begin_occurrence(
        &self,
        caller: &Caller,
        series: &Described,
        at: DateTime<Utc>,
        plan: &CampaignPlan,
        versions: &BTreeMap<String, u32>,
    ) -> Result<CampaignId, AppError> {
        let basis = self.basis(caller).await?;
        let of = at.timestamp_micros().to_be_bytes();
        let parts: [&[u8]; 2] = [series.campaign_id.0.as_bytes(), &of];
        let id = CampaignId(basis.secret.derive_ordered(at, Label::CampaignOccurrenceId, &parts));
        self.record_on_campaign(caller, id, |state, _| running::begin_occurrence(state, series, id, plan, versions))
            .await?;
        Ok(id)
    }

    /// Says when a recurring campaign comes next, after the occurrence at a time.
    pub async fn schedule_next(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        after: DateTime<Utc>,
    ) -> Result<(), AppError> {
        self.record_on_campaign(caller, campaign_id, |state, context| running::next_occurrence(state, after, context))
            .await
    }

    /// Records what the test of a campaign's variants says: a winner, or that a colleague has to choose.
    pub async fn end_test(&self, caller: &Caller, campaign_id: CampaignId, tested: &Tested) -> Result<(), AppError> {
        self.record_on_campaign(caller, campaign_id, |state, _| running::end_test(state, tested)).await?;
        self.shared.standings.invalidate(&(caller.tenant, campaign_id));
        Ok(())
    }

    pub(super) async fn record_on_campaign<I: IntoIterator<Item = CampaignEvent>>(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        decide: impl Fn(&Campaign, &Context<'_>) -> I + Send + Sync,
    ) -> Result<(), AppError> {
        let basis = self.basis(caller).await?;
        let run = CommandRun::new(caller, campaign_stream(caller.tenant, campaign_id), None);
        let decide = |state: &Campaign, context: &Context<'_>| {
            Ok(decide(state, context).into_iter().map(|event| context.now(event)).collect())
        };
        unrefused(self.decide::<Campaign>(&run, &basis, decide).await.map(drop))
    }

    /// Records a part of the audience. False if another runner was faster.
    pub async fn choose_recipients(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        chosen: &Chosen,
    ) -> Result<bool, AppError> {
        self.record_on_run(caller, campaign_id, |run| running::choose(run, campaign_id, chosen.clone())).await
    }

    /// Records that the audience is complete.
    pub async fn end_audience(&self, caller: &Caller, campaign_id: CampaignId) -> Result<bool, AppError> {
        self.record_on_run(caller, campaign_id, |run| running::chosen(run, campaign_id)).await
    }

    /// Records what became of a part's recipients. False if another runner was faster.
    pub async fn record_outcomes(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        part: u32,
        outcomes: &Outcomes,
    ) -> Result<bool, AppError> {
        self.record_on_run(caller, campaign_id, |run| running::decided(run, campaign_id, part, outcomes.clone())).await
    }

    /// Cancels a campaign whose time has passed.
    pub async fn end_in_time(&self, caller: &Caller, campaign_id: CampaignId) -> Result<(), AppError> {
        let command = CancelCampaign { reason: OVER.to_owned() };
        let run = CommandRun::new(caller, campaign_stream(caller.tenant, campaign_id), None);
        let basis = self.basis(caller).await?;
        let decide = |state: &Campaign, context: &Context<'_>| decide::cancel(state, command.clone(), context);
        unrefused(self.decide::<Campaign>(&run, &basis, decide).await.map(drop))
    }

    pub(super) async fn record_on_run<I: IntoIterator<Item = CampaignRunEvent>>(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        decide: impl Fn(&CampaignRun) -> I + Send + Sync,
    ) -> Result<bool, AppError> {
        let (basis, stream) = (self.basis(caller).await?, run_stream(caller.tenant, campaign_id));
        let run = CommandRun::new(caller, stream, None);
        for _ in 0..MAX_ATTEMPTS {
            let decide = |state: &CampaignRun, context: &Context<'_>| {
                Ok(decide(state).into_iter().map(|event| context.now(event)).collect())
            };
            match self.attempt::<CampaignRun>(&run, &basis, decide).await? {
                Attempted::Done(made) => return Ok(!made.events.is_empty()),
                Attempted::Refused(_) => return Ok(false),
                Attempted::Moved => {}
            }
        }
        Err(AppError::Contended { stream, attempts: MAX_ATTEMPTS })
    }

    /// The recipients of a part of the audience, by the version of its event.
    pub async fn recipients(
        &self,
        tenant: TenantId,
        campaign_id: CampaignId,
        version: u64,
    ) -> Result<Vec<CustomerId>, AppError> {
        let stream = run_stream(tenant, campaign_id);
        let after = version.saturating_sub(1);
        let events = self.shared.journal.read_stream(stream, after, ReadLimit::events(1)).await?;
        let event = events.first().map(decode::<CampaignRun>).transpose()?.map(|decoded| decoded.event);
        match event {
            Some(CampaignRunEvent::RecipientsChosen(chosen)) => Ok(chosen.recipients),
            _ => Err(AppError::Unanswerable { stream }),
        }
    }

    /// Whether a campaign's messages may be sent, as of a moment ago.
    pub(super) async fn standing_of(&self, tenant: TenantId, campaign_id: CampaignId) -> Result<Standing, AppError> {
        let key = (tenant, campaign_id);
        if let Some(standing) = self.shared.standings.get(&key) {
            return Ok(standing);
        }
        let campaign = self.campaign(tenant, campaign_id).await?;
        let now = self.shared.ambient.now();
        let standing = match campaign {
            Some(campaign) if campaign.stops_at().is_some_and(|at| at <= now) => Standing::Over,
            Some(campaign) if campaign.state == CampaignState::Paused => Standing::Paused,
            Some(campaign) if campaign.state == CampaignState::Cancelled => Standing::Cancelled,
            _ => Standing::Open,
        };
        self.shared.standings.insert(key, standing);
        Ok(standing)
    }
}

/// What is recorded of a run is never refused, only out of date.
fn unrefused(done: Result<(), Stop>) -> Result<(), AppError> {
    match done {
        Ok(()) | Err(Stop::Refused(_)) => Ok(()),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// The stream of a campaign.
pub(crate) fn campaign_stream(tenant: TenantId, campaign_id: CampaignId) -> StreamId {
    StreamId::new(tenant, Category::Campaign, campaign_id.0)
}

/// The stream of its run.
pub(super) fn run_stream(tenant: TenantId, campaign_id: CampaignId) -> StreamId {
    StreamId::new(tenant, Category::CampaignRun, campaign_id.0)
}
