//! What is known of an address.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::address::event::{AddressEvent, SuppressionReason};
use crate::domain::address::outcomes::{Outcome, Outcomes};
use crate::domain::address::validation::Validation;
use crate::domain::address::words::{Word, Words};
use crate::domain::decision::Meta;
use crate::domain::value::AddressKind;
use crate::ids::{CustomerId, MessageId};

/// The fold of an address's stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// What it is, once anything is known of it.
    pub kind: Option<AddressKind>,
    /// Who has it, in the order of claiming.
    pub claims: Vec<CustomerId>,
    /// Why nothing is sent to it; empty if it may be used.
    pub suppressions: Vec<SuppressionReason>,
    /// When the newest STOP was said.
    pub stopped_at: Option<DateTime<Utc>>,
    /// When the newest START was said, or a STOP lifted.
    pub started_at: Option<DateTime<Utc>>,
    /// What was said about messages to it, by anybody who has it.
    pub words: Words,
    /// What became of the newest messages, as far as it matters.
    pub outcomes: Outcomes,
    /// What the newest check found that could tell.
    pub validation: Option<Validation>,
}

impl Address {
    /// Whether anything known of it could keep a message back.
    #[must_use]
    pub fn may_be_refused(&self) -> bool {
        !self.suppressions.is_empty() || self.words.has_opt_outs() || self.validation.is_some()
    }

    /// Folds an event in.
    pub fn apply(&mut self, event: &AddressEvent, meta: Meta) {
        match event {
            AddressEvent::AddressClaimed(e) => {
                self.kind = Some(e.kind);
                if !self.claims.contains(&e.customer_id) {
                    self.claims.push(e.customer_id);
                }
            }
            AddressEvent::AddressReleased(e) => self.claims.retain(|id| *id != e.customer_id),
            AddressEvent::AddressSuppressed(e) => {
                self.kind = Some(e.kind);
                if !self.suppressions.contains(&e.reason) {
                    self.suppressions.push(e.reason);
                }
                if e.reason == SuppressionReason::Stop {
                    self.stopped_at = self.stopped_at.max(Some(meta.occurred_at));
                }
            }
            AddressEvent::AddressOptedOut(e) => {
                self.kind = Some(e.kind);
                self.words.apply(Word {
                    channel: e.channel,
                    topic: e.topic.clone(),
                    is_opt_out: true,
                    said_at: meta.occurred_at,
                    source: e.source,
                    import_id: e.import_id,
                });
            }
            AddressEvent::AddressOptedIn(e) => {
                self.kind = Some(e.kind);
                self.words.apply(Word {
                    channel: e.channel,
                    topic: e.topic.clone(),
                    is_opt_out: false,
                    said_at: meta.occurred_at,
                    source: e.source,
                    import_id: e.import_id,
                });
            }
            AddressEvent::AddressWordsRetracted(e) => self.words.retract(e.import_id),
            AddressEvent::SuppressionLifted(e) => {
                self.suppressions.retain(|reason| *reason != e.reason);
                match e.reason {
                    SuppressionReason::Stop => self.started_at = self.started_at.max(Some(meta.occurred_at)),
                    // What an operator lifts is forgiven, not only suspended; after a delivery nothing is left anyway.
                    SuppressionReason::Unreachable if self.outcomes.is_unreachable() => self.outcomes.clear(),
                    SuppressionReason::Unreachable
                    | SuppressionReason::HardBounce
                    | SuppressionReason::Complaint
                    | SuppressionReason::Manual => {}
                }
            }
            AddressEvent::AddressSoftBounced(e) => self.record(meta.occurred_at, e.message_id, false),
            AddressEvent::AddressDelivered(e) => self.record(meta.occurred_at, e.message_id, true),
            AddressEvent::AddressValidated(e) => {
                self.kind = Some(e.kind);
                let found = Validation::of(e, meta.occurred_at);
                if self.validation.as_ref().is_none_or(|known| found.replaces(known)) {
                    self.validation = Some(found);
                }
            }
        }
    }

    fn record(&mut self, at: DateTime<Utc>, message_id: MessageId, delivered: bool) {
        self.outcomes.record(Outcome { at, message_id, delivered });
    }
}
