//! Mutations on campaigns.

use async_graphql::{Context, Object, Result};

use super::budget::BudgetInput;
use super::object::Campaign;
use super::plan::{CampaignInput, RateInput};
use crate::campaigns::service;
use crate::domain::campaign::decide::{
    CancelCampaign, ChangeCampaign, ChangedCampaign, ChooseWinner, CreateCampaign, PauseCampaign, Readiness,
    SetCampaignBudget, SetCampaignRate, StartCampaign,
};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{Answer, answer, by, caller, payload, shows};
use crate::graphql::engine::principal::Permission;
use crate::ids::CampaignId;

payload! {
    /// The result of mutations on a campaign.
    CampaignPayload of complex: ChangedCampaign {
        /// The campaign's id.
        campaign_id: Of<CampaignId> = |changed| Some(Of(changed.campaign_id)),
    }
}

shows! {
    CampaignPayload {
        /// The campaign after this mutation.
        campaign: Campaign = |ctx, payload| by!(payload.campaign_id, |id: Of<_>| Campaign::load(ctx, id.0)),
    }
}

/// Mutations on campaigns.
#[derive(Default)]
pub struct CampaignMutations;

#[Object]
impl CampaignMutations {
    /// Creates a campaign as a draft; nothing is sent. Requires the role `ADMIN` or `MARKETER`.
    #[graphql(guard = "May(Permission::Author)")]
    async fn create_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is to do.")] input: CampaignInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CampaignPayload> {
        let api = Api::of(ctx)?;
        let plan = match input.read() {
            Ok(plan) => plan,
            Err(refusal) => return Ok(Answer::refused(refusal.into()).into()),
        };
        let command = CreateCampaign { campaign_id: CampaignId(api.ambient().uuid()), plan };
        answer(ctx, api.app.create_campaign(&caller(ctx, idempotency_key)?, command).await).map(Into::into)
    }

    /// Changes a campaign that has not started: the whole plan is replaced. Requires the role `ADMIN` or `MARKETER`.
    #[graphql(guard = "May(Permission::Author)")]
    async fn update_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's global id.")] campaign_id: Of<CampaignId>,
        #[graphql(desc = "What it is to do.")] input: CampaignInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CampaignPayload> {
        let plan = match input.read() {
            Ok(plan) => plan,
            Err(refusal) => return Ok(Answer::refused(refusal.into()).into()),
        };
        let command = ChangeCampaign { plan };
        let outcome = Api::of(ctx)?.app.change_campaign(&caller(ctx, idempotency_key)?, campaign_id.0, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Starts a campaign, or schedules it if its start is later. A start that is missed by more than an hour makes it a draft again. Requires
    /// permission to send.
    #[graphql(guard = "May(Permission::Send)")]
    async fn start_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's global id.")] campaign_id: Of<CampaignId>,
        #[graphql(desc = "Confirms that a campaign to everybody is meant to go to everybody.", default)]
        everybody: bool,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CampaignPayload> {
        let api = Api::of(ctx)?;
        let command = StartCampaign { everybody, ready: Readiness::default() };
        let caller = caller(ctx, idempotency_key)?;
        let outcome = service::start(&api.app, &api.reads, &caller, campaign_id.0, command).await;
        answer(ctx, Ok(outcome.map_err(|error| opaque(api.ambient(), &error))?)).map(Into::into)
    }

    /// Approves a campaign that somebody else wrote and that has not started: it may be started as it is planned now. The policy
    /// says which campaigns need it (`campaignApprovalFrom`). Requires permission to send.
    #[graphql(guard = "May(Permission::Send)")]
    async fn approve_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's global id.")] campaign_id: Of<CampaignId>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CampaignPayload> {
        let outcome = Api::of(ctx)?.app.approve_campaign(&caller(ctx, idempotency_key)?, campaign_id.0).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Chooses the variant that the rest of the audience receives, before the test has ended or where it was undecided. A paused
    /// campaign stays paused. Requires permission to send.
    #[graphql(guard = "May(Permission::Send)")]
    async fn choose_campaign_winner(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's global id.")] campaign_id: Of<CampaignId>,
        #[graphql(desc = "The variant's name.")] variant: String,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CampaignPayload> {
        let command = ChooseWinner { variant };
        let outcome = Api::of(ctx)?.app.choose_winner(&caller(ctx, idempotency_key)?, campaign_id.0, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Makes a scheduled campaign a draft again. Requires permission to send.
    #[graphql(guard = "May(Permission::Send)")]
    async fn unschedule_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's global id.")] campaign_id: Of<CampaignId>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CampaignPayload> {
        let outcome = Api::of(ctx)?.app.unschedule_campaign(&caller(ctx, idempotency_key)?, campaign_id.0).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Pauses a running campaign: messages that are queued already wait too. Requires permission to send.
    #[graphql(guard = "May(Permission::Send)")]
    async fn pause_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's global id.")] campaign_id: Of<CampaignId>,
        #[graphql(desc = "The reason, for people.")] reason: String,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CampaignPayload> {
        let command = PauseCampaign { reason };
        let outcome = Api::of(ctx)?.app.pause_campaign(&caller(ctx, idempotency_key)?, campaign_id.0, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Resumes a paused campaign where it stopped. Requires permission to send.
    #[graphql(guard = "May(Permission::Send)")]
    async fn resume_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's global id.")] campaign_id: Of<CampaignId>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CampaignPayload> {
        let outcome = Api::of(ctx)?.app.resume_campaign(&caller(ctx, idempotency_key)?, campaign_id.0).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Changes the rate of a campaign, also while it runs. Requires permission to send.
    #[graphql(guard = "May(Permission::Send)")]
    async fn set_campaign_rate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's global id.")] campaign_id: Of<CampaignId>,
        #[graphql(desc = "The rate.")] rate: RateInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CampaignPayload> {
        let command = SetCampaignRate { rate: rate.read() };
        let outcome = Api::of(ctx)?.app.set_campaign_rate(&caller(ctx, idempotency_key)?, campaign_id.0, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Changes what a campaign may cost, also while it runs; null: as much as it does. A paused campaign stays paused. Requires permission
    /// to send.
    #[graphql(guard = "May(Permission::Send)")]
    async fn set_campaign_budget(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's global id.")] campaign_id: Of<CampaignId>,
        #[graphql(desc = "The budget.")] budget: Option<BudgetInput>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CampaignPayload> {
        let budget = match budget.map(BudgetInput::read).transpose() {
            Ok(budget) => budget,
            Err(refusal) => return Ok(Answer::refused(refusal.into()).into()),
        };
        let (caller, command) = (caller(ctx, idempotency_key)?, SetCampaignBudget { budget });
        let outcome = Api::of(ctx)?.app.set_campaign_budget(&caller, campaign_id.0, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Stops a campaign for good. Queued messages are cancelled; messages that a provider accepted stay sent. Requires permission
    /// to send.
    #[graphql(guard = "May(Permission::Send)")]
    async fn cancel_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's global id.")] campaign_id: Of<CampaignId>,
        #[graphql(desc = "The reason, for people.")] reason: String,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CampaignPayload> {
        let command = CancelCampaign { reason };
        let outcome = Api::of(ctx)?.app.cancel_campaign(&caller(ctx, idempotency_key)?, campaign_id.0, command).await;
        answer(ctx, outcome).map(Into::into)
    }
}
