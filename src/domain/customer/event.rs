//! Events of a customer's stream.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::activity::event::ActivityEvent;
use crate::domain::consent::event::ConsentEvent;
use crate::domain::conversation::event::ConversationEvent;
use crate::domain::event::{event, grouped_events, stream_events};
use crate::domain::message::event::MessageEvent;
use crate::domain::value::AddressKind;
pub use crate::domain::value::Source;
use crate::ids::{AddressId, ConversationId, CustomerId, ImportId, NoteId};

stream_events! {
    /// What a customer is: registered, with a profile and addresses.
    ProfileEvent {
        CustomerRegistered,
        CustomerProfileChanged,
        CustomerAddressAdded,
        CustomerAddressRemoved,
        CustomerRetracted,
    }
}

stream_events! {
    /// Which person a customer is: merged with others, and forgotten.
    IdentityEvent {
        CustomerMergedInto,
        CustomerAbsorbed,
        CustomerForgotten,
        ErasureCompleted,
        ExternalIdAssigned,
        ExternalIdReleased,
    }
}

stream_events! {
    /// Notes on a customer.
    NoteEvent {
        NoteAdded,
        NotePinned,
    }
}

grouped_events! {
    /// Everything that can happen in a customer's stream, by noun.
    CustomerEvent by InCustomer {
        /// Of the customer's profile and addresses.
        Profile(ProfileEvent),
        /// Of merging and forgetting.
        Identity(IdentityEvent),
        /// Of notes.
        Note(NoteEvent),
        /// Of orders, invoices and the like.
        Activity(ActivityEvent),
        /// Of consent.
        Consent(ConsentEvent),
        /// Of conversations.
        Conversation(ConversationEvent),
        /// Of messages.
        Message(MessageEvent),
    }
}

/// What is known of a customer that no person can be read from. Events carry the whole resulting profile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Sales territory.
    pub territory: Option<String>,
    /// Such as `retail`, `wholesale`.
    pub account_type: Option<String>,
    /// Such as `high`, `normal`.
    pub priority: Option<String>,
    /// The user who looks after this customer.
    pub owner: Option<String>,
    /// Any scale that the tenant uses.
    pub lead_score: Option<i64>,
    /// Industry.
    pub industry: Option<String>,
    /// BCP 47, such as `en-GB`.
    pub locale: Option<String>,
    /// IANA name, such as `Europe/London`.
    pub time_zone: Option<String>,
    /// When the customer likes to be written to, by their own clock, such as `mon-fri 18:00-21:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_hours: Option<String>,
    /// Sorted, without repetitions.
    pub tags: Vec<String>,
}

/// What is known of a customer and is sealed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PersonalProfile {
    /// The full name.
    pub name: Option<String>,
    /// The id in the system that the customer was imported from.
    pub external_id: Option<String>,
    /// Free attributes by name.
    pub attributes: BTreeMap<String, serde_json::Value>,
}

event! {
    /// The stream's first event. Carries the resulting profile.
    CustomerRegistered 1 {
        /// How we came to know of the customer.
        source: Source,
        /// The customer that activities without a customer go to.
        #[serde(default)]
        anonymous: bool,
        /// The import that registered it.
        import_id: Option<ImportId>,
        profile: Profile,
    }
    personal CustomerRegisteredPersonal {
        #[serde(flatten)]
        profile: PersonalProfile,
    }
    searchable { name, external_id, }
}

event! {
    /// The profile changed; carries the whole resulting one.
    CustomerProfileChanged 1 {
        source: Source,
        import_id: Option<ImportId>,
        /// The names of the fields that changed.
        changed: Vec<String>,
        profile: Profile,
    }
    personal CustomerProfileChangedPersonal {
        #[serde(flatten)]
        profile: PersonalProfile,
    }
    searchable { name, external_id, }
}

event! {
    /// The customer can be reached at an address; of one kind, the primary one is used unless another is asked for.
    CustomerAddressAdded 1 {
        address_id: AddressId,
        kind: AddressKind,
        /// True if this is now the primary address of its kind.
        primary: bool,
        import_id: Option<ImportId>,
    }
    personal CustomerAddressAddedPersonal {
        /// Normalised: E.164, or a mailbox with a lower-case domain.
        address: String,
        /// Such as `work`.
        label: Option<String>,
    }
    searchable { address, }
}

event! {
    /// The address is no longer one of the customer's.
    CustomerAddressRemoved 1 {
        address_id: AddressId,
        kind: AddressKind,
        /// The address of this kind that is primary from now on.
        primary: Option<AddressId>,
        import_id: Option<ImportId>,
    }
}

event! {
    /// The import that registered this customer was undone, and nothing else had happened. Registering again revives it.
    CustomerRetracted 1 {
        import_id: ImportId,
    }
}

event! {
    /// The customer turned out to be the same person as another one, and stands for that one from now on. Nothing moves:
    /// what was recorded here stays, and what providers still tell of it follows it. The other one's stream tells next
    /// what it takes over.
    CustomerMergedInto 1 {
        /// A customer who was not merged into anybody at that moment.
        into_id: CustomerId,
    }
}

event! {
    /// A customer who was merged into this one is part of it from now on. What the two said about being written to, and
    /// where they can be reached, follows as events of their own.
    CustomerAbsorbed 1 {
        absorbed_id: CustomerId,
    }
}

event! {
    /// The customer asked to be forgotten. The key is destroyed next, then the read tables are purged.
    CustomerForgotten 1 {
        /// Such as `request`, `retention`.
        reason: String,
        /// The addresses that only this customer had, whose keys are destroyed too.
        addresses: Vec<AddressId>,
    }
}

event! {
    /// Key destroyed and live read tables purged: nothing of the person is left.
    ErasureCompleted 1 {}
}

event! {
    /// In the stream of an external id under which nobody is registered: it is the id of a customer whom an import found
    /// by an address.
    ExternalIdAssigned 1 {
        customer_id: CustomerId,
        import_id: ImportId,
    }
}

event! {
    /// The import that assigned the external id was undone.
    ExternalIdReleased 1 {
        import_id: ImportId,
    }
}

event! {
    /// A private note.
    NoteAdded 1 {
        note_id: NoteId,
        pinned: bool,
        /// The conversation that it is about.
        #[serde(default)]
        conversation_id: Option<ConversationId>,
    }
    personal NoteAddedPersonal {
        text: String,
    }
}

event! {
    /// A note was pinned to the top of the timeline, or released.
    NotePinned 1 {
        note_id: NoteId,
        pinned: bool,
    }
}
