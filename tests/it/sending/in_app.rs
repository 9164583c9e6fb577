//! Messages in the product: sent, handed to the page of their receiver, seen, followed and put away.

use commlog::domain::tenant::event::Role;
use commlog::ids::CustomerId;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::customers_page::CustomersPage;
use super::story::count;
use crate::support::app::{Actor, Engine, TestApp};

const FILE: &str = "[[accounts]]\nprovider = 'in_app'\nname = 'main'\napplication = 'Shop'\n";

/// Registers somebody with an address.
pub(super) async fn register(backend: &Actor, kind: &str, address: &str) -> CustomerId {
    let mutation = "mutation($input: CustomerInput!) { registerCustomer(input: $input) { customerId } }";
    let input = json!({ "name": "Ada", "addresses": [{ "kind": kind, "address": address }] });
    let data = backend.data(mutation, json!({ "input": input })).await;
    let id = data["registerCustomer"]["customerId"].as_str().and_then(|id| id.strip_prefix("Customer:"));
    id.and_then(|id| id.parse().ok()).expect("an id")
}

/// Sends a transactional message; its id.
pub(super) async fn send(backend: &Actor, customer: CustomerId, channel: &str, body: &str) -> String {
    let mutation =
        "mutation($input: SendMessageInput!) { sendMessage(input: $input) { messageId decision refusal { message } } }";
    let input = json!({
        "customerId": customer.to_string(), "channel": channel, "class": "TRANSACTIONAL", "topic": "orders", "body": body,
    });
    let data = backend.data(mutation, json!({ "input": input })).await;
    assert_eq!(data["sendMessage"]["decision"], "QUEUED", "{data:#}");
    data["sendMessage"]["messageId"].as_str().expect("an id").to_owned()
}

fn bodies(inbox: &Value) -> Vec<&str> {
    let messages = inbox["messages"].as_array().expect("messages");
    messages.iter().map(|message| message["body"].as_str().expect("a text")).collect()
}

fn id_of<'a>(inbox: &'a Value, body: &str) -> &'a str {
    let messages = inbox["messages"].as_array().expect("messages");
    let found = messages.iter().find(|message| message["body"] == body).expect("is there");
    found["id"].as_str().expect("an id")
}

async fn a_message_in_the_product_is_pushed_seen_followed_and_put_away(engine: Engine) {
    let app = TestApp::with(engine, FILE).await;
    let backend = app.actor(Role::Admin).await;
    let ada = register(&backend, "IN_APP", "user-7").await;
    app.visible(app.head().await).await;
    let page = CustomersPage::open(&backend, ada, 60).await;
    let mut followed = page.follow().await;
    assert_eq!(followed.until(|_| true).await, json!({ "unread": 0, "messages": [] }));

    send(&backend, ada, "IN_APP", "Your order has left.").await;
    send(&backend, ada, "IN_APP", "It arrives today.").await;
    let inbox = followed.until(|inbox| inbox["unread"] == 2).await;
    assert_eq!(bodies(&inbox), ["It arrives today.", "Your order has left."]);
    // Handing it over is its delivery; that it was said twice changes nothing.
    let types = app.until(ada, |types| count(types, "MessageDelivered") == 2).await;
    assert_eq!(count(&types, "MessageSent"), 2);
    assert_eq!(page.inbox().await, inbox);

    let (left, today) = (id_of(&inbox, "Your order has left."), id_of(&inbox, "It arrives today."));
    for _ in 0..2 {
        assert_eq!(page.report("markSeen", &[left]).await["unread"], 1);
    }
    followed.until(|inbox| inbox["unread"] == 1).await;
    let mutation = "mutation($id: ID!) { markClicked(id: $id, url: \"https://shop.example/orders\") { unread } }";
    assert_eq!(page.ask(mutation, json!({ "id": today })).await["unread"], 0);
    assert_eq!(bodies(&page.report("dismiss", &[left]).await), ["It arrives today."]);
    let told = followed.until(|inbox| inbox["messages"].as_array().is_some_and(|all| all.len() == 1)).await;
    assert_eq!((told["unread"].clone(), bodies(&told)), (json!(0), vec!["It arrives today."]));
    let types = app.until(ada, |types| count(types, "MessageDismissed") == 1).await;
    for (name, times) in [("MessageDelivered", 2), ("MessageOpened", 1), ("MessageClicked", 1)] {
        assert_eq!(count(&types, name), times, "{name}");
    }
    let query = "query($id: ID!) { message(id: $id) { state } }";
    assert_eq!(backend.data(query, json!({ "id": left })).await["message"]["state"], "OPENED");
    assert_eq!(backend.data(query, json!({ "id": today })).await["message"]["state"], "CLICKED");
    drop(followed);
    app.finish().await;
}

async fn a_token_opens_one_customers_messages_for_a_while_and_nothing_else(engine: Engine) {
    let app = TestApp::with(engine, FILE).await;
    let backend = app.actor(Role::Admin).await;
    let (ada, eve) = (register(&backend, "IN_APP", "user-7").await, register(&backend, "IN_APP", "user-8").await);
    send(&backend, ada, "IN_APP", "For Ada alone.").await;
    app.until(ada, |types| count(types, "MessageSent") == 1).await;
    app.visible(app.head().await).await;
    let (hers, eves) = (CustomersPage::open(&backend, ada, 60).await, CustomersPage::open(&backend, eve, 5).await);
    let inbox = hers.inbox().await;
    let id = id_of(&inbox, "For Ada alone.");
    // Another customer's message does not exist.
    for mutation in ["markSeen", "dismiss"] {
        assert_eq!(eves.report(mutation, &[id]).await, json!({ "unread": 0, "messages": [] }));
    }
    assert_eq!(hers.inbox().await, inbox);
    let asked = "{ inbox { unread } }";
    // Neither is an API key, nor opens an API key the inbox.
    assert_eq!(
        backend
            .with_token(&hers.token)
            .post()
            .json(&json!({ "query": asked }))
            .send()
            .await
            .expect("an answer")
            .status(),
        401
    );
    let with = |token: String| CustomersPage { token, ..CustomersPage::clone(&hers) };
    assert_eq!(with(backend.token.clone()).status(asked).await, StatusCode::UNAUTHORIZED);
    let mut forged = hers.token.clone();
    forged.replace_range(10..11, if &forged[10..11] == "A" { "B" } else { "A" });
    assert_eq!(with(forged).status(asked).await, StatusCode::UNAUTHORIZED);
    // It ends by itself, and with the person.
    let mut followed = hers.follow().await;
    app.advance(chrono::TimeDelta::minutes(6));
    assert_eq!((eves.status(asked).await, hers.status(asked).await), (StatusCode::UNAUTHORIZED, StatusCode::OK));
    let forget = "mutation($id: ID!) { forgetCustomer(customerId: $id, reason: \"request\") { refusal { code } } }";
    backend.data(forget, json!({ "id": ada.to_string() })).await;
    assert_eq!(hers.status(asked).await, StatusCode::UNAUTHORIZED);
    app.stop();
    assert!(followed.ends().await, "a server that stops ends streams in order");
    app.finish().await;
}

async fn only_who_may_read_customers_texts_hands_tokens_out(engine: Engine) {
    let app = TestApp::with(engine, FILE).await;
    let backend = app.actor(Role::Admin).await;
    let ada = register(&backend, "IN_APP", "user-7").await;
    let query = "query($id: ID!, $minutes: Int!) { customerAccess(customerId: $id, minutes: $minutes) { token } }";
    let asked = |minutes: i32| json!({ "id": ada.to_string(), "minutes": minutes });
    for (role, personal, code) in [
        (Role::Analyst, Some(true), "FORBIDDEN"),
        (Role::Ingest, None, "FORBIDDEN"),
        (Role::Marketer, Some(false), "PERSONAL_DATA_REFUSED"),
    ] {
        let somebody = app.actor_of(app.tenant, role, personal).await;
        assert_eq!(somebody.error(query, asked(60)).await, code, "{role:?}");
    }
    for minutes in [0, 1_441] {
        assert_eq!(backend.error(query, asked(minutes)).await, "INVALID_INPUT");
    }
    let unknown = json!({ "id": CustomerId(app.tenant.0).to_string(), "minutes": 60 });
    assert_eq!(backend.error(query, unknown).await, "CUSTOMER_UNKNOWN");
    let other = app.actor_of(app.other_tenant().await, Role::Admin, None).await;
    assert_eq!(other.error(query, asked(60)).await, "CUSTOMER_UNKNOWN");
    app.finish().await;
}

async fn the_script_is_served_to_pages_of_any_origin(engine: Engine) {
    let app = TestApp::with(engine, FILE).await;
    let backend = app.actor(Role::Admin).await;
    let answer = backend.get("/inapp.js").await;
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert_eq!(answer.headers()["content-type"], "text/javascript; charset=utf-8");
    assert!(answer.text().await.expect("a text").contains("export function connect"));
    app.finish().await;
}

on_each_engine! {
    a_message_in_the_product_is_pushed_seen_followed_and_put_away
    a_token_opens_one_customers_messages_for_a_while_and_nothing_else
    only_who_may_read_customers_texts_hands_tokens_out
    the_script_is_served_to_pages_of_any_origin
}
