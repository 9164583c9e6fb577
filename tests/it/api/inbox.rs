//! The inbox: figures and list in one query, and what moves in it.

use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use super::socket::Socket;
use crate::support::app::{Actor, on_both_engines};

const FIGURES: &str = "query($filter: ConversationFilterInput, $at: Position) { inbox(filter: $filter, waitFor: $at) { \
    all { open pending snoozed resolved unread unreadMessages } mine: assigned(assignee: \"bob\") { open } \
    unassigned { open } byTeam { name counts { open } } byChannel { channel counts { open } } \
    conversations { totalCount nodes { id assignee unread state } } } }";

/// The customer writes; the conversation and the position.
async fn writes(agent: &Actor, customer: &str, body: &str) -> (Value, Value) {
    let mutation = "mutation($input: ReceiveMessageInput!) { receiveMessage(input: $input) \
        { conversationId position refusal { message } } }";
    let input = json!({ "customerId": customer, "channel": "EMAIL", "body": body });
    let mut data = agent.data(mutation, json!({ "input": input })).await;
    let mut payload = data["receiveMessage"].take();
    assert!(payload["refusal"].is_null(), "{payload:#}");
    (payload["conversationId"].take(), payload["position"].take())
}

async fn changes(agent: &Actor, customer: &str, conversation: &Value, changes: Value) -> Value {
    let mutation = "mutation($customer: ID!, $id: ID!, $changes: ConversationPatch!) { \
        updateConversation(customerId: $customer, conversationId: $id, changes: $changes) \
        { position refusal { message } } }";
    let variables = json!({ "customer": customer, "id": conversation, "changes": changes });
    let mut data = agent.data(mutation, variables).await;
    assert!(data["updateConversation"]["refusal"].is_null(), "{data:#}");
    data["updateConversation"]["position"].take()
}

on_both_engines! {
    an_inbox_tells_figures_of_all_sorts_beside_its_list(app) {
        let agent = app.actor(Role::Agent).await;
        let (ann, ben) = (agent.customer("Ann Example").await, agent.customer("Ben Example").await);
        let (first, _) = writes(&agent, &ann, "hello").await;
        writes(&agent, &ann, "are you there?").await;
        let (second, _) = writes(&agent, &ben, "good day").await;
        let at = changes(&agent, &ann, &first, json!({ "assignee": "bob", "team": "sales" })).await;
        let inbox = agent.data(FIGURES, json!({ "at": at })).await["inbox"].take();
        let all = json!({ "open": 2, "pending": 0, "snoozed": 0, "resolved": 0, "unread": 2, "unreadMessages": 3 });
        assert_eq!(inbox["all"], all);
        assert_eq!((&inbox["mine"]["open"], &inbox["unassigned"]["open"]), (&json!(1), &json!(1)));
        let teams = json!([{ "name": null, "counts": { "open": 1 } }, { "name": "sales", "counts": { "open": 1 } }]);
        assert_eq!(inbox["byTeam"], teams);
        assert_eq!(inbox["byChannel"], json!([{ "channel": "EMAIL", "counts": { "open": 2 } }]));
        assert_eq!(inbox["conversations"]["nodes"][0]["id"], first);

        let at = changes(&agent, &ben, &second, json!({ "markRead": true, "state": "RESOLVED" })).await;
        let filter = json!({ "states": ["OPEN", "PENDING"], "unread": true });
        let inbox = agent.data(FIGURES, json!({ "filter": filter, "at": at })).await["inbox"].take();
        assert_eq!((&inbox["all"]["unread"], &inbox["all"]["resolved"]), (&json!(1), &json!(0)));
        assert_eq!(inbox["conversations"]["totalCount"], 1);
    }

    a_subscription_tells_what_moves_and_what_leaves(app) {
        let agent = app.actor(Role::Agent).await;
        let ann = agent.customer("Ann Example").await;
        let (conversation, at) = writes(&agent, &ann, "hello").await;
        let mut socket = Socket::connect(&agent).await;
        let watch = "subscription($filter: ConversationFilterInput, $after: Position) \
            { inbox(filter: $filter, after: $after) { conversationId position \
            conversation { assignee unread customer { name } } } }";
        let open = json!({ "states": ["OPEN"] });
        // It happened before the subscription began: `after` leaves no gap.
        let assigned = changes(&agent, &ann, &conversation, json!({ "assignee": "bob" })).await;
        socket.start("i", watch, json!({ "filter": open, "after": at })).await;
        let told = socket.next("i").await["inbox"].take();
        let seen = json!({ "assignee": "bob", "unread": 1, "customer": { "name": "Ann Example" } });
        assert_eq!((&told["conversationId"], &told["conversation"]), (&conversation, &seen));
        assert_eq!(told["position"], assigned);
        changes(&agent, &ann, &conversation, json!({ "state": "RESOLVED" })).await;
        let told = socket.next("i").await["inbox"].take();
        assert_eq!((&told["conversationId"], &told["conversation"]), (&conversation, &Value::Null));
    }

    a_row_of_the_inbox_has_customer_preview_and_waiting_time(app) {
        let agent = app.actor(Role::Agent).await;
        let (ann, ben) = (agent.customer("Ann Example").await, agent.customer("Ben Example").await);
        writes(&agent, &ann, "hello").await;
        let long = format!("  And\n\n more: {}", "word ".repeat(40));
        writes(&agent, &ann, &long).await;
        let (_, at) = writes(&agent, &ben, "good day").await;
        let rows = "query($at: Position) { inbox(waitFor: $at) { conversations(orderBy: LONGEST_WAITING) { totalCount nodes { \
            waitingSince customer { name } lastMessage { preview direction createdAt } messages(last: 1) { nodes { createdAt } } } } } }";
        let seen = agent.data(rows, json!({ "at": at })).await["inbox"]["conversations"].take();
        assert_eq!(seen["totalCount"], 2);
        let first = &seen["nodes"][0];
        let preview = first["lastMessage"]["preview"].as_str().unwrap();
        assert!(preview.starts_with("And more: word word") && preview.ends_with("word…"), "{preview}");
        assert!(preview.chars().count() <= 140, "{preview}");
        assert_eq!((&first["customer"]["name"], &first["lastMessage"]["direction"]), (&json!("Ann Example"), &json!("INBOUND")));
        // Since the first of the two messages.
        assert_eq!(first["waitingSince"], first["messages"]["nodes"][0]["createdAt"]);
        assert_eq!(seen["nodes"][1]["lastMessage"]["preview"], "good day");
        let analyst = app.actor(Role::Analyst).await;
        let seen = analyst.data(rows, json!({})).await["inbox"]["conversations"]["nodes"][1].take();
        assert_eq!((&seen["lastMessage"]["preview"], &seen["lastMessage"]["direction"]), (&json!(null), &json!("INBOUND")));
    }

    who_may_not_read_gets_no_inbox_and_other_tenants_see_their_own(app) {
        let agent = app.actor(Role::Agent).await;
        let ann = agent.customer("Ann Example").await;
        let (_, at) = writes(&agent, &ann, "hello").await;
        let ingest = app.actor(Role::Ingest).await;
        assert_eq!(ingest.error("{ inbox { all { open } } }", json!({})).await, "FORBIDDEN");
        let other = app.other_tenant().await;
        let stranger = app.actor_of(other, Role::Admin, None).await;
        let inbox = stranger.data(FIGURES, json!({ "at": at })).await["inbox"].take();
        assert_eq!((&inbox["all"]["open"], &inbox["conversations"]["totalCount"]), (&json!(0), &json!(0)));
    }

    a_note_can_belong_to_a_conversation_and_a_forgotten_customer_leaves_the_inbox(app) {
        let admin = app.actor(Role::Admin).await;
        let ann = admin.customer("Ann Example").await;
        let (conversation, _) = writes(&admin, &ann, "hello").await;
        let note = "mutation($customer: ID!, $conversation: ID) { addNote(customerId: $customer, text: \"call back\", \
            conversationId: $conversation) { position refusal { code } } }";
        let noted = admin.data(note, json!({ "customer": ann, "conversation": conversation })).await;
        let notes = "query($id: ID!, $conversation: ID!, $at: Position) { timeline(customerId: $id, waitFor: $at, \
            filter: { kinds: [NOTE], conversationId: $conversation }) { nodes { note { text } } } }";
        let variables = json!({ "id": ann, "conversation": conversation, "at": noted["addNote"]["position"] });
        let told = admin.data(notes, variables).await;
        assert_eq!(told["timeline"]["nodes"][0]["note"]["text"], "call back");
        let elsewhere = "Conversation:01920000-0000-7000-8000-00000000c0de";
        let refused = admin.data(note, json!({ "customer": ann, "conversation": elsewhere })).await;
        assert_eq!(refused["addNote"]["refusal"]["code"], "CONVERSATION_UNKNOWN");

        let forget = "mutation($id: ID!) { forgetCustomer(customerId: $id, reason: \"request\") \
            { position refusal { message } } }";
        let forgotten = admin.data(forget, json!({ "id": ann })).await["forgetCustomer"].take();
        assert!(forgotten["refusal"].is_null(), "{forgotten}");
        let inbox = admin.data(FIGURES, json!({ "at": forgotten["position"] })).await["inbox"].take();
        assert_eq!((&inbox["all"]["open"], &inbox["all"]["unread"]), (&json!(0), &json!(0)));
        assert_eq!(inbox["all"]["resolved"], 1);
    }
}
