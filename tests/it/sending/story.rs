use commlog::clock::Ambient;
use commlog::domain::tenant::event::Role;
use commlog::ids::{CustomerId, Position};
use commlog::log::{Personal, ReadLimit};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::desk::{Desk, WORDS};
use super::stories::account;
use crate::support::app::{Actor, Engine, TestApp};
use crate::support::doubles::sendgrid::{self, SendgridDouble};
use crate::support::doubles::twilio::{self, TwilioDouble};
use crate::support::doubles::{Act, Signed};

pub(crate) const PUBLIC: &str = "https://commlog.example";
pub(crate) const PHONE: &str = "+447400123456";
pub(crate) const MAILBOX: &str = "ada@example.org";

/// Who sets the accounts up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accounts {
    /// The configuration file.
    OfFile,
    /// An administrator, over the API: names and the paths of webhooks differ.
    OverApi,
}

/// A node with an account at each double.
pub(crate) struct Wire {
    pub(crate) app: TestApp,
    pub(crate) twilio: TwilioDouble,
    pub(crate) sendgrid: SendgridDouble,
    pub(crate) agent: Actor,
    pub(crate) accounts: Accounts,
}

impl Wire {
    pub(crate) async fn start(engine: Engine) -> Self {
        Self::with(engine, Accounts::OfFile).await
    }

    pub(crate) async fn with(engine: Engine, accounts: Accounts) -> Self {
        Self::with_settings(engine, accounts, "").await
    }

    /// The same with settings that stand before the others in the file.
    pub(crate) async fn with_settings(engine: Engine, accounts: Accounts, settings: &str) -> Self {
        let ambient = Ambient::system();
        let twilio = TwilioDouble::start(ambient.clone()).await;
        let sendgrid = SendgridDouble::start(ambient).await;
        let (sms, mail) = (twilio.settings(PUBLIC), sendgrid.settings());
        if accounts == Accounts::OverApi {
            let file = format!(
                "{settings}public_url = '{PUBLIC}'\naccount_base_urls = ['{}', '{}']\n",
                sms.base_url, mail.base_url
            );
            let app = TestApp::with(engine, &file).await;
            let agent = app.actor(Role::Admin).await;
            let wire = Self { app, twilio, sendgrid, agent, accounts };
            wire.set_up("twilio", "main").await;
            wire.set_up("sendgrid", "main").await;
            return wire;
        }
        let file = format!(
            "{settings}public_url = '{PUBLIC}'\n{}{}reply_domain = 'reply.{}'\n",
            account("twilio", &twilio.account()),
            account("sendgrid", &sendgrid.account()),
            sendgrid::DOMAIN,
        );
        let app = TestApp::with(engine, &file).await;
        let agent = app.actor(Role::Admin).await;
        Self { app, twilio, sendgrid, agent, accounts }
    }

    /// Sets an account at a double up over the API.
    pub(crate) async fn set_up(&self, provider: &str, name: &str) {
        let (sms, mail) = (self.twilio.settings(PUBLIC), self.sendgrid.settings());
        let setting = |(name, value): (&str, String)| json!({ "name": name, "value": value });
        let (settings, secrets) = match provider {
            "twilio" => (
                vec![
                    ("base_url", sms.base_url.to_string()),
                    ("account_sid", twilio::ACCOUNT.to_owned()),
                    ("from", twilio::NUMBER.to_owned()),
                    ("whatsapp_from", twilio::NUMBER.to_owned()),
                    ("voice_from", twilio::NUMBER.to_owned()),
                ],
                vec![("auth_token", twilio::TOKEN.to_owned())],
            ),
            _ => (
                vec![
                    ("base_url", mail.base_url.to_string()),
                    ("from", format!("news@{}", sendgrid::DOMAIN)),
                    ("webhook_public_key", mail.event_public_keys[0].clone()),
                    ("reply_domain", format!("reply.{}", sendgrid::DOMAIN)),
                ],
                vec![("api_key", sendgrid::KEY.to_owned()), ("inbound_secret", sendgrid::INBOUND_SECRET.to_owned())],
            ),
        };
        let input = json!({
            "provider": provider, "name": name,
            "settings": settings.into_iter().map(setting).collect::<Vec<_>>(),
            "secrets": secrets.into_iter().map(setting).collect::<Vec<_>>(),
        });
        let mutation =
            "mutation($input: AccountInput!) { configureAccount(input: $input) { refusal { message field } } }";
        let answer = self.agent.data(mutation, json!({ "input": input })).await;
        assert!(answer["configureAccount"]["refusal"].is_null(), "{answer:#}");
    }

    /// The URL of a provider's webhook.
    pub(crate) fn hook(&self, provider: &str) -> String {
        match self.accounts {
            Accounts::OfFile => format!("{PUBLIC}/webhooks/{provider}/main"),
            Accounts::OverApi => format!("{PUBLIC}/webhooks/{provider}/{}.main", self.app.tenant.0.simple()),
        }
    }

    /// A customer with a number and a mailbox.
    pub(crate) async fn ada(&self) -> CustomerId {
        self.customer("Ada Lovelace", &[("PHONE", PHONE), ("EMAIL", MAILBOX)]).await
    }

    /// The node without its providers.
    pub(crate) fn desk(&self) -> Desk<'_> {
        Desk { app: &self.app, agent: &self.agent }
    }

    /// A customer with addresses.
    pub(crate) async fn customer(&self, name: &str, addresses: &[(&str, &str)]) -> CustomerId {
        self.desk().customer(name, addresses).await
    }

    /// Sends; the message's id, and the rule that keeps it back, if one does.
    pub(crate) async fn send(&self, customer: CustomerId, channel: &str, class: &str) -> (String, Option<String>) {
        self.send_for(customer, channel, class, None).await
    }

    /// The same for a campaign.
    pub(crate) async fn send_for(
        &self,
        customer: CustomerId,
        channel: &str,
        class: &str,
        campaign: Option<&str>,
    ) -> (String, Option<String>) {
        self.desk().send(customer, channel, class, json!({ "campaignId": campaign })).await
    }

    /// Hands a callback to the node as the provider would.
    pub(crate) async fn call(&self, signed: &Signed) -> StatusCode {
        self.desk().call(signed).await
    }

    /// The same; the whole answer.
    pub(crate) async fn answer(&self, signed: &Signed) -> reqwest::Response {
        self.desk().answer(signed).await
    }

    /// What the read tables say of a message once they show all that is in the log.
    pub(crate) async fn message(&self, id: &str) -> Value {
        self.desk().message(id).await
    }
}

pub(crate) fn count(types: &[String], name: &str) -> usize {
    types.iter().filter(|event| *event == name).count()
}

async fn what_is_sent_over_the_wire_is_heard_of_answered_and_stopped(engine: Engine) {
    from_sending_to_stop(Wire::start(engine).await).await;
}

/// A text and a mail are sent, delivered, opened and clicked; the customer answers, and then wants no more.
pub(crate) async fn from_sending_to_stop(wire: Wire) {
    let ada = wire.ada().await;
    let (text, _) = wire.send(ada, "SMS", "TRANSACTIONAL").await;
    let (mail, _) = wire.send(ada, "EMAIL", "MARKETING").await;
    wire.app.until(ada, |types| count(types, "MessageSent") == 2).await;

    let sms = wire.twilio.taken().pop().expect("Twilio took it");
    assert_eq!((sms.field("To"), sms.field("Body")), (Some(PHONE), Some(WORDS)));
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

async fn what_came_before_its_message_is_found_again_and_what_nobody_knows_is_given_up(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    // The answer is lost: we do not know SendGrid's id of the mail.
    wire.sendgrid.script([Act::Half { taken: true }]);
    let (mail, _) = wire.send(ada, "EMAIL", "TRANSACTIONAL").await;
    wire.app.until(ada, |types| count(types, "DispatchInDoubt") == 1).await;
    let letter = wire.sendgrid.taken().pop().expect("SendGrid took it");
    let hook = format!("{PUBLIC}/webhooks/sendgrid/main");
    let at = Ambient::system().now().timestamp();
    let mut delivered = letter.event("delivered", "e2", at + 2, json!({}));
    delivered.as_object_mut().expect("an object").retain(|name, _| name != "commlog_token");
    let mut of_nobody = delivered.clone();
    of_nobody["sg_message_id"] = json!("nobody.knows-this");
    assert!(wire.call(&wire.sendgrid.events(&hook, &[delivered, of_nobody])).await.is_success());
    let intake = wire.app.intake();
    let recently = Ambient::system().now() - chrono::TimeDelta::hours(1);
    wire.app.visible(wire.app.head().await).await;
    assert_eq!(intake.retry_kept(recently).await.expect("the log answers"), 0, "nobody knows either yet");

    let processed = letter.event("processed", "e1", at, json!({}));
    assert!(wire.call(&wire.sendgrid.events(&hook, &[processed])).await.is_success());
    wire.app.visible(wire.app.head().await).await;
    assert_eq!(intake.retry_kept(recently).await.expect("the log answers"), 1);
    assert_eq!(wire.message(&mail).await["state"], "DELIVERED");
    assert_eq!(intake.retry_kept(recently).await.expect("the log answers"), 0, "it is found once");

    assert_eq!(intake.expire(recently).await.expect("the log answers"), 0, "it is not old enough");
    assert_eq!(intake.expire(Ambient::system().now()).await.expect("the log answers"), 1);
    wire.app.visible(wire.app.head().await).await;
    assert_eq!(intake.expire(Ambient::system().now()).await.expect("the log answers"), 0, "it is given up once");
    // Of neither is left what it said, but for what stands with its customer.
    let events = wire.app.stores().journal.read_all(Position::START, ReadLimit::events(1_000)).await;
    let kept = events.expect("the log answers").into_iter().filter(|event| event.envelope.event_type == "CallbackKept");
    assert_eq!(kept.map(|event| event.personal).collect::<Vec<_>>(), [Personal::Erased, Personal::Erased]);
    wire.app.finish().await;
}

on_each_engine! {
    what_is_sent_over_the_wire_is_heard_of_answered_and_stopped
    what_is_forged_is_not_stored_and_what_is_unknown_is_kept_once
    a_refusal_for_now_is_tried_again_and_silence_is_doubt
    what_came_before_its_message_is_found_again_and_what_nobody_knows_is_given_up
}
