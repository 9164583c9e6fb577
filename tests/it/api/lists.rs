//! Lists of customers, and of what all of them have: messages and campaigns.

use chrono::{DateTime, TimeDelta, Utc};
use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use crate::support::app::{Actor, on_both_engines};

const CAMPAIGN: &str = "Campaign:00000000-0000-7000-8000-00000000000a";

/// Sends a campaign's mail to a customer who opted out; the position.
async fn sends(actor: &Actor, customer: &str) -> Value {
    let out = "mutation($id: ID!) { setConsent(input: { customerId: $id, channel: EMAIL, topic: \"news\", \
        state: OPTED_OUT, method: \"phone\" }) { refusal { message } } }";
    actor.data(out, json!({ "id": customer })).await;
    let mutation =
        "mutation($input: SendMessageInput!) { sendMessage(input: $input) { messageId position refusal { message } } }";
    let input = json!({ "customerId": customer, "channel": "EMAIL", "class": "MARKETING", "topic": "news", "body": "Hello",
        "campaignId": CAMPAIGN });
    let mut data = actor.data(mutation, json!({ "input": input })).await;
    assert!(data["sendMessage"]["refusal"].is_null(), "{data:#}");
    data["sendMessage"]["position"].take()
}

on_both_engines! {
    customers_are_ordered_by_name_contact_and_revenue(app) {
        let admin = app.actor(Role::Admin).await;
        for name in ["zoe", "Émile", "ann"] {
            admin.customer(name).await;
        }
        let by_name = "query($order: CustomerOrder!, $after: String) { customers(orderBy: $order, first: 2, after: $after) \
            { totalCount totalCountIsExact nodes { name } pageInfo { hasNextPage endCursor } } }";
        let first = admin.data(by_name, json!({ "order": "NAME_ASCENDING" })).await["customers"].take();
        assert_eq!(first["nodes"], json!([{ "name": "ann" }, { "name": "Émile" }]));
        assert_eq!((&first["totalCount"], &first["totalCountIsExact"]), (&json!(3), &json!(true)));
        let after = json!({ "order": "NAME_ASCENDING", "after": first["pageInfo"]["endCursor"] });
        let rest = admin.data(by_name, after).await["customers"].take();
        assert_eq!((&rest["nodes"], &rest["pageInfo"]["hasNextPage"]), (&json!([{ "name": "zoe" }]), &json!(false)));
        // A page of one order is no place in another; nobody was written to, and nothing was bought.
        let other = json!({ "order": "LAST_CONTACT_NEWEST", "after": first["pageInfo"]["endCursor"] });
        assert_eq!(admin.error(by_name, other).await, "BAD_ARGUMENT");
        let none = admin.data(by_name, json!({ "order": "LAST_CONTACT_OLDEST" })).await["customers"].take();
        assert_eq!((&none["nodes"], &none["totalCount"]), (&json!([]), &json!(0)));
        for wrong in [
            "{ customers(orderBy: REVENUE_HIGHEST) { nodes { id } } }",
            "{ customers(orderBy: REVENUE_HIGHEST, revenueCurrency: \"euro\") { nodes { id } } }",
            "{ customers(orderBy: NAME_ASCENDING, revenueCurrency: \"EUR\") { nodes { id } } }",
            "{ customers(orderBy: NAME_ASCENDING, filter: { includeForgotten: true }) { nodes { id } } }",
        ] {
            assert_eq!(admin.error(wrong, json!({})).await, "BAD_ARGUMENT", "{wrong}");
        }
        let blind = app.actor(Role::Auditor).await;
        assert_eq!(blind.error(by_name, json!({ "order": "NAME_ASCENDING" })).await, "PERSONAL_DATA_REFUSED");
    }

    who_did_not_get_a_campaign_and_why_is_one_query(app) {
        let admin = app.actor(Role::Admin).await;
        let (ann, ben) = (admin.customer("Ann Example").await, admin.customer("Ben Example").await);
        sends(&admin, &ann).await;
        let at = sends(&admin, &ben).await;
        let query = "query($filter: MessageFilterInput, $order: MessageOrder, $at: Position, $after: String) { \
            messages(filter: $filter, orderBy: $order, first: 1, after: $after, waitFor: $at) { totalCount totalCountIsExact \
            pageInfo { hasNextPage endCursor } nodes { state customer { name } decisions { rule } } } }";
        let filter = json!({ "campaignId": CAMPAIGN, "states": ["SUPPRESSED"], "reason": "consent" });
        let first = admin.data(query, json!({ "filter": filter, "at": at, "order": "OLDEST_FIRST" })).await["messages"].take();
        assert_eq!((&first["totalCount"], &first["totalCountIsExact"]), (&json!(2), &json!(true)));
        let node = json!({ "state": "SUPPRESSED", "customer": { "name": "Ann Example" }, "decisions": [{ "rule": "consent" }] });
        assert_eq!(first["nodes"][0], node);
        let after = &first["pageInfo"]["endCursor"];
        let next = admin.data(query, json!({ "filter": filter, "after": after, "order": "OLDEST_FIRST" })).await["messages"].take();
        assert_eq!((&next["nodes"][0]["customer"]["name"], &next["pageInfo"]["hasNextPage"]), (&json!("Ben Example"), &json!(false)));
        let analyst = app.actor(Role::Analyst).await;
        let texts = "{ messages { nodes { body to subject state } } }";
        let seen = analyst.data(texts, json!({})).await["messages"]["nodes"][0].take();
        assert_eq!(seen, json!({ "body": null, "to": null, "subject": null, "state": "SUPPRESSED" }));
        assert_eq!(app.actor(Role::Ingest).await.error(texts, json!({})).await, "FORBIDDEN");
        let stranger = app.actor_of(app.other_tenant().await, Role::Admin, None).await;
        assert_eq!(stranger.data("{ messages { totalCount } campaigns { totalCount } }", json!({})).await,
            json!({ "messages": { "totalCount": 0 }, "campaigns": { "totalCount": 0 } }));
    }

    campaigns_are_listed_with_their_figures(app) {
        let admin = app.actor(Role::Admin).await;
        let ann = admin.customer("Ann Example").await;
        let at = sends(&admin, &ann).await;
        let query = "query($at: Position) { campaigns(waitFor: $at) { totalCount nodes { campaignId \
            metrics { campaignId totals { channel queued suppressed } costs { segments } } } } }";
        let campaigns = admin.data(query, json!({ "at": at })).await["campaigns"].take();
        let totals = json!([{ "channel": "EMAIL", "queued": 1, "suppressed": 1 }]);
        let expected = json!({ "campaignId": CAMPAIGN, "metrics": { "campaignId": CAMPAIGN, "totals": totals, "costs": [] } });
        assert_eq!((&campaigns["totalCount"], &campaigns["nodes"]), (&json!(1), &json!([expected])));
    }
    a_list_grows_by_the_days_of_the_zone_that_is_asked_for(app) {
        let admin = app.actor(Role::Admin).await;
        let customer = admin.customer("Ann Example").await;
        let made = admin.data("mutation { createList(name: \"Tasting\") { list { id } } }", json!({})).await;
        let list = &made["createList"]["list"]["id"];
        let add = "mutation($list: ID!, $ids: [ID!]!) { addListMembers(listId: $list, customerIds: $ids) { list { id } refusal { code } } }";
        let added = admin.data(add, json!({ "list": list, "ids": [customer] })).await;
        assert!(added["addListMembers"]["refusal"].is_null(), "{added:#}");
        let query = "query($id: ID!) { list(id: $id) { changes { nodes { changedAt } } utc: growth { day entered left } \
            line: growth(timeZone: \"Pacific/Kiritimati\") { day entered left } } }";
        let grown = admin.data(query, json!({ "id": list })).await["list"].take();
        let at = grown["changes"]["nodes"][0]["changedAt"].as_str().and_then(|at| at.parse().ok());
        let at: DateTime<Utc> = at.expect("a moment");
        let day = |at: DateTime<Utc>| json!([{ "day": at.format("%Y-%m-%d").to_string(), "entered": 1, "left": 0 }]);
        assert_eq!((&grown["utc"], &grown["line"]), (&day(at), &day(at + TimeDelta::hours(14))));
        let remove = add.replace("addListMembers", "removeListMembers");
        for change in [remove.as_str(), add] {
            admin.data(change, json!({ "list": list, "ids": [customer] })).await;
        }
        let grown = admin.data("query($id: ID!) { list(id: $id) { growth { entered left } } }", json!({ "id": list })).await;
        let days = grown["list"]["growth"].as_array().expect("days");
        let sum = |of: &str| days.iter().filter_map(|day| day[of].as_u64()).sum::<u64>();
        assert_eq!((sum("entered"), sum("left")), (2, 1), "{grown:#}");
        let wrong = "query($id: ID!) { list(id: $id) { growth(timeZone: \"Mars/Olympus\") { day } } }";
        assert_eq!(admin.error(wrong, json!({ "id": list })).await, "BAD_ARGUMENT");
    }
}
