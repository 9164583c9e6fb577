//! Addresses are checked: what is known is answered for nothing, a day's budget holds on all nodes, and what was found is
//! used when messages are sent.

use chrono::TimeDelta;
use commlog::domain::tenant::event::Role;
use commlog::domain::value::validation::{UNKNOWN_LASTS, VERDICT_LASTS};
use commlog::ids::CustomerId;
use serde_json::{Value, json};

use super::in_app::register;
use super::story::count;
use crate::support::app::{Actor, Engine, TestApp};
use crate::support::doubles::Act;
use crate::support::doubles::twilio::{ACCOUNT, TOKEN};
use crate::support::doubles::validators::{NEVERBOUNCE_KEY, ValidatorsDouble};

const MAILBOX: &str = "ada@example.org";
const NUMBER: &str = "+14155550101";

/// A node with services that check addresses.
struct Desk {
    app: TestApp,
    double: ValidatorsDouble,
    agent: Actor,
}

impl Desk {
    async fn open(engine: Engine, daily: u64) -> Self {
        let double = ValidatorsDouble::start().await;
        let file = format!(
            "[[validators]]\nservice = 'neverbounce'\napi_key = '{NEVERBOUNCE_KEY}'\ndaily = {daily}\nbase_url = '{0}'\n\
             [[validators]]\nservice = 'twilio_lookup'\naccount_sid = '{ACCOUNT}'\nauth_token = '{TOKEN}'\nbase_url = '{0}'\n",
            double.url()
        );
        Self::over(TestApp::with(engine, &file).await, double).await
    }

    async fn over(app: TestApp, double: ValidatorsDouble) -> Self {
        let agent = app.actor(Role::Agent).await;
        Self { app, double, agent }
    }

    async fn seen(&self) {
        self.app.visible(self.app.head().await).await;
    }
}

const FIELDS: &str = "addressId asked repeated refusal { code message field } \
    validation { validity reason lineType carrier validator checkedAt countsUntil }";

fn text(kind: &str, address: &str) -> Value {
    json!({ "text": { "kind": kind, "address": address } })
}

/// Has one address checked.
async fn validate(actor: &Actor, input: Value, key: Option<&str>) -> Value {
    let mutation = format!(
        "mutation($input: AddressRefInput!, $key: String) {{ validateAddress(input: $input, idempotencyKey: $key) {{ {FIELDS} }} }}"
    );
    actor.data(&mutation, json!({ "input": input, "key": key })).await["validateAddress"].take()
}

/// Has several mailboxes checked.
async fn validate_all(actor: &Actor, mailboxes: &[String], key: Option<&str>) -> Value {
    let mutation = format!(
        "mutation($input: [AddressRefInput!]!, $key: String) {{ validateAddresses(input: $input, idempotencyKey: $key) \
         {{ repeated refusal {{ code field }} results {{ {FIELDS} }} }} }}"
    );
    let input: Vec<_> = mailboxes.iter().map(|mailbox| text("EMAIL", mailbox)).collect();
    actor.data(&mutation, json!({ "input": input, "key": key })).await["validateAddresses"].take()
}

fn mailboxes(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("person{number}@example.org")).collect()
}

/// How many results have a refusal with a code.
fn refused(results: &Value, code: &str) -> usize {
    let results = results["results"].as_array().expect("results");
    results.iter().filter(|result| result["refusal"]["code"] == code).count()
}

/// What the customer's addresses show.
async fn shown(actor: &Actor, customer: CustomerId) -> Value {
    let query = "query($id: ID!) { customer(id: $id) { addresses { kind validation \
        { validity reason lineType carrier validator } } } }";
    actor.data(query, json!({ "id": format!("Customer:{customer}") })).await["customer"]["addresses"].take()
}

async fn what_is_known_is_answered_and_asked_for_again_once_it_does_not_count(engine: Engine) {
    let desk = Desk::open(engine, 0).await;
    let first = validate(&desk.agent, text("EMAIL", MAILBOX), None).await;
    assert_eq!((&first["asked"], &first["validation"]["validity"]), (&json!(true), &json!("DELIVERABLE")), "{first:#}");
    assert_eq!(first["validation"]["validator"], "neverbounce");
    let again = validate(&desk.agent, text("EMAIL", " Ada@Example.org "), None).await;
    assert_eq!((&again["asked"], &again["validation"]), (&json!(false), &first["validation"]));
    assert_eq!((&again["addressId"], desk.double.taken().len()), (&first["addressId"], 1));
    desk.app.advance(VERDICT_LASTS);
    assert_eq!(validate(&desk.agent, text("EMAIL", MAILBOX), None).await["asked"], true);
    // That nobody can tell counts for a day, and then may be asked again.
    desk.double.know("eve@example.org", json!({ "result": "unknown" }));
    for (after, asked) in [(TimeDelta::zero(), true), (TimeDelta::zero(), false), (UNKNOWN_LASTS, true)] {
        desk.app.advance(after);
        let unknown = validate(&desk.agent, text("EMAIL", "eve@example.org"), None).await;
        assert_eq!((&unknown["asked"], &unknown["validation"]["validity"]), (&json!(asked), &json!("UNKNOWN")));
    }
    desk.app.finish().await;
}

async fn what_can_be_told_offline_costs_nothing(engine: Engine) {
    let desk = Desk::open(engine, 0).await;
    let disposable = validate(&desk.agent, text("EMAIL", "x@mailinator.com"), None).await;
    let found = &disposable["validation"];
    assert_eq!((&found["validity"], &found["reason"]), (&json!("RISKY"), &json!("DISPOSABLE")), "{disposable:#}");
    assert_eq!((&found["validator"], &disposable["asked"]), (&json!("offline"), &json!(false)));
    for (kind, address) in [("EMAIL", "ada@@example.org"), ("EMAIL", ""), ("PHONE", "not a number")] {
        let wrong = validate(&desk.agent, text(kind, address), None).await;
        let found = &wrong["validation"];
        assert_eq!((&found["validity"], &found["reason"]), (&json!("UNDELIVERABLE"), &json!("SYNTAX")), "{wrong:#}");
        assert_eq!((&wrong["addressId"], &found["validator"]), (&Value::Null, &json!("offline")));
    }
    let device = validate(&desk.agent, text("PUSH_TOKEN", "device"), None).await;
    assert_eq!(device["refusal"]["code"], "NO_VALIDATOR");
    assert_eq!(desk.double.calls(), 0);
    desk.app.finish().await;
}

async fn without_a_service_the_offline_checks_are_made(engine: Engine) {
    let app = TestApp::on(engine).await;
    let agent = app.actor(Role::Agent).await;
    let nobody = validate(&agent, text("EMAIL", MAILBOX), None).await;
    assert_eq!((&nobody["refusal"]["code"], &nobody["validation"]), (&json!("NO_VALIDATOR"), &Value::Null));
    let disposable = validate(&agent, text("EMAIL", "x@mailinator.com"), None).await;
    assert_eq!(disposable["validation"]["reason"], "DISPOSABLE", "{disposable:#}");
    // Services act for the tenant of the configuration.
    let other = app.other_tenant().await;
    let stranger = app.actor_of(other, Role::Admin, None).await;
    assert_eq!(validate(&stranger, text("PHONE", NUMBER), None).await["refusal"]["code"], "NO_VALIDATOR");
    let analyst = app.actor(Role::Analyst).await;
    let forbidden =
        "mutation { validateAddress(input: { text: { kind: EMAIL, address: \"a@example.org\" } }) { asked } }";
    assert_eq!(analyst.error(forbidden, json!({})).await, "FORBIDDEN");
    app.finish().await;
}

async fn a_day_s_budget_holds_on_every_node_and_through_a_restart(engine: Engine) {
    let desk = Desk::open(engine, 3).await;
    let beside = desk.app.beside("api").await;
    let (here, there) = (desk.agent.clone(), desk.agent.at(&beside));
    let (one, two) = (mailboxes(8), mailboxes(16).split_off(8));
    let (one, two) = tokio::join!(validate_all(&here, &one, None), validate_all(&there, &two, None));
    let spent = refused(&one, "VALIDATION_BUDGET_SPENT") + refused(&two, "VALIDATION_BUDGET_SPENT");
    assert_eq!((desk.double.taken().len(), spent), (3, 13), "{one:#}{two:#}");
    beside.finish().await;
    let Desk { app, double, .. } = desk;
    let desk = Desk::over(app.restart().await, double).await;
    let spent = validate(&desk.agent, text("EMAIL", MAILBOX), None).await;
    assert_eq!((&spent["refusal"]["code"], desk.double.calls()), (&json!("VALIDATION_BUDGET_SPENT"), 3));
    // Numbers have a service of their own, without a limit.
    assert_eq!(validate(&desk.agent, text("PHONE", NUMBER), None).await["asked"], true);
    let admin = desk.app.actor(Role::Admin).await;
    let services = admin.data("{ validators { name checks daily madeToday costMicros } }", json!({})).await;
    assert_eq!(
        services["validators"],
        json!([
            { "name": "neverbounce", "checks": ["EMAIL"], "daily": "3", "madeToday": "3", "costMicros": null },
            { "name": "twilio_lookup", "checks": ["PHONE"], "daily": null, "madeToday": "1", "costMicros": null },
        ])
    );
    desk.app.advance(TimeDelta::days(1));
    assert_eq!(validate(&desk.agent, text("EMAIL", MAILBOX), None).await["asked"], true);
    desk.app.finish().await;
}

async fn two_who_ask_at_once_pay_once(engine: Engine) {
    let desk = Desk::open(engine, 0).await;
    let all = vec![MAILBOX.to_owned(); 20];
    let (one, two) = tokio::join!(validate_all(&desk.agent, &all, None), validate_all(&desk.agent, &all, None));
    assert_eq!(desk.double.taken(), [MAILBOX]);
    let results = [one, two].map(|all| all["results"].as_array().expect("results").clone()).concat();
    assert!(results.iter().all(|result| result["validation"]["validity"] == "DELIVERABLE"), "{results:#?}");
    assert_eq!(results.iter().filter(|result| result["asked"] == true).count(), 1);
    desk.app.finish().await;
}

async fn a_refusal_is_data_and_records_nothing(engine: Engine) {
    let desk = Desk::open(engine, 2).await;
    let wait = vec![("retry-after", "60".to_owned())];
    let cases = [
        (Act::Refuse(401, vec![], json!({ "message": "no" })), "VALIDATOR_REFUSED", "http_401"),
        (Act::Refuse(200, vec![], json!({ "status": "throttle_triggered" })), "VALIDATOR_BUSY", "throttle_triggered"),
        (Act::ServerError { status: 500, taken: true }, "VALIDATOR_SILENT", "server_error"),
        (Act::Refuse(429, wait, json!({ "message": "slow down" })), "VALIDATOR_BUSY", "http_429"),
    ];
    for (act, code, said) in cases {
        desk.double.script([act.clone()]);
        let answer = validate(&desk.agent, text("EMAIL", MAILBOX), Some("once")).await;
        assert_eq!((&answer["refusal"]["code"], &answer["validation"]), (&json!(code), &Value::Null), "{act:?}");
        let message = answer["refusal"]["message"].as_str().expect("a message");
        assert!(message.contains(said) && !message.contains("ada"), "{message}");
    }
    // It asked to be left alone, and is.
    let calls = desk.double.calls();
    assert_eq!(validate(&desk.agent, text("EMAIL", MAILBOX), None).await["refusal"]["code"], "VALIDATOR_BUSY");
    assert_eq!(desk.double.calls(), calls);
    desk.app.advance(TimeDelta::seconds(61));
    // Only the check that may have been made was counted, beside this one.
    let found = validate(&desk.agent, text("EMAIL", MAILBOX), Some("once")).await;
    assert_eq!((&found["asked"], &found["repeated"]), (&json!(true), &json!(false)), "{found:#}");
    let spent = validate(&desk.agent, text("EMAIL", "eve@example.org"), None).await;
    assert_eq!(spent["refusal"]["code"], "VALIDATION_BUDGET_SPENT", "{spent:#}");
    desk.app.finish().await;
}

async fn a_key_is_bound_to_what_was_asked(engine: Engine) {
    let desk = Desk::open(engine, 0).await;
    let first = validate(&desk.agent, text("EMAIL", MAILBOX), Some("one")).await;
    desk.app.advance(VERDICT_LASTS);
    let again = validate(&desk.agent, text("EMAIL", MAILBOX), Some("one")).await;
    assert_eq!((&again["repeated"], &again["validation"]), (&json!(true), &first["validation"]), "{again:#}");
    let other = validate(&desk.agent, text("EMAIL", "eve@example.org"), Some("one")).await;
    assert_eq!(other["refusal"]["code"], "IDEMPOTENCY_KEY_REUSED");
    let list = mailboxes(3);
    let all = validate_all(&desk.agent, &list, Some("many")).await;
    assert_eq!((&all["repeated"], desk.double.calls()), (&json!(false), 4), "{all:#}");
    let again = validate_all(&desk.agent, &list, Some("many")).await;
    assert_eq!((&again["repeated"], &again["results"][2]["repeated"]), (&json!(true), &json!(true)), "{again:#}");
    let fewer = validate_all(&desk.agent, &list[..2], Some("many")).await;
    assert_eq!(refused(&fewer, "IDEMPOTENCY_KEY_REUSED"), 2, "{fewer:#}");
    let too_many = validate_all(&desk.agent, &mailboxes(200), None).await;
    assert!(too_many["refusal"].is_null() && too_many["results"].as_array().expect("results").len() == 200);
    desk.app.finish().await;
}

async fn what_was_found_is_shown_used_and_forgotten(engine: Engine) {
    let desk = Desk::open(engine, 0).await;
    let ada = register(&desk.agent, "PHONE", NUMBER).await;
    desk.seen().await;
    let id = shown_ids(&desk.agent, ada).await;
    let mobile = validate(&desk.agent, json!({ "known": { "id": id, "kind": "PHONE" } }), None).await;
    assert_eq!((&mobile["validation"]["lineType"], &mobile["addressId"]), (&json!("MOBILE"), &id), "{mobile:#}");
    desk.seen().await;
    let analyst = desk.app.actor_of(desk.app.tenant, Role::Analyst, Some(false)).await;
    let admin = desk.app.actor(Role::Admin).await;
    for (actor, carrier) in [(&admin, json!("Example Mobile")), (&analyst, Value::Null)] {
        let expected = json!({ "validity": "DELIVERABLE", "reason": null, "lineType": "MOBILE", "carrier": carrier,
            "validator": "twilio_lookup" });
        assert_eq!(shown(actor, ada).await[0]["validation"], expected);
    }
    desk.double.know("eve@example.org", json!({ "result": "invalid" }));
    let eve = register(&desk.agent, "EMAIL", "eve@example.org").await;
    validate(&desk.agent, text("EMAIL", "eve@example.org"), None).await;
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { decision rule } }";
    let input = json!({ "customerId": format!("Customer:{eve}"), "channel": "EMAIL", "class": "TRANSACTIONAL",
        "topic": "orders", "subject": "Hello", "body": "Hello" });
    let sent = admin.data(send, json!({ "input": input })).await["sendMessage"].take();
    assert_eq!(sent, json!({ "decision": "SUPPRESSED", "rule": "invalid_address" }));
    desk.seen().await;
    let list = "query($filter: ValidationFilterInput) { validations(filter: $filter) { totalCount nodes \
        { kind addressId validation { validity carrier } } } }";
    let gone = admin.data(list, json!({ "filter": { "validities": ["UNDELIVERABLE"] } })).await["validations"].take();
    assert_eq!((&gone["totalCount"], &gone["nodes"][0]["kind"]), (&json!(1), &json!("EMAIL")), "{gone:#}");
    let mobiles = admin.data(list, json!({ "filter": { "lineTypes": ["MOBILE"] } })).await["validations"].take();
    assert_eq!(mobiles["nodes"][0]["validation"]["carrier"], "Example Mobile");
    let forget = "mutation($id: ID!) { forgetCustomer(customerId: $id, reason: \"asked\") { refusal { message } } }";
    let forgotten = admin.data(forget, json!({ "id": format!("Customer:{ada}") })).await;
    assert!(forgotten["forgetCustomer"]["refusal"].is_null(), "{forgotten:#}");
    desk.app.until(ada, |types| count(types, "ErasureCompleted") == 1).await;
    desk.seen().await;
    let mobiles = admin.data(list, json!({ "filter": { "lineTypes": ["MOBILE"] } })).await["validations"].take();
    assert_eq!(mobiles["nodes"][0]["validation"], json!({ "validity": "DELIVERABLE", "carrier": null }));
    let known = validate(&admin, text("PHONE", NUMBER), None).await;
    assert_eq!((&known["asked"], &known["validation"]["carrier"]), (&json!(false), &Value::Null), "{known:#}");
    // The key of the number is gone for good: what is found later is recorded without what is personal.
    desk.app.advance(VERDICT_LASTS);
    let later = validate(&admin, text("PHONE", NUMBER), None).await;
    assert_eq!((&later["asked"], &later["validation"]["carrier"]), (&json!(true), &Value::Null), "{later:#}");
    assert_eq!(later["refusal"], Value::Null);
    desk.app.finish().await;
}

/// The id of a customer's first address.
async fn shown_ids(actor: &Actor, customer: CustomerId) -> Value {
    let query = "query($id: ID!) { customer(id: $id) { addresses { addressId } } }";
    let mut found = actor.data(query, json!({ "id": format!("Customer:{customer}") })).await;
    found["customer"]["addresses"][0]["addressId"].take()
}

async fn an_sms_goes_to_a_mobile_number_before_the_others(engine: Engine) {
    let desk = Desk::open(engine, 0).await;
    let admin = desk.app.actor(Role::Admin).await;
    let ada = register(&admin, "PHONE", "+14155550001").await;
    let add = "mutation($id: ID!, $a: AddressInput!) { addAddress(customerId: $id, address: $a) { addressId } }";
    for number in ["+14155550002", "+14155550003"] {
        let input = json!({ "id": format!("Customer:{ada}"), "a": { "kind": "PHONE", "address": number } });
        admin.data(add, input).await;
    }
    let goes_to = async || {
        let mutation = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { to } } }";
        let input = json!({ "customerId": format!("Customer:{ada}"), "channel": "SMS", "class": "TRANSACTIONAL",
            "topic": "orders", "body": "Hello" });
        let sent = admin.data(mutation, json!({ "input": input })).await;
        sent["sendMessage"]["message"]["to"].as_str().unwrap_or_else(|| panic!("{sent:#}")).to_owned()
    };
    assert_eq!(goes_to().await, "+14155550001", "the primary one");
    let line =
        |kind: &str| json!({ "line_type_intelligence": { "type": kind, "carrier_name": "X", "error_code": null } });
    desk.double.know("+14155550001", line("landline"));
    validate(&admin, text("PHONE", "+14155550001"), None).await;
    assert_eq!(goes_to().await, "+14155550002", "nothing is known of the next one");
    validate(&admin, text("PHONE", "+14155550003"), None).await;
    assert_eq!(goes_to().await, "+14155550003", "it is known to be mobile");
    let queued = desk.app.stores().journal.read_stream(
        commlog::log::StreamId::new(desk.app.tenant, commlog::log::Category::Customer, ada.0),
        0,
        commlog::log::ReadLimit::events(1_000),
    );
    let queued = queued.await.expect("the log answers");
    let queued = queued.iter().filter(|event| event.envelope.event_type == "MessageQueued");
    let instead: Vec<bool> = queued
        .map(|event| serde_json::from_slice::<Value>(&event.data).expect("JSON").get("instead_of").is_some())
        .collect();
    assert_eq!(instead, [false, true, true]);
    desk.app.finish().await;
}

on_each_engine! {
    what_is_known_is_answered_and_asked_for_again_once_it_does_not_count
    what_can_be_told_offline_costs_nothing
    without_a_service_the_offline_checks_are_made
    a_day_s_budget_holds_on_every_node_and_through_a_restart
    two_who_ask_at_once_pay_once
    a_refusal_is_data_and_records_nothing
    a_key_is_bound_to_what_was_asked
    what_was_found_is_shown_used_and_forgotten
    an_sms_goes_to_a_mobile_number_before_the_others
}
