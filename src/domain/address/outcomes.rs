//! Whether mail still arrives: soft bounces in a row make an address unreachable, a delivery makes up for all of them.
//!
//! An address remembers its newest outcomes as a set, ordered by when they happened; what follows from the set does not
//! depend on the order in which callbacks came. A delivery is only worth remembering where there is a bounce to make up
//! for, so that ordinary deliveries never touch an address's stream. (One that is reported before the older bounces it
//! makes up for is thus not remembered. The address may then count as unreachable although it was not; the next delivery,
//! or an operator, lifts that.)

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::address::event::{
    AddressDelivered, AddressEvent, AddressSoftBounced, AddressSuppressed, SuppressionLifted, SuppressionReason,
};
use crate::domain::address::state::Address;
use crate::domain::customer::event::Source;
use crate::domain::decision::{Context, Decision};
use crate::domain::value::AddressKind;
use crate::ids::{AddressId, CustomerId, Label, MessageId};

/// How many outcomes an address remembers.
const KEPT: usize = 5;
/// How many soft bounces among them, later than any delivery, make an address unreachable.
const TOO_MANY: usize = 3;

/// What became of a message at the receiving side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Outcome {
    /// When, by the provider's clock.
    pub at: DateTime<Utc>,
    /// The message's id.
    pub message_id: MessageId,
    /// True if it arrived, false if it bounced softly.
    pub delivered: bool,
}

/// The newest outcomes of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Outcomes(BTreeSet<Outcome>);

impl Outcomes {
    /// Takes one in. The order of calls does not matter, nor repetitions.
    pub fn record(&mut self, outcome: Outcome) {
        self.0.insert(outcome);
        while self.0.len() > KEPT {
            self.0.pop_first();
        }
    }

    /// Forgets all: an operator vouches for the address.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there are bounces that a delivery could make up for.
    #[must_use]
    pub fn has_bounces(&self) -> bool {
        self.0.iter().any(|outcome| !outcome.delivered)
    }

    /// Whether too many bounced since the last delivery.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        self.0.iter().rev().take_while(|outcome| !outcome.delivered).count() >= TOO_MANY
    }

    fn has(&self, outcome: Outcome) -> bool {
        self.0.contains(&outcome)
    }
}

/// What a callback reports about an address.
#[derive(Debug, Clone, Copy)]
pub struct AddressOutcome {
    /// The address's id.
    pub address_id: AddressId,
    /// Whether it is a phone number, a mailbox or a device.
    pub kind: AddressKind,
    /// The customer's id.
    pub customer_id: CustomerId,
    /// Whether it was delivered or bounced, and when.
    pub outcome: Outcome,
}

/// Records an outcome, and what follows from it: the address is unreachable, or no longer. What is known, and a delivery
/// that makes up for nothing, change nothing.
pub fn record(state: &Address, reported: AddressOutcome, context: &Context<'_>) -> Decision<AddressEvent> {
    let AddressOutcome { address_id, kind, customer_id, outcome } = reported;
    if state.outcomes.has(outcome) || (outcome.delivered && !state.outcomes.has_bounces()) {
        return Ok(vec![]);
    }
    let message_id = outcome.message_id;
    let parts = [address_id.0.as_bytes().as_slice(), message_id.0.as_bytes()];
    let event: AddressEvent = if outcome.delivered {
        AddressDelivered { address_id, message_id }.into()
    } else {
        AddressSoftBounced { address_id, message_id }.into()
    };
    let label = if outcome.delivered { Label::DeliveryEvent } else { Label::SoftBounceEvent };
    let mut events = vec![context.derived(outcome.at, label, &parts, event)];
    let mut outcomes = state.outcomes.clone();
    outcomes.record(outcome);
    let was = state.suppressions.contains(&SuppressionReason::Unreachable);
    let reason = SuppressionReason::Unreachable;
    match (was, outcomes.is_unreachable()) {
        (false, true) => {
            let (message_id, customer_id) = (Some(message_id), Some(customer_id));
            let event =
                AddressSuppressed { address_id, kind, reason, message_id, customer_id, source: Source::Provider };
            events.push(context.derived(outcome.at, Label::UnreachableEvent, &parts, event));
        }
        (true, false) => {
            let event = SuppressionLifted { address_id, kind, reason, note: "a message was delivered".to_owned() };
            events.push(context.derived(outcome.at, Label::ReachableEvent, &parts, event));
        }
        _ => {}
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::decision::{Meta, Policy};
    use crate::domain::scenario::{ADA, address_id, noon, with_context};

    fn outcome(minute: i64, delivered: bool) -> Outcome {
        let message_id = MessageId(Uuid::from_u128(minute.unsigned_abs().into()));
        Outcome { at: noon() + TimeDelta::minutes(minute), message_id, delivered }
    }

    fn after(callbacks: impl IntoIterator<Item = Outcome>) -> Address {
        let mut address = Address::default();
        let mut version = 0;
        let address_id = address_id(AddressKind::Email, "ada@example.org");
        for outcome in callbacks {
            let reported = AddressOutcome { address_id, kind: AddressKind::Email, customer_id: ADA, outcome };
            let events =
                with_context(&Policy::default(), |context| record(&address, reported, context)).expect("is recorded");
            for decided in events {
                version += 1;
                address.apply(&decided.event, Meta { id: decided.id, version, occurred_at: decided.occurred_at });
            }
        }
        address
    }

    fn is_suppressed(callbacks: impl IntoIterator<Item = Outcome>) -> bool {
        after(callbacks).suppressions == [SuppressionReason::Unreachable]
    }

    #[test]
    fn the_third_soft_bounce_makes_an_address_unreachable() {
        assert!(!is_suppressed([outcome(1, false), outcome(2, false)]));
        assert!(is_suppressed([outcome(1, false), outcome(2, false), outcome(3, false)]));
        assert!(!is_suppressed([outcome(1, false), outcome(1, false), outcome(1, false)]));
    }

    #[test]
    fn a_delivery_makes_up_for_earlier_bounces_and_lifts_what_they_led_to() {
        let bounces = [outcome(1, false), outcome(2, false), outcome(4, false)];
        assert!(!is_suppressed([bounces[0], bounces[1], outcome(3, true), bounces[2]]));
        assert!(!is_suppressed([bounces[0], bounces[1], bounces[2], outcome(5, true)]));
        assert!(is_suppressed([bounces[0], bounces[1], bounces[2], outcome(0, true)]));
    }

    #[test]
    fn a_delivery_without_bounces_is_not_worth_remembering() {
        assert_eq!(after([outcome(1, true), outcome(2, true)]), Address::default());
    }

    proptest! {
        #[test]
        fn the_order_of_callbacks_does_not_matter_once_a_bounce_is_known(
            (ordered, shuffled) in prop::collection::btree_map(1..20_i64, any::<bool>(), 0..5)
                .prop_map(|outcomes| outcomes.into_iter().collect::<Vec<_>>())
                .prop_flat_map(|outcomes| (Just(outcomes.clone()), Just(outcomes).prop_shuffle()))
        ) {
            let first = outcome(0, false);
            let all = |order: &[(i64, bool)]| {
                std::iter::once(first).chain(order.iter().map(|(minute, delivered)| outcome(*minute, *delivered)))
                    .collect::<Vec<_>>()
            };
            let (one, other) = (after(all(&ordered)), after(all(&shuffled)));
            prop_assert_eq!(one.outcomes.is_unreachable(), other.outcomes.is_unreachable());
            prop_assert_eq!(one.suppressions, other.suppressions);
        }
    }
}
