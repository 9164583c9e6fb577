//! The states of a message are a lattice: what is known only ever grows, whatever order callbacks come in.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::customer::event::CustomerEvent;
use crate::domain::value::words;

words! {
    /// How far a message has come, in ascending rank.
    MessageState, "message state" {
        /// It was asked for.
        Queued = "queued",
        /// It waits.
        Held = "held",
        /// It is not sent.
        Suppressed = "suppressed",
        /// It was taken back.
        Cancelled = "cancelled",
        /// A provider is being called.
        Dispatching = "dispatching",
        /// Nobody knows whether the provider took it.
        InDoubt = "in_doubt",
        /// It could not be sent or delivered.
        Failed = "failed",
        /// The provider took it.
        Sent = "sent",
        /// The receiving side asked to wait.
        Deferred = "deferred",
        /// It came back.
        Bounced = "bounced",
        /// It reached the device or mailbox.
        Delivered = "delivered",
        /// It was opened or read.
        Opened = "opened",
        /// A link in it was followed.
        Clicked = "clicked",
        /// The customer answered.
        Replied = "replied",
        /// It was reported as spam.
        Complained = "complained",
    }
}

impl MessageState {
    /// What an event tells about the outbound message that it is about; [`None`] if it is about something else, or
    /// takes a step back (a release, a failed attempt that is tried again).
    #[must_use]
    pub const fn told_by(event: &CustomerEvent) -> Option<Self> {
        Some(match event {
            CustomerEvent::MessageQueued(_) => Self::Queued,
            CustomerEvent::MessageHeld(_) => Self::Held,
            CustomerEvent::MessageSuppressed(_) => Self::Suppressed,
            CustomerEvent::MessageCancelled(_) => Self::Cancelled,
            CustomerEvent::DispatchStarted(_) => Self::Dispatching,
            CustomerEvent::DispatchInDoubt(_) => Self::InDoubt,
            CustomerEvent::DispatchFailed(e) if e.retry_at.is_some() => return None,
            CustomerEvent::DispatchFailed(_) | CustomerEvent::MessageFailed(_) => Self::Failed,
            CustomerEvent::MessageSent(_) => Self::Sent,
            CustomerEvent::MessageDeferred(_) => Self::Deferred,
            CustomerEvent::MessageBounced(_) => Self::Bounced,
            CustomerEvent::MessageDelivered(_) => Self::Delivered,
            CustomerEvent::MessageOpened(_) => Self::Opened,
            CustomerEvent::MessageClicked(_) => Self::Clicked,
            CustomerEvent::MessageComplained(_) => Self::Complained,
            _ => return None,
        })
    }

    /// True once it is known that a provider took the message, or that it never will be sent: nothing is left for a
    /// dispatcher to do, and no late news changes that.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Suppressed | Self::Cancelled) || self >= Self::Failed
    }
}

/// Everything that is known of how far a message has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How often each state was told, and when first.
    pub seen: BTreeMap<MessageState, (u64, DateTime<Utc>)>,
}

impl Progress {
    /// Takes in one distinct piece of news. The order of calls does not matter.
    pub fn tell(&mut self, state: MessageState, at: DateTime<Utc>) {
        let (count, first) = self.seen.entry(state).or_insert((0, at));
        *count += 1;
        *first = at.min(*first);
    }

    /// The highest state that was told.
    #[must_use]
    pub fn state(&self) -> Option<MessageState> {
        self.seen.keys().next_back().copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn news() -> impl Strategy<Value = Vec<(MessageState, i64)>> {
        prop::collection::vec((prop::sample::select(MessageState::ALL), 0..1_000_000_i64), 0..24)
    }

    fn told(news: &[(MessageState, i64)]) -> Progress {
        let mut progress = Progress::default();
        for (state, seconds) in news {
            progress.tell(*state, DateTime::from_timestamp(*seconds, 0).unwrap_or_default());
        }
        progress
    }

    proptest! {
        #[test]
        fn any_order_of_callbacks_gives_the_same_progress(
            (ordered, shuffled) in news().prop_flat_map(|news| (Just(news.clone()), Just(news).prop_shuffle()))
        ) {
            prop_assert_eq!(told(&ordered), told(&shuffled));
        }

        #[test]
        fn more_news_never_lower_the_state(news in news(), late in prop::sample::select(MessageState::ALL)) {
            let before = told(&news).state();
            let mut progress = told(&news);
            progress.tell(late, DateTime::UNIX_EPOCH);
            prop_assert!(progress.state() >= before);
        }
    }

    #[test]
    fn a_late_sent_does_not_overwrite_delivered() {
        assert_eq!(
            told(&[(MessageState::Delivered, 2), (MessageState::Sent, 1)]).state(),
            Some(MessageState::Delivered)
        );
    }

    #[test]
    fn what_a_provider_took_is_settled_and_what_is_in_doubt_is_not() {
        assert!(MessageState::Sent.is_settled());
        assert!(MessageState::Suppressed.is_settled());
        assert!(!MessageState::InDoubt.is_settled());
        assert!(!MessageState::Held.is_settled());
    }
}
