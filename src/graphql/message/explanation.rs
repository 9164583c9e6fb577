//! What would become of a message that is asked for.

use async_graphql::{Context, Enum, Json, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::mutation::{Decision, SendMessageInput};
use crate::app::ExplainedSend;
use crate::domain::message::decide::SendDecision;
use crate::domain::message::rules::{Finding, Found, NotAsked};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{Refusal, caller};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::ids::AddressId;

/// What a rule says of a message.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleOutcome {
    /// The rule lets the message pass.
    Passes,
    /// The rule holds the message.
    Holds,
    /// The rule forbids the message.
    Suppresses,
    /// The rule does not concern the message; `notAskedBecause` says why.
    NotAsked,
}

/// Why a rule does not concern a message.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "NotAsked")]
pub enum NotAskedReason {
    /// There is nobody, or nowhere, to send to.
    Nowhere,
    /// The rule concerns marketing, and the message is transactional.
    Transactional,
    /// The message is planned for later: the rule is asked then.
    Planned,
    /// The rule concerns messages that are planned for later.
    NotPlanned,
    /// An emergency lifts the rule.
    Emergency,
    /// The rule concerns another channel.
    OtherChannel,
    /// The rule concerns free text, and the message is made of a template.
    Template,
}

/// What a rule finds in a message that was not sent yet.
#[derive(SimpleObject, Debug, Clone)]
pub struct RuleFinding {
    /// The rule, such as `consent`, `frequency_cap`, `quiet_hours`.
    rule: String,
    /// What it says.
    outcome: RuleOutcome,
    /// Why it was not asked.
    not_asked_because: Option<NotAskedReason>,
    /// What it looked at: the limit and the count, the window, the time zone, the local time; no personal data.
    inputs: Json<Value>,
    /// The end of the hold.
    until: Option<DateTime<Utc>>,
}

/// What would become of a message.
#[derive(SimpleObject, Debug, Clone)]
pub struct SendExplanation {
    /// What would be decided; null if it would be refused.
    decision: Option<Decision>,
    /// The rule that would hold or suppress it.
    rule: Option<String>,
    /// The end of the hold, at which it would be judged again.
    held_until: Option<DateTime<Utc>>,
    /// What every rule finds, in the order in which they are asked: the first one that holds or suppresses the
    /// message decides. Empty if there is no such customer.
    rules: Vec<RuleFinding>,
    /// The customer's address that it would go to.
    address_id: Option<Of<AddressId>>,
    /// That address. Personal.
    to: Option<String>,
    /// The number of segments of an SMS; null for other channels and for what would be refused.
    segments: Option<u32>,
    /// Why `sendMessage` would refuse it.
    refusal: Option<Refusal>,
}

impl From<Finding> for RuleFinding {
    fn from(finding: Finding) -> Self {
        let Finding { rule, found, inputs } = finding;
        let (outcome, until, why) = match found {
            Found::Passes => (RuleOutcome::Passes, None, None),
            Found::Holds { until } => (RuleOutcome::Holds, Some(until), None),
            Found::Suppresses => (RuleOutcome::Suppresses, None, None),
            Found::NotAsked(why) => (RuleOutcome::NotAsked, None, Some(why.into())),
        };
        Self { rule: rule.to_owned(), outcome, not_asked_because: why, inputs: Json(inputs), until }
    }
}

impl SendExplanation {
    fn new(explained: ExplainedSend, personal: bool) -> Self {
        let ExplainedSend { decided, findings, address_id, to, segments } = explained;
        let (decision, refusal) = match decided {
            Ok(decision) => (Some(decision), None),
            Err(refusal) => (None, Some(refusal.into())),
        };
        let (rule, held_until) = match &decision {
            Some(SendDecision::Held { until, rule }) => (Some(rule.clone()), Some(*until)),
            Some(SendDecision::Suppressed { rule }) => (Some(rule.clone()), None),
            Some(SendDecision::Queued) | None => (None, None),
        };
        Self {
            decision: decision.as_ref().map(Into::into),
            rule,
            held_until,
            rules: findings.into_iter().map(Into::into).collect(),
            address_id: address_id.map(Of),
            to: to.filter(|_| personal),
            segments,
            refusal,
        }
    }

    /// What is refused before anything is looked at.
    fn refused(refusal: crate::domain::refusal::Refusal) -> Self {
        let nothing =
            ExplainedSend { decided: Err(refusal), findings: vec![], address_id: None, to: None, segments: None };
        Self::new(nothing, false)
    }
}

/// Queries of what would become of messages.
#[derive(Default)]
pub struct ExplanationQueries;

#[Object]
impl ExplanationQueries {
    /// What `sendMessage` would decide of the same input now, with what every rule finds. Nothing is recorded, and no
    /// permission to send is needed.
    #[graphql(guard = "May(Permission::Read)", complexity = "20 + child_complexity")]
    async fn explain_send(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message and its receiver.")] input: SendMessageInput,
    ) -> Result<SendExplanation> {
        let reading = Reading::of(ctx)?;
        let (request, business) = match input.read(ctx).await? {
            Ok(read) => read,
            Err(refusal) => return Ok(SendExplanation::refused(refusal)),
        };
        let api = Api::of(ctx)?;
        let explained = api.app.explain_send(&caller(ctx, None)?, request, business).await;
        let explained = explained.map_err(|error| opaque(api.ambient(), &error))?;
        Ok(SendExplanation::new(explained, reading.personal()))
    }
}
