//! Subscriptions: what happens is told as soon as the read tables show it.

use commlog::domain::tenant::event::Role;
use serde_json::json;

use super::socket::{Said, Socket};
use crate::support::app::on_both_engines;

on_both_engines! {
    a_timeline_is_followed_live_until_the_simulated_provider_delivered(app) {
        let agent = app.actor(Role::Agent).await;
        let id = agent.customer("Nia Example").await;
        let mut socket = Socket::connect(&agent).await;
        // From here on: whether the subscription begins before or after what follows makes no difference.
        let since = agent.data("{ projections { position } }", json!({})).await["projections"][0]["position"].take();
        let watch = "subscription($id: ID!, $after: Position) { timeline(customerId: $id, after: $after) \
            { kind message { messageId state subject } note { text } } }";
        socket.start("t", watch, json!({ "id": id, "after": since })).await;

        let note = "mutation($id: ID!) { addNote(customerId: $id, text: \"call back\") { noteId } }";
        agent.data(note, json!({ "id": id })).await;
        let told = socket.next("t").await;
        assert_eq!(told["timeline"]["note"]["text"], "call back");

        let send = "mutation($id: ID!) { sendMessage(input: { customerId: $id, channel: EMAIL, class: TRANSACTIONAL, \
            topic: \"service\", subject: \"Hello\", body: \"b\" }) { messageId decision } }";
        let sent = agent.data(send, json!({ "id": id })).await["sendMessage"].take();
        assert_eq!(sent["decision"], "QUEUED");
        loop {
            let told = socket.next("t").await["timeline"].take();
            if told["message"]["messageId"] != sent["messageId"] {
                continue;
            }
            assert_eq!(told["message"]["subject"], "Hello");
            let state = told["message"]["state"].as_str().unwrap();
            if !["QUEUED", "DISPATCHING"].contains(&state) {
                break;
            }
        }
        socket.say(json!({ "id": "t", "type": "complete" })).await;
    }

    a_node_without_the_projector_tells_as_soon_as_another_one_has_brought_the_tables_up(app) {
        let agent = app.actor(Role::Agent).await;
        let id = agent.customer("Mia Example").await;
        let beside = app.beside("api").await;
        let mut socket = Socket::connect(&agent.at(&beside)).await;
        let since = agent.data("{ projections { position } }", json!({})).await["projections"][0]["position"].take();
        let watch = "subscription($id: ID!, $after: Position) { timeline(customerId: $id, after: $after) { note { text } } }";
        socket.start("t", watch, json!({ "id": id, "after": since })).await;
        let note = "mutation($id: ID!, $text: String!) { addNote(customerId: $id, text: $text) { noteId } }";
        let mut told = async |text: &str| {
            agent.data(note, json!({ "id": id, "text": text })).await;
            assert_eq!(socket.next("t").await["timeline"]["note"]["text"], text);
        };
        told("first").await;
        told("second").await;
        // Tables that take over are followed, too, without a gap.
        let before = beside.reads().live().id.clone();
        beside.reads().rebuild(|_| {}).await.expect("they are rebuilt");
        for number in 3.. {
            let has_switched = beside.reads().live().id != before;
            told(&format!("note {number}")).await;
            if has_switched {
                break;
            }
        }
        beside.finish().await;
    }

    another_customers_events_are_not_told(app) {
        let agent = app.actor(Role::Agent).await;
        let (watched, other) = (agent.customer("Oda Example").await, agent.customer("Pia Example").await);
        let mut socket = Socket::connect(&agent).await;
        let since = agent.data("{ projections { position } }", json!({})).await["projections"][0]["position"].take();
        let watch = "subscription($id: ID!, $after: Position) { timeline(customerId: $id, after: $after) { note { text } } }";
        let note = "mutation($id: ID!, $text: String!) { addNote(customerId: $id, text: $text) { noteId } }";
        // Told although it happened before the subscription began: `after` leaves no gap.
        agent.data(note, json!({ "id": other, "text": "not for you" })).await;
        agent.data(note, json!({ "id": watched, "text": "for you" })).await;
        socket.start("t", watch, json!({ "id": watched, "after": since })).await;
        assert_eq!(socket.next("t").await["timeline"]["note"]["text"], "for you");
    }

    campaign_metrics_and_lag_are_told_at_once_and_when_they_change(app) {
        let agent = app.actor(Role::Agent).await;
        let id = agent.customer("Quin Example").await;
        let mut socket = Socket::connect(&agent).await;
        let campaign = "Campaign:01920000-0000-7000-8000-00000000c0de";
        let watch = "subscription($id: ID!) { campaignMetrics(campaignId: $id) { totals { queued } } }";
        socket.start("m", watch, json!({ "id": campaign })).await;
        assert_eq!(socket.next("m").await["campaignMetrics"]["totals"], json!([]));
        let send = "mutation($id: ID!, $campaign: ID!) { sendMessage(input: { customerId: $id, channel: EMAIL, class: MARKETING, \
            topic: \"news\", subject: \"s\", body: \"b\", campaignId: $campaign }) { decision refusal { message } } }";
        agent.data(send, json!({ "id": id, "campaign": campaign })).await;
        assert_eq!(socket.next("m").await["campaignMetrics"]["totals"][0]["queued"], 1);
        socket.say(json!({ "id": "m", "type": "complete" })).await;

        let mut lag = Socket::connect(&agent).await;
        lag.start("l", "subscription { projectionLag { name lagEvents lagSeconds parked } }", json!({})).await;
        let told = lag.next("l").await;
        assert!(told["projectionLag"].as_array().unwrap().iter().any(|one| one["name"] == "timeline"), "{told}");
    }

    a_stopping_server_says_goodbye(app) {
        let agent = app.actor(Role::Agent).await;
        let mut socket = Socket::connect(&agent).await;
        app.stop();
        loop {
            match socket.hear().await {
                Said::Closed(code, _) => {
                    assert_eq!(code, 1001);
                    break;
                }
                Said::Json(_) => {}
            }
        }
    }
}
