//! Every mutation returns the object that it changed, as it is then: a client's cache needs no second question.

use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use crate::support::app::{Actor, on_both_engines};

/// What a mutation returns, which was not refused.
async fn done(actor: &Actor, mutation: &str, variables: Value) -> Value {
    let mut data = actor.data(mutation, variables).await;
    let payload = data.as_object_mut().unwrap().values_mut().next().unwrap().take();
    assert_eq!(payload["refusal"], json!(null), "{payload}");
    payload
}

on_both_engines! {
    changes_of_a_customer_and_its_addresses_are_in_the_payload(app) {
        let admin = app.actor(Role::Admin).await;
        let id = admin.customer("Uma Example").await;
        let add = "mutation($id: ID!) { addAddress(customerId: $id, address: { kind: PHONE, address: \"+442071838750\", label: \"desk\" }) \
            { addressId address { id addressId label customerId } customer { id addresses { id label } } refusal { message } } }";
        let added = done(&admin, add, json!({ "id": id })).await;
        assert_eq!(added["address"]["label"], "desk");
        assert_eq!((&added["address"]["addressId"], &added["address"]["customerId"]), (&added["addressId"], &json!(id)));
        let shown = added["customer"]["addresses"].as_array().unwrap();
        assert!(shown.contains(&json!({ "id": added["address"]["id"], "label": "desk" })), "{added}");
        let suppress = "mutation($id: ID!) { suppressAddress(address: { known: { id: $id, kind: PHONE } }, reason: MANUAL) \
            { addressId suppression { addressId active reason } refusal { message } } }";
        let suppressed = done(&admin, suppress, json!({ "id": added["addressId"] })).await;
        assert_eq!(suppressed["suppression"], json!({ "addressId": added["addressId"], "active": true, "reason": "MANUAL" }));
        let lift = "mutation($id: ID!) { liftSuppression(address: { known: { id: $id, kind: PHONE } }, reason: MANUAL, note: \"asked\") \
            { suppression { active note } refusal { message } } }";
        let lifted = done(&admin, lift, json!({ "id": added["addressId"] })).await;
        assert_eq!(lifted["suppression"], json!({ "active": false, "note": "asked" }));
        let remove = "mutation($id: ID!, $address: ID!) { removeAddress(customerId: $id, addressId: $address) \
            { addressId address { id } customer { addresses { id } } refusal { message } } }";
        let removed = done(&admin, remove, json!({ "id": id, "address": added["addressId"] })).await;
        assert_eq!((&removed["addressId"], &removed["address"]), (&added["addressId"], &json!(null)));
        assert!(!removed["customer"].to_string().contains(added["address"]["id"].as_str().unwrap()), "{removed}");
        let consent = "mutation($id: ID!) { setConsent(input: { customerId: $id, channel: EMAIL, topic: \"news\", state: OPTED_IN, \
            method: \"form\", wording: \"Yes, please\" }) { consent { topic state wording } customer { id consents { topic state } } refusal { message } } }";
        let set = done(&admin, consent, json!({ "id": id })).await;
        assert_eq!(set["consent"], json!({ "topic": "news", "state": "OPTED_IN", "wording": "Yes, please" }));
        assert_eq!(set["customer"], json!({ "id": id, "consents": [{ "topic": "news", "state": "OPTED_IN" }] }));
        let request = "mutation($id: ID!) { requestOptIn(input: { customerId: $id, channel: EMAIL, topic: \"offers\" }) \
            { confirmUrl consent { topic state } customer { id } refusal { message } } }";
        let asked = done(&admin, request, json!({ "id": id })).await;
        assert_eq!(asked["consent"], json!({ "topic": "offers", "state": "PENDING" }));
    }

    changes_of_notes_conversations_and_messages_are_in_the_payload(app) {
        let admin = app.actor(Role::Admin).await;
        let receive = "mutation { receiveMessage(input: { channel: SMS, from: \"+447400123456\", body: \"hi\" }) \
            { customerId conversationId messageId message { id body state } customer { id } conversation { id unread priority } refusal { message } } }";
        let received = done(&admin, receive, json!({})).await;
        assert_eq!(received["message"], json!({ "id": received["messageId"], "body": "hi", "state": "RECEIVED" }));
        assert_eq!(received["customer"]["id"], received["customerId"]);
        assert_eq!(received["conversation"], json!({ "id": received["conversationId"], "unread": 1, "priority": "NORMAL" }));
        let ids = json!({ "customer": received["customerId"], "conversation": received["conversationId"] });
        let update = "mutation($customer: ID!, $conversation: ID!) { updateConversation(customerId: $customer, conversationId: $conversation, \
            changes: { assignee: \"lee\", priority: URGENT, markRead: true }) { conversation { id assignee priority unread } refusal { message } } }";
        let updated = done(&admin, update, ids).await;
        let expected = json!({ "id": received["conversationId"], "assignee": "lee", "priority": "URGENT", "unread": 0 });
        assert_eq!(updated["conversation"], expected);
        let add = "mutation($id: ID!) { addNote(customerId: $id, text: \"call\") { noteId entry { id kind note { noteId text pinned } } refusal { message } } }";
        let noted = done(&admin, add, json!({ "id": received["customerId"] })).await;
        assert_eq!(noted["entry"]["note"], json!({ "noteId": noted["noteId"], "text": "call", "pinned": false }));
        let pin = "mutation($id: ID!, $note: ID!) { pinNote(customerId: $id, noteId: $note, pinned: true) { entry { id note { pinned } } refusal { message } } }";
        let pinned = done(&admin, pin, json!({ "id": received["customerId"], "note": noted["noteId"] })).await;
        assert_eq!(pinned["entry"], json!({ "id": noted["entry"]["id"], "note": { "pinned": true } }));
        let send = "mutation($id: ID!) { sendMessage(input: { customerId: $id, channel: SMS, class: TRANSACTIONAL, topic: \"service\", \
            body: \"b\", sendAt: \"2199-01-01T00:00:00Z\" }) { messageId message { id state } refusal { message } } }";
        let sent = done(&admin, send, json!({ "id": received["customerId"] })).await;
        let cancel = "mutation($id: ID!, $message: ID!) { cancelMessage(customerId: $id, messageId: $message, reason: \"late\") \
            { message { id state } refusal { message } } }";
        let cancelled = done(&admin, cancel, json!({ "id": received["customerId"], "message": sent["messageId"] })).await;
        assert_eq!(cancelled["message"], json!({ "id": sent["messageId"], "state": "CANCELLED" }));
        let refused = admin.data(cancel, json!({ "id": received["customerId"], "message": sent["messageId"] })).await;
        assert_eq!(refused["cancelMessage"]["message"], json!(null), "{refused}");
    }

    changes_of_keys_and_replies_are_in_the_payload(app) {
        let admin = app.actor(Role::Admin).await;
        let issue = "mutation { issueApiKey(role: AGENT, label: \"desk\") { keyId key { id label role revokedAt } refusal { message } } }";
        let issued = done(&admin, issue, json!({})).await;
        assert_eq!(issued["key"], json!({ "id": issued["keyId"], "label": "desk", "role": "AGENT", "revokedAt": null }));
        let node = "query($id: ID!) { node(id: $id) { ... on ApiKey { label } } }";
        assert_eq!(admin.data(node, json!({ "id": issued["keyId"] })).await["node"]["label"], "desk");
        assert_eq!(app.actor(Role::Agent).await.error(node, json!({ "id": issued["keyId"] })).await, "FORBIDDEN");
        let revoke = "mutation($id: ID!) { revokeApiKey(keyId: $id) { key { id revokedAt } refusal { message } } }";
        let revoked = done(&admin, revoke, json!({ "id": issued["keyId"] })).await;
        assert!(revoked["key"]["revokedAt"].is_string(), "{revoked}");
        let save = "mutation($input: CannedReplyInput!) { saveCannedReply(input: $input) { code reply { code title revision } refusal { message } } }";
        let input = json!({ "code": "hello", "title": "Hello", "bodies": [{ "locale": "en", "body": "Hi" }] });
        let saved = done(&admin, save, json!({ "input": input })).await;
        assert_eq!(saved["reply"], json!({ "code": "hello", "title": "Hello", "revision": 1 }));
        let remove = "mutation { removeCannedReply(code: \"hello\") { code reply { code } refusal { message } } }";
        assert_eq!(done(&admin, remove, json!({})).await["reply"], json!(null));
        let retry = "mutation { retryParked(parked: { projection: \"timeline\", eventId: \"Event:00000000-0000-7000-8000-000000000001\" }) \
            { applied refusal { code } } }";
        let retried = admin.data(retry, json!({})).await["retryParked"].take();
        assert_eq!(retried, json!({ "applied": null, "refusal": { "code": "NOT_PARKED" } }));
    }
}
