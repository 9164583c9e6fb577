//! Messages that a dispatcher still has to do something about.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::decision::Meta;
use crate::domain::message::event::MessageEvent;
use crate::domain::message::event::{MessageClass, MessageQueued};
use crate::domain::value::message::{MessageKey, MessageState, Route};
use crate::ids::{AddressId, MessageId};

/// Where a pending message stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// A dispatcher may take it.
    Queued,
    /// It waits.
    Held {
        /// The time at which it ends.
        until: DateTime<Utc>,
        /// The name of the rule that holds it.
        rule: String,
    },
    /// An attempt failed, and the next one is due.
    Retry {
        /// The time at which it happened.
        at: DateTime<Utc>,
    },
    /// A provider is being called.
    Dispatching {
        /// The provider, account and sending domain.
        route: Route,
        /// When the call was decided on.
        since: DateTime<Utc>,
    },
    /// Nobody knows whether the provider took it.
    InDoubt {
        /// The provider, account and sending domain.
        route: Route,
    },
}

/// A message that was asked for and that no provider has yet taken or definitely refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingMessage {
    /// The message's id, channel, campaign and conversation.
    pub key: MessageKey,
    /// Marketing or transactional.
    pub class: MessageClass,
    /// The topic that consent is judged for.
    pub topic: String,
    /// The recipient's address; absent for a channel without one.
    pub address_id: Option<AddressId>,
    /// The version of its `MessageQueued`, which holds the content.
    pub queued_version: u64,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    /// The code of the template that it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// How many files go with it: the events that follow its `MessageQueued` tell them.
    #[serde(default)]
    pub files: u32,
    /// How often a provider was called.
    pub attempts: u32,
    /// Which ones definitely refused it and may be asked again.
    #[serde(default)]
    pub refused_by: Vec<Route>,
    /// Where it stands.
    pub stage: Stage,
}

/// A customer's pending messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pending(Vec<PendingMessage>);

impl Pending {
    /// How many there are at most for one customer; more are refused.
    pub const MAX: usize = 500;

    /// All of them, oldest first.
    #[must_use]
    pub fn all(&self) -> &[PendingMessage] {
        &self.0
    }

    /// These, and those of other streams, which count as standing in the queue before all of these.
    #[must_use]
    pub fn after<'a>(&self, others: impl Iterator<Item = &'a Self>) -> Self {
        let before =
            others.flat_map(|other| &other.0).map(|message| PendingMessage { queued_version: 0, ..message.clone() });
        Self(before.chain(self.0.iter().cloned()).collect())
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: MessageId) -> Option<&PendingMessage> {
        self.0.iter().find(|message| message.key.message_id == id)
    }

    /// Folds an event in.
    pub fn apply(&mut self, event: &MessageEvent, meta: Meta) {
        match event {
            // What an import brings was sent elsewhere.
            MessageEvent::MessageQueued(e) if e.import_id.is_some() => {}
            MessageEvent::MessageQueued(e) => self.0.push(PendingMessage::new(e, meta)),
            MessageEvent::MessageHeld(e) => {
                self.change(e.key.message_id, |message| {
                    message.stage = Stage::Held { until: e.until, rule: e.rule.clone() };
                });
            }
            MessageEvent::MessageAttached(e) => self.change(e.key.message_id, |message| message.files += 1),
            MessageEvent::MessageReleased(e) => self.change(e.key.message_id, |message| message.stage = Stage::Queued),
            MessageEvent::DispatchStarted(e) => self.change(e.key.message_id, |message| {
                message.attempts = e.attempt;
                message.stage = Stage::Dispatching { route: e.route.clone(), since: meta.occurred_at };
            }),
            MessageEvent::DispatchInDoubt(e) => self.change(e.key.message_id, |message| {
                message.stage = Stage::InDoubt { route: e.route.clone() };
            }),
            MessageEvent::DispatchFailed(e) => match e.retry_at {
                Some(at) => self.change(e.key.message_id, |message| {
                    if !message.refused_by.contains(&e.route) {
                        message.refused_by.push(e.route.clone());
                    }
                    message.stage = Stage::Retry { at };
                }),
                None => self.settle(e.key.message_id),
            },
            MessageEvent::MessageSuppressed(_)
            | MessageEvent::MessageCancelled(_)
            | MessageEvent::MessageSent(_)
            | MessageEvent::MessageDelivered(_)
            | MessageEvent::MessageDeferred(_)
            | MessageEvent::MessageBounced(_)
            | MessageEvent::MessageFailed(_)
            | MessageEvent::MessageOpened(_)
            | MessageEvent::MessageClicked(_)
            | MessageEvent::MessageDismissed(_)
            | MessageEvent::MessageComplained(_) => {
                if MessageState::from_event(event).is_some_and(MessageState::is_settled) {
                    self.settle(event.message_key().message_id);
                }
            }
            MessageEvent::EngagementReclassified(_)
            | MessageEvent::CallEnded(_)
            | MessageEvent::MessageReceived(_)
            | MessageEvent::MessageRetracted(_)
            | MessageEvent::AttachmentFetched(_)
            | MessageEvent::AttachmentMissed(_) => {}
        }
    }

    fn change(&mut self, id: MessageId, change: impl FnOnce(&mut PendingMessage)) {
        if let Some(message) = self.0.iter_mut().find(|message| message.key.message_id == id) {
            change(message);
        }
    }

    fn settle(&mut self, id: MessageId) {
        self.0.retain(|message| message.key.message_id != id);
        if self.0.is_empty() {
            // Most customers have none most of the time, and many customers are kept in memory.
            self.0 = Vec::new();
        }
    }
}

impl PendingMessage {
    fn new(event: &MessageQueued, meta: Meta) -> Self {
        Self {
            key: event.key.clone(),
            class: event.class,
            topic: event.topic.clone(),
            address_id: event.address_id,
            queued_version: meta.version,
            in_reply_to: event.in_reply_to,
            template: event.template.as_ref().map(|template| template.code.clone()),
            files: 0,
            attempts: 0,
            refused_by: vec![],
            stage: Stage::Queued,
        }
    }
}

impl MessageEvent {
    /// The message that it is about.
    #[must_use]
    pub const fn message_key(&self) -> &MessageKey {
        match self {
            Self::MessageQueued(e) => &e.key,
            Self::MessageHeld(e) => &e.key,
            Self::MessageSuppressed(e) => &e.key,
            Self::MessageReleased(e) => &e.key,
            Self::MessageCancelled(e) => &e.key,
            Self::DispatchStarted(e) => &e.key,
            Self::DispatchFailed(e) => &e.key,
            Self::DispatchInDoubt(e) => &e.key,
            Self::MessageSent(e) => &e.key,
            Self::MessageDelivered(e) => &e.key,
            Self::MessageDeferred(e) => &e.key,
            Self::MessageBounced(e) => &e.key,
            Self::MessageFailed(e) => &e.key,
            Self::MessageOpened(e) => &e.key,
            Self::MessageClicked(e) => &e.key,
            Self::EngagementReclassified(e) => &e.key,
            Self::MessageDismissed(e) => &e.key,
            Self::MessageComplained(e) => &e.key,
            Self::CallEnded(e) => &e.key,
            Self::MessageReceived(e) => &e.key,
            Self::MessageRetracted(e) => &e.key,
            Self::MessageAttached(e) => &e.key,
            Self::AttachmentFetched(e) => &e.key,
            Self::AttachmentMissed(e) => &e.key,
        }
    }
}
