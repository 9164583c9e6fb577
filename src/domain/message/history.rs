//! The marketing messages that a customer was sent lately: what frequency caps count.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::decision::Meta;
use crate::domain::message::event::MessageClass;
use crate::domain::message::event::MessageEvent;
use crate::domain::message::state::Pending;
use crate::domain::value::Channel;
use crate::ids::{CampaignId, MessageId};

/// The highest limit that a cap may have.
pub const MAX_LIMIT: u32 = 100;
/// The longest window that a cap may have: a leap year.
pub const LONGEST_WINDOW_HOURS: u32 = 366 * 24;
/// How many messages are remembered. Somebody who was sent more within a window than this, over all channels and
/// topics, counts as having reached each of its caps: forgetting must never be a way around a limit.
const KEPT: usize = 2 * MAX_LIMIT as usize;

/// A marketing message that a provider was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// When the call began.
    pub at: DateTime<Utc>,
    /// The channel.
    pub channel: Channel,
    /// About what.
    pub topic: String,
    /// The message's id.
    pub message_id: MessageId,
    /// The campaign that it belonged to.
    pub campaign_id: Option<CampaignId>,
    /// The campaign's variant.
    pub variant: Option<String>,
}

/// The newest contacts, in the order of their calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Recent(VecDeque<Contact>);

impl Recent {
    /// All that are remembered.
    #[must_use]
    pub fn all(&self) -> impl ExactSizeIterator<Item = &Contact> {
        self.0.iter()
    }

    /// Those of several streams as one. What is older than something that one of them may have forgotten is left out, so
    /// that [`Self::reaches_back_to`] holds for the whole.
    #[must_use]
    pub fn joined<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let (mut all, mut known_since) = (Vec::new(), None);
        for part in parts {
            if part.0.len() >= KEPT {
                known_since = known_since.max(part.0.front().map(|oldest| oldest.at));
            }
            all.extend(part.0.iter().cloned());
        }
        all.retain(|contact| known_since.is_none_or(|since| contact.at >= since));
        all.sort_by_key(|contact| contact.at);
        Self(all.into())
    }

    /// Whether nothing after this moment was forgotten.
    #[must_use]
    pub fn reaches_back_to(&self, since: DateTime<Utc>) -> bool {
        self.0.len() < KEPT || self.0.front().is_none_or(|oldest| oldest.at <= since)
    }

    /// Folds an event in; `pending` is as it was before it. A message counts from the moment when a provider is called,
    /// and no longer once the provider definitely refused it. One in doubt counts: it may have arrived.
    pub fn apply(&mut self, event: &MessageEvent, pending: &Pending, meta: Meta) {
        match event {
            MessageEvent::DispatchStarted(e) => {
                let Some(message) = pending.get(e.key.message_id) else { return };
                if message.class != MessageClass::Marketing {
                    return;
                }
                self.0.push_back(Contact {
                    at: meta.occurred_at,
                    channel: e.key.channel,
                    topic: message.topic.clone(),
                    message_id: e.key.message_id,
                    campaign_id: e.key.campaign_id,
                    variant: e.key.variant.clone(),
                });
                let longest = TimeDelta::hours(LONGEST_WINDOW_HOURS.into());
                while self.0.front().is_some_and(|oldest| self.0.len() > KEPT || oldest.at + longest < meta.occurred_at)
                {
                    self.0.pop_front();
                }
            }
            MessageEvent::DispatchFailed(e) => self.0.retain(|contact| contact.message_id != e.key.message_id),
            MessageEvent::MessageQueued(_)
            | MessageEvent::MessageHeld(_)
            | MessageEvent::MessageSuppressed(_)
            | MessageEvent::MessageReleased(_)
            | MessageEvent::MessageCancelled(_)
            | MessageEvent::DispatchInDoubt(_)
            | MessageEvent::MessageSent(_)
            | MessageEvent::MessageDelivered(_)
            | MessageEvent::MessageDeferred(_)
            | MessageEvent::MessageBounced(_)
            | MessageEvent::MessageFailed(_)
            | MessageEvent::MessageOpened(_)
            | MessageEvent::MessageClicked(_)
            | MessageEvent::EngagementReclassified(_)
            | MessageEvent::MessageDismissed(_)
            | MessageEvent::MessageComplained(_)
            | MessageEvent::CallEnded(_)
            | MessageEvent::MessageReceived(_)
            | MessageEvent::MessageRetracted(_)
            | MessageEvent::MessageAttached(_)
            | MessageEvent::AttachmentFetched(_)
            | MessageEvent::AttachmentMissed(_) => {}
        }
    }
}
