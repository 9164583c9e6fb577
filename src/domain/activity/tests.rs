use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::decide::{RecordActivity, record};
use super::event::{ActivityKind, ActivityRetracted, LineItem};
use crate::domain::activity::event::ActivityEvent;
use crate::domain::customer::event::{CustomerEvent, Source};
use crate::domain::decision::Policy;
use crate::domain::scenario::{ADA, Given, IMPORT, given, noon, registered, with_context};
use crate::ids::{ActivityId, EventId};

fn order() -> RecordActivity {
    RecordActivity {
        customer_id: ADA,
        kind: ActivityKind::Order,
        name: None,
        reference: Some("536365".to_owned()),
        status: None,
        occurred_at: Some(noon()),
        amount_micros: None,
        currency: Some("GBP".to_owned()),
        lines: vec![LineItem {
            sku: "85123A".to_owned(),
            description: None,
            quantity_milli: -6_000,
            unit_price_micros: 2_550_000,
        }],
        due_at: None,
        message_id: None,
        title: None,
        attributes: BTreeMap::new(),
        source: Source::Api,
    }
}

fn ids(given: &Given, command: RecordActivity) -> (ActivityId, EventId) {
    let events = with_context(&Policy::default(), |context| record(&given.state, command, None, context));
    let decided = events.expect("is recorded").remove(0);
    let CustomerEvent::Activity(ActivityEvent::ActivityRecorded(recorded)) = decided.event else {
        panic!("another event")
    };
    (recorded.activity_id, decided.id)
}

#[test]
fn the_amount_of_an_activity_is_the_sum_of_its_lines_unless_it_is_given() {
    let amount = |command: RecordActivity| {
        let events = given([registered()]).when(|state, context| record(state, command, None, context)).events();
        let [CustomerEvent::Activity(ActivityEvent::ActivityRecorded(recorded))] = &events[..] else {
            panic!("{events:?}")
        };
        recorded.amount_micros
    };
    assert_eq!(amount(order()), Some(-15_300_000));
    assert_eq!(amount(RecordActivity { amount_micros: Some(5), ..order() }), Some(5));
}

#[test]
fn an_amount_that_totals_could_not_hold_is_refused() {
    let largest = 10_000_000_000_000_000;
    for amount in [i64::MAX, i64::MIN, largest + 1, -largest - 1] {
        let command = RecordActivity { amount_micros: Some(amount), ..order() };
        given([registered()]).when(|state, context| record(state, command, None, context)).refused_for("amount_micros");
    }
    for amount in [largest, -largest] {
        let command = RecordActivity { amount_micros: Some(amount), ..order() };
        assert_eq!(
            given([registered()]).when(|state, context| record(state, command, None, context)).events().len(),
            1
        );
    }
}

#[test]
fn an_amount_needs_a_currency_that_there_could_be() {
    let without = RecordActivity { currency: None, ..order() };
    given([registered()]).when(|state, context| record(state, without, None, context)).refused_for("currency");
    let odd = RecordActivity { currency: Some("Pound".to_owned()), ..order() };
    given([registered()]).when(|state, context| record(state, odd, None, context)).refused_for("currency");
}

#[test]
fn only_custom_activities_have_a_name() {
    let named = RecordActivity { name: Some("tasting".to_owned()), ..order() };
    given([registered()]).when(|state, context| record(state, named.clone(), None, context)).refused_for("name");
    let custom = RecordActivity { kind: ActivityKind::Custom, ..named };
    given([registered()]).when(|state, context| record(state, custom, None, context)).happens(&["ActivityRecorded"]);
}

#[test]
fn the_same_reference_and_time_is_the_same_activity() {
    let state = given([registered()]);
    assert_eq!(ids(&state, order()), ids(&state, order()));
    let later = RecordActivity { occurred_at: Some(noon() + TimeDelta::days(1)), ..order() };
    assert_eq!(ids(&state, order()).0, ids(&state, later.clone()).0, "an order is known by its number");
    let invoice = |command: RecordActivity| RecordActivity { kind: ActivityKind::Invoice, ..command };
    assert_ne!(ids(&state, invoice(order())).0, ids(&state, invoice(later)).0);
    let unreferenced = || RecordActivity { reference: None, occurred_at: Some(noon()), ..order() };
    let twice = given([registered()]);
    let made = with_context(&Policy::default(), |context| {
        [(); 2].map(|()| record(&twice.state, unreferenced(), None, context).expect("is recorded").remove(0).id)
    });
    assert_ne!(made[0], made[1]);
}

#[test]
fn a_retracted_activity_comes_back_as_another_event_of_the_same_activity() {
    let before = given([registered()]);
    let (activity_id, event_id) = ids(&before, order());
    let retracted = ActivityRetracted {
        activity_id,
        kind: ActivityKind::Order,
        amount_micros: None,
        currency: None,
        import_id: IMPORT,
    };
    let after = ids(&given([registered(), retracted.into()]), order());
    assert_eq!(after.0, activity_id);
    assert_ne!(after.1, event_id);
}

#[test]
fn an_activity_of_nobody_is_refused() {
    given([]).when(|state, context| record(state, order(), None, context)).refused_with("CUSTOMER_UNKNOWN");
}

#[test]
fn an_order_that_an_import_brings_again_is_corrected_where_it_is_different() {
    let placed = |command: RecordActivity, given: &Given| {
        given.when(|state, context| record(state, command, Some(IMPORT), context))
    };
    let first = placed(order(), &given([registered()])).events();
    let known = given([vec![registered()], first].concat());
    placed(order(), &known).happens(&[]);
    for other in [
        RecordActivity { occurred_at: Some(noon() - TimeDelta::hours(1)), ..order() },
        RecordActivity { amount_micros: Some(1), ..order() },
        RecordActivity { lines: vec![], amount_micros: Some(-15_300_000), ..order() },
        RecordActivity { status: Some("paid".to_owned()), ..order() },
    ] {
        placed(other, &known).happens(&["ActivityRetracted", "ActivityRecorded"]);
    }
    let other = RecordActivity { amount_micros: Some(1), ..order() };
    known.when(|state, context| record(state, other, None, context)).refused_with("RECORDED_DIFFERENTLY");
}
