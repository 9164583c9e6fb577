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
}
