//! Lists of customers: who becomes a member, when, why, and what is refused.

use std::collections::BTreeSet;

use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use crate::support::app::{Actor, TestApp, on_both_engines};

const CREATE: &str = "mutation($name: String!, $criteria: ListCriteriaInput, $key: String) { createList(name: $name, \
    criteria: $criteria, idempotencyKey: $key) { listId position repeated refusal { code message field } } }";
const UPDATE: &str = "mutation($id: ID!, $criteria: ListCriteriaInput, $name: String) { updateList(listId: $id, \
    criteria: $criteria, name: $name) { position refusal { code message field } } }";
const LIST: &str = "query($id: ID!, $at: Position) { list(id: $id, waitFor: $at) { name kind criteria ruleVersion isEvaluating \
    memberCount uses { name } usedBy { name } members { totalCount nodes { customerId cause customer { id } } } \
    changes { totalCount nodes { customerId entered cause } } } }";
const ADD: &str = "mutation($id: ID!, $customers: [ID!]!) { addListMembers(listId: $id, customerIds: $customers) \
    { position refusal { code message field } } }";
const REMOVE: &str = "mutation($id: ID!, $customers: [ID!]!) { removeListMembers(listId: $id, customerIds: $customers) \
    { position refusal { code message field } } }";
const EXPLAIN: &str = "query($id: ID!, $customer: ID!) { explainListMember(listId: $id, customerId: $customer) \
    { holds isMember criteria { path holds seen } } }";
const PREVIEW: &str = "query($criteria: ListCriteriaInput!, $at: DateTime) { previewList(criteria: $criteria, at: $at) \
    { preview { count isExact margin customerCount examples { id } } refusal { code field message } } }";
const ORDER: &str =
    "mutation($input: ActivityInput!) { recordActivity(input: $input) { position refusal { code message } } }";

async fn create(actor: &Actor, name: &str, criteria: Value) -> String {
    let made = actor.data(CREATE, json!({ "name": name, "criteria": criteria })).await["createList"].take();
    made["listId"].as_str().unwrap_or_else(|| panic!("{made:#}")).to_owned()
}

async fn refused(actor: &Actor, criteria: Value) -> (String, String) {
    let refusal =
        actor.data(CREATE, json!({ "name": "x", "criteria": criteria })).await["createList"]["refusal"].take();
    let text = |field: &str| refusal[field].as_str().unwrap_or_default().to_owned();
    (text("code"), text("field"))
}

async fn list(actor: &Actor, id: &str) -> Value {
    actor.data(LIST, json!({ "id": id })).await["list"].take()
}

fn members(list: &Value) -> BTreeSet<String> {
    let nodes = list["members"]["nodes"].as_array().cloned().unwrap_or_default();
    nodes.iter().filter_map(|member| member["customer"]["id"].as_str().map(str::to_owned)).collect()
}

/// Waits until a list has these members, by what the read tables show one after the other.
async fn until(app: &TestApp, actor: &Actor, id: &str, expected: &[&String]) -> Value {
    let expected: BTreeSet<String> = expected.iter().map(|id| (*id).clone()).collect();
    let mut applied = app.reads().applied();
    loop {
        applied.mark_unchanged();
        let list = list(actor, id).await;
        if list["isEvaluating"] == false && list["memberCount"] == expected.len() && members(&list) == expected {
            return list;
        }
        tokio::time::timeout(std::time::Duration::from_secs(60), applied.changed())
            .await
            .unwrap_or_else(|_| panic!("nothing changes any more; {expected:?} are expected: {list:#}"))
            .expect("the tables are open");
    }
}

/// An order of an amount in micros, some days ago.
async fn order(actor: &Actor, customer: &str, micros: i64, days_ago: i64) {
    let at = commlog::clock::Ambient::system().now() - chrono::TimeDelta::days(days_ago);
    let input = json!({
        "customerId": customer, "kind": "ORDER", "amountMicros": micros.to_string(), "currency": "EUR", "occurredAt": at,
        "title": "An order", "reference": format!("{customer}-{micros}-{days_ago}"),
        "lines": [{ "sku": "85123A", "quantityMilli": "1000", "unitPriceMicros": micros.to_string() }],
    });
    let made = actor.data(ORDER, json!({ "input": input })).await["recordActivity"].take();
    assert!(made["refusal"].is_null(), "{made:#}");
}

on_both_engines! {
    a_static_list_follows_merges_and_forgetting(app) {
        let admin = app.actor(Role::Admin).await;
        let (ada, bob, eve) = (admin.customer("Ada").await, admin.customer("Bob").await, admin.customer("Eve").await);
        let guests = create(&admin, "Guests", Value::Null).await;
        let added = admin.data(ADD, json!({ "id": guests, "customers": [ada, bob, eve, ada] })).await;
        assert!(added["addListMembers"]["refusal"].is_null(), "{added:#}");
        until(app, &admin, &guests, &[&ada, &bob, &eve]).await;
        admin.data(REMOVE, json!({ "id": guests, "customers": [bob] })).await;
        until(app, &admin, &guests, &[&ada, &eve]).await;
        // Bob stands for Ada from now on; Eve is forgotten.
        let merge = "mutation($from: ID!, $into: ID!) { mergeCustomers(input: { from: $from, into: $into }) \
            { refusal { code message } } }";
        let merged = admin.data(merge, json!({ "from": ada, "into": bob })).await;
        assert!(merged["mergeCustomers"]["refusal"].is_null(), "{merged:#}");
        until(app, &admin, &guests, &[&bob, &eve]).await;
        let forget = "mutation($id: ID!) { forgetCustomer(customerId: $id, reason: \"request\") { refusal { code } } }";
        admin.data(forget, json!({ "id": eve })).await;
        let left = until(app, &admin, &guests, &[&bob]).await;
        assert_eq!(left["changes"]["nodes"][0]["cause"], "CUSTOMER", "{left:#}");

        let gone = admin.data(ADD, json!({ "id": guests, "customers": [bob, eve] })).await["addListMembers"].take();
        assert_eq!((&gone["refusal"]["code"], &gone["refusal"]["field"]), (&json!("CUSTOMER_FORGOTTEN"), &json!("customerIds[1]")));
        let nobody = format!("Customer:{}", uuid::Uuid::from_u128(7));
        let unknown = admin.data(ADD, json!({ "id": guests, "customers": [nobody] })).await["addListMembers"].take();
        assert_eq!(unknown["refusal"]["code"], "CUSTOMER_UNKNOWN");
        let agent = app.actor(Role::Agent).await;
        assert_eq!(agent.error(ADD, json!({ "id": guests, "customers": [bob] })).await, "FORBIDDEN");
    }

    a_smart_list_follows_what_is_recorded(app) {
        let admin = app.actor(Role::Admin).await;
        let (ada, bob, eve) = (admin.customer("Ada").await, admin.customer("Bob").await, admin.customer("Eve").await);
        order(&admin, &ada, 700_000_000, 40).await;
        order(&admin, &ada, 300_000_000, 10).await;
        order(&admin, &bob, 999_990_000, 90).await;
        let rich = create(&admin, "Rich", json!({ "highValue": { "minRevenue": "1000" } })).await;
        let quiet = create(&admin, "Quiet", json!({ "noOrderInDays": { "days": 30 } })).await;
        let both = create(&admin, "Quiet or rich", json!({ "any": [{ "memberOf": { "listId": rich } }, { "memberOf": { "listId": quiet } }] })).await;
        until(app, &admin, &rich, &[&ada]).await;
        until(app, &admin, &quiet, &[&bob, &eve]).await;
        until(app, &admin, &both, &[&ada, &bob, &eve]).await;
        // One cent more, and an order of today.
        order(&admin, &bob, 10_000, 0).await;
        until(app, &admin, &rich, &[&ada, &bob]).await;
        let list = until(app, &admin, &quiet, &[&eve]).await;
        assert_eq!((&list["changes"]["nodes"][0]["entered"], &list["changes"]["nodes"][0]["cause"]), (&json!(false), &json!("EVENT")));
        until(app, &admin, &both, &[&ada, &bob, &eve]).await;

        let explained = admin.data(EXPLAIN, json!({ "id": rich, "customer": eve })).await["explainListMember"].take();
        assert_eq!((&explained["holds"], &explained["isMember"]), (&json!(false), &json!(false)), "{explained:#}");
        let explained = admin.data(EXPLAIN, json!({ "id": rich, "customer": ada })).await["explainListMember"].take();
        assert_eq!(explained["criteria"][0]["seen"], json!([{ "currency": "EUR", "amount": "1000.00" }]), "{explained:#}");
        assert_eq!(explained["criteria"][0]["path"], "criteria.highValue");
        let everybody = create(&admin, "Everybody", json!({ "bucket": { "from": 0, "to": 100 } })).await;
        until(app, &admin, &everybody, &[&ada, &bob, &eve]).await;
        let explained = admin.data(EXPLAIN, json!({ "id": everybody, "customer": ada })).await["explainListMember"].take();
        let criterion = json!([{ "path": "criteria.bucket", "holds": true, "seen": null }]);
        assert_eq!((&explained["holds"], &explained["criteria"]), (&json!(true), &criterion), "{explained:#}");

        // Other criteria: the members change when everybody was looked at.
        let changed = admin.data(UPDATE, json!({ "id": rich, "criteria": { "not": { "orders": { "atLeast": 2 } } } })).await;
        assert!(changed["updateList"]["refusal"].is_null(), "{changed:#}");
        let list = until(app, &admin, &rich, &[&eve]).await;
        assert_eq!(list["ruleVersion"], 2);
        until(app, &admin, &both, &[&eve]).await;

        let cycle = admin.data(UPDATE, json!({ "id": rich, "criteria": { "memberOf": { "listId": both } } })).await;
        assert_eq!(cycle["updateList"]["refusal"]["code"], "LIST_CYCLE");
        let delete = "mutation($id: ID!) { deleteList(listId: $id) { position refusal { code message } } }";
        let used = admin.data(delete, json!({ "id": rich })).await["deleteList"].take();
        assert_eq!(used["refusal"]["code"], "LIST_IN_USE");
        assert!(used["refusal"]["message"].as_str().is_some_and(|text| text.contains("Quiet or rich")), "{used:#}");
        let gone = admin.data(delete, json!({ "id": both })).await["deleteList"].take();
        let found = admin.data(LIST, json!({ "id": both, "at": gone["position"] })).await;
        assert!(found["list"].is_null(), "{found:#}");
    }

    fields_are_compared_as_people_expect(app) {
        let admin = app.actor(Role::Admin).await;
        let register = "mutation($input: CustomerInput!) { registerCustomer(input: $input) { customer { id } position \
            refusal { code message field } } }";
        let mut ids = Vec::new();
        for attributes in [
            json!({ "city": "Österreich-Ring", "plan": 2557, "vip": true, "a.b": "x", "$x": "y", "[0]": "z", "born": "1980-02-29" }),
            json!({ "city": "50% off_", "plan": "2557", "vip": "true", "plan2": 12.5, "born": "1999-12-24" }),
            json!({ "plan": "12 apples", "vip": false }),
        ] {
            let made = admin.data(register, json!({ "input": { "name": "N", "attributes": attributes } })).await;
            ids.push(made["registerCustomer"]["customer"]["id"].as_str().unwrap_or_else(|| panic!("{made:#}")).to_owned());
        }
        for (criteria, expected) in [
            (json!({ "field": { "name": "city", "contains": "öSTERR" } }), vec![0]),
            (json!({ "field": { "name": "city", "contains": "ÖSTERREICH-RING" } }), vec![0]),
            (json!({ "field": { "name": "city", "contains": "%" } }), vec![1]),
            (json!({ "field": { "name": "city", "contains": "F_" } }), vec![1]),
            (json!({ "not": { "field": { "name": "city", "contains": "ring" } } }), vec![1, 2]),
            (json!({ "custom": { "plan": 2557 } }), vec![0, 1]),
            (json!({ "custom": { "plan": "2557" } }), vec![0, 1]),
            (json!({ "field": { "name": "plan", "min": 1 } }), vec![0, 1]),
            (json!({ "field": { "name": "plan2", "min": 12.5, "max": 12.5 } }), vec![1]),
            (json!({ "custom": { "vip": true } }), vec![0, 1]),
            (json!({ "not": { "custom": { "vip": [true, "x"] } } }), vec![2]),
            (json!({ "custom": { "a.b": "x" } }), vec![0]),
            (json!({ "custom": { "$x": "y" } }), vec![0]),
            (json!({ "custom": { "[0]": "z" } }), vec![0]),
            (json!({ "custom": { "x'); DROP TABLE customers; --": "z" } }), vec![]),
            (json!({ "field": { "name": "city", "exists": false } }), vec![2]),
            (json!({ "field": { "name": "city", "in": ["50% off_", "nowhere"] } }), vec![1]),
        ] {
            let found = admin.data(PREVIEW, json!({ "criteria": criteria })).await["previewList"].take();
            let examples = found["preview"]["examples"].as_array().cloned().unwrap_or_default();
            let found: BTreeSet<_> = examples.iter().filter_map(|customer| customer["id"].as_str()).collect();
            let expected: BTreeSet<_> = expected.into_iter().map(|index: usize| ids[index].as_str()).collect();
            assert_eq!(found, expected, "{criteria}");
        }
        let quoted = refused(&admin, json!({ "custom": { "a\"b": 1 } })).await;
        assert_eq!(quoted, ("INVALID_INPUT".to_owned(), "criteria.custom.a\"b".to_owned()));
    }

    criteria_are_refused_with_the_path_of_the_mistake(app) {
        let (admin, analyst) = (app.actor(Role::Admin).await, app.actor_of(app.tenant, Role::Analyst, Some(false)).await);
        for (criteria, code, field) in [
            (json!({ "all": [{ "hasEmail": true }, { "noOrderInDays": { "days": 0 } }] }), "INVALID_INPUT", "criteria.all[1].noOrderInDays.days"),
            (json!({ "all": [{ "hasEmail": true }, { "hasEmail": false }] }), "INVALID_INPUT", "criteria.all[1]"),
            (json!({ "memberOf": { "listId": uuid::Uuid::from_u128(9).to_string() } }), "LIST_UNKNOWN", "criteria"),
            (json!({ "highValue": { "minRevenue": "lots" } }), "INVALID_INPUT", "criteria.highValue.minRevenue"),
            (json!({ "field": { "name": "name", "contains": "a" } }), "INVALID_INPUT", "criteria.field.name"),
        ] {
            assert_eq!(refused(&admin, criteria.clone()).await, (code.to_owned(), field.to_owned()), "{criteria}");
        }
        let own = json!({ "criteria": { "custom": { "city": "Graz" } } });
        assert_eq!(analyst.error(PREVIEW, own.clone()).await, "PERSONAL_DATA_REFUSED");
        let counted = admin.data(PREVIEW, own).await["previewList"]["preview"].take();
        assert_eq!((&counted["count"], &counted["isExact"]), (&json!(0), &json!(true)));
        let made = json!({ "name": "Once", "criteria": { "hasEmail": true }, "key": "k" });
        let (first, second) = (admin.data(CREATE, made.clone()).await, admin.data(CREATE, made).await);
        assert_eq!(first["createList"]["listId"], second["createList"]["listId"]);
        assert_eq!(second["createList"]["repeated"], true);
    }
}
