//! WhatsApp through the whole: free text within a day of the customer's last message, a template that WhatsApp has approved after it.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::story::{PHONE, Wire, count};
use crate::support::app::Engine;
use crate::support::doubles::twilio::{TEMPLATE, TwilioDouble};

const SAVE: &str = "mutation($input: TemplateInput!) { saveTemplate(input: $input) { refusal { code message } } }";
const PUBLISH: &str = "mutation($code: String!) { publishTemplate(code: $code) { version refusal { code message } } }";
const SEND: &str = "mutation($input: SendMessageInput!) { sendMessage(input: $input) \
    { messageId decision rule refusal { code message field } } }";

async fn keep_template(wire: &Wire, approval: &str, revision: Option<u32>) {
    let texts = json!({ "whatsapp": { "providerTemplate": TEMPLATE, "language": "en_US",
        "variables": ["{{ customer_name }}"], "body": "Hello {{ customer_name }}", "approval": approval } });
    let input = json!({ "code": "welcome", "title": "Welcome", "class": "TRANSACTIONAL", "revision": revision,
        "defaultLocale": "en", "contents": [{ "locale": "en", "texts": texts }] });
    let saved = wire.agent.data(SAVE, json!({ "input": input })).await;
    assert_eq!(saved["saveTemplate"]["refusal"], Value::Null, "{saved:#}");
}

async fn send(wire: &Wire, customer: &str, more: Value) -> Value {
    let mut input =
        json!({ "customerId": customer, "channel": "WHATSAPP", "class": "TRANSACTIONAL", "topic": "orders" });
    for (name, value) in more.as_object().expect("fields") {
        input[name] = value.clone();
    }
    wire.agent.data(SEND, json!({ "input": input })).await["sendMessage"].take()
}

async fn free_text_goes_out_for_a_day_and_then_only_an_approved_template(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    let id = ada.to_string();
    let words = json!({ "body": "Your wine is ready." });

    // Who never wrote gets no free text.
    let closed = send(&wire, &id, words.clone()).await;
    assert_eq!((&closed["decision"], &closed["rule"]), (&json!("SUPPRESSED"), &json!("whatsapp_window")), "{closed:#}");

    // The customer writes, with their profile's name: the window is open.
    let from = format!("whatsapp:{PHONE}");
    let hook = wire.hook("twilio");
    let hello = TwilioDouble::inbound(
        &hook,
        "SMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb31",
        &from,
        "When do you open?",
        &[("ProfileName", "Ada L."), ("WaId", "447400123456")],
    );
    assert!(wire.call(&hello).await.is_success());
    let wrote_at = wire.app.now();
    let open = send(&wire, &id, words.clone()).await;
    assert_eq!(open["decision"], "QUEUED", "{open:#}");
    wire.app.until(ada, |types| count(types, "MessageSent") == 1).await;
    let taken = wire.twilio.taken().pop().expect("Twilio took it");
    assert_eq!((taken.field("To"), taken.field("Body")), (Some(from.as_str()), Some("Your wine is ready.")));
    for status in ["read", "delivered", "sent"] {
        assert!(wire.call(&TwilioDouble::status(&taken, status, None)).await.is_success());
    }
    let sent = open["messageId"].as_str().expect("an id").to_owned();
    assert_eq!(wire.message(&sent).await["state"], "OPENED");

    // A day later it is closed, and the refusal says since when; one that was planned is judged when it is due.
    let due = wire.app.now() + TimeDelta::hours(25);
    let planned = send(&wire, &id, json!({ "body": "Later", "sendAt": due })).await;
    assert_eq!(planned["decision"], "HELD", "{planned:#}");
    wire.app.advance(TimeDelta::hours(26));
    let late = send(&wire, &id, words).await;
    assert_eq!((&late["decision"], &late["rule"]), (&json!("SUPPRESSED"), &json!("whatsapp_window")), "{late:#}");
    let decisions = wire.message(late["messageId"].as_str().expect("an id")).await["decisions"].take();
    let closed_at =
        decisions[0]["inputs"]["closed_at"].as_str().expect("a moment").parse::<chrono::DateTime<chrono::Utc>>();
    let off = closed_at.expect("a moment") - (wrote_at + TimeDelta::hours(24));
    assert!(off.num_seconds().abs() < 60, "{decisions:#}");
    wire.app.until(ada, |types| count(types, "MessageSuppressed") == 3).await;

    // A template may be sent, once WhatsApp has approved it.
    keep_template(&wire, "PENDING", None).await;
    let published = wire.agent.data(PUBLISH, json!({ "code": "welcome" })).await;
    assert_eq!(published["publishTemplate"]["refusal"], Value::Null, "{published:#}");
    let template = json!({ "template": { "code": "welcome" } });
    let pending = send(&wire, &id, template.clone()).await;
    assert_eq!(pending["refusal"]["code"], "TEMPLATE_NOT_APPROVED", "{pending:#}");
    keep_template(&wire, "APPROVED", Some(1)).await;
    wire.agent.data(PUBLISH, json!({ "code": "welcome" })).await;
    let approved = send(&wire, &id, template.clone()).await;
    assert_eq!(approved["decision"], "QUEUED", "{approved:#}");
    // The first one was reported as sent, too.
    wire.app.until(ada, |types| count(types, "MessageSent") == 3).await;
    let taken = wire.twilio.taken().pop().expect("Twilio took it");
    assert_eq!((taken.field("ContentSid"), taken.field("Body")), (Some(TEMPLATE), None));
    assert_eq!(taken.field("ContentVariables"), Some("{\"1\":\"Ada Lovelace\"}"));

    // WhatsApp pauses it: what is asked for waits, and goes out once it is approved again.
    keep_template(&wire, "PAUSED", Some(2)).await;
    send(&wire, &id, template).await;
    wire.app.until(ada, |types| count(types, "MessageHeld") == 2).await;
    keep_template(&wire, "APPROVED", Some(3)).await;
    wire.app.advance(TimeDelta::minutes(31));
    wire.app
        .until(ada, |types| {
            count(types, "MessageReleased") == 2 && types.last().is_some_and(|last| last == "MessageSent")
        })
        .await;

    // STOP is heeded as on SMS.
    let stop = TwilioDouble::inbound(&hook, "SMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb32", &from, "stop", &[]);
    assert!(wire.call(&stop).await.is_success());
    let stopped = send(&wire, &id, json!({ "body": "Are you sure?" })).await;
    assert_eq!(stopped["rule"], "suppressed_address", "{stopped:#}");
    assert_eq!(wire.twilio.most_per_token(), 1);
    wire.app.finish().await;
}

async fn who_blocks_us_on_whatsapp_still_gets_texts(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    let hook = wire.hook("twilio");
    let from = format!("whatsapp:{PHONE}");
    let hello = TwilioDouble::inbound(&hook, "SMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb33", &from, "Hello", &[]);
    assert!(wire.call(&hello).await.is_success());
    send(&wire, &ada.to_string(), json!({ "body": "Hello" })).await;
    wire.app.until(ada, |types| count(types, "MessageSent") == 1).await;
    let taken = wire.twilio.taken().pop().expect("Twilio took it");
    assert!(wire.call(&TwilioDouble::status(&taken, "failed", Some(63_033))).await.is_success());
    wire.app.until(ada, |types| count(types, "ConsentChanged") == 1).await;
    let (_, rule) = wire.send(ada, "WHATSAPP", "MARKETING").await;
    assert_eq!(rule.as_deref(), Some("consent"));
    let (_, rule) = wire.send(ada, "SMS", "TRANSACTIONAL").await;
    assert_eq!(rule, None);
    wire.app.until(ada, |types| count(types, "MessageSent") == 2).await;
    wire.app.finish().await;
}

on_each_engine! {
    free_text_goes_out_for_a_day_and_then_only_an_approved_template
    who_blocks_us_on_whatsapp_still_gets_texts
}
