//! Commands on a customer.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::domain::conversation::decide::resolved;
use crate::domain::customer::event::{
    CustomerAddressRemoved, CustomerEvent, CustomerForgotten, CustomerProfileChanged, CustomerProfileChangedPersonal,
    CustomerRegistered, CustomerRegisteredPersonal, ErasureCompleted, NoteAdded, NoteAddedPersonal, NotePinned, Source,
};
use crate::domain::customer::profile;
use crate::domain::customer::state::{Customer, Existence};
use crate::domain::decision::{Context, Decision};
use crate::domain::message::event::MessageCancelled;
use crate::domain::message::state::Stage;
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::AddressKind;
use crate::ids::{AddressId, ConversationId, CustomerId, ImportId, Label, NoteId, TenantSecret};

/// A customer's profile as it is entered.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ProfileInput {
    /// The full name.
    pub name: Option<String>,
    /// The id in another system; unique per tenant, and the customer's id derives from it.
    pub external_id: Option<String>,
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
    pub preferred_hours: Option<String>,
    /// In any order.
    pub tags: Vec<String>,
    /// Free attributes by name.
    pub attributes: BTreeMap<String, Value>,
}

/// An address as it is entered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AddressInput {
    /// Whether it is a phone number, a mailbox or a device.
    pub kind: AddressKind,
    /// In any usual spelling.
    pub address: String,
    /// The country of a phone number without a country code, such as `GB`; absent: the tenant's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Such as `work`.
    pub label: Option<String>,
    /// True to make it the primary one of its kind; the first of a kind always is.
    pub primary: bool,
}

/// Registers a customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegisterCustomer {
    /// What is known of the customer.
    pub profile: ProfileInput,
    /// Where the customer can be reached.
    pub addresses: Vec<AddressInput>,
    /// How we came to know of the customer.
    pub source: Source,
}

/// What to do with one field of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub enum Patch<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Remove what is there.
    Clear,
    /// Put this in its place.
    Set(T),
}

/// Changes to a profile. An unset field stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ProfilePatch {
    /// The full name.
    pub name: Patch<String>,
    /// The id in another system.
    pub external_id: Patch<String>,
    /// Sales territory.
    pub territory: Patch<String>,
    /// Account type.
    pub account_type: Patch<String>,
    /// Priority.
    pub priority: Patch<String>,
    /// The user who looks after this customer.
    pub owner: Patch<String>,
    /// Lead score.
    pub lead_score: Patch<i64>,
    /// Industry.
    pub industry: Patch<String>,
    /// BCP 47.
    pub locale: Patch<String>,
    /// IANA name.
    pub time_zone: Patch<String>,
    /// When the customer likes to be written to.
    pub preferred_hours: Patch<String>,
    /// Replaces all tags, before `add_tags` and `remove_tags`.
    pub tags: Option<Vec<String>>,
    /// Tags to add.
    pub add_tags: Vec<String>,
    /// Tags to remove.
    pub remove_tags: Vec<String>,
    /// Free attributes to set; a null removes one.
    pub attributes: BTreeMap<String, Value>,
}

/// Changes a customer's profile.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangeProfile {
    /// The customer's id.
    pub customer_id: CustomerId,
    /// The fields that change, and those that are cleared.
    pub patch: ProfilePatch,
    /// Where the change comes from.
    pub source: Source,
    /// The import that brings it.
    pub import_id: Option<ImportId>,
}

/// Adds an address, or changes its label, or makes it primary.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AddAddress {
    /// The customer's id.
    pub customer_id: CustomerId,
    /// The address.
    pub address: AddressInput,
}

/// Removes an address.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemoveAddress {
    /// The customer's id.
    pub customer_id: CustomerId,
    /// The address's id.
    pub address_id: AddressId,
}

/// Adds a private note.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AddNote {
    /// The customer's id.
    pub customer_id: CustomerId,
    /// About which of the customer's conversations, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// The note.
    pub text: String,
    /// True to pin it to the top of the timeline.
    pub pinned: bool,
}

/// Pins a note to the top of the timeline, or releases it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PinNote {
    /// The customer's id.
    pub customer_id: CustomerId,
    /// The note's id.
    pub note_id: NoteId,
    /// Pin or release.
    pub pinned: bool,
}

/// Forgets a customer: the key is destroyed and read tables are purged. Cannot be taken back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ForgetCustomer {
    /// The customer's id.
    pub customer_id: CustomerId,
    /// Such as `request`, `retention`; no personal data.
    pub reason: String,
}

/// The id of the customer that another system knows by `external_id`: the same on every node, at every import.
#[must_use]
pub fn id_of_external(secret: &TenantSecret, external_id: &str) -> CustomerId {
    CustomerId(secret.derive(Label::CustomerId, &[b"external", external_id.trim().as_bytes()]))
}

/// The id of the tenant's one customer that activities without a customer go to.
#[must_use]
pub fn id_of_anonymous(secret: &TenantSecret) -> CustomerId {
    CustomerId(secret.derive(Label::CustomerId, &[b"anonymous"]))
}

/// The id of a customer known only by an address.
#[must_use]
pub fn id_of_address(secret: &TenantSecret, address_id: AddressId) -> CustomerId {
    CustomerId(secret.derive(Label::CustomerId, &[b"address", address_id.0.as_bytes()]))
}

/// The id of who writes from an address after `forgotten` customers who were known by it alone: each is a new person.
#[must_use]
pub fn id_of_sender(secret: &TenantSecret, address_id: AddressId, forgotten: u32) -> CustomerId {
    match forgotten {
        0 => id_of_address(secret, address_id),
        times => {
            let parts: [&[u8]; 3] = [b"address", address_id.0.as_bytes(), &times.to_be_bytes()];
            CustomerId(secret.derive(Label::CustomerId, &parts))
        }
    }
}

/// How a customer came to be registered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Registration {
    /// The import that registers it.
    pub import_id: Option<ImportId>,
    /// True for the customer that activities without a customer go to.
    pub anonymous: bool,
    /// True if the addresses are those that messages came from: one may not be an address that can be written to.
    pub senders: bool,
}

/// Registers a customer, or revives one whose import was undone.
pub fn register(
    state: &Customer,
    command: RegisterCustomer,
    registration: Registration,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    match state.existence {
        Existence::Unknown | Existence::Retracted => {}
        Existence::Registered | Existence::Merged => {
            return Err(Refusal::new("CUSTOMER_EXISTS", "a customer with this external id is already registered"));
        }
        Existence::Forgotten | Existence::Erased => return Err(Refusal::customer_forgotten()),
    }
    if state.assigned.is_some() {
        return Err(Refusal::new("CUSTOMER_EXISTS", "a customer has this external id already"));
    }
    let (profile, personal) = profile::clean(command.profile)?;
    let mut events = vec![context.now(CustomerRegistered {
        source: command.source,
        anonymous: registration.anonymous,
        import_id: registration.import_id,
        profile,
        personal: Some(CustomerRegisteredPersonal { profile: personal }),
    })];
    let mut owned = vec![];
    for address in command.addresses {
        let import_id = registration.import_id;
        let added = match command.source {
            Source::Inbound => super::address::add_sender(&owned, address, import_id, context)?,
            _ if registration.senders => super::address::add_sender(&owned, address, import_id, context)?,
            _ => super::address::add(&owned, address, import_id, context)?,
        };
        if let Some(added) = added {
            super::address::remember(&mut owned, &added);
            events.push(context.now(added));
        }
    }
    Ok(events)
}

/// Changes a profile. Nothing to change: nothing happens.
pub fn change_profile(state: &Customer, command: ChangeProfile, context: &Context<'_>) -> Decision<CustomerEvent> {
    state.must_exist()?;
    let (profile, personal, changed) = profile::patched(&state.profile, &state.personal, command.patch)?;
    if changed.is_empty() {
        return Ok(vec![]);
    }
    Ok(vec![context.now(CustomerProfileChanged {
        source: command.source,
        import_id: command.import_id,
        changed,
        profile,
        personal: Some(CustomerProfileChangedPersonal { profile: personal }),
    })])
}

/// Adds an address. One that the customer has, as it is entered, changes nothing.
pub fn add_address(state: &Customer, command: AddAddress, context: &Context<'_>) -> Decision<CustomerEvent> {
    state.must_exist()?;
    let added = super::address::add(&state.addresses, command.address, None, context)?;
    Ok(added.into_iter().map(|event| context.now(event)).collect())
}

/// Removes an address; the oldest remaining one of its kind becomes primary in its place.
pub fn remove_address(state: &Customer, command: &RemoveAddress, context: &Context<'_>) -> Decision<CustomerEvent> {
    state.must_exist()?;
    let removed = state
        .address(command.address_id)
        .ok_or_else(|| Refusal::new("ADDRESS_UNKNOWN", "the customer has no such address"))?;
    let mut others = state.addresses.iter().filter(|a| a.kind == removed.kind && a.address_id != removed.address_id);
    let primary = if removed.primary { others.next() } else { others.find(|a| a.primary) };
    Ok(vec![context.now(CustomerAddressRemoved {
        address_id: removed.address_id,
        kind: removed.kind,
        primary: primary.map(|a| a.address_id),
        import_id: None,
    })])
}

/// Adds a note.
pub fn add_note(state: &Customer, command: AddNote, context: &Context<'_>) -> Decision<CustomerEvent> {
    state.must_exist()?;
    if command.text.trim().is_empty() {
        return Err(Refusal::invalid("text", "must not be blank"));
    }
    let text = text::exact("text", command.text, text::LONG)?;
    let AddNote { conversation_id, pinned, .. } = command;
    if conversation_id.is_some_and(|id| state.conversations.by_id(id).is_none()) {
        return Err(Refusal::new("CONVERSATION_UNKNOWN", "the customer has no such conversation"));
    }
    if pinned {
        may_pin(state)?;
    }
    let personal = Some(NoteAddedPersonal { text });
    Ok(vec![context.now(NoteAdded { note_id: context.id(), pinned, conversation_id, personal })])
}

/// How many notes of one customer are pinned at most.
const MAX_PINNED: usize = 20;

/// Pins or releases a note. `is_known` tells of notes that the state no longer remembers.
pub fn pin_note(state: &Customer, command: &PinNote, is_known: bool, context: &Context<'_>) -> Decision<CustomerEvent> {
    state.must_be_known()?;
    let is_pinned = state.pinned_notes.contains(&command.note_id);
    if !is_known && !is_pinned && !state.recent_notes.contains(&command.note_id) {
        return Err(Refusal::new("NOTE_UNKNOWN", "the customer has no such note"));
    }
    if is_pinned == command.pinned {
        return Ok(vec![]);
    }
    if command.pinned {
        may_pin(state)?;
    }
    Ok(vec![context.now(NotePinned { note_id: command.note_id, pinned: command.pinned })])
}

fn may_pin(state: &Customer) -> Result<(), Refusal> {
    if state.pinned_notes.len() < MAX_PINNED {
        return Ok(());
    }
    Err(Refusal::new("TOO_MANY_PINNED", format!("at most {MAX_PINNED} notes of a customer can be pinned")))
}

/// Forgets a customer, also a retracted one, whose data the log still holds, and one that is part of another, who is
/// forgotten too. Messages that were not dispatched are taken back. `only_theirs` are the addresses that nobody else has.
pub fn forget(
    state: &Customer,
    command: &ForgetCustomer,
    only_theirs: &[AddressId],
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    match state.existence {
        Existence::Registered | Existence::Retracted | Existence::Merged => {}
        Existence::Unknown => return Err(Refusal::customer_unknown()),
        Existence::Forgotten | Existence::Erased => return Ok(vec![]),
    }
    let reason = text::required("reason", command.reason.clone(), text::SHORT)?;
    let is_waiting = |stage: &Stage| matches!(stage, Stage::Queued | Stage::Held { .. } | Stage::Retry { .. });
    let mut events: Vec<_> = state
        .pending
        .all()
        .iter()
        .filter(|message| is_waiting(&message.stage))
        .map(|message| {
            context.now(MessageCancelled { key: message.key.clone(), reason: "customer forgotten".to_owned() })
        })
        .collect();
    // Nobody can be answered any more: what waits for an answer leaves the inbox.
    events.extend(state.conversations.all().iter().filter_map(|conversation| resolved(conversation, context)));
    events.push(context.now(CustomerForgotten { reason, addresses: only_theirs.to_vec() }));
    Ok(events)
}

/// Ends a forgetting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompleteErasure {}

/// Ends a forgetting, once the keys are destroyed and the read tables purged.
pub fn complete_erasure(state: &Customer, context: &Context<'_>) -> Decision<CustomerEvent> {
    match state.existence {
        Existence::Forgotten => Ok(vec![context.now(ErasureCompleted {})]),
        Existence::Erased => Ok(vec![]),
        Existence::Unknown | Existence::Registered | Existence::Retracted | Existence::Merged => {
            Err(Refusal::new("NOT_FORGOTTEN", "the customer did not ask to be forgotten"))
        }
    }
}
