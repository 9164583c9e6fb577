//! Commands on a customer.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::domain::customer::event::Source;
use crate::domain::value::AddressKind;
use crate::ids::{AddressId, CustomerId, ImportId, NoteId};

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
    /// In any order.
    pub tags: Vec<String>,
    /// Free attributes by name.
    pub attributes: BTreeMap<String, Value>,
}

/// An address as it is entered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AddressInput {
    /// What it is.
    pub kind: AddressKind,
    /// In any usual spelling; it is normalised.
    pub address: String,
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
    /// Whose.
    pub customer_id: CustomerId,
    /// What changes.
    pub patch: ProfilePatch,
    /// Where the change comes from.
    pub source: Source,
    /// The import that brings it.
    pub import_id: Option<ImportId>,
}

/// Adds an address, or changes its label, or makes it primary.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AddAddress {
    /// Whose.
    pub customer_id: CustomerId,
    /// The address.
    pub address: AddressInput,
}

/// Removes an address.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemoveAddress {
    /// Whose.
    pub customer_id: CustomerId,
    /// Which one.
    pub address_id: AddressId,
}

/// Adds a private note.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AddNote {
    /// About whom.
    pub customer_id: CustomerId,
    /// The note.
    pub text: String,
    /// True to pin it to the top of the timeline.
    pub pinned: bool,
}

/// Pins a note to the top of the timeline, or releases it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PinNote {
    /// About whom it is.
    pub customer_id: CustomerId,
    /// Which note.
    pub note_id: NoteId,
    /// Pin or release.
    pub pinned: bool,
}

/// Forgets a customer: the key is destroyed and read tables are purged. Cannot be taken back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ForgetCustomer {
    /// Whom.
    pub customer_id: CustomerId,
    /// Such as `request`, `retention`; no personal data.
    pub reason: String,
}
