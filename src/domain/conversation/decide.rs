//! Commands on conversations.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::conversation::event::ConversationState;
use crate::domain::customer::decide::Patch;
use crate::ids::{ConversationId, CustomerId};

/// An agent's changes to a conversation. An unset field stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UpdateConversation {
    /// With whom.
    pub customer_id: CustomerId,
    /// Which conversation.
    pub conversation_id: ConversationId,
    /// Where it stands from now on.
    pub state: Option<ConversationState>,
    /// Until when it is set aside; only and always with the state `snoozed`.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Who answers.
    pub assignee: Patch<String>,
    /// Which team answers.
    pub team: Patch<String>,
    /// `low`, `normal`, `high` or `urgent`.
    pub priority: Option<String>,
    /// True if an agent has seen all its messages.
    pub mark_read: bool,
}
