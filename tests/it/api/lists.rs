//! Lists of what all customers have: messages and campaigns.

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
}
