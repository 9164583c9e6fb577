//! Conversations as they stand: one per customer and channel, so there are never many.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::conversation::event::{ConversationCause, ConversationChanged, ConversationState};
use crate::domain::value::Channel;
use crate::ids::{ConversationId, CustomerId, Label, MessageId, TenantSecret};

/// A conversation as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// The conversation's id.
    pub conversation_id: ConversationId,
    /// The channel; a conversation has one.
    pub channel: Channel,
    /// Open, pending, snoozed or resolved.
    pub state: ConversationState,
    /// Until when it is set aside.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// The agent who answers.
    pub assignee: Option<String>,
    /// The team that answers.
    pub team: Option<String>,
    /// `low`, `normal`, `high` or `urgent`.
    pub priority: String,
    /// Inbound messages that no agent has seen.
    pub unread: u32,
    /// When it last moved.
    pub changed_at: DateTime<Utc>,
}

impl Conversation {
    /// A conversation that nothing happened in yet.
    #[must_use]
    pub fn new(conversation_id: ConversationId, channel: Channel) -> Self {
        Self {
            conversation_id,
            channel,
            state: ConversationState::Open,
            snoozed_until: None,
            assignee: None,
            team: None,
            priority: "normal".to_owned(),
            unread: 0,
            changed_at: DateTime::UNIX_EPOCH,
        }
    }

    /// The event that tells that the conversation now stands like this.
    #[must_use]
    pub fn changed(self, cause: ConversationCause, message_id: Option<MessageId>) -> ConversationChanged {
        ConversationChanged {
            conversation_id: self.conversation_id,
            channel: self.channel,
            state: self.state,
            snoozed_until: self.snoozed_until,
            assignee: self.assignee,
            team: self.team,
            priority: self.priority,
            cause,
            message_id,
            unread: self.unread,
        }
    }
}

/// A customer's conversations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conversations(Vec<Conversation>);

impl Conversations {
    /// The conversation of a channel.
    #[must_use]
    pub fn on(&self, channel: Channel) -> Option<&Conversation> {
        self.0.iter().find(|conversation| conversation.channel == channel)
    }

    /// All of them, the one that moved last at the end.
    #[must_use]
    pub fn all(&self) -> &[Conversation] {
        &self.0
    }

    /// A conversation by its id.
    #[must_use]
    pub fn by_id(&self, id: ConversationId) -> Option<&Conversation> {
        self.0.iter().find(|conversation| conversation.conversation_id == id)
    }

    /// Folds a change in.
    pub fn apply(&mut self, event: &ConversationChanged, occurred_at: DateTime<Utc>) {
        self.0.retain(|conversation| conversation.channel != event.channel);
        self.0.push(Conversation {
            conversation_id: event.conversation_id,
            channel: event.channel,
            state: event.state,
            snoozed_until: event.snoozed_until,
            assignee: event.assignee.clone(),
            team: event.team.clone(),
            priority: event.priority.clone(),
            unread: event.unread,
            changed_at: occurred_at,
        });
    }
}

/// The id of a customer's conversation on a channel: derived, so that facts name it without a look-up.
#[must_use]
pub fn conversation_id(secret: &TenantSecret, customer_id: CustomerId, channel: Channel) -> ConversationId {
    ConversationId(secret.derive(Label::ConversationId, &[customer_id.0.as_bytes(), channel.word().as_bytes()]))
}
