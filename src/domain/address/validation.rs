//! What checks found of an address, and the command that records it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::address::decide::AddressRef;
use crate::domain::address::event::{AddressEvent, AddressValidated, AddressValidatedPersonal};
use crate::domain::address::state::Address;
use crate::domain::decision::{Context, Decision};
use crate::domain::text;
use crate::domain::value::AddressKind;
use crate::domain::value::validation::{LineType, Validity, ValidityReason, Verdict};
use crate::ids::AddressId;

/// Who checks without asking anybody.
pub const OFFLINE: &str = "offline";

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    /// Whether messages can arrive.
    pub validity: Validity,
    /// Why not, or why perhaps not.
    pub reason: Option<ValidityReason>,
    /// What a phone number leads to, where that was asked for.
    pub line_type: Option<LineType>,
    /// Who runs the line; personal.
    pub carrier: Option<String>,
    /// Who checked: the name of a service, or [`OFFLINE`].
    pub validator: String,
    /// When.
    pub checked_at: DateTime<Utc>,
}

/// Asks whether messages can arrive at an address.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValidateAddress {
    /// The address, by id or as text.
    pub address: AddressRef,
    /// What stands for all addresses that are asked about together: with others, it is another command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub among: Option<String>,
}

/// Records what a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordValidation {
    /// The address that was checked.
    pub address_id: AddressId,
    /// Whether it is a phone number or a mailbox.
    pub kind: AddressKind,
    /// What was found.
    pub verdict: Verdict,
    /// Who checked: the name of a service, or [`OFFLINE`].
    pub validator: String,
    /// When; a check may take a while.
    pub checked_at: DateTime<Utc>,
}

impl Verdict {
    /// With who gave it, and when.
    #[must_use]
    pub fn checked(self, validator: impl Into<String>, checked_at: DateTime<Utc>) -> Validation {
        let Self { validity, reason, line_type, carrier } = self;
        Validation { validity, reason, line_type, carrier, validator: validator.into(), checked_at }
    }
}

impl Validation {
    /// What an event says.
    #[must_use]
    pub fn of(event: &AddressValidated, checked_at: DateTime<Utc>) -> Self {
        Self {
            validity: event.validity,
            reason: event.reason,
            line_type: event.line_type,
            carrier: event.personal.as_ref().map(|personal| personal.carrier.clone()),
            validator: event.validator.clone(),
            checked_at,
        }
    }

    /// Until when it counts.
    #[must_use]
    pub fn counts_until(&self) -> DateTime<Utc> {
        self.validity.counts_until(self.checked_at)
    }

    /// Whether it still counts: then nobody needs to check again.
    #[must_use]
    pub fn counts_at(&self, now: DateTime<Utc>) -> bool {
        now < self.counts_until()
    }

    /// Whether nothing is sent to the address because of it.
    #[must_use]
    pub fn forbids(&self, now: DateTime<Utc>) -> bool {
        self.validity == Validity::Undeliverable && self.counts_at(now)
    }

    /// Whether it is the one to believe beside an earlier known one, in whatever order they come in: the newer one; but that
    /// somebody cannot tell takes nothing back that somebody else could tell.
    #[must_use]
    pub(super) fn replaces(&self, known: &Self) -> bool {
        match (self.validity == Validity::Unknown, known.validity == Validity::Unknown) {
            (true, false) => known.counts_until() <= self.checked_at,
            (false, true) => known.checked_at < self.counts_until(),
            (true, true) | (false, false) => self.checked_at >= known.checked_at,
        }
    }

    /// Roughly how many bytes it takes beyond its own size.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.validator.len() + self.carrier.as_ref().map_or(0, String::len)
    }
}

/// Records a check; one that the log knows already changes nothing.
pub fn record(state: &Address, command: RecordValidation, context: &Context<'_>) -> Decision<AddressEvent> {
    let Verdict { validity, reason, line_type, carrier } = command.verdict;
    let validated = AddressValidated {
        address_id: command.address_id,
        kind: command.kind,
        validity,
        reason,
        line_type,
        validator: text::required("validator", command.validator, text::SHORT)?,
        personal: carrier.map(|carrier| AddressValidatedPersonal { carrier }),
    };
    if state.validation.as_ref() == Some(&Validation::of(&validated, command.checked_at)) {
        return Ok(vec![]);
    }
    Ok(vec![context.at(command.checked_at, validated)])
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::domain::decision::{Meta, Policy};
    use crate::domain::scenario::{address_id, noon, with_context};
    use crate::domain::value::validation::{UNKNOWN_LASTS, VERDICT_LASTS};
    use crate::ids::EventId;

    fn checked(verdict: Verdict, checked_at: DateTime<Utc>) -> RecordValidation {
        let (kind, validator) = (AddressKind::Phone, "twilio_lookup".to_owned());
        RecordValidation { address_id: address_id(kind, "+14155550101"), kind, verdict, validator, checked_at }
    }

    fn events(state: &Address, command: RecordValidation) -> Vec<(AddressEvent, DateTime<Utc>)> {
        let decided = with_context(&Policy::default(), |context| record(state, command, context)).expect("recorded");
        decided.into_iter().map(|decided| (decided.event, decided.occurred_at)).collect()
    }

    /// The address after these checks, recorded in this order.
    fn after(checks: &[(Verdict, DateTime<Utc>)]) -> Address {
        let mut state = Address::default();
        for (verdict, checked_at) in checks {
            for (event, occurred_at) in events(&state.clone(), checked(verdict.clone(), *checked_at)) {
                state.apply(&event, Meta { id: EventId(Uuid::nil()), version: 1, occurred_at });
            }
        }
        state
    }

    fn found(state: &Address) -> &Validation {
        state.validation.as_ref().expect("it was checked")
    }

    #[test]
    fn a_check_is_recorded_with_its_time_and_the_carrier_apart() {
        let mobile = Verdict {
            line_type: Some(LineType::Mobile),
            carrier: Some("Example Mobile".to_owned()),
            ..Verdict::DELIVERABLE
        };
        let at = noon() - TimeDelta::seconds(3);
        let recorded = events(&Address::default(), checked(mobile.clone(), at));
        let [(event, occurred_at)] = &recorded[..] else { panic!("{recorded:?}") };
        let payload = event.encode();
        assert_eq!((payload.event_type, *occurred_at), ("AddressValidated", at));
        assert!(!String::from_utf8_lossy(&payload.data).contains("Example"));
        assert_eq!(payload.personal.as_deref(), Some(br#"{"carrier":"Example Mobile"}"#.as_slice()));
        let state = after(&[(mobile.clone(), at)]);
        assert_eq!(
            (found(&state).line_type, found(&state).carrier.as_deref()),
            (mobile.line_type, mobile.carrier.as_deref())
        );
        assert_eq!(events(&state, checked(mobile, at)), []);
    }

    #[test]
    fn a_verdict_counts_for_ninety_days_and_not_knowing_for_one() {
        let gone = after(&[(Verdict::undeliverable(ValidityReason::Number), noon())]);
        assert!(found(&gone).forbids(noon() + VERDICT_LASTS - TimeDelta::seconds(1)));
        assert!(!found(&gone).forbids(noon() + VERDICT_LASTS));
        let unknown = after(&[(Verdict::UNKNOWN, noon())]);
        assert!(found(&unknown).counts_at(noon() + UNKNOWN_LASTS - TimeDelta::seconds(1)));
        assert!(!found(&unknown).counts_at(noon() + UNKNOWN_LASTS) && !found(&unknown).forbids(noon()));
        let risky = after(&[(Verdict::risky(ValidityReason::CatchAll), noon())]);
        assert!(!found(&risky).forbids(noon()));
    }

    #[test]
    fn the_newest_verdict_holds_in_whatever_order_they_come_in() {
        let (early, late) = (noon(), noon() + TimeDelta::days(3));
        let cases = [
            (Verdict::undeliverable(ValidityReason::Mailbox), Verdict::DELIVERABLE, Validity::Deliverable),
            (Verdict::DELIVERABLE, Verdict::undeliverable(ValidityReason::Mailbox), Validity::Undeliverable),
            (Verdict::undeliverable(ValidityReason::Mailbox), Verdict::UNKNOWN, Validity::Undeliverable),
            (Verdict::UNKNOWN, Verdict::DELIVERABLE, Validity::Deliverable),
        ];
        for (first, second, expected) in cases {
            let (first, second) = ((first, early), (second, late));
            assert_eq!(found(&after(&[first.clone(), second.clone()])).validity, expected);
            assert_eq!(found(&after(&[second, first])).validity, expected);
        }
        let old = (Verdict::undeliverable(ValidityReason::Mailbox), noon());
        let much_later = (Verdict::UNKNOWN, noon() + VERDICT_LASTS);
        assert_eq!(found(&after(&[old.clone(), much_later.clone()])).validity, Validity::Unknown);
        assert_eq!(found(&after(&[much_later, old])).validity, Validity::Unknown);
    }
}
