//! How far a message has come, as one event tells it. What all of them tell together is a lattice in which callbacks
//! commute; it is computed where all of them are known, in `projections/messages.sql`.

use crate::domain::message::event::MessageEvent;
use crate::domain::value::message::MessageState;

impl MessageState {
    /// What an event says of the outbound message that it is about; [`None`] if it is about something else, or
    /// takes a step back (a release, a failed attempt that is tried again).
    #[must_use]
    pub const fn from_event(event: &MessageEvent) -> Option<Self> {
        Some(match event {
            MessageEvent::MessageQueued(_) => Self::Queued,
            MessageEvent::MessageHeld(_) => Self::Held,
            MessageEvent::MessageSuppressed(_) => Self::Suppressed,
            MessageEvent::MessageCancelled(_) => Self::Cancelled,
            MessageEvent::DispatchStarted(_) => Self::Dispatching,
            MessageEvent::DispatchInDoubt(_) => Self::InDoubt,
            MessageEvent::DispatchFailed(e) if e.retry_at.is_some() => return None,
            MessageEvent::DispatchFailed(_) | MessageEvent::MessageFailed(_) => Self::Failed,
            MessageEvent::MessageSent(_) => Self::Sent,
            MessageEvent::MessageDeferred(_) => Self::Deferred,
            MessageEvent::MessageBounced(_) => Self::Bounced,
            MessageEvent::MessageDelivered(_) | MessageEvent::MessageDismissed(_) => Self::Delivered,
            MessageEvent::MessageOpened(_) => Self::Opened,
            MessageEvent::MessageClicked(_) => Self::Clicked,
            MessageEvent::MessageComplained(_) => Self::Complained,
            MessageEvent::MessageReleased(_)
            | MessageEvent::EngagementReclassified(_)
            | MessageEvent::CallEnded(_)
            | MessageEvent::MessageReceived(_)
            | MessageEvent::MessageRetracted(_)
            | MessageEvent::MessageAttached(_)
            | MessageEvent::AttachmentFetched(_)
            | MessageEvent::AttachmentMissed(_) => return None,
        })
    }

    /// True once it is known that a provider took the message, or that it never will be sent: nothing is left for a
    /// dispatcher to do, and no late news changes that.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Suppressed | Self::Cancelled) || self >= Self::Sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_took_or_refused_for_good_is_settled_and_what_is_in_doubt_is_not() {
        for state in [MessageState::Sent, MessageState::Failed, MessageState::Suppressed, MessageState::Complained] {
            assert!(state.is_settled(), "{state}");
        }
        for state in [MessageState::Queued, MessageState::Held, MessageState::Dispatching, MessageState::InDoubt] {
            assert!(!state.is_settled(), "{state}");
        }
    }
}
