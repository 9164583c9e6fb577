//! Events of an address: who has it, what was said about messages to it, and why nothing is sent to it.

use crate::domain::event::{event, stream_events};
use crate::domain::value::validation::{LineType, Validity, ValidityReason};
use crate::domain::value::{AddressKind, Channel, Source, words};
use crate::ids::{AddressId, CustomerId, ImportId, MessageId};

words! {
    /// Why an address is suppressed.
    SuppressionReason, "suppression reason" {
        /// The address does not exist.
        HardBounce = "hard_bounce",
        /// A message was reported as spam.
        Complaint = "complaint",
        /// STOP was sent from this number.
        Stop = "stop",
        /// An operator decided so.
        Manual = "manual",
        /// Too many messages in a row bounced softly.
        Unreachable = "unreachable",
    }
}

event! {
    /// A customer has this address. Several may share one.
    AddressClaimed 1 {
        address_id: AddressId,
        kind: AddressKind,
        customer_id: CustomerId,
    }
}

event! {
    /// A customer no longer has this address.
    AddressReleased 1 {
        address_id: AddressId,
        customer_id: CustomerId,
    }
}

event! {
    /// Nothing more is sent to this address.
    AddressSuppressed 1 {
        address_id: AddressId,
        kind: AddressKind,
        reason: SuppressionReason,
        /// The message that led to it.
        message_id: Option<MessageId>,
        /// The customer it was learned from.
        customer_id: Option<CustomerId>,
        source: Source,
    }
}

event! {
    /// The suppression was lifted.
    SuppressionLifted 1 {
        address_id: AddressId,
        kind: AddressKind,
        reason: SuppressionReason,
        /// Why it may be used again.
        note: String,
    }
}

event! {
    /// A message to this address came back, but may arrive later.
    AddressSoftBounced 1 {
        address_id: AddressId,
        message_id: MessageId,
    }
}

event! {
    /// A message to this address arrived, which makes up for earlier soft bounces; not recorded where there were none.
    AddressDelivered 1 {
        address_id: AddressId,
        message_id: MessageId,
    }
}

event! {
    /// Nothing more about the topic is wanted at this address on this channel: said by somebody who has it, it holds for
    /// everybody who has it. Happened when it was said.
    AddressOptedOut 1 {
        address_id: AddressId,
        kind: AddressKind,
        channel: Channel,
        /// A topic's name; `all` stands for every topic of the channel.
        topic: String,
        source: Source,
        /// As in [`ConsentChanged`](crate::domain::consent::event::ConsentChanged).
        method: String,
        /// The customer who said it.
        customer_id: CustomerId,
        message_id: Option<MessageId>,
        import_id: Option<ImportId>,
    }
}

event! {
    /// Messages about the topic are wanted at this address again. Happened when it was said: an opt-out that was said
    /// later stands.
    AddressOptedIn 1 {
        address_id: AddressId,
        kind: AddressKind,
        channel: Channel,
        topic: String,
        source: Source,
        method: String,
        customer_id: CustomerId,
        message_id: Option<MessageId>,
        /// The import that brought it.
        #[serde(default)]
        import_id: Option<ImportId>,
    }
}

event! {
    /// The import was undone that said what was wanted at this address: what was said otherwise holds.
    AddressWordsRetracted 1 {
        address_id: AddressId,
        import_id: ImportId,
    }
}

event! {
    /// Somebody checked whether messages can arrive at this address. Happened when it was checked.
    AddressValidated 1 {
        address_id: AddressId,
        kind: AddressKind,
        validity: Validity,
        /// Of a risky or undeliverable one.
        reason: Option<ValidityReason>,
        /// Of a phone number, where it was asked for.
        line_type: Option<LineType>,
        /// Who checked: the name of a service, or `offline`.
        validator: String,
    } personal AddressValidatedPersonal {
        /// Who runs the line.
        carrier: String,
    }
}

stream_events! {
    /// Everything that can happen in an address's stream.
    AddressEvent {
        AddressOptedOut,
        AddressOptedIn,
        AddressWordsRetracted,
        AddressClaimed,
        AddressReleased,
        AddressSuppressed,
        SuppressionLifted,
        AddressSoftBounced,
        AddressDelivered,
        AddressValidated,
    }
}
