//! Enums of the schema: the words of the domain, in capitals.

use async_graphql::Enum;

/// How a message travels.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::Channel")]
pub enum Channel {
    Email,
    Sms,
    Whatsapp,
    Voice,
    Push,
    InApp,
}

/// Which way a message went.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::Direction")]
pub enum Direction {
    Inbound,
    Outbound,
}

/// What an address is; one phone number serves SMS, WhatsApp and voice.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::AddressKind")]
pub enum AddressKind {
    Email,
    Phone,
    PushToken,
    InApp,
}

/// What an activity is. Only orders count as revenue.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::activity::event::ActivityKind")]
pub enum ActivityKind {
    Order,
    Invoice,
    Payment,
    Shipment,
    Appointment,
    Custom,
}

/// What a message is for; transactional ones need no marketing consent.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::message::event::MessageClass")]
pub enum MessageClass {
    Marketing,
    Transactional,
}

/// What a customer agreed to, for one channel and topic.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::consent::event::ConsentState")]
pub enum ConsentState {
    OptedIn,
    OptedOut,
    Pending,
    None,
}

/// Why nothing is sent to an address, whoever has it.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::consent::event::SuppressionReason")]
pub enum SuppressionReason {
    HardBounce,
    Complaint,
    Stop,
    Manual,
}

/// Where a conversation stands.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::conversation::event::ConversationState")]
pub enum ConversationState {
    Open,
    Pending,
    Snoozed,
    Resolved,
}

/// What an API key may do.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::tenant::event::Role")]
pub enum Role {
    Admin,
    Marketer,
    Agent,
    Analyst,
    Auditor,
    Ingest,
}

/// What an imported file holds.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::import::event::ImportKind")]
pub enum ImportKind {
    Customers,
    Orders,
    Messages,
}

/// Where a fact came from.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::customer::event::Source")]
pub enum Source {
    Api,
    Import,
    Provider,
    Inbound,
    Demo,
}
