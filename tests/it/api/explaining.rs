//! What would become of a message, before it is sent: by the same decision, and without a trace.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use crate::support::app::{Actor, on_both_engines};

const EXPLAIN: &str = "query($input: SendMessageInput!) { explainSend(input: $input) { decision rule heldUntil to addressId segments \
    refusal { code field } rules { rule outcome notAskedBecause until inputs } } }";
const SEND: &str = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { decision rule heldUntil refusal { code field } } }";

async fn explained(actor: &Actor, input: &Value) -> Value {
    actor.data(EXPLAIN, json!({ "input": input })).await["explainSend"].take()
}

/// What each rule says, by its name.
fn outcomes(explained: &Value) -> BTreeMap<&str, &str> {
    let rules = explained["rules"].as_array().expect("rules").iter();
    rules.map(|one| (one["rule"].as_str().expect("a name"), one["outcome"].as_str().expect("an outcome"))).collect()
}

fn rule<'a>(explained: &'a Value, name: &str) -> &'a Value {
    let rules = explained["rules"].as_array().expect("rules");
    rules.iter().find(|one| one["rule"] == name).unwrap_or_else(|| panic!("no {name} in {explained:#}"))
}

on_both_engines! {
    what_would_be_decided_is_what_is_decided(app) {
        let admin = app.actor(Role::Admin).await;
        let customer = admin.customer("Ada Byron").await;
        let message = json!({ "customerId": customer, "channel": "EMAIL", "class": "MARKETING", "topic": "offers",
            "subject": "Half price", "body": "Today only" });
        let before = app.head().await;
        let free = explained(&admin, &message).await;
        assert_eq!((&free["decision"], &free["rule"], &free["refusal"]), (&json!("QUEUED"), &Value::Null, &Value::Null));
        assert!(free["to"].as_str().is_some_and(|to| to.ends_with("@example.com")), "{free:#}");
        let all = outcomes(&free);
        assert_eq!((all["erased"], all["consent"], all["frequency_cap"], all["scheduled"], all["whatsapp_window"]),
            ("PASSES", "PASSES", "PASSES", "NOT_ASKED", "NOT_ASKED"));
        assert_eq!(rule(&free, "whatsapp_window")["notAskedBecause"], "OTHER_CHANNEL");
        assert_eq!(rule(&free, "consent")["inputs"]["state"], "none");
        assert_eq!(app.head().await, before, "nothing is recorded");

        // Today and the days around it are shut.
        let days: Vec<String> = (-1..=2).map(|day| (app.now() + TimeDelta::days(day)).format("%Y-%m-%d").to_string()).collect();
        let rules = json!({ "blackout": { "dates": days, "action": "HOLD" },
            "caps": [{ "window": "ROLLING_HOURS", "hours": 24, "limit": 5, "action": "HOLD" }] });
        let update = "mutation($changes: PolicyPatch!) { updatePolicy(changes: $changes) { refusal { message } } }";
        assert!(admin.data(update, json!({ "changes": rules })).await["updatePolicy"]["refusal"].is_null());
        let held = explained(&admin, &message).await;
        assert_eq!((&held["decision"], &held["rule"]), (&json!("HELD"), &json!("blackout")), "{held:#}");
        assert_eq!(held["heldUntil"], rule(&held, "blackout")["until"]);
        assert_eq!(rule(&held, "frequency_cap")["inputs"]["caps"][0]["counted"], 0);
        let sent = admin.data(SEND, json!({ "input": message })).await["sendMessage"].take();
        assert_eq!((&sent["decision"], &sent["rule"], &sent["heldUntil"]),
            (&held["decision"], &held["rule"], &held["heldUntil"]));

        // The first rule decides, and the others still say what they find.
        let consent = "mutation($input: ConsentInput!) { setConsent(input: $input) { refusal { message } } }";
        let said = json!({ "customerId": customer, "channel": "EMAIL", "topic": "all", "state": "OPTED_OUT", "method": "operator" });
        assert!(admin.data(consent, json!({ "input": said })).await["setConsent"]["refusal"].is_null());
        let unwanted = explained(&admin, &message).await;
        assert_eq!((&unwanted["decision"], &unwanted["rule"]), (&json!("SUPPRESSED"), &json!("consent")));
        let all = outcomes(&unwanted);
        assert_eq!((all["consent"], all["blackout"]), ("SUPPRESSES", "HOLDS"));
        assert_eq!(rule(&unwanted, "consent")["inputs"]["told_for"], "all");

        let service = json!({ "customerId": customer, "channel": "EMAIL", "class": "TRANSACTIONAL", "topic": "orders",
            "subject": "Your order", "body": "It left", "sendAt": app.now() + TimeDelta::days(1) });
        let later = explained(&admin, &service).await;
        assert_eq!((&later["decision"], &later["rule"], &later["heldUntil"]),
            (&json!("HELD"), &json!("scheduled"), &rule(&later, "scheduled")["until"]));
        assert_eq!(rule(&later, "frequency_cap")["notAskedBecause"], "TRANSACTIONAL");
    }

    what_would_be_refused_says_so_and_what_the_rules_find_all_the_same(app) {
        let admin = app.actor(Role::Admin).await;
        let customer = admin.customer("Émile Zola").await;
        let blank = json!({ "customerId": customer, "channel": "EMAIL", "class": "MARKETING", "topic": "offers" });
        let refused = explained(&admin, &blank).await;
        assert_eq!((&refused["decision"], &refused["refusal"]),
            (&Value::Null, &json!({ "code": "INVALID_INPUT", "field": "body" })), "{refused:#}");
        assert_eq!(outcomes(&refused)["consent"], "PASSES");

        let nowhere = json!({ "customerId": customer, "channel": "SMS", "class": "MARKETING", "topic": "offers", "body": "Hi" });
        let nowhere = explained(&admin, &nowhere).await;
        assert_eq!((&nowhere["decision"], &nowhere["rule"], &nowhere["to"]),
            (&json!("SUPPRESSED"), &json!("unknown_address"), &Value::Null));
        assert_eq!((rule(&nowhere, "consent")["notAskedBecause"].as_str(), &nowhere["segments"]), (Some("NOWHERE"), &json!(1)));

        let unknown = json!({ "customerId": "0198c0de-0000-7000-8000-000000000000", "channel": "EMAIL", "class": "MARKETING",
            "topic": "offers", "body": "Hi" });
        let unknown = explained(&admin, &unknown).await;
        assert_eq!((&unknown["refusal"]["code"], &unknown["rules"]), (&json!("CUSTOMER_UNKNOWN"), &json!([])));
        let template = json!({ "customerId": customer, "channel": "EMAIL", "class": "MARKETING", "topic": "offers",
            "template": { "code": "nothing" } });
        let template = explained(&admin, &template).await;
        assert_eq!(template["refusal"], json!({ "code": "TEMPLATE_UNKNOWN", "field": "template" }), "{template:#}");

        // Whoever reads customers may ask, and sees no address without the right to.
        let analyst = app.actor_of(app.tenant, Role::Analyst, Some(false)).await;
        let blank = json!({ "customerId": customer, "channel": "EMAIL", "class": "TRANSACTIONAL", "topic": "orders", "body": "Hi" });
        let seen = explained(&analyst, &blank).await;
        assert_eq!((&seen["decision"], &seen["to"]), (&json!("QUEUED"), &Value::Null));
        assert!(!seen["addressId"].is_null());
        let ingest = app.actor(Role::Ingest).await;
        assert_eq!(ingest.error(EXPLAIN, json!({ "input": blank })).await, "FORBIDDEN");
        let stranger = app.actor_of(app.other_tenant().await, Role::Admin, None).await;
        assert_eq!(explained(&stranger, &blank).await["refusal"]["code"], "CUSTOMER_UNKNOWN");
    }
}
