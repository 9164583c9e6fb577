//! The rules for sending, over the API.

use commlog::domain::tenant::event::Role;
use serde_json::json;

use crate::support::app::on_both_engines;

const UPDATE: &str = "mutation($changes: PolicyPatch!, $key: String) { updatePolicy(changes: $changes, idempotencyKey: $key) \
    { repeated position refusal { code field } policy { requireOptIn timeZone quietHours { channel from to action } \
    caps { limit window hours action } weekdays { days } } } }";

on_both_engines! {
    the_policy_is_changed_by_admins_and_read_by_all(app) {
        let (admin, agent) = (app.actor(Role::Admin).await, app.actor(Role::Agent).await);
        let changes = json!({
            "timeZone": "Europe/Paris",
            "quietHours": [{ "channel": "SMS", "from": "21:00:00", "to": "08:00:00" }],
            "caps": [{ "limit": 3, "window": "ROLLING_HOURS", "hours": 168 }],
            "weekdays": { "days": ["SUNDAY"] },
        });
        assert_eq!(agent.error(UPDATE, json!({ "changes": changes })).await, "FORBIDDEN");
        let done = admin.data(UPDATE, json!({ "changes": changes, "key": "p" })).await["updatePolicy"].take();
        let again = admin.data(UPDATE, json!({ "changes": changes, "key": "p" })).await["updatePolicy"].take();
        assert_eq!((&done["policy"], &again["repeated"]), (&again["policy"], &json!(true)));
        let quiet = json!([{ "channel": "SMS", "from": "21:00:00", "to": "08:00:00", "action": "HOLD" }]);
        assert_eq!(done["policy"]["quietHours"], quiet);
        assert_eq!(done["policy"]["caps"], json!([{ "limit": 3, "window": "ROLLING_HOURS", "hours": 168, "action": "ABORT" }]));
        let cleared = admin.data(UPDATE, json!({ "changes": { "timeZone": null } })).await["updatePolicy"].take();
        assert_eq!((&cleared["policy"]["timeZone"], &cleared["policy"]["quietHours"]), (&json!(null), &quiet));
        let read = agent.data("{ policy { requireOptIn defaultRegion quietHours { channel } } }", json!({})).await;
        assert_eq!(read["policy"], json!({ "requireOptIn": false, "defaultRegion": "GB", "quietHours": [{ "channel": "SMS" }] }));
        let wrong = admin.data(UPDATE, json!({ "changes": { "timeZone": "Mars/Olympus" } })).await["updatePolicy"].take();
        assert_eq!(wrong["refusal"], json!({ "code": "INVALID_INPUT", "field": "timeZone" }));
    }

    tracking_is_off_until_an_admin_switches_it_on_and_what_is_left_out_is_off_again(app) {
        let admin = app.actor(Role::Admin).await;
        let update = "mutation($to: TrackingInput) { updatePolicy(changes: { tracking: $to }) { refusal { code field } policy { \
            tracking { opens clicks textLinks shortLinks transactional requireOptIn untrackedTopics url parameters { name source text } \
            parameterHosts } } } }";
        let set = async |to| admin.data(update, json!({ "to": to })).await["updatePolicy"].take();
        let off = json!({ "opens": false, "clicks": false, "textLinks": false, "shortLinks": false, "transactional": false,
            "requireOptIn": false, "untrackedTopics": [], "url": null, "parameters": [], "parameterHosts": [] });
        assert_eq!(set(json!({ "url": " ", "parameters": [{ "name": "utm_source" }] })).await["policy"]["tracking"], off);
        let parameters = json!([{ "name": "utm_source", "source": "TEXT", "text": "crm" },
            { "name": "utm_campaign", "source": "CAMPAIGN", "text": null }]);
        let on = set(json!({ "opens": true, "clicks": true, "untrackedTopics": ["Health"], "url": "https://go.shop.example/",
            "parameters": parameters })).await["policy"]["tracking"].take();
        assert_eq!((&on["opens"], &on["clicks"], &on["shortLinks"]), (&json!(true), &json!(true), &json!(false)));
        assert_eq!((&on["untrackedTopics"], &on["url"]), (&json!(["health"]), &json!("https://go.shop.example")));
        assert_eq!(on["parameters"], parameters);
        let wrong = set(json!({ "parameters": [{ "name": "utm source", "text": "x" }] })).await["refusal"].take();
        assert_eq!(wrong, json!({ "code": "INVALID_INPUT", "field": "tracking.parameters[0].name" }));
        let kept = admin.data("{ policy { tracking { opens } } }", json!({})).await;
        assert_eq!(kept["policy"]["tracking"]["opens"], true, "a refusal changes nothing");
        assert_eq!(set(json!({})).await["policy"]["tracking"], off);
    }

    a_message_tells_which_rule_stood_against_it_and_what_it_looked_at(app) {
        let admin = app.actor(Role::Admin).await;
        let customer = admin.customer("Quin Example").await;
        let cap = json!({ "caps": [{ "limit": 1, "window": "DAY" }] });
        admin.data(UPDATE, json!({ "changes": cap })).await;
        let send = "mutation($id: ID!) { sendMessage(input: { customerId: $id, channel: EMAIL, class: MARKETING, \
            topic: \"news\", body: \"b\" }) { decision message { decisions { rule outcome inputs at until } } } }";
        let first = admin.data(send, json!({ "id": customer })).await["sendMessage"].take();
        assert_eq!((&first["decision"], &first["message"]["decisions"]), (&json!("QUEUED"), &json!([])));
        let second = admin.data(send, json!({ "id": customer })).await["sendMessage"].take();
        let decision = &second["message"]["decisions"][0];
        assert_eq!((&decision["rule"], &decision["outcome"]), (&json!("frequency_cap"), &json!("SUPPRESSED")));
        assert_eq!((&decision["inputs"]["limit"], &decision["inputs"]["counted"]), (&json!(1), &json!(1)));
    }

    rules_are_tried_on_what_was_asked_for(app) {
        let (admin, agent) = (app.actor(Role::Admin).await, app.actor(Role::Agent).await);
        let customer = admin.customer("Quin Example").await;
        let send = "mutation($id: ID!) { sendMessage(input: { customerId: $id, channel: EMAIL, class: MARKETING, \
            topic: \"news\", body: \"b\" }) { messageId message { decisions { rule } } } }";
        let mut asked = vec![];
        for _ in 0..3 {
            asked.push(admin.data(send, json!({ "id": customer })).await["sendMessage"]["messageId"].take());
        }
        let test = "query($input: BackTestInput!) { backTest(input: $input) { refusal { code field } backTest { customers changedCustomers \
            totals { messages notSent later } byChannel { channel counts { messages notSent } } byDay { counts { messages } } \
            byRule { change rule messages customers examples { messageId } } policy { caps { limit window } } } } }";
        let cap = json!({ "policy": { "caps": [{ "limit": 1, "window": "ROLLING_HOURS", "hours": 24 }] } });
        assert_eq!(agent.error(test, json!({ "input": cap })).await, "FORBIDDEN");
        let found = admin.data(test, json!({ "input": cap })).await["backTest"].take();
        let report = &found["backTest"];
        assert_eq!(report["totals"], json!({ "messages": 3, "notSent": 2, "later": 0 }), "{found:#}");
        assert_eq!((&report["customers"], &report["changedCustomers"]), (&json!(1), &json!(1)));
        assert_eq!(report["byChannel"], json!([{ "channel": "EMAIL", "counts": { "messages": 3, "notSent": 2 } }]));
        let examples = json!([{ "messageId": asked[1] }, { "messageId": asked[2] }]);
        let rule = json!({ "change": "NOT_SENT", "rule": "frequency_cap", "messages": 2, "customers": 1, "examples": examples });
        assert_eq!(report["byRule"], json!([rule]));
        let policy = admin.data("{ policy { caps { limit } } }", json!({})).await;
        assert_eq!(policy["policy"]["caps"], json!([]), "nothing is changed");
        let refused = async |input| admin.data(test, json!({ "input": input })).await["backTest"]["refusal"].take();
        let wrong = refused(json!({ "policy": { "caps": [{ "limit": 1000, "window": "DAY" }] } })).await;
        assert_eq!(wrong, json!({ "code": "INVALID_INPUT", "field": "policy.caps[0].limit" }));
        let wrong = refused(json!({ "excludeLists": ["0198c0de-0000-7000-8000-000000000000"] })).await;
        assert_eq!(wrong, json!({ "code": "LIST_UNKNOWN", "field": "excludeLists" }));
        let emergency = json!({ "until": "2100-01-01T00:00:00Z", "reason": "recall" });
        let wrong = refused(json!({ "policy": { "emergencyOverride": emergency } })).await;
        assert_eq!(wrong["field"], "policy.emergencyOverride");
    }
}
