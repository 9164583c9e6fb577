//! Events of conversations, in the customer's stream.

use chrono::{DateTime, Utc};

use crate::domain::event::{event, stream_events};
use crate::domain::value::{Channel, words};
use crate::ids::{ConversationId, MessageId};

words! {
    /// Where a conversation stands.
    ConversationState, "conversation state" {
        /// Somebody should answer.
        Open = "open",
        /// We wait for the customer.
        Pending = "pending",
        /// Set aside until a time.
        Snoozed = "snoozed",
        /// Done; an inbound message opens it again.
        Resolved = "resolved",
    }
}

words! {
    /// What moved a conversation.
    ConversationCause, "conversation cause" {
        /// The customer wrote.
        Inbound = "inbound",
        /// We wrote.
        Outbound = "outbound",
        /// An agent decided.
        Agent = "agent",
        /// A timer ran out.
        Timer = "timer",
    }
}

event! {
    /// A conversation as it now stands: the whole resulting state.
    ConversationChanged 1 {
        conversation_id: ConversationId,
        channel: Channel,
        state: ConversationState,
        snoozed_until: Option<DateTime<Utc>>,
        assignee: Option<String>,
        team: Option<String>,
        /// `low`, `normal`, `high`, `urgent`.
        priority: String,
        cause: ConversationCause,
        /// The message that moved it.
        message_id: Option<MessageId>,
        /// Inbound messages that no agent has seen.
        unread: u32,
    }
}

stream_events! {
    /// What happens with conversations, in the customer's stream.
    ConversationEvent {
        ConversationChanged,
    }
}
