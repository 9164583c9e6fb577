//! Calls through the whole: what is said, who picks up, which key is pressed, and what is kept of it.

use serde_json::{Value, json};

use super::story::{PHONE, Wire, count};
use crate::support::app::Engine;
use crate::support::doubles::twilio::{TwilioCall, TwilioDouble};

const SAVE: &str = "mutation($input: TemplateInput!) { saveTemplate(input: $input) { refusal { code message } } }";
const PUBLISH: &str = "mutation($code: String!) { publishTemplate(code: $code) { version refusal { code message } } }";
const SEND: &str = "mutation($input: SendMessageInput!) { sendMessage(input: $input) \
    { messageId decision rule refusal { code message field } } }";

const READ: &str = "query($id: ID!) { message(id: $id) { state body call { result seconds answeredBy } } }";

async fn publish(wire: &Wire) {
    let texts = json!({ "voice": { "language": "en-GB", "voice": "Polly.Amy", "machine": "HANG_UP",
        "steps": [{ "say": "Hello {{ customer_name }}." }, { "pauseSeconds": 1 },
            { "say": "Press 9 to hear no more." }],
        "keys": [{ "digit": 9, "meaning": "OPT_OUT", "say": "You will hear no more, {{ customer_name }}." },
            { "digit": 1, "meaning": "ANSWER", "say": "Thank you." }] } });
    let input = json!({ "code": "reminder", "title": "Reminder", "class": "TRANSACTIONAL", "defaultLocale": "en",
        "contents": [{ "locale": "en", "texts": texts }] });
    let saved = wire.agent.data(SAVE, json!({ "input": input })).await;
    assert_eq!(saved["saveTemplate"]["refusal"], Value::Null, "{saved:#}");
    let published = wire.agent.data(PUBLISH, json!({ "code": "reminder" })).await;
    assert_eq!(published["publishTemplate"]["refusal"], Value::Null, "{published:#}");
}

async fn send(wire: &Wire, customer: &str) -> Value {
    let input = json!({ "customerId": customer, "channel": "VOICE", "class": "TRANSACTIONAL", "topic": "orders",
        "template": { "code": "reminder" } });
    wire.agent.data(SEND, json!({ "input": input })).await["sendMessage"].take()
}

async fn read(wire: &Wire, id: &str) -> Value {
    wire.app.visible(wire.app.head().await).await;
    wire.agent.data(READ, json!({ "id": id })).await["message"].take()
}

async fn made(wire: &Wire, customer: commlog::ids::CustomerId, number: usize) -> (String, TwilioCall) {
    let sent = send(wire, &customer.to_string()).await;
    let id = sent["messageId"].as_str().unwrap_or_else(|| panic!("{sent:#}")).to_owned();
    wire.app.until(customer, |types| count(types, "MessageSent") == number).await;
    (id, wire.twilio.calls_taken().pop().expect("Twilio took it"))
}

async fn a_call_ends_at_a_machine_and_a_pressed_key_opts_out(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    publish(&wire).await;

    // A machine picks up: the call is ended, and nothing was left on it.
    let (id, call) = made(&wire, ada, 1).await;
    assert_eq!(call.field("To"), Some(PHONE));
    assert!(call.field("Twiml").is_some_and(|document| document.contains("Hello Ada Lovelace.")));
    for _ in 0..2 {
        assert!(wire.call(&TwilioDouble::verdict(&call, "machine_start")).await.is_success());
    }
    assert_eq!(wire.twilio.calls_ended(), std::slice::from_ref(&call.sid));
    let ended = [("AnsweredBy", "machine_start"), ("CallDuration", "4"), ("Duration", "1")];
    for _ in 0..3 {
        assert!(wire.call(&TwilioDouble::call_status(&call, "completed", &ended)).await.is_success());
    }
    let shown = read(&wire, &id).await;
    assert_eq!(shown["state"], "FAILED");
    assert_eq!(shown["call"], json!({ "result": "MACHINE", "seconds": 4, "answeredBy": "machine_start" }));
    let types = wire.app.until(ada, |types| count(types, "CallEnded") == 1).await;
    assert_eq!((count(&types, "CallEnded"), count(&types, "MessageFailed")), (1, 1), "{types:?}");

    // A person answers with a key: that stands in the conversation.
    let (id, call) = made(&wire, ada, 2).await;
    let answered = wire.answer(&TwilioDouble::pressed(&call, "1")).await;
    assert!(answered.text().await.expect("a document").contains("Thank you.</Say><Hangup/>"));
    let ended = [("AnsweredBy", "human"), ("CallDuration", "21")];
    assert!(wire.call(&TwilioDouble::call_status(&call, "completed", &ended)).await.is_success());
    let shown = read(&wire, &id).await;
    assert_eq!((&shown["state"], &shown["call"]["result"]), (&json!("REPLIED"), &json!("ANSWERED")), "{shown:#}");

    // Another time they press 9, hear that it counts, and are called no more.
    let (id, call) = made(&wire, ada, 3).await;
    let mut forged = TwilioDouble::pressed(&call, "9");
    forged.url = forged.url.replace("token=", "token=x");
    assert_eq!(wire.call(&forged).await, 401);
    for _ in 0..2 {
        let answered = wire.answer(&TwilioDouble::pressed(&call, "9")).await;
        assert_eq!(answered.headers()["content-type"], "text/xml");
        let said = answered.text().await.expect("a document");
        assert!(said.contains("You will hear no more, Ada Lovelace.</Say><Hangup/>"), "{said}");
    }
    assert_eq!(read(&wire, &id).await["state"], "OPTED_OUT");
    let types = wire.app.until(ada, |types| count(types, "ConsentChanged") == 1).await;
    assert_eq!(count(&types, "MessageReceived"), 1, "{types:?}");
    let stopped = send(&wire, &ada.to_string()).await;
    assert_eq!((&stopped["decision"], &stopped["rule"]), (&json!("SUPPRESSED"), &json!("suppressed_address")));
    assert_eq!((wire.twilio.calls_taken().len(), wire.twilio.most_calls_per_token()), (3, 1));
    let compared = wire.app.reads().check(|_| {}).await.expect("tables are compared");
    assert!(compared.iter().all(|table| table.difference.is_none()), "{compared:?}");
    wire.app.finish().await;
}

on_each_engine! {
    a_call_ends_at_a_machine_and_a_pressed_key_opts_out
}
