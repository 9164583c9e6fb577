//! A tenant never sees another's: every way in, tried with ids that exist elsewhere.

use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use super::socket::Socket;
use crate::support::app::on_both_engines;

/// Every field of the query root, with the ids of another tenant.
const FIELDS: [(&str, &str); 21] = [
    ("customer", "customer(id: $customer) { id }"),
    ("customer as of", "customer(id: $customer, asOf: { position: \"ffffffffffffffffffffffffffffffff\" }) { id }"),
    ("customers", "customers(filter: { includeForgotten: true }) { totalCount nodes { id } }"),
    ("search", "customers(filter: { search: \"secret\" }) { nodes { id } }"),
    ("timeline", "timeline(customerId: $customer) { totalCount nodes { kind } }"),
    (
        "timeline as of",
        "timeline(customerId: $customer, asOf: { position: \"ffffffffffffffffffffffffffffffff\" }) { nodes { kind } }",
    ),
    ("message", "message(id: $message) { id }"),
    ("activities", "activities(customerId: $customer) { totalCount nodes { id } }"),
    ("conversation", "conversation(id: $conversation) { id }"),
    ("conversations", "conversations { totalCount nodes { id } }"),
    ("consents", "consents(customerId: $customer) { topic }"),
    ("suppressions", "suppressions(filter: { includeLifted: true }) { totalCount nodes { addressId } }"),
    (
        "campaignMetrics",
        "campaignMetrics(campaignId: $campaign) { totals { queued } byHour { queued } costs { segments } }",
    ),
    ("deliverability", "deliverability { sent }"),
    ("events", "events(filter: { types: [\"CustomerRegistered\", \"MessageQueued\"] }) { nodes { id } }"),
    ("events of a customer", "events(filter: { customerId: $customer }) { nodes { id } }"),
    ("import", "import(id: $customer) { id }"),
    ("imports", "imports { totalCount nodes { id } }"),
    ("parked", "parked { eventId }"),
    ("node", "node(id: $customer) { id }"),
    ("node of a message", "node(id: $message) { id }"),
];

/// Whether an answer holds nothing: nulls, empty lists, zeros.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Array(values) => values.iter().all(is_empty),
        Value::Object(values) => values.values().all(is_empty),
        Value::Bool(_) | Value::String(_) => false,
    }
}

on_both_engines! {
    a_stranger_sees_and_changes_nothing(app) {
        let owner = app.actor(Role::Admin).await;
        let customer = owner.customer("Tom Secret").await;
        let campaign = "Campaign:01920000-0000-7000-8000-00000000cafe";
        let send = "mutation($id: ID!, $campaign: ID!) { sendMessage(input: { customerId: $id, channel: EMAIL, class: TRANSACTIONAL, \
            topic: \"service\", subject: \"s\", body: \"b\", campaignId: $campaign }) { messageId message { conversation { id } } refusal { message } } }";
        let sent = owner.data(send, json!({ "id": customer, "campaign": campaign })).await["sendMessage"].take();
        let receive = "mutation($id: ID!) { receiveMessage(input: { customerId: $id, channel: SMS, from: \"+447911123456\", body: \"hi\" }) \
            { conversationId position refusal { message } } }";
        let received = owner.data(receive, json!({ "id": customer })).await["receiveMessage"].take();
        let ids = json!({ "customer": customer, "message": sent["messageId"], "campaign": campaign,
            "conversation": received["conversationId"], "wait": received["position"] });
        let conversation = received["conversationId"].clone();
        assert!(conversation.is_string(), "{received}");
        let consent = "mutation($id: ID!) { setConsent(input: { customerId: $id, channel: SMS, topic: \"all\", state: OPTED_IN, method: \"form\" }) { refusal { message } } }";
        owner.data(consent, json!({ "id": customer })).await;
        let activity = "mutation($id: ID!) { recordActivity(input: { customerId: $id, kind: ORDER, amountMicros: 1, currency: \"EUR\" }) { refusal { message } } }";
        owner.data(activity, json!({ "id": customer })).await;
        let suppress = "mutation { suppressAddress(address: { text: { kind: EMAIL, address: \"x@example.com\" } }, reason: MANUAL) { position refusal { message } } }";
        let suppressed = owner.data(suppress, json!({})).await["suppressAddress"]["position"].take();
        owner.data("query($wait: Position) { suppressions(waitFor: $wait) { totalCount } }", json!({ "wait": suppressed })).await;

        let stranger = app.actor_of(app.other_tenant().await, Role::Admin, None).await;
        for (name, field) in FIELDS {
            let used: Vec<&str> = ["customer", "message", "campaign", "conversation"]
                .into_iter()
                .filter(|variable| field.contains(&format!("${variable}")))
                .collect();
            let declared = if used.is_empty() {
                String::new()
            } else {
                format!("({})", used.iter().map(|variable| format!("${variable}: ID!")).collect::<Vec<_>>().join(", "))
            };
            let query = format!("query{declared} {{ answer: {field} }}");
            // An import has no id of a customer: its own field answers the same for both.
            if !["import", "imports", "parked"].contains(&name) {
                let owned = owner.data(&query, ids.clone()).await;
                assert!(!is_empty(&owned["answer"]) || name == "deliverability", "{name} shows nothing to its owner: {owned}");
            }
            let mut variables = ids.clone();
            if name == "import" {
                variables["customer"] = json!(customer.replace("Customer:", ""));
            }
            let seen = stranger.data(&query, variables).await;
            assert!(is_empty(&seen["answer"]), "{name} shows a stranger {seen}");
        }
        let change = "mutation($id: ID!) { changeCustomer(customerId: $id, changes: { name: \"Mine\" }) { refusal { code } } }";
        assert_eq!(stranger.data(change, json!({ "id": customer })).await["changeCustomer"]["refusal"]["code"], "CUSTOMER_UNKNOWN");
        let forget = "mutation($id: ID!) { forgetCustomer(customerId: $id, reason: \"request\") { refusal { code } } }";
        assert_eq!(stranger.data(forget, json!({ "id": customer })).await["forgetCustomer"]["refusal"]["code"], "CUSTOMER_UNKNOWN");

        let mut socket = Socket::connect(&stranger).await;
        let watch = "subscription($id: ID!, $after: Position) { timeline(customerId: $id, after: $after) { kind } }";
        socket.start("t", watch, json!({ "id": customer, "after": "00000000000000000000000000000000" })).await;
        assert_eq!(socket.json().await["payload"]["errors"][0]["extensions"]["code"], "CUSTOMER_UNKNOWN");
        assert_eq!(socket.json().await["type"], "complete");
        socket.start("m", "subscription($id: ID!) { campaignMetrics(campaignId: $id) { totals { queued } } }", json!({ "id": campaign })).await;
        assert_eq!(socket.next("m").await["campaignMetrics"]["totals"], json!([]));
    }
}
