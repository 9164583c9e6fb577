//! Which of a customer's phone numbers takes an SMS, by what checks found of them.

use chrono::{DateTime, Utc};

use crate::domain::address::state::Address;
use crate::domain::address::validation::Validation;
use crate::domain::value::Channel;
use crate::domain::value::validation::{LineType, Validity};
use crate::ids::AddressId;

/// The address that a message goes to, where none was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Receiver<'a> {
    /// What is known of the address.
    pub address: &'a Address,
    /// One that takes the place of the primary one, as [`choose`] says.
    pub chosen: Option<AddressId>,
}

/// What is known of a number's line, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// It takes SMS.
    Mobile,
    /// Nobody looked, or could tell; internet telephones and free numbers, many of which take SMS.
    Unknown,
    /// It takes calls only.
    CallsOnly,
    /// There is no such number.
    Gone,
}

/// One of a customer's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// The number, by its id.
    pub address_id: AddressId,
    /// Whether it is the one that is used by default.
    pub primary: bool,
    /// What is known of its line.
    pub line: Line,
}

impl Line {
    /// What a check says that still counts.
    #[must_use]
    pub fn of(found: Option<&Validation>, now: DateTime<Utc>) -> Self {
        let Some(found) = found.filter(|found| found.counts_at(now)) else { return Self::Unknown };
        match (found.validity, found.line_type) {
            (Validity::Undeliverable, _) => Self::Gone,
            (_, Some(LineType::Mobile)) => Self::Mobile,
            (_, Some(LineType::Landline | LineType::Service)) => Self::CallsOnly,
            (_, Some(LineType::Voip | LineType::TollFree | LineType::Unknown) | None) => Self::Unknown,
        }
    }
}

/// Whether numbers of a channel differ by their lines: calls and WhatsApp reach fixed lines too.
#[must_use]
pub const fn prefers_mobile(channel: Channel) -> bool {
    matches!(channel, Channel::Sms)
}

/// The number that takes an SMS, if it is another one than the primary one: a mobile one before one of which nothing is known,
/// and one that takes calls only if there is no other. Of equals the primary one, then the one that was added first. Opt-outs
/// and suppressions do not matter: nobody is written to at another number because they refused one.
#[must_use]
pub fn choose(numbers: &[Number]) -> Option<AddressId> {
    // Of several equal ones, the first.
    let best = numbers.iter().min_by_key(|number| (number.line, !number.primary))?;
    (!best.primary).then_some(best.address_id)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::domain::scenario::noon;
    use crate::domain::value::validation::{ValidityReason, Verdict};

    fn number(id: u128, primary: bool, line: Line) -> Number {
        Number { address_id: AddressId(Uuid::from_u128(id)), primary, line }
    }

    fn chosen(lines: &[Line]) -> Option<u128> {
        let numbers: Vec<_> = (1..).zip(lines).map(|(id, line)| number(id, id == 1, *line)).collect();
        choose(&numbers).map(|id| id.0.as_u128())
    }

    #[test]
    fn a_mobile_number_goes_before_an_unknown_one_and_that_before_a_landline() {
        use Line::{CallsOnly, Gone, Mobile, Unknown};
        assert_eq!(chosen(&[Unknown, CallsOnly, Mobile]), Some(3));
        assert_eq!(chosen(&[CallsOnly, Unknown, Gone]), Some(2));
        assert_eq!(chosen(&[CallsOnly, Gone]), None, "there is no other");
        assert_eq!(chosen(&[Gone, CallsOnly]), Some(2));
    }

    #[test]
    fn of_equals_the_primary_one_is_taken_and_then_the_first() {
        assert_eq!(chosen(&[Line::Mobile, Line::Mobile]), None);
        assert_eq!(chosen(&[Line::Unknown, Line::Mobile, Line::Mobile]), Some(2));
        assert_eq!(choose(&[]), None);
        let last = [number(1, false, Line::Unknown), number(2, true, Line::Unknown)];
        assert_eq!(choose(&last), None);
    }

    #[test]
    fn a_line_is_known_as_long_as_the_check_counts() {
        let line = |line_type| Verdict { line_type: Some(line_type), ..Verdict::DELIVERABLE };
        let cases = [
            (line(LineType::Mobile), Line::Mobile),
            (line(LineType::Landline), Line::CallsOnly),
            (line(LineType::Service), Line::CallsOnly),
            (line(LineType::Voip), Line::Unknown),
            (line(LineType::TollFree), Line::Unknown),
            (Verdict::DELIVERABLE, Line::Unknown),
            (Verdict::undeliverable(ValidityReason::Number), Line::Gone),
        ];
        for (verdict, expected) in cases {
            let found = verdict.checked("twilio_lookup", noon());
            assert_eq!(Line::of(Some(&found), noon() + TimeDelta::days(89)), expected);
            assert_eq!(Line::of(Some(&found), noon() + TimeDelta::days(90)), Line::Unknown);
        }
        assert_eq!(Line::of(None, noon()), Line::Unknown);
    }
}
