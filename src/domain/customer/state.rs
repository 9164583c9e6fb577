//! What decisions need to know of a customer: the fold of its stream.
//!
//! It stays small however long the stream: of messages only those not yet handed to a provider, of notes only the
//! newest and the pinned, of orders and imported messages a digest each, of what was sent only the newest marketing.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::activity::event::ActivityEvent;
use crate::domain::consent::event::ConsentEvent;
use crate::domain::consent::event::ConsentState;
use crate::domain::consent::state::Consents;
use crate::domain::conversation::event::ConversationEvent;
use crate::domain::conversation::state::Conversations;
use crate::domain::customer::address;
use crate::domain::customer::event::IdentityEvent;
use crate::domain::customer::event::NoteEvent;
use crate::domain::customer::event::ProfileEvent;
use crate::domain::customer::event::{CustomerEvent, PersonalProfile, Profile};
use crate::domain::decision::Meta;
use crate::domain::import::recorded::Recorded;
use crate::domain::message::event::MessageEvent;
use crate::domain::message::history::Recent;
use crate::domain::message::rules::Windows;
use crate::domain::message::state::Pending;
use crate::domain::refusal::Refusal;
use crate::domain::value::AddressKind;
use crate::domain::value::message::MessageKey;
use crate::ids::{AddressId, CampaignId, CustomerId, EventId, ImportId, MessageId, NoteId};

/// How many of the newest notes are remembered, so that pinning one needs no look into the log.
const RECENT_NOTES: usize = 100;

/// Whether there is such a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Existence {
    /// Nothing happened yet, or facts arrived before the registration.
    #[default]
    Unknown,
    /// Registered.
    Registered,
    /// The import that registered it was undone.
    Retracted,
    /// Merged into a survivor, which acts for it.
    Merged,
    /// Asked to be forgotten; the key is being destroyed.
    Forgotten,
    /// Nothing of the person is left.
    Erased,
}

/// An address that the customer has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnAddress {
    /// The address as an aggregate.
    pub address_id: AddressId,
    /// Whether it is a phone number, a mailbox or a device.
    pub kind: AddressKind,
    /// True if it is the primary one of its kind.
    pub primary: bool,
    /// Normalised; absent once the customer was forgotten.
    pub address: Option<String>,
    /// Such as `work`.
    pub label: Option<String>,
    /// The import that brought it.
    pub import_id: Option<ImportId>,
}

/// The fold of a customer's stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    /// Whether there is such a customer.
    pub existence: Existence,
    /// The customer that activities without a customer go to.
    pub anonymous: bool,
    /// The import that registered it.
    pub registered_by: Option<ImportId>,
    /// How many events after the registration the registering import did not bring.
    pub others: u64,
    /// What no person can be read from.
    pub profile: Profile,
    /// The rest; empty once forgotten.
    pub personal: PersonalProfile,
    /// In the order in which they were added.
    pub addresses: Vec<OwnAddress>,
    /// What the customer agreed to.
    pub consents: Consents,
    /// The newest notes, oldest first.
    pub recent_notes: VecDeque<NoteId>,
    /// How many notes there are.
    pub notes: u64,
    /// The pinned notes.
    pub pinned_notes: Vec<NoteId>,
    /// Messages that were asked for and that no provider has yet taken or definitely refused.
    pub pending: Pending,
    /// Recent marketing messages, for frequency caps.
    pub recent: Recent,
    /// When the customer last wrote by WhatsApp.
    #[serde(default, skip_serializing_if = "Windows::is_empty")]
    pub whatsapp: Windows,
    /// The conversations, one per channel.
    pub conversations: Conversations,
    /// How often activities and messages were retracted: part of the ids that they get when they are imported again.
    pub retracted: BTreeMap<Uuid, u32>,
    /// Orders and imported messages as they stand.
    #[serde(default)]
    pub recorded: Recorded,
    /// Which customer it is part of.
    pub merged: Option<Merged>,
    /// The customers who are part of it, also those who came with others of them.
    pub absorbed: Vec<CustomerId>,
    /// Whose external id this is, if nobody is registered under it.
    pub assigned: Option<Assigned>,
    /// How the customer is being forgotten.
    pub forgetting: Option<Forgetting>,
}

/// That a customer is part of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// The customer that it was merged into; which may have been merged since.
    pub into: CustomerId,
    /// The `CustomerMergedInto`.
    pub event_id: EventId,
}

/// That an external id is that of a customer whom an import found by an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// The customer, who may have been merged since.
    pub to: CustomerId,
    /// The import.
    pub import_id: ImportId,
}

/// What is left to do, or was done, once a customer asked to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgetting {
    /// The `CustomerForgotten`.
    pub event_id: EventId,
    /// When it was asked.
    pub at: DateTime<Utc>,
    /// Such as `request`, `retention`.
    pub reason: String,
    /// The addresses whose keys go with the customer's.
    pub addresses: Vec<AddressId>,
}

impl Customer {
    /// Refuses unless the customer is registered and was not merged.
    pub fn must_exist(&self) -> Result<(), Refusal> {
        match self.existence {
            Existence::Registered => Ok(()),
            Existence::Merged => Err(Refusal::customer_merged()),
            Existence::Unknown | Existence::Retracted => Err(Refusal::customer_unknown()),
            Existence::Forgotten | Existence::Erased => Err(Refusal::customer_forgotten()),
        }
    }

    /// Refuses unless the customer is registered, even if merged into another: for what belongs to things that this
    /// stream holds.
    pub fn must_be_known(&self) -> Result<(), Refusal> {
        match self.existence {
            Existence::Merged => Ok(()),
            _ => self.must_exist(),
        }
    }

    /// True if nobody is part of the customer, nor the customer part of anybody.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.merged.is_none() && self.absorbed.is_empty()
    }

    /// True from the moment when the customer asked to be forgotten.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        matches!(self.existence, Existence::Forgotten | Existence::Erased)
    }

    /// One of the customer's addresses.
    #[must_use]
    pub fn address(&self, address_id: AddressId) -> Option<&OwnAddress> {
        self.addresses.iter().find(|address| address.address_id == address_id)
    }

    /// The primary address of a kind.
    #[must_use]
    pub fn primary(&self, kind: AddressKind) -> Option<&OwnAddress> {
        self.addresses.iter().find(|address| address.kind == kind && address.primary)
    }

    /// The campaign and variant of a message to this customer; nothing if it has none, or is no longer remembered.
    #[must_use]
    pub fn campaign_of(&self, message_id: MessageId) -> (Option<CampaignId>, Option<String>) {
        if let Some(message) = self.pending.get(message_id) {
            return (message.key.campaign_id, message.key.variant.clone());
        }
        match self.recent.all().find(|contact| contact.message_id == message_id) {
            Some(contact) => (contact.campaign_id, contact.variant.clone()),
            None => (None, None),
        }
    }

    /// The topic of a message to this customer; nothing if it is no longer remembered.
    #[must_use]
    pub fn topic_of(&self, message_id: MessageId) -> Option<String> {
        let waiting = self.pending.get(message_id).map(|message| message.topic.clone());
        waiting.or_else(|| {
            self.recent.all().find(|contact| contact.message_id == message_id).map(|contact| contact.topic.clone())
        })
    }

    /// True if nothing but what `import_id` brought is known.
    #[must_use]
    pub fn is_only_of(&self, import_id: ImportId) -> bool {
        self.existence == Existence::Registered
            && self.registered_by == Some(import_id)
            && self.others == 0
            && !self
                .consents
                .all()
                .iter()
                .any(|standing| standing.state == ConsentState::OptedOut && standing.import_id != Some(import_id))
    }

    /// How often an activity or message was retracted.
    #[must_use]
    pub fn retractions(&self, id: Uuid) -> u32 {
        self.retracted.get(&id).copied().unwrap_or(0)
    }

    /// Folds an event in.
    pub fn apply(&mut self, event: &CustomerEvent, meta: Meta) {
        self.count_other(event);
        match event {
            CustomerEvent::Profile(event) => self.apply_profile(event),
            CustomerEvent::Identity(event) => self.apply_identity(event, meta),
            CustomerEvent::Note(event) => self.apply_note(event),
            CustomerEvent::Activity(ActivityEvent::ActivityRecorded(e)) => {
                self.recorded.note_activity(e, meta.occurred_at, meta.version);
            }
            CustomerEvent::Activity(ActivityEvent::ActivityRetracted(e)) => self.note_retraction(e.activity_id.0),
            CustomerEvent::Consent(ConsentEvent::ConsentChanged(e)) => self.consents.apply(e, meta),
            CustomerEvent::Conversation(ConversationEvent::ConversationChanged(e)) => {
                self.conversations.apply(e, meta.occurred_at);
            }
            CustomerEvent::Message(event) => {
                self.recent.apply(event, &self.pending, meta);
                self.pending.apply(event, meta);
                self.whatsapp.apply(event, meta);
                if let MessageEvent::MessageReceived(e) = event {
                    self.recorded.note_message(e, meta.occurred_at, meta.version);
                }
                if let MessageEvent::MessageQueued(e) = event {
                    self.recorded.note_campaign_message(e, meta.occurred_at, meta.version);
                }
                if let MessageEvent::MessageRetracted(e) = event {
                    self.note_retraction(e.key.message_id.0);
                }
            }
        }
    }

    fn apply_profile(&mut self, event: &ProfileEvent) {
        match event {
            ProfileEvent::CustomerRegistered(e) => {
                self.existence = Existence::Registered;
                self.anonymous = e.anonymous;
                self.registered_by = e.import_id;
                self.others = 0;
                self.profile = e.profile.clone();
                self.personal = e.personal.as_ref().map(|p| p.profile.clone()).unwrap_or_default();
            }
            ProfileEvent::CustomerProfileChanged(e) => {
                self.profile = e.profile.clone();
                self.personal = e.personal.as_ref().map(|p| p.profile.clone()).unwrap_or_default();
            }
            ProfileEvent::CustomerAddressAdded(e) => address::remember(&mut self.addresses, e),
            ProfileEvent::CustomerAddressRemoved(e) => {
                self.addresses.retain(|address| address.address_id != e.address_id);
                if let Some(primary) = e.primary {
                    self.make_primary(e.kind, primary);
                }
            }
            ProfileEvent::CustomerRetracted(_) => {
                self.existence = Existence::Retracted;
                self.profile = Profile::default();
                self.personal = PersonalProfile::default();
                self.addresses.clear();
            }
        }
    }

    fn apply_identity(&mut self, event: &IdentityEvent, meta: Meta) {
        match event {
            IdentityEvent::CustomerMergedInto(e) => {
                self.existence = Existence::Merged;
                self.merged = Some(Merged { into: e.into_id, event_id: meta.id });
            }
            IdentityEvent::CustomerAbsorbed(e) if self.absorbed.contains(&e.absorbed_id) => {}
            IdentityEvent::CustomerAbsorbed(e) => self.absorbed.push(e.absorbed_id),
            IdentityEvent::CustomerForgotten(e) => {
                self.existence = Existence::Forgotten;
                self.personal = PersonalProfile::default();
                let (reason, addresses) = (e.reason.clone(), e.addresses.clone());
                self.forgetting = Some(Forgetting { event_id: meta.id, at: meta.occurred_at, reason, addresses });
                for address in &mut self.addresses {
                    (address.address, address.label) = (None, None);
                }
            }
            IdentityEvent::ErasureCompleted(_) => self.existence = Existence::Erased,
            IdentityEvent::ExternalIdAssigned(e) => {
                self.assigned = Some(Assigned { to: e.customer_id, import_id: e.import_id });
            }
            IdentityEvent::ExternalIdReleased(_) => self.assigned = None,
        }
    }

    fn apply_note(&mut self, event: &NoteEvent) {
        match event {
            NoteEvent::NoteAdded(e) => {
                self.notes += 1;
                self.recent_notes.push_back(e.note_id);
                if self.recent_notes.len() > RECENT_NOTES {
                    self.recent_notes.pop_front();
                }
                self.pin(e.note_id, e.pinned);
            }
            NoteEvent::NotePinned(e) => self.pin(e.note_id, e.pinned),
        }
    }

    fn note_retraction(&mut self, id: Uuid) {
        *self.retracted.entry(id).or_default() += 1;
        self.recorded.retract(id);
    }

    fn make_primary(&mut self, kind: AddressKind, primary: AddressId) {
        for address in self.addresses.iter_mut().filter(|address| address.kind == kind) {
            address.primary = address.address_id == primary;
        }
    }

    fn pin(&mut self, note_id: NoteId, pinned: bool) {
        self.pinned_notes.retain(|id| *id != note_id);
        if pinned {
            self.pinned_notes.push(note_id);
        }
    }

    /// A retraction takes back one event that was counted, unless the registering import had brought that one.
    fn count_other(&mut self, event: &CustomerEvent) {
        // A message of a past campaign came with the report that it was sent.
        if let CustomerEvent::Message(MessageEvent::MessageSent(e)) = event
            && self.recorded.get(e.key.message_id.0).is_some()
        {
            return;
        }
        let retracted = match event {
            // A correction by another import takes back what this one had brought.
            CustomerEvent::Activity(ActivityEvent::ActivityRetracted(e)) => {
                Some(self.recorded.get(e.activity_id.0).map_or(Some(e.import_id), |entry| entry.import_id))
            }
            CustomerEvent::Message(MessageEvent::MessageRetracted(e)) => {
                Some(self.recorded.get(e.key.message_id.0).map_or(Some(e.import_id), |entry| entry.import_id))
            }
            CustomerEvent::Profile(_)
            | CustomerEvent::Identity(_)
            | CustomerEvent::Note(_)
            | CustomerEvent::Activity(ActivityEvent::ActivityRecorded(_))
            | CustomerEvent::Consent(_)
            | CustomerEvent::Conversation(_)
            | CustomerEvent::Message(_) => None,
        };
        if let Some(brought_by) = retracted {
            if brought_by.is_none() || brought_by != self.registered_by {
                self.others = self.others.saturating_sub(1);
            }
            return;
        }
        let import_id = event.import_id();
        if import_id.is_none() || import_id != self.registered_by {
            self.others += 1;
        }
    }
}

impl CustomerEvent {
    /// The message that it is about, if it is about one.
    #[must_use]
    pub const fn message_key(&self) -> Option<&MessageKey> {
        match self {
            Self::Message(event) => Some(event.message_key()),
            Self::Profile(_)
            | Self::Identity(_)
            | Self::Note(_)
            | Self::Activity(_)
            | Self::Consent(_)
            | Self::Conversation(_) => None,
        }
    }

    /// The import that brought it.
    #[must_use]
    pub const fn import_id(&self) -> Option<ImportId> {
        match self {
            Self::Profile(ProfileEvent::CustomerRegistered(e)) => e.import_id,
            Self::Profile(ProfileEvent::CustomerProfileChanged(e)) => e.import_id,
            Self::Profile(ProfileEvent::CustomerAddressAdded(e)) => e.import_id,
            Self::Profile(ProfileEvent::CustomerAddressRemoved(e)) => e.import_id,
            Self::Activity(ActivityEvent::ActivityRecorded(e)) => e.import_id,
            Self::Consent(ConsentEvent::ConsentChanged(e)) => e.import_id,
            Self::Message(MessageEvent::MessageReceived(e)) => e.import_id,
            Self::Message(MessageEvent::MessageQueued(e)) => e.import_id,
            Self::Identity(IdentityEvent::ExternalIdAssigned(e)) => Some(e.import_id),
            Self::Profile(ProfileEvent::CustomerRetracted(_))
            | Self::Activity(ActivityEvent::ActivityRetracted(_))
            | Self::Identity(_)
            | Self::Note(_)
            | Self::Conversation(_)
            | Self::Message(_) => None,
        }
    }
}
