//! How SQLite finds the rows of given persons. It keeps no statistics, and takes an index by time for a good one.

use uuid::Uuid;

use super::compile::{Compiler, Moment, Scope};
use super::*;
use crate::domain::list::criteria;
use crate::projections::{Registry, Scratch};
use crate::sql::Engine;

row! {
    struct Step {
        detail: String,
    }
}

#[tokio::test]
async fn the_rows_of_given_persons_are_found_by_the_person() {
    let tables = Scratch::in_memory(&Registry::builtin().unwrap()).await.unwrap();
    let now = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
    let moments = [true, false].map(|past| Moment { now, today: now.date_naive(), past });
    let criteria = [
        r#"{"noOrderInDays": {"days": 30, "orderedBefore": true}}"#,
        r#"{"orderedProduct": {"skuId": "A", "withinDays": 30}}"#,
        r#"{"orders": {"atLeast": 2, "withinDays": 365}}"#,
        r#"{"orders": {"atMost": 0}}"#,
        r#"{"activity": {"kind": "custom", "name": "visit", "withinDays": 1}}"#,
        r#"{"revenue": {"min": "1", "currency": "EUR", "withinDays": 30}}"#,
        r#"{"highValue": {"minRevenue": "1", "currency": "EUR"}}"#,
        r#"{"engagement": {"kind": "opened", "atLeast": 2, "withinDays": 30}}"#,
        r#"{"engagement": {"kind": "clicked", "atMost": 0}}"#,
        r#"{"engagement": {"kind": "replied", "channel": "sms"}}"#,
        r#"{"contact": {"direction": "inbound", "withinDays": 7}}"#,
        r#"{"consent": {"channel": "email", "topic": "news", "state": "opted_in"}}"#,
    ];
    let persons = [(Uuid::from_u128(1), Uuid::from_u128(1)), (Uuid::from_u128(2), Uuid::from_u128(3))];
    for (text, moment) in criteria.iter().flat_map(|text| moments.iter().map(move |moment| (text, moment))) {
        let criteria = criteria::read(&serde_json::from_str(text).unwrap()).unwrap();
        let compiler = || Compiler::new(Engine::Sqlite, TenantId(Uuid::from_u128(7)), moment, Scope::Of(&persons));
        for select in std::iter::once(compiler().select("c.customer_id", &criteria)).chain(compiler().seen(&criteria)) {
            let steps: Vec<Step> =
                select.wrapped("EXPLAIN QUERY PLAN ", "").all(tables.db(), READING).await.expect("a plan");
            let of_rows = |step: &&String| step.contains(" t USING") || step.contains(" a USING");
            let rows: Vec<_> = steps.iter().map(|step| &step.detail).filter(of_rows).collect();
            assert!(!rows.is_empty(), "{text}: no step over rows");
            assert!(rows.iter().all(|step| step.contains("customer_id=?")), "{text}: {rows:#?}");
        }
    }
}

/// All customers of a territory were read for each piece of persons that a list looked at.
#[tokio::test]
async fn given_persons_are_found_by_their_ids_whatever_index_the_criteria_have() {
    let tables = Scratch::in_memory(&Registry::builtin().unwrap()).await.unwrap();
    let now = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
    let moment = Moment { now, today: now.date_naive(), past: false };
    let criteria = [
        r#"{"allInTerritory": {"territory": "north"}}"#,
        r#"{"industry": {"in": ["wine", "food"]}}"#,
        r#"{"leadScore": {"min": 90}}"#,
        r#"{"field": {"name": "owner", "equals": "mara"}}"#,
        r#"{"field": {"name": "locale", "equals": "de"}}"#,
        r#"{"field": {"name": "accountType", "in": ["a", "b"]}}"#,
        r#"{"all": [{"allInTerritory": {"territory": "north"}}, {"any": [{"orderedProduct": {"skuId": "A"}}, {"hasEmail": true}]}]}"#,
    ];
    let persons = [(Uuid::from_u128(1), Uuid::from_u128(1)), (Uuid::from_u128(2), Uuid::from_u128(3))];
    for text in criteria {
        let criteria = criteria::read(&serde_json::from_str(text).unwrap()).unwrap();
        let compiler = Compiler::new(Engine::Sqlite, TenantId(Uuid::from_u128(7)), &moment, Scope::Of(&persons));
        let select = compiler.select("c.customer_id", &criteria);
        let steps: Vec<Step> =
            select.wrapped("EXPLAIN QUERY PLAN ", "").all(tables.db(), READING).await.expect("a plan");
        let customers: Vec<_> = steps.iter().map(|step| &step.detail).filter(|step| step.contains(" c ")).collect();
        assert!(!customers.is_empty(), "{text}");
        assert!(customers.iter().all(|step| step.contains("customer_id=?")), "{text}: {customers:#?}");
    }
}

#[tokio::test]
async fn no_set_of_customers_is_walked_for_each_customer() {
    let tables = Scratch::in_memory(&Registry::builtin().unwrap()).await.unwrap();
    let now = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
    let moment = Moment { now, today: now.date_naive(), past: false };
    let criteria = [
        r#"{"all": [{"noOrderInDays": {"days": 30}}, {"consent": {"channel": "email", "state": "opted_in"}}]}"#,
        r#"{"any": [{"orderedProduct": {"skuId": "A"}}, {"noOrderInDays": {"days": 120}}]}"#,
        r#"{"not": {"any": [{"engagement": {"kind": "opened", "atLeast": 2}}, {"tags": {"anyOf": ["a", "b"]}}]}}"#,
        r#"{"all": [{"highValue": {"minRevenue": "1", "currency": "EUR"}}, {"tags": {"noneOf": ["a"]}}]}"#,
    ];
    for text in criteria {
        let criteria = criteria::read(&serde_json::from_str(text).unwrap()).unwrap();
        for after in [None, Some(CustomerId(Uuid::from_u128(1)))] {
            let scope = Scope::Range(Range { after, until: after.map(|_| CustomerId(Uuid::from_u128(9))) });
            let compiler = Compiler::new(Engine::Sqlite, TenantId(Uuid::from_u128(7)), &moment, scope);
            let select = compiler.select("c.customer_id", &criteria);
            let steps: Vec<Step> =
                select.wrapped("EXPLAIN QUERY PLAN ", "").all(tables.db(), READING).await.expect("a plan");
            let walked: Vec<_> =
                steps.iter().map(|step| &step.detail).filter(|step| step.starts_with("SCAN k")).collect();
            assert!(walked.is_empty(), "{text}: {walked:#?}");
        }
    }
}

#[tokio::test]
async fn the_lists_of_given_customers_are_found_by_the_customer() {
    let tables = Scratch::in_memory(&Registry::builtin().unwrap()).await.unwrap();
    let customers = [1, 2].map(|id| CustomerId(Uuid::from_u128(id)));
    let select = of_members(TenantId(Uuid::from_u128(7)), &customers);
    let steps: Vec<Step> = select.wrapped("EXPLAIN QUERY PLAN ", "").all(tables.db(), READING).await.expect("a plan");
    assert!(steps.iter().any(|step| step.detail.contains("list_members_of_customer")), "{:?}", steps[0].detail);
}
