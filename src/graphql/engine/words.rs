//! Enums of the schema: the words of the domain and of the read tables, in capitals.

use async_graphql::Enum;

/// Where a file of a message is.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::message::AttachmentState")]
pub enum AttachmentState {
    /// It is stored here and can be downloaded.
    Stored,
    /// It is at the provider and will be fetched.
    Remote,
    /// It was left out, or could not be fetched.
    Missing,
}

/// The furthest state that a message reached, in whatever order it was reported.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::message::MessageState")]
pub enum MessageState {
    /// It waits for a dispatcher.
    Queued,
    /// A rule holds it until a later time.
    Held,
    /// A rule decided that it is not sent.
    Suppressed,
    /// It was cancelled before dispatch.
    Cancelled,
    /// The provider is being called.
    Dispatching,
    /// It is not known whether the provider accepted it.
    InDoubt,
    /// The provider accepted it.
    Sent,
    /// The receiving side asked the provider to try later.
    Deferred,
    /// It could not be sent or delivered.
    Failed,
    /// It reached the device or mailbox.
    Delivered,
    /// It bounced: the receiving side did not take it, or sent it back.
    Bounced,
    /// A person opened or read it.
    Opened,
    /// A person followed a link in it.
    Clicked,
    /// The customer replied to it.
    Replied,
    /// The customer opted out in response to it.
    OptedOut,
    /// It was reported as spam.
    Complained,
    /// It came in from the customer.
    Received,
}

/// The kind of a timeline entry.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::queries::timeline::TimelineKind")]
pub enum TimelineKind {
    /// A message, in or out.
    Message,
    /// An order.
    Order,
    /// An invoice.
    Invoice,
    /// A payment.
    Payment,
    /// A shipment.
    Shipment,
    /// An appointment.
    Appointment,
    /// An activity of a kind that the tenant named.
    Custom,
    /// A private note.
    Note,
    /// A change of consent.
    Consent,
    /// A change of a conversation.
    Conversation,
    /// The customer was registered.
    Registered,
}

/// The state of an import.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::queries::imports::ImportState")]
pub enum ImportState {
    /// Its file is being read.
    Running,
    /// Its file was completely read.
    Completed,
    /// It was undone.
    Undone,
}

/// A channel for messages.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::Channel")]
pub enum Channel {
    /// Email.
    Email,
    /// SMS and MMS.
    Sms,
    /// WhatsApp.
    Whatsapp,
    /// A phone call.
    Voice,
    /// A push notification.
    Push,
    /// A message inside an app.
    InApp,
}

/// The direction of a message.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::Direction")]
pub enum Direction {
    /// From the customer.
    Inbound,
    /// To the customer.
    Outbound,
}

/// The kind of an address; one phone number serves SMS, WhatsApp and voice.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::AddressKind")]
pub enum AddressKind {
    /// An email address.
    Email,
    /// A phone number.
    Phone,
    /// The token of a device for push notifications.
    PushToken,
    /// An account in an app.
    InApp,
}

/// The kind of an activity. Only orders count as revenue.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::activity::event::ActivityKind")]
pub enum ActivityKind {
    /// An order; a cancellation is an order of a negative amount.
    Order,
    /// An invoice.
    Invoice,
    /// A payment.
    Payment,
    /// A shipment.
    Shipment,
    /// An appointment.
    Appointment,
    /// Any other activity; its name says which.
    Custom,
}

/// The purpose of a message; transactional messages need no marketing consent.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::message::event::MessageClass")]
pub enum MessageClass {
    /// Advertising and newsletters.
    Marketing,
    /// Order confirmations, replies, reminders.
    Transactional,
}

/// A customer's consent for one channel and topic.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::consent::event::ConsentState")]
pub enum ConsentState {
    /// The customer agreed.
    OptedIn,
    /// The customer refused, or withdrew consent.
    OptedOut,
    /// The customer was asked to confirm an opt-in and has not done so yet.
    Pending,
    /// No consent is recorded.
    None,
}

/// Why an address is suppressed.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::address::event::SuppressionReason")]
pub enum SuppressionReason {
    /// The address does not exist.
    HardBounce,
    /// A message to it was reported as spam.
    Complaint,
    /// Somebody texted STOP from this number.
    Stop,
    /// An operator suppressed it.
    Manual,
    /// Several messages in a row bounced temporarily.
    Unreachable,
}

/// The state of a conversation.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::conversation::event::ConversationState")]
pub enum ConversationState {
    /// An agent should reply.
    Open,
    /// It awaits the customer.
    Pending,
    /// It is snoozed until a certain time.
    Snoozed,
    /// It is done; an inbound message reopens it.
    Resolved,
}

/// How urgent a conversation is.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConversationPriority {
    /// Can wait.
    Low,
    /// As usual.
    Normal,
    /// Before the usual ones.
    High,
    /// At once.
    Urgent,
}

impl ConversationPriority {
    const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Urgent];

    /// The word that the log keeps.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    /// The priority of a word; one that the domain does not have is as usual.
    #[must_use]
    pub fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|priority| priority.word() == word).unwrap_or(Self::Normal)
    }
}

/// The states of a message that have a reason.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::queries::messages::ReasonState")]
pub enum ReasonState {
    /// A rule holds it.
    Held,
    /// A rule decided that it is not sent.
    Suppressed,
    /// It was cancelled before dispatch.
    Cancelled,
    /// The provider refused it.
    Refused,
    /// It is not known whether the provider accepted it.
    InDoubt,
    /// The receiving side asked the provider to try later.
    Deferred,
    /// It bounced: the receiving side did not take it, or sent it back.
    Bounced,
    /// It could not be sent or delivered.
    Failed,
    /// It was reported as spam.
    Complained,
}

/// The kind of a stream of the log.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::log::Category")]
pub enum StreamCategory {
    /// A person or account.
    Customer,
    /// A phone number, an email address or a device.
    Address,
    /// A campaign.
    Campaign,
    /// The run of a campaign: its recipients, and what became of them.
    CampaignRun,
    /// A message template.
    Template,
    /// A static or smart list.
    List,
    /// The members of a list: who entered and left.
    ListMembers,
    /// A journey.
    Journey,
    /// One run of an import.
    Import,
    /// The tenant: its settings, API keys, operators' decisions.
    Tenant,
    /// The tenant's provider accounts.
    Account,
    /// The callbacks that were kept for a provider account.
    Callback,
    /// A canned reply.
    CannedReply,
    /// A day's checks of addresses at one service.
    Check,
}

/// The role of an API key.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::tenant::event::Role")]
pub enum Role {
    /// May do everything.
    Admin,
    /// Edits customers, canned replies and templates; sends only if the key was issued for sending.
    Marketer,
    /// Replies to customers.
    Agent,
    /// Reads; sees personal data only if the key was issued for it.
    Analyst,
    /// Reads the events of the log.
    Auditor,
    /// Records facts and reads nothing.
    Ingest,
}

/// The contents of an imported file.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::import::event::ImportKind")]
pub enum ImportKind {
    /// Customers with their addresses.
    Customers,
    /// Orders with their lines.
    Orders,
    /// Messages of the past.
    Messages,
    /// The results of a campaign of the past.
    CampaignResults,
}

/// Where a fact came from.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::customer::event::Source")]
pub enum Source {
    /// This API.
    Api,
    /// An imported file.
    Import,
    /// A provider's callback.
    Provider,
    /// An inbound message from an address that no customer had.
    Inbound,
    /// The customer, on a page that they opened through a link.
    Customer,
    /// The sample data of the demo.
    Demo,
}

/// The meaning of a provider's refusal.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::message::RetryClass")]
pub enum RetryClass {
    /// This message will never be accepted.
    Permanent,
    /// It may be accepted later.
    Transient,
    /// It may be accepted later, at a lower rate.
    RateLimited,
    /// The provider knows that this address opted out of this channel.
    OptedOut,
    /// The provider refuses the content.
    ContentRefused,
    /// The account must be repaired first.
    Configuration,
}

/// The unit of an account's rate.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::account::event::RateUnit")]
pub enum RateUnit {
    /// Messages.
    Messages,
    /// SMS segments.
    Segments,
}

#[cfg(test)]
mod tests {
    use super::ConversationPriority;
    use crate::domain::conversation::decide::PRIORITIES;

    #[test]
    fn every_priority_has_its_word() {
        assert_eq!(ConversationPriority::ALL.map(ConversationPriority::word), PRIORITIES);
        for priority in ConversationPriority::ALL {
            assert_eq!(ConversationPriority::of(priority.word()), priority);
        }
    }
}

/// Whether messages can arrive at an address.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::validation::Validity")]
pub enum Validity {
    /// They can, as far as the one who checked can see.
    Deliverable,
    /// They may, but something speaks against sending.
    Risky,
    /// They cannot.
    Undeliverable,
    /// The one who checked cannot tell.
    Unknown,
}

/// Why an address is risky or undeliverable.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::validation::ValidityReason")]
pub enum ValidityReason {
    /// It is not written as an address is.
    Syntax,
    /// Its domain does not exist, or takes no mail.
    Domain,
    /// There is no such mailbox.
    Mailbox,
    /// There is no such number.
    Number,
    /// Anybody may have it for minutes.
    Disposable,
    /// Its domain takes mail to every mailbox, whether there is one or not.
    CatchAll,
    /// It belongs to a function, such as `info`, not to a person.
    Role,
    /// The one who checked does not say.
    Unstated,
}

/// What a phone number leads to.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[graphql(remote = "crate::domain::value::validation::LineType")]
pub enum LineType {
    /// A mobile phone.
    Mobile,
    /// A line that takes calls only.
    Landline,
    /// A number of an internet telephone; many of them take SMS.
    Voip,
    /// A number that is free for callers; many of them take SMS.
    TollFree,
    /// A service: premium, shared cost, voicemail, a pager.
    Service,
    /// The one who checked cannot tell.
    Unknown,
}
