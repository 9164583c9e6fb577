//! What can be proved: consent with its evidence, suppressions with their history, opens and clicks judged again.

use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use crate::support::app::on_both_engines;

on_both_engines! {
    consent_history_shows_its_evidence_to_those_who_may_see_it(app) {
        let admin = app.actor(Role::Admin).await;
        let id = admin.customer("Ida Example").await;
        let set = "mutation($input: ConsentInput!) { setConsent(input: $input) { position refusal { message } } }";
        let agreed = json!({ "customerId": id, "channel": "EMAIL", "topic": "news", "state": "OPTED_IN",
            "method": "form", "wording": "Yes, send me news", "ip": "192.0.2.9", "userAgent": "Browser/1" });
        admin.data(set, json!({ "input": agreed })).await;
        let withdrawn = json!({ "customerId": id, "channel": "EMAIL", "topic": "news", "state": "OPTED_OUT",
            "method": "operator" });
        let at = admin.data(set, json!({ "input": withdrawn })).await["setConsent"]["position"].take();
        let query = "query($id: ID!, $at: Position) { customer(id: $id, waitFor: $at) { consentHistory(channel: EMAIL) \
            { totalCount nodes { state source method author { kind name } occurredAt recordedAt wording ip userAgent } } } }";
        let variables = json!({ "id": id, "at": at });
        let history = admin.data(query, variables.clone()).await["customer"]["consentHistory"].take();
        assert_eq!((&history["totalCount"], &history["nodes"][0]["state"]), (&json!(2), &json!("OPTED_OUT")));
        let evidence = &history["nodes"][1];
        let told = ["state", "method", "wording", "ip", "userAgent"].map(|name| evidence[name].as_str().unwrap());
        assert_eq!(told, ["OPTED_IN", "form", "Yes, send me news", "192.0.2.9", "Browser/1"]);
        assert_eq!(evidence["author"], json!({ "kind": "KEY", "name": "test" }));

        let analyst = app.actor_of(app.tenant, Role::Analyst, Some(false)).await;
        let seen = analyst.data(query, variables).await["customer"]["consentHistory"]["nodes"][1].take();
        assert_eq!((&seen["state"], &seen["method"]), (&json!("OPTED_IN"), &json!("form")));
        assert_eq!([&seen["wording"], &seen["ip"], &seen["userAgent"]], [&Value::Null; 3]);
    }

    a_suppression_tells_who_lifted_it_and_why(app) {
        let admin = app.actor(Role::Admin).await;
        let address = json!({ "text": { "kind": "EMAIL", "address": "jo@example.com" } });
        let suppress = "mutation($address: AddressRefInput!) { suppressAddress(address: $address, reason: MANUAL) \
            { refusal { message } } }";
        let lift = "mutation($address: AddressRefInput!) { liftSuppression(address: $address, reason: MANUAL, \
            note: \"a mistake\") { position refusal { message } } }";
        admin.data(suppress, json!({ "address": address })).await;
        let lifted = admin.data(lift, json!({ "address": address })).await["liftSuppression"].take();
        assert!(lifted["refusal"].is_null(), "{lifted}");
        let query = "query($at: Position) { suppressions(filter: { includeLifted: true }, waitFor: $at) { nodes \
            { active note liftedBy { actor } history { suppressed source note author { actor } occurredAt } } } }";
        let nodes = admin.data(query, json!({ "at": lifted["position"] })).await["suppressions"]["nodes"].take();
        let (row, history) = (&nodes[0], &nodes[0]["history"]);
        assert_eq!((&row["active"], &row["note"]), (&json!(false), &json!("a mistake")));
        assert_eq!(row["liftedBy"], history[1]["author"]);
        assert_eq!((&history[0]["suppressed"], &history[0]["source"]), (&json!(true), &json!("API")));
        assert_eq!((&history[1]["suppressed"], &history[1]["note"]), (&json!(false), &json!("a mistake")));
        assert_eq!(history.as_array().unwrap().len(), 2);
    }

    opens_and_clicks_are_judged_again_by_administrators_and_within_a_scope(app) {
        let admin = app.actor(Role::Admin).await;
        let id = admin.customer("Kim Example").await;
        let reclass = "mutation($input: ReclassEngagementInput!) { reclassEngagement(input: $input) \
            { rule judged corrected erased customers next position refusal { code field } } }";
        let done = admin.data(reclass, json!({ "input": { "customerId": id } })).await["reclassEngagement"].take();
        assert_eq!((&done["rule"], &done["judged"], &done["corrected"]), (&json!("engagement/1"), &json!(0), &json!(0)));
        assert_eq!((&done["customers"], &done["next"]), (&json!(1), &Value::Null));
        let refused = admin.data(reclass, json!({ "input": {} })).await["reclassEngagement"]["refusal"].take();
        assert_eq!(refused["code"], "SCOPE_MISSING");
        let message = json!({ "messageId": "Message:01920000-0000-7000-8000-00000000c0de" });
        let refused = admin.data(reclass, json!({ "input": message })).await["reclassEngagement"]["refusal"].take();
        assert_eq!(refused["field"], "customerId");
        let agent = app.actor(Role::Agent).await;
        assert_eq!(agent.error(reclass, json!({ "input": { "customerId": id } })).await, "FORBIDDEN");
    }
}
