//! Commands on conversations.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::domain::conversation::event::{ConversationCause, ConversationChanged, ConversationState};
use crate::domain::conversation::state::{Conversation, conversation_id};
use crate::domain::customer::decide::Patch;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided, Decision};
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::Channel;
use crate::ids::{ConversationId, CustomerId, MessageId};

/// An agent's changes to a conversation. An unset field stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UpdateConversation {
    /// The customer's id.
    pub customer_id: CustomerId,
    /// The conversation's id.
    pub conversation_id: ConversationId,
    /// Where it stands from now on.
    pub state: Option<ConversationState>,
    /// Until when it is set aside; only and always with the state `snoozed`.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// The agent who answers.
    pub assignee: Patch<String>,
    /// The team that answers.
    pub team: Patch<String>,
    /// `low`, `normal`, `high` or `urgent`.
    pub priority: Option<String>,
    /// True if an agent has seen all its messages.
    pub mark_read: bool,
}

/// The priorities, lowest first.
pub const PRIORITIES: [&str; 4] = ["low", "normal", "high", "urgent"];

/// Decides on an agent's changes. Nothing to change: nothing happens.
pub fn update(state: &Customer, command: UpdateConversation, context: &Context<'_>) -> Decision<CustomerEvent> {
    state.must_be_known()?;
    let before = state
        .conversations
        .by_id(command.conversation_id)
        .ok_or_else(|| Refusal::new("CONVERSATION_UNKNOWN", "the customer has no such conversation"))?;
    Refusal::unless_bounded("snoozed_until", command.snoozed_until)?;
    let mut after = before.clone();
    if let Some(state) = command.state {
        after.state = state;
        after.snoozed_until = None;
    }
    match (after.state, command.snoozed_until) {
        (ConversationState::Snoozed, Some(until)) if until > context.now => after.snoozed_until = Some(until),
        (ConversationState::Snoozed, Some(_)) => {
            return Err(Refusal::invalid("snoozed_until", "must be in the future"));
        }
        (ConversationState::Snoozed, None) if after.snoozed_until.is_none() => {
            return Err(Refusal::invalid("snoozed_until", "is required with the state snoozed"));
        }
        (_, Some(_)) => return Err(Refusal::invalid("snoozed_until", "is allowed only with the state snoozed")),
        (_, None) => {}
    }
    after.assignee = patched("assignee", after.assignee, command.assignee)?;
    after.team = patched("team", after.team, command.team)?;
    if let Some(priority) = command.priority {
        if !PRIORITIES.contains(&priority.as_str()) {
            return Err(Refusal::invalid("priority", format!("must be one of {}", PRIORITIES.join(" "))));
        }
        after.priority = priority;
    }
    if command.mark_read {
        after.unread = 0;
    }
    if after == *before {
        return Ok(vec![]);
    }
    Ok(vec![context.now(after.changed(ConversationCause::Agent, None))])
}

/// What time does to a conversation: one that was set aside is open again when its time has come; one in which nothing
/// waits for us resolves itself after the minutes that the tenant's policy says, if it says any.
pub fn elapse(state: &Customer, conversation_id: ConversationId, context: &Context<'_>) -> Decision<CustomerEvent> {
    state.must_be_known()?;
    let Some(before) = state.conversations.by_id(conversation_id) else { return Ok(vec![]) };
    let minutes = i64::from(context.policy.auto_resolve_minutes);
    let idle = minutes > 0 && before.changed_at + TimeDelta::minutes(minutes) <= context.now;
    let next = match before.state {
        ConversationState::Snoozed if before.snoozed_until.is_some_and(|until| until <= context.now) => {
            ConversationState::Open
        }
        ConversationState::Open | ConversationState::Pending if idle && before.unread == 0 => {
            ConversationState::Resolved
        }
        _ => return Ok(vec![]),
    };
    let after = Conversation { state: next, snoozed_until: None, ..before.clone() };
    Ok(vec![context.now(after.changed(ConversationCause::Timer, None))])
}

/// That a conversation is done, with nothing unread; [`None`] if it is already.
#[must_use]
pub fn resolved(conversation: &Conversation, context: &Context<'_>) -> Option<Decided<CustomerEvent>> {
    let after =
        Conversation { state: ConversationState::Resolved, snoozed_until: None, unread: 0, ..conversation.clone() };
    (after != *conversation).then(|| context.now(after.changed(ConversationCause::Agent, None)))
}

/// The conversation after the customer wrote: open, one more unread.
#[must_use]
pub fn after_inbound(
    state: &Customer,
    customer_id: CustomerId,
    channel: Channel,
    message_id: MessageId,
    context: &Context<'_>,
) -> ConversationChanged {
    let mut conversation = current(state, customer_id, channel, context);
    conversation.state = ConversationState::Open;
    conversation.snoozed_until = None;
    conversation.unread = conversation.unread.saturating_add(1);
    conversation.changed(ConversationCause::Inbound, Some(message_id))
}

/// The conversation after we answered in it: we wait for the customer, and nothing is unread. [`None`] if that is how
/// it stands, or if there is no conversation yet: a message that we begin with starts none.
#[must_use]
pub fn after_answer(state: &Customer, channel: Channel, message_id: MessageId) -> Option<ConversationChanged> {
    let mut conversation = state.conversations.on(channel)?.clone();
    if conversation.state != ConversationState::Open && conversation.unread == 0 {
        return None;
    }
    conversation.state = ConversationState::Pending;
    conversation.snoozed_until = None;
    conversation.unread = 0;
    Some(conversation.changed(ConversationCause::Outbound, Some(message_id)))
}

fn current(state: &Customer, customer_id: CustomerId, channel: Channel, context: &Context<'_>) -> Conversation {
    let new = || Conversation::new(conversation_id(context.secret, customer_id, channel), channel);
    state.conversations.on(channel).cloned().unwrap_or_else(new)
}

fn patched(field: &str, value: Option<String>, patch: Patch<String>) -> Result<Option<String>, Refusal> {
    match patch {
        Patch::Keep => Ok(value),
        Patch::Clear => Ok(None),
        Patch::Set(value) => text::optional(field, Some(value), text::SHORT),
    }
}
