use serde_json::{Value, json};

use super::criteria::{Criterion, Source, read};
use super::decide::{ChangeMembers, CreateList, DeleteList, UpdateList, change_members, create, delete, update};
use super::event::ListEvent;
use super::state::List;
use crate::domain::decision::{Context, Decision, Meta, Policy};
use crate::domain::refusal::Refusal;
use crate::domain::scenario::{ADA, noon, with_context};
use crate::ids::{EventId, ListId};

const QUIET: ListId = ListId(uuid::Uuid::from_u128(0x11));

fn refused(criteria: &Value) -> (String, String) {
    let refusal = read(criteria).expect_err("is refused");
    assert_eq!(refusal.code, "INVALID_INPUT");
    (refusal.field.unwrap_or_default(), refusal.message)
}

#[test]
fn named_shapes_are_read_as_given_in_both_spellings() {
    for (given, written) in [
        (json!({"all_in_territory": {"territory": "West"}}), json!({"allInTerritory": {"territory": "West"}})),
        (json!({"high_value": {"min_revenue": 1000}}), json!({"highValue": {"minRevenue": "1000.00"}})),
        (
            json!({"high_value": {"minRevenue": "99.5", "currency": "GBP"}}),
            json!({"highValue": {"minRevenue": "99.50", "currency": "GBP"}}),
        ),
        (json!({"ordered_product": {"skuId": "85123A"}}), json!({"orderedProduct": {"skuId": "85123A"}})),
        (json!({"no_order_in_days": {"days": 30}}), json!({"noOrderInDays": {"days": 30}})),
        (
            json!({"custom": {"accountPriority": "A", "accountType": ["retail", "wholesale"], "vip": true, "score": 1.5}}),
            json!({"custom": {"accountPriority": "A", "accountType": ["retail", "wholesale"], "score": 1.5, "vip": true}}),
        ),
        (
            json!({"consent": {"channel": "EMAIL", "state": "OPTED_IN", "topic": null}}),
            json!({"consent": {"channel": "email", "state": "opted_in"}}),
        ),
        (
            json!({"engagement": {"kind": "clicked", "atLeast": 2, "withinDays": 7}}),
            json!({"engagement": {"kind": "clicked", "atLeast": 2, "withinDays": 7}}),
        ),
        (json!({"industry": {"in": ["wine"]}}), json!({"industry": {"in": ["wine"]}})),
        (json!({"hasEmail": true}), json!({"hasEmail": true})),
    ] {
        assert_eq!(read(&given).map(|criteria| criteria.to_json()), Ok(written), "{given}");
    }
}

#[test]
fn a_mistake_is_named_with_its_path() {
    for (given, path, said) in [
        (json!({"nobody": {}}), "criteria", "unknown variant `nobody`"),
        (
            json!({"all": [{"hasEmail": true}, {"leadScore": {"min": "x"}}]}),
            "criteria.all[1].leadScore.min",
            "invalid type: string",
        ),
        (
            json!({"all": [{"noOrderInDays": {"days": 30, "day": 1}}]}),
            "criteria.all[0].noOrderInDays.day",
            "unknown field `day`",
        ),
        (json!({"noOrderInDays": {"days": 0}}), "criteria.noOrderInDays.days", "from 1 to 3650"),
        (json!({"noOrderInDays": {"days": 4000}}), "criteria.noOrderInDays.days", "from 1 to 3650"),
        (json!({"highValue": {"minRevenue": "1,000"}}), "criteria.highValue.minRevenue", "decimal number"),
        (json!({"highValue": {"minRevenue": 1, "currency": "euro"}}), "criteria.highValue.currency", ""),
        (json!({"leadScore": {"min": 5, "max": 4}}), "criteria.leadScore.max", "less than min"),
        (json!({"leadScore": {}}), "criteria.leadScore", "must have min or max"),
        (json!({"all": []}), "criteria.all", "one criterion at least"),
        (json!({"not": {"any": []}}), "criteria.not.any", "one criterion at least"),
        (json!({"field": {"name": "city"}}), "criteria.field", "must have one of"),
        (json!({"field": {"name": "city", "equals": "X", "exists": true}}), "criteria.field", "only one test"),
        (json!({"field": {"name": "name", "equals": "Ada"}}), "criteria.field.name", "identifies a person"),
        (json!({"custom": {}}), "criteria.custom", "one field at least"),
        (json!({"custom": {"email": "a@b.c"}}), "criteria.custom.email", "identifies a person"),
        (json!({"bucket": {"from": 10, "to": 10}}), "criteria.bucket.to", "100"),
        (json!({"memberOf": {"listId": "mine"}}), "criteria.memberOf.listId", "id of a list"),
        (json!({"tags": {"allOf": ["a"], "noneOf": ["a"]}}), "criteria.tags.noneOf", "allOf requires"),
        (json!({"all": [{"hasEmail": true}, {"hasEmail": false}]}), "criteria.all[1]", "nobody can meet both"),
        (json!({"all": [{"hasPhone": true}, {"not": {"hasPhone": true}}]}), "criteria.all[1]", "nobody can meet both"),
        (
            json!({"all": [{"allInTerritory": {"territory": "a"}}, {"allInTerritory": {"territory": "b"}}]}),
            "criteria.all[1]",
            "nobody can meet both",
        ),
        (json!([1]), "criteria", ""),
        (json!("all"), "criteria.all", ""),
    ] {
        let (field, message) = refused(&given);
        assert_eq!(field, path, "{given}: {message}");
        assert!(message.contains(said), "{given}: {message}");
    }
}

#[test]
fn nesting_and_number_are_bounded() {
    let nested = |depth: usize| (0..depth).fold(json!({"hasEmail": true}), |inner, _| json!({ "not": inner }));
    assert!(read(&nested(7)).is_ok());
    assert!(refused(&nested(8)).1.contains("deeper than 8"));
    assert!(refused(&nested(100)).1.contains("deeper than 8"));
    let many = |count: usize| json!({ "any": (0..count).map(|days| json!({"noOrderInDays": {"days": days + 1}})).collect::<Vec<_>>() });
    assert!(read(&many(50)).is_ok());
    assert!(refused(&many(51)).1.contains("at most 50"));
}

#[test]
fn criteria_say_what_they_are_answered_from() {
    let criteria = read(&json!({"any": [
        {"not": {"memberOf": {"listId": "00000000-0000-0000-0000-000000000011"}}},
        {"highValue": {"minRevenue": 1}},
        {"custom": {"city": "Graz"}},
    ]}))
    .expect("is read");
    let expected = [Source::Customer, Source::Profile, Source::Activities, Source::Members(QUIET)];
    assert_eq!(criteria.sources().into_iter().collect::<Vec<_>>(), expected);
    assert!(criteria.reads_personal());
    assert_eq!(criteria.lists(), [QUIET]);
    assert!(!read(&json!({"custom": {"accountType": "retail"}})).expect("is read").reads_personal());
}

fn happen(
    state: &mut List,
    decide: impl FnOnce(&List, &Context<'_>) -> Decision<ListEvent>,
) -> Result<Vec<&'static str>, Refusal> {
    let events = with_context(&Policy::default(), |context| decide(state, context))?;
    for decided in &events {
        state.apply(&decided.event, Meta { id: EventId(uuid::Uuid::nil()), version: 1, occurred_at: noon() });
    }
    Ok(events.into_iter().map(|decided| decided.event.encode().event_type).collect())
}

fn criteria(json: &Value) -> Option<Criterion> {
    Some(read(json).expect("is read"))
}

#[test]
fn criteria_that_change_have_another_version_and_the_same_ones_change_nothing() {
    let mut list = List::default();
    let smart = CreateList { list_id: QUIET, name: "Quiet".to_owned(), criteria: criteria(&json!({"hasEmail": true})) };
    assert_eq!(happen(&mut list, |state, context| create(state, smart.clone(), context)), Ok(vec!["ListCreated"]));
    let taken = happen(&mut list, |state, context| create(state, smart, context)).expect_err("is refused");
    assert_eq!(taken.code, "LIST_EXISTS");
    let change = |json: &Value| UpdateList { name: None, criteria: criteria(json) };
    let same = change(&json!({"hasEmail": true}));
    assert_eq!(happen(&mut list, |state, context| update(state, same, context)), Ok(vec![]));
    let other = change(&json!({"hasPhone": true}));
    assert_eq!(happen(&mut list, |state, context| update(state, other, context)), Ok(vec!["ListCriteriaChanged"]));
    assert_eq!(list.current.as_ref().map(|list| list.rule_version), Some(2));
    let by_hand = ChangeMembers { enter: true, members: vec![ADA] };
    let smart =
        with_context(&Policy::default(), |context| change_members(&list, by_hand, context)).expect_err("is refused");
    assert_eq!(smart.code, "LIST_IS_SMART");
}

#[test]
fn a_list_that_others_ask_for_stays() {
    let mut list = List::default();
    let guests = CreateList { list_id: QUIET, name: "Guests".to_owned(), criteria: None };
    happen(&mut list, |state, context| create(state, guests, context)).expect("is made");
    let used = DeleteList { used_by: vec!["Quiet".to_owned()] };
    let refusal = happen(&mut list, |state, context| delete(state, &used, context)).expect_err("is refused");
    assert_eq!((refusal.code, refusal.message.contains("Quiet")), ("LIST_IN_USE", true));
    let unused = DeleteList { used_by: vec![] };
    assert_eq!(happen(&mut list, |state, context| delete(state, &unused, context)), Ok(vec!["ListDeleted"]));
    let gone = happen(&mut list, |state, context| delete(state, &unused, context)).expect_err("is refused");
    assert_eq!(gone.code, "LIST_UNKNOWN");
}
