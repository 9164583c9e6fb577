//! Accounts that administrators set up while a node runs.

use std::path::Path;

use commlog::clock::Ambient;
use commlog::domain::account::event::AccountEvent;
use commlog::domain::tenant::event::Role;
use commlog::ids::{CustomerId, Position, TenantId};
use commlog::log::{Category, ReadLimit, StreamId};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::app::{Actor, Engine, TestApp, http_client};
use crate::support::doubles::sendgrid::{self, SendgridDouble};
use crate::support::doubles::twilio::{self, TwilioDouble};
use crate::support::doubles::{Act, Signed};

const PUBLIC: &str = "https://commlog.example";

const CONFIGURE: &str = "mutation($input: AccountInput!, $key: String) { configureAccount(input: $input, \
    idempotencyKey: $key) { provider name position repeated refusal { code message field } } }";
const ACCOUNTS: &str = "query($at: Position) { accounts(waitFor: $at) { provider name channels source settings { name value } \
    secrets perSecond unit priority costMicros state reason lastSentAt lastErrorClass lastErrorCode lastTestPassed \
    inFlight webhookUrl } }";

/// A node that begins without accounts, and doubles that it may call.
pub(super) struct Office {
    pub(super) app: TestApp,
    pub(super) twilio: TwilioDouble,
    pub(super) sendgrid: SendgridDouble,
    pub(super) admin: Actor,
}

impl Office {
    pub(super) async fn open(engine: Engine) -> Self {
        Self::with(engine, |_, _| String::new()).await
    }

    async fn with(engine: Engine, accounts: impl FnOnce(&TwilioDouble, &SendgridDouble) -> String) -> Self {
        let ambient = Ambient::system();
        let twilio = TwilioDouble::start(ambient.clone()).await;
        let sendgrid = SendgridDouble::start(ambient).await;
        let file = format!(
            "public_url = '{PUBLIC}'\naccount_base_urls = ['{}', '{}']\n{}",
            twilio.settings(PUBLIC).base_url,
            sendgrid.settings().base_url,
            accounts(&twilio, &sendgrid),
        );
        let app = TestApp::with(engine, &file).await;
        let admin = app.actor(Role::Admin).await;
        Self { app, twilio, sendgrid, admin }
    }

    pub(super) fn twilio_input(&self, name: &str, token: &str) -> Value {
        json!({
            "provider": "twilio", "name": name,
            "settings": [
                { "name": "account_sid", "value": twilio::ACCOUNT }, { "name": "from", "value": twilio::NUMBER },
                { "name": "base_url", "value": self.twilio.settings(PUBLIC).base_url.as_str() },
            ],
            "secrets": [{ "name": "auth_token", "value": token }],
        })
    }

    pub(super) fn sendgrid_input(&self) -> Value {
        let settings = self.sendgrid.settings();
        json!({
            "provider": "sendgrid", "name": "mail",
            "settings": [
                { "name": "from", "value": format!("news@{}", sendgrid::DOMAIN) },
                { "name": "webhook_public_key", "value": settings.event_public_keys[0] },
                { "name": "base_url", "value": settings.base_url.as_str() },
            ],
            "secrets": [{ "name": "api_key", "value": sendgrid::KEY }],
        })
    }

    /// Sets an account up; where that stands in the log.
    pub(super) async fn configure(&self, input: Value) -> Value {
        let answer = self.admin.data(CONFIGURE, json!({ "input": input })).await["configureAccount"].take();
        assert!(answer["refusal"].is_null(), "{answer:#}");
        answer["position"].clone()
    }

    /// A mutation on one account that must be carried out; its payload.
    async fn done(&self, mutation: &str, provider: &str, name: &str, more: &str) -> Value {
        let answer = self.asked(mutation, provider, name, more).await;
        assert!(answer["refusal"].is_null(), "{answer:#}");
        answer
    }

    async fn asked(&self, mutation: &str, provider: &str, name: &str, more: &str) -> Value {
        let fields = if mutation == "testAccount" { "passed errorClass errorCode" } else { "name" };
        let document = format!(
            "mutation {{ {mutation}(provider: \"{provider}\", name: \"{name}\"{more}) \
             {{ {fields} position refusal {{ code message field }} }} }}"
        );
        self.admin.data(&document, json!({})).await[mutation].take()
    }

    /// An account as it is listed once the read tables show all that is in the log.
    pub(super) async fn account(&self, name: &str) -> Value {
        let at = self.app.head().await.to_string();
        let data = self.admin.data(ACCOUNTS, json!({ "at": at })).await;
        let found = data["accounts"].as_array().and_then(|all| all.iter().find(|one| one["name"] == name)).cloned();
        found.unwrap_or_else(|| panic!("no {name} in {data:#}"))
    }

    pub(super) async fn customer(&self, number: u32) -> CustomerId {
        let mutation = "mutation($input: CustomerInput!) { registerCustomer(input: $input) { customerId } }";
        let addresses = json!([
            { "kind": "PHONE", "address": format!("+4474001234{number:02}") },
            { "kind": "EMAIL", "address": format!("person{number}@example.org") },
        ]);
        let data = self.admin.data(mutation, json!({ "input": { "addresses": addresses } })).await;
        let id = data["registerCustomer"]["customerId"].as_str().expect("an id");
        id.strip_prefix("Customer:").and_then(|id| id.parse().ok()).expect("an id")
    }

    pub(super) async fn send(&self, customer: CustomerId, channel: &str) -> String {
        let mutation = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }";
        let input = json!({
            "customerId": customer.to_string(), "channel": channel, "class": "TRANSACTIONAL", "topic": "orders",
            "subject": if channel == "EMAIL" { Some("Your order") } else { None }, "body": "It is on its way.",
        });
        let data = self.admin.data(mutation, json!({ "input": input })).await;
        data["sendMessage"]["messageId"].as_str().expect("an id").to_owned()
    }

    pub(super) async fn until(&self, customer: CustomerId, event: &str, times: usize) {
        let _ = self.app.until(customer, |types| types.iter().filter(|name| *name == event).count() >= times).await;
    }

    async fn state(&self, message: &str) -> Value {
        self.app.visible(self.app.head().await).await;
        let query = "query($id: ID!) { message(id: $id) { state } }";
        self.admin.data(query, json!({ "id": message })).await["message"]["state"].take()
    }

    /// Where a customer's event of a type stands.
    async fn position_of(&self, customer: CustomerId, event: &str) -> Position {
        let stream = StreamId::new(self.app.tenant, Category::Customer, customer.0);
        let events = self.app.stores().journal.read_stream(stream, 0, ReadLimit::events(1_000)).await.expect("is read");
        let found = events.iter().rev().find(|recorded| recorded.envelope.event_type == event);
        found.unwrap_or_else(|| panic!("no {event}")).envelope.position
    }
}

/// Hands a callback to a node as the provider would.
pub(super) async fn call(app: &TestApp, signed: &Signed) -> StatusCode {
    let path = signed.url.strip_prefix(PUBLIC).expect("our public URL");
    let request = http_client().post(format!("http://{}{path}", app.address())).body(signed.body.clone());
    let request = signed.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    request.send().await.expect("the node answers").status()
}

/// Whether any file below a folder holds a text.
fn found_below(folder: &Path, text: &str) -> Option<std::path::PathBuf> {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let found = if entry.is_dir() {
            found_below(&entry, text)
        } else {
            let bytes = std::fs::read(&entry).unwrap_or_default();
            bytes.windows(text.len()).any(|window| window == text.as_bytes()).then_some(entry)
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

async fn an_account_is_set_up_sends_is_called_back_rotated_and_removed(engine: Engine) {
    let mut office = Office::open(engine).await;
    let ada = office.customer(1).await;
    assert_eq!(office.account("default").await["source"], "SIMULATOR");

    let at = office.configure(office.twilio_input("main", twilio::TOKEN)).await;
    office.configure(office.sendgrid_input()).await;
    let listed = office.admin.data(ACCOUNTS, json!({ "at": at })).await;
    assert_eq!(listed["accounts"].as_array().map(Vec::len), Some(2), "nothing is simulated any more: {listed:#}");
    let main = office.account("main").await;
    let hook = format!("{PUBLIC}/webhooks/twilio/{}.main", office.app.tenant.0.simple());
    assert_eq!(main["webhookUrl"], hook);
    assert_eq!((&main["source"], &main["state"]), (&json!("API"), &json!("HEALTHY")));
    assert_eq!((&main["channels"], &main["secrets"]), (&json!(["SMS"]), &json!(["auth_token"])));

    let (text, mail) = (office.send(ada, "SMS").await, office.send(ada, "EMAIL").await);
    office.until(ada, "MessageSent", 2).await;
    let sms = office.twilio.taken().pop().expect("Twilio took it");
    assert!(sms.field("StatusCallback").is_some_and(|url| url.starts_with(&format!("{hook}?"))), "{sms:?}");
    assert!(call(&office.app, &TwilioDouble::status(&sms, "delivered", None)).await.is_success());
    let letter = office.sendgrid.taken().pop().expect("SendGrid took it");
    let mail_hook = office.account("mail").await["webhookUrl"].as_str().expect("a URL").to_owned();
    let delivered = letter.event("delivered", "e1", Ambient::system().now().timestamp(), json!({}));
    assert!(call(&office.app, &office.sendgrid.events(&mail_hook, &[delivered])).await.is_success());
    assert_eq!((office.state(&text).await, office.state(&mail).await), (json!("DELIVERED"), json!("DELIVERED")));
    assert!(office.account("main").await["lastSentAt"].is_string());

    // A second node, and the same one after a restart, know the account: an answer comes in through each.
    let beside = office.app.beside("api").await;
    let answer = |number| TwilioDouble::inbound(&hook, &format!("SM{number:032}"), "+447400123401", "Thanks!", &[]);
    assert_eq!(call(&beside, &answer(1)).await, StatusCode::OK);
    beside.finish().await;
    office.app = office.app.restart().await;
    office.admin = office.admin.at(&office.app);
    assert_eq!(call(&office.app, &answer(2)).await, StatusCode::OK);
    office.until(ada, "MessageReceived", 2).await;

    // While a token is rotated, callbacks that are signed with either are believed; afterwards only the new one's.
    let mut rotating = office.twilio_input("main", "another_token_00000000000000000");
    rotating["secrets"]
        .as_array_mut()
        .expect("a list")
        .push(json!({ "name": "next_auth_token", "value": twilio::TOKEN }));
    office.configure(rotating.clone()).await;
    assert_eq!(call(&office.app, &answer(3)).await, StatusCode::OK);
    rotating["secrets"] = json!([{ "name": "next_auth_token", "value": null }]);
    office.configure(rotating).await;
    assert_eq!(call(&office.app, &answer(4)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(office.account("main").await["secrets"], json!(["auth_token"]));

    office.done("removeAccount", "twilio", "main", "").await;
    assert_eq!(call(&office.app, &answer(5)).await, StatusCode::NOT_FOUND);
    let again = office.asked("removeAccount", "twilio", "main", "").await;
    assert_eq!(again["refusal"]["code"], "ACCOUNT_UNKNOWN");
    let left = office.app.stores().journal.key_store().secrets_of(office.app.tenant).await.expect("answers");
    assert_eq!(left.len(), 1, "only SendGrid's key is left");
    office.app.finish().await;
}

async fn a_rate_and_a_pause_count_while_messages_wait(engine: Engine) {
    let office = Office::open(engine).await;
    let (ada, bob) = (office.customer(1).await, office.customer(2).await);
    let mut slow = office.twilio_input("main", twilio::TOKEN);
    // One message, then nothing for a quarter of an hour.
    slow["perSecond"] = json!(0.001);
    office.configure(slow).await;
    assert_eq!(office.account("main").await["perSecond"], 0.001);
    office.send(ada, "SMS").await;
    office.until(ada, "MessageSent", 1).await;
    office.send(ada, "SMS").await;
    office.send(bob, "SMS").await;
    assert_eq!(office.twilio.calls(), 1);
    let faster = office.done("setAccountRate", "twilio", "main", ", perSecond: 0").await;
    office.until(ada, "MessageSent", 2).await;
    office.until(bob, "MessageSent", 1).await;
    let raised = faster["position"].as_str().expect("a position").parse().expect("a position");
    assert!(office.position_of(bob, "DispatchStarted").await > raised);
    assert_eq!(office.twilio.calls(), 3);

    office.done("pauseAccount", "twilio", "main", ", reason: \"bill unpaid\"").await;
    let main = office.account("main").await;
    assert_eq!((&main["state"], &main["reason"]), (&json!("PAUSED"), &json!("bill unpaid")));
    office.send(bob, "SMS").await;
    let resumed = office.done("resumeAccount", "twilio", "main", "").await;
    office.until(bob, "MessageSent", 2).await;
    let resumed = resumed["position"].as_str().expect("a position").parse().expect("a position");
    assert!(office.position_of(bob, "DispatchStarted").await > resumed);
    assert_eq!(office.account("main").await["state"], "HEALTHY");
    office.app.finish().await;
}

async fn a_wrong_secret_lets_the_account_rest_until_it_is_mended(engine: Engine) {
    let office = Office::open(engine).await;
    let ada = office.customer(1).await;
    office.configure(office.twilio_input("main", "wrong_token_0000000000000000000")).await;
    let tested = office.done("testAccount", "twilio", "main", ", idempotencyKey: \"t\"").await;
    let verdict = (&tested["passed"], &tested["errorClass"], &tested["errorCode"]);
    assert_eq!(verdict, (&json!(false), &json!("CONFIGURATION"), &json!("20003")));
    office.send(ada, "SMS").await;
    office.until(ada, "DispatchFailed", 1).await;
    let main = office.account("main").await;
    assert_eq!((&main["state"], &main["reason"]), (&json!("RESTING"), &json!("20003")));
    assert_eq!((&main["lastErrorClass"], &main["lastErrorCode"]), (&json!("CONFIGURATION"), &json!("20003")));
    // A node that did not call the provider tells the same, from the log.
    let beside = office.app.beside("api").await;
    beside.visible(office.app.head().await).await;
    let there = office.admin.at(&beside).data(ACCOUNTS, json!({})).await;
    assert_eq!(there["accounts"][0]["state"], "RESTING", "{there:#}");
    beside.finish().await;

    office.configure(office.twilio_input("main", twilio::TOKEN)).await;
    assert_eq!(office.account("main").await["state"], "HEALTHY");
    assert_eq!(office.done("testAccount", "twilio", "main", "").await["passed"], true);
    // The first answer again, although it would pass now.
    assert_eq!(office.done("testAccount", "twilio", "main", ", idempotencyKey: \"t\"").await["passed"], false);
    let bob = office.customer(2).await;
    office.twilio.script([Act::Usual]);
    office.send(bob, "SMS").await;
    office.until(bob, "MessageSent", 1).await;
    office.app.finish().await;
}

async fn secrets_are_in_no_file_no_event_and_no_answer(engine: Engine) {
    let office = Office::open(engine).await;
    let input = office.twilio_input("main", twilio::TOKEN);
    let first = office.admin.data(CONFIGURE, json!({ "input": input, "key": "k" })).await.to_string();
    let again = office.admin.data(CONFIGURE, json!({ "input": input, "key": "k" })).await;
    assert_eq!(again["configureAccount"]["repeated"], true);
    let mut other = input.clone();
    other["secrets"][0]["value"] = json!("another_token_00000000000000000");
    let reused = office.admin.data(CONFIGURE, json!({ "input": other, "key": "k" })).await;
    assert_eq!(reused["configureAccount"]["refusal"]["code"], "IDEMPOTENCY_KEY_REUSED");
    let kept = office.app.stores().journal.key_store().secrets_of(office.app.tenant).await.expect("answers");
    assert_eq!(kept.len(), 1, "what was kept for a repetition or a refusal is gone");

    let told = office.admin.data("{ events(last: 50) { nodes { type actor data personal } } }", json!({})).await;
    let configured =
        told["events"]["nodes"].as_array().into_iter().flatten().find(|e| e["type"] == "AccountConfigured");
    assert!(configured.is_some_and(|event| event["actor"].as_str().is_some_and(|actor| actor.starts_with("key:"))));
    let listed = office.account("main").await.to_string();
    for answer in [&first, &again.to_string(), &told.to_string(), &listed] {
        assert!(!answer.contains(twilio::TOKEN), "{answer}");
    }
    for text in [twilio::TOKEN, "another_token_00000000000000000"] {
        assert_eq!(found_below(office.app.folder(), text), None);
    }
    // The log's bytes as they are stored, on any engine.
    let all = office.app.stores().journal.backend().read_all(Position::START, ReadLimit::events(10_000)).await;
    let all = all.expect("the log answers");
    assert!(all.iter().any(|event| AccountEvent::TYPES.iter().any(|(name, _)| *name == event.envelope.event_type)));
    assert!(all.iter().all(|event| !String::from_utf8_lossy(&event.data).contains(twilio::TOKEN)));
    office.app.finish().await;
}

async fn what_makes_no_sense_is_refused_and_leaves_nothing(engine: Engine) {
    let office = Office::open(engine).await;
    let good = || office.twilio_input("main", twilio::TOKEN);
    let with = |name: &str, value: &str| {
        let mut input = good();
        input["settings"].as_array_mut().expect("a list").retain(|setting| setting["name"] != name);
        input["settings"].as_array_mut().expect("a list").push(json!({ "name": name, "value": value }));
        input
    };
    let mut unknown = good();
    unknown["provider"] = json!("pigeon");
    let mut no_secret = good();
    no_secret["secrets"] = json!([]);
    let mut fast = good();
    fast["perSecond"] = json!(-1.0);
    let cases = [
        (unknown, "provider"),
        (no_secret, "secrets.auth_token"),
        (fast, "perSecond"),
        (with("auth_token", "in the wrong place"), "secrets.auth_token"),
        (with("account_sid", "AC1"), "settings.account_sid"),
        (with("colour", "blue"), "settings.colour"),
        (with("base_url", "http://169.254.169.254/"), "settings.base_url"),
        (office.twilio_input("a/b", twilio::TOKEN), "name"),
    ];
    for (input, field) in cases {
        let refused = office.admin.data(CONFIGURE, json!({ "input": input })).await["configureAccount"].take();
        assert_eq!(
            (&refused["refusal"]["code"], &refused["refusal"]["field"]),
            (&json!("INVALID_INPUT"), &json!(field))
        );
        assert!(!refused.to_string().contains("wrong place"), "{refused:#}");
    }
    let kept = office.app.stores().journal.key_store().secrets_of(office.app.tenant).await.expect("answers");
    assert!(kept.is_empty());
    for role in [Role::Marketer, Role::Agent, Role::Auditor] {
        let somebody = office.app.actor(role).await;
        assert_eq!(somebody.error(CONFIGURE, json!({ "input": good() })).await, "FORBIDDEN");
        assert_eq!(somebody.error(ACCOUNTS, json!({})).await, "FORBIDDEN");
    }
    office.app.finish().await;
}

async fn what_a_file_defines_is_paused_and_slowed_down_but_not_changed(engine: Engine) {
    let office = Office::with(engine, |twilio, _| {
        format!(
            "[[accounts]]\nprovider = 'twilio'\nname = 'main'\nbase_url = '{}'\naccount_sid = '{}'\nauth_token = '{}'\n\
             from = '{}'\nper_second = 5\n",
            twilio.settings(PUBLIC).base_url,
            twilio::ACCOUNT,
            twilio::TOKEN,
            twilio::NUMBER,
        )
    })
    .await;
    let input = office.twilio_input("main", twilio::TOKEN);
    let refused = office.admin.data(CONFIGURE, json!({ "input": input })).await["configureAccount"].take();
    assert_eq!(refused["refusal"]["code"], "ACCOUNT_READ_ONLY");
    assert_eq!(office.asked("removeAccount", "twilio", "main", "").await["refusal"]["code"], "ACCOUNT_READ_ONLY");
    office.done("setAccountRate", "twilio", "main", ", perSecond: 2, unit: SEGMENTS").await;
    office.done("pauseAccount", "twilio", "main", ", reason: \"holidays\"").await;
    let app = office.app.restart().await;
    let admin = office.admin.at(&app);
    let listed = admin.data(ACCOUNTS, json!({})).await;
    let main = &listed["accounts"][0];
    assert_eq!((&main["source"], &main["state"]), (&json!("FILE"), &json!("PAUSED")));
    assert_eq!((&main["perSecond"], &main["unit"]), (&json!(2.0), &json!("SEGMENTS")));
    assert_eq!(main["webhookUrl"], format!("{PUBLIC}/webhooks/twilio/main"));
    assert_eq!((&main["settings"], &main["secrets"]), (&json!([]), &json!([])));
    app.finish().await;
}

async fn a_tenants_account_is_that_tenants_only(engine: Engine) {
    let office = Office::open(engine).await;
    let theirs: TenantId = office.app.other_tenant().await;
    let stranger = office.app.actor_of(theirs, Role::Admin, None).await;
    office.configure(office.twilio_input("main", twilio::TOKEN)).await;
    let input = office.twilio_input("main", twilio::TOKEN);
    let second = stranger.data(CONFIGURE, json!({ "input": input })).await["configureAccount"].take();
    assert!(second["refusal"].is_null(), "names are unique per tenant: {second:#}");
    let theirs_listed = stranger.data(ACCOUNTS, json!({})).await;
    assert_eq!(theirs_listed["accounts"].as_array().map(Vec::len), Some(1));

    let ada = office.customer(1).await;
    let text = office.send(ada, "SMS").await;
    office.until(ada, "MessageSent", 1).await;
    let sms = office.twilio.taken().pop().expect("Twilio took it");
    // The same callback at the other tenant's webhook, signed as that one's provider would: our token is none of theirs.
    let [ours_path, theirs_path] = [office.app.tenant, theirs].map(|tenant| format!("/{}.main", tenant.0.simple()));
    let mut moved = sms.clone();
    for (name, value) in &mut moved.form {
        if name == "StatusCallback" {
            *value = value.replace(&ours_path, &theirs_path);
        }
    }
    let before = office.app.until(ada, |_| true).await;
    assert_eq!(call(&office.app, &TwilioDouble::status(&moved, "delivered", None)).await, StatusCode::OK);
    assert_eq!(office.app.until(ada, |_| true).await, before, "it is kept for them, and nothing of ours");
    assert_eq!(office.state(&text).await, "SENT");
    assert!(call(&office.app, &TwilioDouble::status(&sms, "delivered", None)).await.is_success());
    assert_eq!(office.state(&text).await, "DELIVERED");

    let name = "mutation { pauseAccount(provider: \"twilio\", name: \"main\", reason: \"x\") { refusal { code } } }";
    assert!(stranger.data(name, json!({})).await["pauseAccount"]["refusal"].is_null());
    assert_eq!(office.account("main").await["state"], "HEALTHY", "each pauses its own");
    office.app.finish().await;
}

on_each_engine! {
    an_account_is_set_up_sends_is_called_back_rotated_and_removed
    a_rate_and_a_pause_count_while_messages_wait
    a_wrong_secret_lets_the_account_rest_until_it_is_mended
    secrets_are_in_no_file_no_event_and_no_answer
    what_makes_no_sense_is_refused_and_leaves_nothing
    what_a_file_defines_is_paused_and_slowed_down_but_not_changed
    a_tenants_account_is_that_tenants_only
}
