//! Mailboxes with other letters than ASCII's before the @ (RFC 6531): sent to by who can, refused before anything is queued
//! otherwise.

use commlog::ids::CustomerId;
use serde_json::{Value, json};

use super::story::{Wire, count};
use crate::support::app::{Engine, TestApp};
use commlog::domain::tenant::event::Role;

const MUTATION: &str = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { messageId decision \
    refusal { code field message } } }";

fn mail(customer: CustomerId, address: Option<&Value>) -> Value {
    let mut input = json!({
        "customerId": customer.to_string(), "channel": "EMAIL", "class": "TRANSACTIONAL", "topic": "service",
        "subject": "Your order", "body": "It left this morning.",
    });
    if let Some(address) = address {
        input["addressId"] = address.clone();
    }
    json!({ "input": input })
}

async fn a_mailbox_that_no_account_reaches_is_refused_before_the_message_is_queued(engine: Engine) {
    let wire = Wire::start(engine).await;
    let addresses = [("EMAIL", "gänsefüß@example.org"), ("EMAIL", "goose@bücher.example")];
    let goose = wire.customer("Goose", &addresses).await;
    wire.app.visible(wire.app.head().await).await;
    let refused = wire.agent.data(MUTATION, mail(goose, None)).await["sendMessage"].take();
    assert_eq!(refused["refusal"]["code"], "MAILBOX_NOT_REACHED", "{refused:#}");
    assert_eq!(refused["refusal"]["field"], "addressId");
    assert!(refused["refusal"]["message"].as_str().is_some_and(|message| message.contains("SMTPUTF8")), "{refused:#}");
    assert!(refused["messageId"].is_null());
    // An international domain has a spelling in ASCII, which everybody takes.
    let query = "query($id: ID!) { customer(id: $id) { addresses { addressId address } } }";
    let found = wire.agent.data(query, json!({ "id": goose.to_string() })).await;
    let found = found["customer"]["addresses"].as_array().expect("addresses").clone();
    let ascii = found.iter().find(|own| own["address"] == "goose@xn--bcher-kva.example").expect("the other mailbox");
    let sent = wire.agent.data(MUTATION, mail(goose, Some(&ascii["addressId"]))).await["sendMessage"].take();
    assert!(sent["refusal"].is_null(), "{sent:#}");
    let types = wire.app.until(goose, |types| count(types, "MessageSent") == 1).await;
    assert_eq!(count(&types, "MessageQueued"), 1, "{types:?}");
    assert_eq!(wire.sendgrid.taken().pop().expect("SendGrid took it").to, "goose@xn--bcher-kva.example");
    wire.app.finish().await;
}

async fn an_account_that_takes_all_letters_sends_to_such_a_mailbox(engine: Engine) {
    let app = TestApp::on(engine).await;
    let agent = app.actor(Role::Admin).await;
    let register = "mutation($input: CustomerInput!) { registerCustomer(input: $input) { customerId } }";
    let input = json!({ "name": "用户", "addresses": [{ "kind": "EMAIL", "address": "用户@例子.广告" }] });
    let registered = agent.data(register, json!({ "input": input })).await;
    let id = registered["registerCustomer"]["customerId"].as_str().expect("an id").to_owned();
    let id: CustomerId = id.trim_start_matches("Customer:").parse().expect("an id");
    let sent = agent.data(MUTATION, mail(id, None)).await["sendMessage"].take();
    assert!(sent["refusal"].is_null(), "{sent:#}");
    app.until(id, |types| count(types, "MessageSent") == 1).await;
    app.finish().await;
}

on_each_engine! {
    a_mailbox_that_no_account_reaches_is_refused_before_the_message_is_queued
    an_account_that_takes_all_letters_sends_to_such_a_mailbox
}
