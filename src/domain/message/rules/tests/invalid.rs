use chrono::TimeDelta;

use super::{Asked, Verdict, judge, sent};
use crate::domain::address::event::SuppressionReason;
use crate::domain::address::state::Address;
use crate::domain::address::validation::Validation;
use crate::domain::decision::Policy;
use crate::domain::message::event::MessageClass;
use crate::domain::scenario::{address_id, noon, with_context};
use crate::domain::value::validation::{Validity, ValidityReason};
use crate::domain::value::{AddressKind, Channel};

/// An address of which a check found this, so long before noon.
fn checked(validity: Validity, ago: TimeDelta) -> Address {
    let validation = Validation {
        validity,
        reason: Some(ValidityReason::Mailbox),
        line_type: None,
        carrier: Some("Example Mobile".to_owned()),
        validator: "neverbounce".to_owned(),
        checked_at: noon() - ago,
    };
    Address { validation: Some(validation), ..Address::default() }
}

#[test]
fn nothing_goes_to_an_address_that_was_found_undeliverable_within_ninety_days() {
    let customer = sent("News", &[]);
    let judged = |address: &Address, class| {
        let asked = Asked {
            channel: Channel::Email,
            class,
            topic: "news",
            address_id: Some(address_id(AddressKind::Email, "ada@example.org")),
            is_template: false,
            queued_version: None,
        };
        with_context(&Policy::default(), |context| judge(&customer, address, asked, context))
    };
    for class in [MessageClass::Marketing, MessageClass::Transactional] {
        let gone = checked(Validity::Undeliverable, TimeDelta::days(89));
        let Verdict::Suppress(reason) = judged(&gone, class) else { panic!("{class:?}") };
        assert_eq!(reason.rule, "invalid_address");
        assert_eq!(
            reason.inputs,
            serde_json::json!({
                "address_id": address_id(AddressKind::Email, "ada@example.org"),
                "validity": "undeliverable",
                "reason": "mailbox",
                "validator": "neverbounce",
                "checked_at": noon() - TimeDelta::days(89),
                "counts_until": noon() + TimeDelta::days(1),
            })
        );
        assert_eq!(judged(&checked(Validity::Undeliverable, TimeDelta::days(90)), class), Verdict::Send);
        for validity in [Validity::Deliverable, Validity::Risky, Validity::Unknown] {
            assert_eq!(judged(&checked(validity, TimeDelta::days(1)), class), Verdict::Send, "{validity}");
        }
    }
    let gone = checked(Validity::Undeliverable, TimeDelta::zero());
    let stopped = Address { suppressions: vec![SuppressionReason::Stop], ..gone };
    let Verdict::Suppress(reason) = judged(&stopped, MessageClass::Marketing) else { panic!("it is sent") };
    assert_eq!(reason.rule, "suppressed_address");
}
