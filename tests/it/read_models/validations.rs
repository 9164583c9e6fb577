//! What checks found of addresses: the tables believe the check that the domain believes.

use chrono::{DateTime, TimeDelta, Utc};
use commlog::domain::address::event::{AddressEvent, AddressValidated, AddressValidatedPersonal};
use commlog::domain::address::state::Address;
use commlog::domain::decision::Meta;
use commlog::domain::value::AddressKind;
use commlog::domain::value::validation::{LineType, Validity, ValidityReason};
use commlog::ids::EventId;
use commlog::queries::Page;
use commlog::queries::address_validations::{self, ValidationFilter};
use commlog::sql::Engine;
use uuid::Uuid;

use super::story::{Story, TENANT, address, minute};
use super::{check, on_both_engines};

on_both_engines! {
    the_check_that_the_domain_believes_is_shown_in_whatever_order_they_come,
    verdicts_are_filtered_and_paged,
}

const DAY: i64 = 24 * 60;

fn found(number: u128, validity: Validity) -> AddressValidated {
    AddressValidated {
        address_id: address(number),
        kind: AddressKind::Phone,
        validity,
        reason: (validity == Validity::Undeliverable).then_some(ValidityReason::Number),
        line_type: (validity == Validity::Deliverable).then_some(LineType::Mobile),
        validator: "twilio_lookup".to_owned(),
        personal: Some(AddressValidatedPersonal { carrier: "Example Mobile".to_owned() }),
    }
}

/// What the domain believes after these checks, in this order: the verdict and when it was given.
fn believed(checks: &[(Validity, i64)]) -> (Validity, DateTime<Utc>) {
    let mut state = Address::default();
    for (version, (validity, at)) in (1..).zip(checks) {
        let meta = Meta { id: EventId(Uuid::nil()), version, occurred_at: minute(*at) };
        state.apply(&AddressEvent::from(found(1, *validity)), meta);
    }
    let found = state.validation.expect("it was checked");
    (found.validity, found.checked_at)
}

async fn the_check_that_the_domain_believes_is_shown_in_whatever_order_they_come(engine: Engine) {
    let checks = [
        (Validity::Undeliverable, 0),
        (Validity::Unknown, 3 * DAY),
        (Validity::Unknown, 90 * DAY),
        (Validity::Deliverable, 5 * DAY),
        (Validity::Undeliverable, 5 * DAY),
        (Validity::Risky, 100 * DAY),
    ];
    let mut story = Story::new();
    let mut expected = vec![];
    // Each set of three of them, in each order.
    for (number, order) in (1_u128..).zip(0..checks.len().pow(3)) {
        let picked = [order % 6, order / 6 % 6, order / 36].map(|index| checks[index]);
        for (validity, at) in picked {
            story.tell_address(address(number), at, found(number, validity));
        }
        expected.push(believed(&picked));
    }
    check(engine, &story, async |db| {
        let ids: Vec<_> = (1..=expected.len() as u128).map(address).collect();
        let mut rows = address_validations::of_addresses(db, TENANT, &ids).await.unwrap();
        rows.sort_by_key(|row| row.address_id);
        let read: Vec<_> = rows.iter().map(|row| (row.validity, row.checked_at)).collect();
        assert_eq!(read, expected);
        for row in rows {
            assert_eq!(row.counts_until, row.validity.counts_until(row.checked_at));
            assert_eq!(row.carrier.as_deref(), Some("Example Mobile"));
        }
    })
    .await;
}

async fn verdicts_are_filtered_and_paged(engine: Engine) {
    let mut story = Story::new();
    let verdicts = [Validity::Deliverable, Validity::Undeliverable, Validity::Unknown, Validity::Undeliverable];
    for (number, validity) in (1_u128..).zip(verdicts) {
        story.tell_address(address(number), i64::try_from(number).unwrap(), found(number, validity));
    }
    check(engine, &story, async |db| {
        let list = async |filter: ValidationFilter, page: Page| {
            let slice = address_validations::list(db, TENANT, &filter, &page).await.unwrap();
            let more = slice.has_next;
            (slice.into_rows().iter().map(|row| row.address_id).collect::<Vec<_>>(), more)
        };
        let gone = || ValidationFilter { validities: vec![Validity::Undeliverable], ..ValidationFilter::default() };
        assert_eq!(list(gone(), Page::first(1)).await, (vec![address(4)], true));
        assert_eq!(address_validations::count(db, TENANT, &gone()).await.unwrap(), 2);
        let mobile = ValidationFilter { line_types: vec![LineType::Mobile], ..ValidationFilter::default() };
        assert_eq!(list(mobile, Page::first(5)).await.0, [address(1)]);
        let counting =
            ValidationFilter { counts_at: Some(minute(3) + TimeDelta::days(1)), ..ValidationFilter::default() };
        assert_eq!(list(counting, Page::first(5)).await.0, [address(4), address(2), address(1)]);
        let mail = ValidationFilter { kind: Some(AddressKind::Email), ..ValidationFilter::default() };
        assert!(list(mail, Page::first(5)).await.0.is_empty());
    })
    .await;
}
