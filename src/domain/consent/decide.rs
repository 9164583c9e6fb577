//! Commands on consent and suppression.

use serde::Serialize;

use crate::domain::consent::event::{ConsentState, SuppressionReason};
use crate::domain::customer::event::Source;
use crate::domain::value::{AddressKind, Channel};
use crate::ids::{AddressId, CustomerId, MessageId};

/// The topic that stands for every topic of a channel.
pub const ALL_TOPICS: &str = "all";

/// Records what a customer agreed to, with the evidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SetConsent {
    /// Who.
    pub customer_id: CustomerId,
    /// For which channel.
    pub channel: Channel,
    /// For which topic; `all` stands for every topic of the channel.
    pub topic: String,
    /// What was agreed.
    pub state: ConsentState,
    /// How it was given: `form`, `keyword`, `one_click`, `provider`, `operator`.
    pub method: String,
    /// The wording that was shown.
    pub wording: Option<String>,
    /// From which IP address.
    pub ip: Option<String>,
    /// With which program.
    pub user_agent: Option<String>,
    /// The message that led to it.
    pub message_id: Option<MessageId>,
    /// Where it comes from.
    pub source: Source,
}

/// An address, by id or as text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum AddressRef {
    /// By id; its kind is needed for an address that the log does not know yet.
    Id {
        /// The id.
        address_id: AddressId,
        /// What it is.
        kind: AddressKind,
    },
    /// As text, in any usual spelling.
    Text {
        /// What it is.
        kind: AddressKind,
        /// The address.
        address: String,
    },
}

/// Forbids sending to an address, whoever has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SuppressAddress {
    /// Which address.
    pub address: AddressRef,
    /// Why.
    pub reason: SuppressionReason,
    /// The message that led to it.
    pub message_id: Option<MessageId>,
    /// Of whom it was learnt.
    pub customer_id: Option<CustomerId>,
    /// Where it comes from.
    pub source: Source,
}

/// Allows sending to an address again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiftSuppression {
    /// Which address.
    pub address: AddressRef,
    /// Which suppression; one address may have several.
    pub reason: SuppressionReason,
    /// Why it may be used again.
    pub note: String,
}
