//! Messages that are made of templates: what goes out, what is kept of it, and what is refused.

use commlog::domain::tenant::event::Role;
use commlog::ids::CustomerId;
use serde_json::{Value, json};

use super::story::{MAILBOX, PUBLIC, Wire, count};
use crate::support::app::{Actor, Engine, http_client};

const SAVE: &str = "mutation($input: TemplateInput!) { saveTemplate(input: $input) { refusal { code message } } }";
const PUBLISH: &str = "mutation($code: String!) { publishTemplate(code: $code) { version refusal { code message } } }";
const SEND: &str = "mutation($input: SendMessageInput!, $key: String) { sendMessage(input: $input, idempotencyKey: $key) \
    { messageId decision message { subject body html template { code version locale } } refusal { code message field } } }";
const TEST: &str = "mutation($input: TestMessageInput!) { sendTestMessage(input: $input) \
    { messageId message { topic class subject template { code version locale } } refusal { code message field } } }";

const PAGE: &str = "<p>Dear {{ customer_name }}, order {{ order.number }}: {{ order.total | money: order.currency }}</p>\
    <p><a href=\"{{ unsubscribe_url }}\">Unsubscribe</a></p>";

async fn publish(author: &Actor, code: &str, class: &str, page: &str, revision: Option<u32>) {
    let texts = |subject: &str| json!({ "email": { "subject": subject, "markup": "HTML", "source": page } });
    let input = json!({ "code": code, "title": code, "class": class, "revision": revision, "defaultLocale": "en",
        "contents": [
            { "locale": "en", "texts": texts("Your order {{ order.number }}") },
            { "locale": "de", "texts": texts("Ihre Bestellung {{ order.number }}") },
            { "locale": "en", "texts": { "sms": { "body": "{{ word }}: {{ unsubscribe_url }}" } } },
        ] });
    let saved = author.data(SAVE, json!({ "input": input })).await;
    assert_eq!(saved["saveTemplate"]["refusal"], Value::Null, "{saved:#}");
    let published = author.data(PUBLISH, json!({ "code": code })).await;
    assert_eq!(published["publishTemplate"]["refusal"], Value::Null, "{published:#}");
}

async fn order(agent: &Actor, customer: CustomerId, reference: &str) -> String {
    let record = "mutation($input: ActivityInput!) { recordActivity(input: $input) { activityId refusal { code } } }";
    let input = json!({ "customerId": customer.to_string(), "kind": "ORDER", "reference": reference,
        "amountMicros": "1234500000", "currency": "EUR", "occurredAt": "2026-03-01T10:00:00Z" });
    let data = agent.data(record, json!({ "input": input })).await;
    data["recordActivity"]["activityId"].as_str().unwrap_or_else(|| panic!("{data:#}")).to_owned()
}

fn mail(customer: CustomerId, template: Value) -> Value {
    json!({ "customerId": customer.to_string(), "channel": "EMAIL", "class": "TRANSACTIONAL", "topic": "orders",
        "template": template })
}

async fn a_template_goes_out_as_a_page_and_the_message_keeps_what_was_made(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    publish(&wire.agent, "order", "TRANSACTIONAL", PAGE, None).await;
    // The order is recorded a moment before: the message waits for it.
    let activity = order(&wire.agent, ada, "A-7").await;
    let input = mail(ada, json!({ "code": "order", "locale": "de-AT", "activityId": activity }));
    let sent = wire.agent.data(SEND, json!({ "input": input, "key": "once" })).await["sendMessage"].take();
    assert_eq!(sent["refusal"], Value::Null, "{sent:#}");
    let kept = &sent["message"];
    assert_eq!(kept["template"], json!({ "code": "order", "version": 1, "locale": "de" }));
    assert_eq!(kept["subject"], "Ihre Bestellung A-7");
    // The draft changes, and is published; the message is asked for once more and stays what it was.
    publish(&wire.agent, "order", "TRANSACTIONAL", "<p>Another text</p>", Some(1)).await;
    let again = wire.agent.data(SEND, json!({ "input": input, "key": "once" })).await["sendMessage"].take();
    assert_eq!(again["messageId"], sent["messageId"]);
    assert_eq!(again["message"]["html"], kept["html"]);

    wire.app.until(ada, |types| count(types, "MessageSent") == 1).await;
    let letter = wire.sendgrid.taken().pop().expect("SendGrid took it");
    let content = |number: usize| letter.request["content"][number].clone();
    assert_eq!(letter.to, MAILBOX);
    assert_eq!((&content(0)["type"], &content(1)["type"]), (&json!("text/plain"), &json!("text/html")));
    assert_eq!((&content(0)["value"], &content(1)["value"]), (&kept["body"], &kept["html"]));
    let page = content(1)["value"].as_str().expect("a page").to_owned();
    assert!(page.contains("Dear Ada Lovelace, order A-7: 1.234,50"), "{page}");

    // The link in it is that of this message: who follows it opts out of its topic.
    let link = page.split("href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a link");
    let path = link.strip_prefix(PUBLIC).expect("our public URL");
    let followed = http_client().post(wire.agent.url(path)).body("List-Unsubscribe=One-Click").send().await;
    assert!(followed.expect("the node answers").status().is_success());
    wire.app.until(ada, |types| count(types, "ConsentChanged") == 1).await;

    let compared = wire.app.reads().check(|_| {}).await.expect("tables are compared");
    assert!(compared.iter().all(|table| table.difference.is_none()), "{compared:?}");
}

async fn a_text_message_has_the_values_that_were_given_and_no_page(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    publish(&wire.agent, "note", "TRANSACTIONAL", PAGE, None).await;
    let mut input = mail(ada, json!({ "code": "note", "version": 1, "variables": { "word": "Hello" } }));
    input["channel"] = json!("SMS");
    let sent = wire.agent.data(SEND, json!({ "input": input })).await["sendMessage"].take();
    assert_eq!((&sent["refusal"], &sent["message"]["html"]), (&Value::Null, &Value::Null));
    wire.app.until(ada, |types| count(types, "MessageSent") == 1).await;
    let text = wire.twilio.taken().pop().expect("Twilio took it");
    let body = text.field("Body").expect("a text").to_owned();
    assert!(body.starts_with(&format!("Hello: {PUBLIC}/u/")), "{body}");
}

async fn what_cannot_be_made_is_refused_before_anything_is_recorded(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    publish(&wire.agent, "news", "MARKETING", PAGE, None).await;
    let template =
        json!({ "code": "news", "variables": { "order": { "number": "1", "total": "2", "currency": "EUR" } } });
    let marketing = |more: Value| {
        let mut input = mail(ada, template.clone());
        input["class"] = json!("MARKETING");
        for (name, value) in more.as_object().expect("fields") {
            input[name] = value.clone();
        }
        input
    };
    let refused = [
        (mail(ada, template.clone()), "INVALID_INPUT", "class"),
        (marketing(json!({ "body": "Hello" })), "INVALID_INPUT", "template"),
        (marketing(json!({ "subject": "Hello" })), "INVALID_INPUT", "template"),
        (marketing(json!({ "cannedReply": "hello" })), "INVALID_INPUT", "template"),
        (marketing(json!({ "channel": "PUSH" })), "INVALID_INPUT", "channel"),
        (marketing(json!({ "channel": "VOICE" })), "TEMPLATE_HAS_NO_TEXT", "template"),
        (marketing(json!({ "template": { "code": "nobody" } })), "TEMPLATE_UNKNOWN", "template"),
        (marketing(json!({ "template": { "code": "news", "version": 9 } })), "TEMPLATE_VERSION_UNKNOWN", "template"),
        (marketing(json!({ "template": { "code": "news" } })), "TEMPLATE_VALUE_MISSING", "template"),
    ];
    for (input, code, field) in refused {
        let answer = wire.agent.data(SEND, json!({ "input": input })).await["sendMessage"].take();
        assert_eq!(
            (&answer["refusal"]["code"], &answer["refusal"]["field"]),
            (&json!(code), &json!(field)),
            "{answer:#}"
        );
        assert_eq!(answer["messageId"], Value::Null);
    }
    let foreign = order(&wire.agent, wire.customer("Ben", &[]).await, "B-1").await;
    let input = marketing(json!({ "template": { "code": "news", "activityId": foreign } }));
    assert_eq!(wire.agent.error(SEND, json!({ "input": input })).await, "BAD_ARGUMENT");
    let recorded = wire.app.until(ada, |_| true).await;
    assert_eq!(count(&recorded, "MessageQueued"), 0);
    let sent = wire.agent.data(SEND, json!({ "input": marketing(json!({})) })).await["sendMessage"].take();
    assert_eq!(sent["refusal"], Value::Null, "{sent:#}");
}

async fn a_test_of_a_draft_goes_to_somebody_on_record_only(engine: Engine) {
    let wire = Wire::start(engine).await;
    let (ada, ben) = (wire.ada().await, wire.customer("Ben", &[("EMAIL", "ben@example.org")]).await);
    let sample = json!({ "order": { "number": "S-1", "total": "2", "currency": "EUR" } });
    publish(&wire.agent, "news", "MARKETING", PAGE, None).await;
    let input = |to: &str, values: Value| json!({ "template": "news", "channel": "EMAIL", "to": to, "customerId": values, "variables": sample });
    let unknown = wire.agent.data(TEST, json!({ "input": input("nobody@example.org", Value::Null) })).await;
    assert_eq!(unknown["sendTestMessage"]["refusal"]["code"], "TEST_RECEIVER_UNKNOWN");
    let values = json!(ada.to_string());
    let sent =
        wire.agent.data(TEST, json!({ "input": input("ben@example.org", values) })).await["sendTestMessage"].take();
    let expected = json!({ "topic": "test", "class": "TRANSACTIONAL", "subject": "[Test] Your order S-1",
        "template": { "code": "news", "version": null, "locale": "en" } });
    assert_eq!((&sent["refusal"], &sent["message"]), (&Value::Null, &expected), "{sent:#}");
    wire.app.until(ben, |types| count(types, "MessageSent") == 1).await;
    let letter = wire.sendgrid.taken().pop().expect("SendGrid took it");
    assert_eq!(letter.to, "ben@example.org");
    assert!(letter.request["content"][1]["value"].as_str().is_some_and(|page| page.contains("Dear Ada Lovelace")));
    let author = wire.app.actor(Role::Marketer).await;
    assert_eq!(author.error(TEST, json!({ "input": input("ben@example.org", Value::Null) })).await, "FORBIDDEN");
}

on_each_engine! {
    a_template_goes_out_as_a_page_and_the_message_keeps_what_was_made
    a_text_message_has_the_values_that_were_given_and_no_page
    what_cannot_be_made_is_refused_before_anything_is_recorded
    a_test_of_a_draft_goes_to_somebody_on_record_only
}
