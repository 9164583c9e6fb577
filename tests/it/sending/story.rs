use commlog::clock::Ambient;
use commlog::domain::tenant::event::Role;
use commlog::ids::CustomerId;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::app::{Actor, Engine, TestApp, http_client};
use crate::support::doubles::sendgrid::{self, SendgridDouble};
use crate::support::doubles::twilio::{self, TwilioDouble};
use crate::support::doubles::{Act, Signed};

const PUBLIC: &str = "https://commlog.example";
const PHONE: &str = "+447400123456";
const MAILBOX: &str = "ada@example.org";

/// A node with an account at each double.
struct Wire {
    app: TestApp,
    twilio: TwilioDouble,
    sendgrid: SendgridDouble,
    agent: Actor,
}

impl Wire {
    async fn start(engine: Engine) -> Self {
        let ambient = Ambient::system();
        let twilio = TwilioDouble::start(ambient.clone()).await;
        let sendgrid = SendgridDouble::start(ambient).await;
        let (sms, mail) = (twilio.settings(PUBLIC), sendgrid.settings());
        let file = format!(
            "public_url = '{PUBLIC}'\n\
             [[accounts]]\nprovider = 'twilio'\nname = 'main'\nbase_url = '{}'\naccount_sid = '{}'\n\
             auth_token = '{}'\nfrom = '{}'\n\
             [[accounts]]\nprovider = 'sendgrid'\nname = 'main'\nbase_url = '{}'\napi_key = '{}'\nfrom = 'news@{}'\n\
             webhook_public_key = '{}'\ninbound_secret = '{}'\nreply_domain = 'reply.{}'\n",
            sms.base_url,
            twilio::ACCOUNT,
            twilio::TOKEN,
            twilio::NUMBER,
            mail.base_url,
            sendgrid::KEY,
            sendgrid::DOMAIN,
            mail.event_public_keys[0],
            sendgrid::INBOUND_SECRET,
            sendgrid::DOMAIN,
        );
        let app = TestApp::with(engine, &file).await;
        let agent = app.actor(Role::Admin).await;
        Self { app, twilio, sendgrid, agent }
    }

    /// A customer with a number and a mailbox.
    async fn ada(&self) -> CustomerId {
        let mutation = "mutation($input: CustomerInput!) { registerCustomer(input: $input) { customerId } }";
        let addresses = json!([{ "kind": "PHONE", "address": PHONE }, { "kind": "EMAIL", "address": MAILBOX }]);
        let input = json!({ "name": "Ada Lovelace", "addresses": addresses });
        let data = self.agent.data(mutation, json!({ "input": input })).await;
        data["registerCustomer"]["customerId"]
            .as_str()
            .and_then(|id| id.strip_prefix("Customer:")?.parse().ok())
            .expect("an id")
    }

    /// Sends; the message's id, and the rule that keeps it back, if one does.
    async fn send(&self, customer: CustomerId, channel: &str, class: &str) -> (String, Option<String>) {
        let mutation = "mutation($input: SendMessageInput!) { sendMessage(input: $input) \
            { messageId decision rule refusal { code message } } }";
        let input = json!({
            "customerId": customer.to_string(), "channel": channel, "class": class, "topic": "news",
            "subject": if channel == "EMAIL" { Some("A new vintage") } else { None }, "body": "A new vintage is in.",
        });
        let data = self.agent.data(mutation, json!({ "input": input })).await;
        let answer = &data["sendMessage"];
        let id = answer["messageId"].as_str().unwrap_or_else(|| panic!("{data:#}")).to_owned();
        (id, answer["rule"].as_str().map(str::to_owned))
    }

    /// Hands a callback to the node as the provider would.
    async fn call(&self, signed: &Signed) -> StatusCode {
        let path = signed.url.strip_prefix(PUBLIC).expect("our public URL");
        let request = http_client().post(format!("http://{}{path}", self.app.address())).body(signed.body.clone());
        let request = signed.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        request.send().await.expect("the node answers").status()
    }

    /// What the read tables say of a message once they show all that is in the log.
    async fn message(&self, id: &str) -> Value {
        self.app.visible(self.app.head().await).await;
        let query = "query($id: ID!) { message(id: $id) { state opens { total human machine } clicks { total } \
            decisions { rule outcome inputs } conversation { state unread } } }";
        self.agent.data(query, json!({ "id": id })).await["message"].take()
    }
}

fn count(types: &[String], name: &str) -> usize {
    types.iter().filter(|event| *event == name).count()
}

async fn what_is_sent_over_the_wire_is_heard_of_answered_and_stopped(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    let (text, _) = wire.send(ada, "SMS", "TRANSACTIONAL").await;
    let (mail, _) = wire.send(ada, "EMAIL", "MARKETING").await;
    wire.app.until(ada, |types| count(types, "MessageSent") == 2).await;

    let sms = wire.twilio.taken().pop().expect("Twilio took it");
    assert_eq!((sms.field("To"), sms.field("Body")), (Some(PHONE), Some("A new vintage is in.")));
    let letter = wire.sendgrid.taken().pop().expect("SendGrid took it");
    assert_eq!(letter.to, MAILBOX);
    let headers = &letter.request["personalizations"][0]["headers"];
    let headers = if headers.is_null() { &letter.request["headers"] } else { headers };
    assert_eq!(headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    assert!(headers["List-Unsubscribe"].as_str().is_some_and(|link| link.starts_with(&format!("<{PUBLIC}/u/"))));
    assert!(letter.request["reply_to"]["email"].as_str().is_some_and(|to| to.ends_with("@reply.shop.example")));

    // Every callback three times, the last ones first.
    for status in ["delivered", "sent", "queued"] {
        for _ in 0..3 {
            assert!(wire.call(&TwilioDouble::status(&sms, status, None)).await.is_success());
        }
    }
    let hook = format!("{PUBLIC}/webhooks/sendgrid/main");
    let at = Ambient::system().now().timestamp();
    let opened = json!({ "useragent": "Mozilla/5.0 (Windows NT 10.0)", "ip": "203.0.113.9", "sg_machine_open": false });
    let proxied = json!({ "useragent": "Mozilla/5.0", "ip": "203.0.113.9", "sg_machine_open": true });
    let clicked = json!({ "useragent": "Mozilla/5.0 (Windows NT 10.0)", "url": "https://shop.example/wine" });
    let events = [
        letter.event("click", "e5", at + 50, clicked),
        letter.event("open", "e4", at + 40, opened),
        letter.event("open", "e3", at + 10, proxied),
        letter.event("delivered", "e2", at + 2, json!({ "response": "250 OK" })),
        letter.event("processed", "e1", at, json!({})),
    ];
    for _ in 0..2 {
        assert!(wire.call(&wire.sendgrid.events(&hook, &events)).await.is_success());
    }
    for event in events {
        assert!(wire.call(&wire.sendgrid.events(&hook, &[event])).await.is_success());
    }
    let sms_now = wire.message(&text).await;
    assert_eq!(sms_now["state"], "DELIVERED");
    let mail_now = wire.message(&mail).await;
    assert_eq!(mail_now["state"], "CLICKED");
    assert_eq!(mail_now["opens"], json!({ "total": 2, "human": 1, "machine": 1 }));
    assert_eq!(mail_now["clicks"], json!({ "total": 1 }));
    let types = wire.app.until(ada, |_| true).await;
    for (name, times) in [("MessageDelivered", 2), ("MessageOpened", 2), ("MessageClicked", 1)] {
        assert_eq!(count(&types, name), times, "{name} in {types:?}");
    }

    // The customer answers, and the conversation is open.
    let texts = format!("{PUBLIC}/webhooks/twilio/main");
    for _ in 0..2 {
        let answer =
            TwilioDouble::inbound(&texts, "SMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb01", PHONE, "When do you open?", &[]);
        assert!(wire.call(&answer).await.is_success());
    }
    assert_eq!(wire.message(&text).await["conversation"], json!({ "state": "OPEN", "unread": 1 }));

    // STOP counts at once, for transactional messages too.
    let stop = TwilioDouble::inbound(&texts, "SMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb02", PHONE, "Stop", &[]);
    assert!(wire.call(&stop).await.is_success());
    let (stopped, rule) = wire.send(ada, "SMS", "TRANSACTIONAL").await;
    assert_eq!(rule.as_deref(), Some("suppressed_address"));
    let decisions = wire.message(&stopped).await["decisions"].take();
    assert_eq!(decisions[0]["outcome"], "SUPPRESSED");
    assert_eq!(decisions[0]["inputs"]["reasons"], json!(["stop"]));
    assert_eq!((wire.twilio.calls(), wire.twilio.most_per_token()), (1, 1));
    wire.app.finish().await;
}

async fn what_is_forged_is_not_stored_and_what_is_unknown_is_kept_once(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    wire.send(ada, "EMAIL", "TRANSACTIONAL").await;
    wire.app.until(ada, |types| count(types, "MessageSent") == 1).await;
    let letter = wire.sendgrid.taken().pop().expect("SendGrid took it");
    let hook = format!("{PUBLIC}/webhooks/sendgrid/main");
    let at = Ambient::system().now().timestamp();
    let delivered = letter.event("delivered", "e1", at, json!({}));

    let before = wire.app.head().await;
    let mut forged = wire.sendgrid.events(&hook, std::slice::from_ref(&delivered));
    forged.body = String::from_utf8_lossy(&forged.body).replace("delivered", "bounce").into();
    assert_eq!(wire.call(&forged).await, StatusCode::UNAUTHORIZED);
    let mut unsigned = wire.sendgrid.events(&hook, std::slice::from_ref(&delivered));
    unsigned.headers.retain(|(name, _)| !name.contains("signature"));
    assert_eq!(wire.call(&unsigned).await, StatusCode::UNAUTHORIZED);
    let elsewhere = Signed { url: format!("{PUBLIC}/webhooks/sendgrid/other"), ..unsigned };
    assert_eq!(wire.call(&elsewhere).await, StatusCode::NOT_FOUND);
    assert_eq!(wire.app.head().await, before);

    // A token that was changed, an unknown status, no object at all: kept, each once, however often it comes.
    let mut foreign = delivered.clone();
    for value in foreign.as_object_mut().expect("an object").values_mut() {
        if value.as_str().is_some_and(|text| Some(text) == letter.token()) {
            *value = json!("AAAA");
        }
    }
    foreign["sg_message_id"] = json!("nobody.knows-this");
    let strange = [foreign, letter.event("vaporised", "e9", at, json!({})), json!("nonsense")];
    for _ in 0..46 {
        assert!(wire.call(&wire.sendgrid.events(&hook, &strange)).await.is_success());
    }
    let after = wire.app.head().await;
    assert_eq!(after.counter() - before.counter(), 3);
    wire.app.finish().await;
}

async fn a_refusal_for_now_is_tried_again_and_silence_is_doubt(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    wire.twilio.script([Act::Half { taken: true }]);
    let (text, _) = wire.send(ada, "SMS", "TRANSACTIONAL").await;
    wire.app.until(ada, |types| count(types, "DispatchInDoubt") == 1).await;
    assert_eq!(wire.message(&text).await["state"], "IN_DOUBT");
    // The callback proves that it was taken.
    let sms = wire.twilio.taken().pop().expect("Twilio took it");
    assert!(wire.call(&TwilioDouble::status(&sms, "delivered", None)).await.is_success());
    assert_eq!(wire.message(&text).await["state"], "DELIVERED");
    assert_eq!((wire.twilio.calls(), wire.twilio.most_per_token()), (1, 1));
    wire.app.finish().await;
}

/// A mail that somebody writes to a reply's address, and what the log then says of it.
struct Case {
    what: &'static str,
    from: &'static str,
    /// Whether it goes to the address that the first customer's mail named.
    by_token: bool,
    subject: &'static str,
    /// Whether it is found to answer our mail.
    answers: bool,
    /// Whether it is the first customer who wrote.
    is_ada: bool,
}

const THREADS: &[Case] = &[
    Case { what: "a reply", from: MAILBOX, by_token: true, subject: "Re: A new vintage", answers: true, is_ada: true },
    Case { what: "another subject", from: MAILBOX, by_token: true, subject: "My invoice", answers: true, is_ada: true },
    Case {
        what: "the same subject alone",
        from: MAILBOX,
        by_token: false,
        subject: "Re: A new vintage",
        answers: false,
        is_ada: true,
    },
    Case {
        what: "a forwarded mail",
        from: "bob@example.org",
        by_token: true,
        subject: "Fwd: A new vintage",
        answers: false,
        is_ada: false,
    },
    Case {
        what: "somebody else",
        from: "eve@example.org",
        by_token: false,
        subject: "Re: A new vintage",
        answers: false,
        is_ada: false,
    },
];

async fn replies_are_threaded_by_token_and_contact_and_never_by_subject(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    let (mail, _) = wire.send(ada, "EMAIL", "MARKETING").await;
    wire.app.until(ada, |types| count(types, "MessageSent") == 1).await;
    wire.app.visible(wire.app.head().await).await;
    let letter = wire.sendgrid.taken().pop().expect("SendGrid took it");
    let reply_to = letter.request["reply_to"]["email"].as_str().expect("an address for replies").to_owned();
    let hook = format!("{PUBLIC}/webhooks/sendgrid/main");
    for (number, case) in THREADS.iter().enumerate() {
        let to = if case.by_token { reply_to.as_str() } else { "hello@reply.shop.example" };
        let headers = format!("Message-ID: <m{number}@mail.example.org>\nSubject: {}\n", case.subject);
        let mail_in = SendgridDouble::inbound(&hook, case.from, to, case.what, &headers);
        assert!(wire.call(&mail_in).await.is_success(), "{}", case.what);
        wire.app.visible(wire.app.head().await).await;
        let query = "query { conversations(first: 10) { nodes { customer { id } channel messages(first: 10) \
            { nodes { body direction inReplyTo customerId } } } } }";
        let data = wire.agent.data(query, json!({})).await;
        let conversations = data["conversations"]["nodes"].as_array().expect("conversations");
        let found: Vec<_> = conversations
            .iter()
            .flat_map(|conversation| conversation["messages"]["nodes"].as_array().into_iter().flatten())
            .filter(|message| message["body"].as_str().is_some_and(|body| body.trim_end() == case.what))
            .collect();
        let [message] = found[..] else { panic!("{}: {data:#}", case.what) };
        assert_eq!(message["inReplyTo"].as_str() == Some(mail.as_str()), case.answers, "{}: {message:#}", case.what);
        let is_ada = message["customerId"].as_str() == Some(format!("Customer:{ada}").as_str());
        assert_eq!(is_ada, case.is_ada, "{}: {message:#}", case.what);
    }
    // Ada, Bob and Eve: one conversation each.
    let data = wire.agent.data("query { conversations(first: 10) { totalCount } }", json!({})).await;
    assert_eq!(data["conversations"]["totalCount"], 3);
    wire.app.finish().await;
}

on_both! {
    what_is_sent_over_the_wire_is_heard_of_answered_and_stopped
    what_is_forged_is_not_stored_and_what_is_unknown_is_kept_once
    a_refusal_for_now_is_tried_again_and_silence_is_doubt
    replies_are_threaded_by_token_and_contact_and_never_by_subject
}
