//! Enums of the schema: the words of the domain, in capitals.

use async_graphql::{Enum, Result};

use super::failure::field_refused;
use crate::domain;

/// An enum that read models hold as words.
pub trait Word: Sized {
    /// The value of a word.
    fn of(word: &str) -> Option<Self>;

    /// The word of a value.
    fn word(self) -> &'static str;
}

/// Reads a word of a read model. An unknown one means that the tables are newer than this binary.
pub fn word<T: Word>(text: &str) -> Result<T> {
    T::of(text).ok_or_else(|| field_refused("INTERNAL", "the read tables hold a word that this server does not know"))
}

macro_rules! words_of_domain {
    ($($name:ident = $domain:path,)*) => {$(
        impl Word for $name {
            fn of(word: &str) -> Option<Self> {
                word.parse::<$domain>().ok().map(Into::into)
            }

            fn word(self) -> &'static str {
                <$domain>::from(self).word()
            }
        }
    )*};
}

/// Enums that only read models have.
macro_rules! words_of_reads {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl Word for $name {
            fn of(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    )*};
}

words_of_reads! {
    /// What an entry of a timeline is.
    TimelineKind {
        /// A message, in or out.
        Message = "message",
        /// An order.
        Order = "order",
        /// An invoice.
        Invoice = "invoice",
        /// A payment.
        Payment = "payment",
        /// A shipment.
        Shipment = "shipment",
        /// An appointment.
        Appointment = "appointment",
        /// Another activity, told apart by its name.
        Custom = "custom",
        /// A private note.
        Note = "note",
        /// A change of consent.
        Consent = "consent",
        /// A change of a conversation.
        Conversation = "conversation",
        /// The customer became known.
        Registered = "registered",
    }

    /// Where an import stands.
    ImportState {
        /// Its file is being read.
        Running = "running",
        /// Its file was read to the end.
        Completed = "completed",
        /// What it brought was taken back.
        Undone = "undone",
    }
}

/// Where a file of a message is.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::message::AttachmentState")]
pub enum AttachmentState {
    /// It can be downloaded.
    Stored,
    /// At the provider, to be fetched.
    Remote,
    /// Nowhere: it was left out, or could not be fetched.
    Missing,
}

/// The furthest state that a message reached, whatever the order of reports.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::message::MessageState")]
pub enum MessageState {
    /// Asked for.
    Queued,
    /// Waits.
    Held,
    /// Not sent, by a rule.
    Suppressed,
    /// Taken back before dispatch.
    Cancelled,
    /// The provider is being called.
    Dispatching,
    /// Nobody knows whether the provider took it.
    InDoubt,
    /// The provider took it.
    Sent,
    /// The receiving side asked to wait.
    Deferred,
    /// Could not be delivered.
    Failed,
    /// Reached the device or mailbox.
    Delivered,
    /// Came back.
    Bounced,
    /// Opened or read.
    Opened,
    /// A link was followed.
    Clicked,
    /// Answered.
    Replied,
    /// The receiver wants nothing more.
    OptedOut,
    /// Reported as spam.
    Complained,
    /// Inbound.
    Received,
}

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
    Unreachable,
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
    Customer,
    Demo,
}

/// What a provider's refusal means.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::message::RetryClass")]
pub enum RetryClass {
    Permanent,
    Transient,
    RateLimited,
    OptedOut,
    ContentRefused,
    Configuration,
}

/// What is counted against an account's rate.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::account::event::RateUnit")]
pub enum RateUnit {
    Messages,
    Segments,
}

words_of_domain! {
    AttachmentState = domain::value::message::AttachmentState,
    MessageState = domain::value::message::MessageState,
    Channel = domain::value::Channel,
    Direction = domain::value::Direction,
    AddressKind = domain::value::AddressKind,
    ActivityKind = domain::activity::event::ActivityKind,
    MessageClass = domain::message::event::MessageClass,
    ConsentState = domain::consent::event::ConsentState,
    SuppressionReason = domain::consent::event::SuppressionReason,
    ConversationState = domain::conversation::event::ConversationState,
    Role = domain::tenant::event::Role,
    ImportKind = domain::import::event::ImportKind,
    Source = domain::customer::event::Source,
    RetryClass = domain::value::message::RetryClass,
    RateUnit = domain::account::event::RateUnit,
}
