//! Commands on an address, and what is said from it: STOP, START, suppression.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::address::event::{AddressEvent, AddressSuppressed, SuppressionLifted, SuppressionReason};
use crate::domain::address::state::Address;
use crate::domain::decision::{Context, Decided, Decision};
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::{AddressKind, Source, address};
use crate::ids::{AddressId, CustomerId, EventId, Label, MessageId};

/// An address, by id or as text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum AddressRef {
    /// By id; its kind is needed for an address that the log does not know yet.
    Id {
        /// The address's id.
        address_id: AddressId,
        /// Whether it is a phone number, a mailbox or a device.
        kind: AddressKind,
    },
    /// As text, in any usual spelling.
    Text {
        /// Whether it is a phone number, a mailbox or a device.
        kind: AddressKind,
        /// The address.
        address: String,
    },
}

/// Forbids sending to an address, for every customer who has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SuppressAddress {
    /// The address, by id or as text.
    pub address: AddressRef,
    /// The reason: a bounce, a complaint, STOP, an operator, or nothing that arrives.
    pub reason: SuppressionReason,
    /// The message that led to it.
    pub message_id: Option<MessageId>,
    /// The customer it was learned from.
    pub customer_id: Option<CustomerId>,
    /// What recorded it: the API, a form, an import, a provider.
    pub source: Source,
}

/// Allows sending to an address again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiftSuppression {
    /// The address, by id or as text.
    pub address: AddressRef,
    /// Which suppression; one address may have several.
    pub reason: SuppressionReason,
    /// Why it may be used again.
    pub note: String,
}

impl AddressRef {
    /// Whether it is a phone number, a mailbox or a device.
    #[must_use]
    pub const fn kind(&self) -> AddressKind {
        match self {
            Self::Id { kind, .. } | Self::Text { kind, .. } => *kind,
        }
    }

    /// The address's id.
    pub fn id(&self, context: &Context<'_>) -> Result<AddressId, Refusal> {
        match self {
            Self::Id { address_id, .. } => Ok(*address_id),
            Self::Text { kind, address } => {
                address::Address::parse(*kind, address, context.policy.default_region.as_deref())
                    .map(|address| address.id(context.secret))
                    .map_err(|e| Refusal::of_value("address", &e))
            }
        }
    }
}

/// STOP or START, sent from an address.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    /// From which address.
    pub address_id: AddressId,
    /// Whether it is a phone number, a mailbox or a device.
    pub kind: AddressKind,
    /// In which message.
    pub message_id: MessageId,
    /// The actor.
    pub customer_id: CustomerId,
    /// The time at which it happened.
    pub at: DateTime<Utc>,
    /// What recorded it: the API, a form, an import, a provider.
    pub source: Source,
}

impl Said {
    /// The event's id derives from the message alone: where a provider names no time, a repetition comes at another one.
    fn event(
        &self,
        label: Label,
        parts: &[&[u8]],
        event: impl Into<AddressEvent>,
        context: &Context<'_>,
    ) -> Decided<AddressEvent> {
        Decided { id: EventId(context.secret.derive(label, parts)), occurred_at: self.at, event: event.into() }
    }
}

/// A STOP suppresses the address for everybody who has it. One that was said before the newest STOP or START, however
/// late it comes in, changes nothing. Its event derives from the message, so that a message that is handed over again
/// counts once.
pub fn stop(state: &Address, said: Said, context: &Context<'_>) -> Decision<AddressEvent> {
    let is_stopped = state.suppressions.contains(&SuppressionReason::Stop);
    if state.started_at > Some(said.at) || (is_stopped && state.stopped_at >= Some(said.at)) {
        return Ok(vec![]);
    }
    let event = AddressSuppressed {
        address_id: said.address_id,
        kind: said.kind,
        reason: SuppressionReason::Stop,
        message_id: Some(said.message_id),
        customer_id: Some(said.customer_id),
        source: said.source,
    };
    let parts = [said.address_id.0.as_bytes().as_slice(), said.message_id.0.as_bytes()];
    Ok(vec![said.event(Label::StopEvent, &parts, event, context)])
}

/// A STOP that a provider reports: as [`stop`], with the report's own event.
#[must_use]
pub fn stop_at(state: &Address, event: Decided<AddressEvent>) -> Vec<Decided<AddressEvent>> {
    let is_stopped = state.suppressions.contains(&SuppressionReason::Stop);
    let is_older =
        state.started_at > Some(event.occurred_at) || (is_stopped && state.stopped_at >= Some(event.occurred_at));
    if is_older { vec![] } else { vec![event] }
}

/// A START lifts a STOP that was said before it; bounces, complaints and operators' decisions stay. It is recorded where
/// there is nothing to lift as well: a STOP that was said before it may still come in.
pub fn start(state: &Address, said: Said, context: &Context<'_>) -> Decision<AddressEvent> {
    if state.stopped_at > Some(said.at) || state.started_at >= Some(said.at) {
        return Ok(vec![]);
    }
    let event = SuppressionLifted {
        address_id: said.address_id,
        kind: said.kind,
        reason: SuppressionReason::Stop,
        note: "START was sent from this number".to_owned(),
    };
    let parts = [said.address_id.0.as_bytes().as_slice(), said.message_id.0.as_bytes()];
    Ok(vec![said.event(Label::StartEvent, &parts, event, context)])
}

/// Suppresses an address; one that is suppressed for this reason stays so.
pub fn suppress(state: &Address, command: &SuppressAddress, context: &Context<'_>) -> Decision<AddressEvent> {
    if state.suppressions.contains(&command.reason) {
        return Ok(vec![]);
    }
    Ok(vec![context.now(AddressSuppressed {
        address_id: command.address.id(context)?,
        kind: command.address.kind(),
        reason: command.reason,
        message_id: command.message_id,
        customer_id: command.customer_id,
        source: command.source,
    })])
}

/// Lifts a suppression.
pub fn lift(state: &Address, command: LiftSuppression, context: &Context<'_>) -> Decision<AddressEvent> {
    if !state.suppressions.contains(&command.reason) {
        let message = format!("the address is not suppressed for the reason {}", command.reason);
        return Err(Refusal::new("NOT_SUPPRESSED", message));
    }
    Ok(vec![context.now(SuppressionLifted {
        address_id: command.address.id(context)?,
        kind: command.address.kind(),
        reason: command.reason,
        note: text::required("note", command.note, text::LONG)?,
    })])
}
