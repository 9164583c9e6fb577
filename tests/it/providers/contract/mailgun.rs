//! Mailgun under the contract.

use async_trait::async_trait;
use commlog::domain::value::Channel;
use commlog::providers::mailgun::{Mailgun, MailgunSettings, MailgunWebhook, TOKEN};
use commlog::providers::{OutboundMessage, Provider, Secret, Webhook, WebhookRequest};
use serde_json::{Value, json};

use super::super::{NOW, ambient, client, message};
use super::{Account, Subject, Taken};
use crate::support::doubles::mailgun::{KEY, MailgunDouble};
use crate::support::doubles::{Act, Signed};

const URL: &str = "https://crm.example.com/hooks/mailgun/main";

contract! { Mails of commlog::providers::mailgun::PROVIDER }

struct Mails(MailgunDouble);

impl Mails {
    async fn fresh() -> Self {
        Self(MailgunDouble::start(ambient(2)).await)
    }

    fn settings_of(&self, account: Account) -> MailgunSettings {
        let mut settings = self.0.settings();
        if matches!(account, Account::Wrong) {
            settings.api_key = Secret::new("wrong");
        }
        if let Some(url) = account.url() {
            settings.base_url = url;
        }
        settings
    }
}

#[async_trait]
impl Subject for Mails {
    fn account(&self, account: Account) -> Box<dyn Provider> {
        Box::new(Mailgun::try_new(self.settings_of(account), client(), ambient(1)).expect("valid settings"))
    }

    fn settings(&self) -> String {
        format!("{:?}", self.settings_of(Account::Right))
    }

    fn secrets(&self) -> Vec<String> {
        [KEY, "Hello"].map(str::to_owned).to_vec()
    }

    fn message(&self, number: u128) -> OutboundMessage {
        message(Channel::Email, number)
    }

    fn script(&self, act: Act) {
        self.0.script([act]);
    }

    fn script_limit(&self, seconds: u32) {
        self.script(Act::Refuse(
            429,
            vec![("retry-after", seconds.to_string())],
            json!({ "message": "Too many requests" }),
        ));
    }

    fn calls(&self) -> usize {
        self.0.calls()
    }

    fn taken(&self) -> Vec<Taken> {
        let taken = self.0.taken().into_iter();
        taken
            .map(|taken| Taken {
                token: taken.field(&format!("v:{TOKEN}")).unwrap_or_default().to_owned(),
                id: taken.id,
            })
            .collect()
    }

    async fn webhook(&self, is_right: bool) -> Box<dyn Webhook> {
        let mut settings = self.settings_of(Account::Right);
        if !is_right {
            settings.signing_keys = vec![Secret::new("another")];
        }
        Box::new(MailgunWebhook::try_new(&settings, client()).expect("valid settings"))
    }

    fn callback(&self) -> Signed {
        let event = self.0.taken()[0].event("delivered", "e1", NOW, json!({}));
        self.0.event(URL, &event)
    }

    fn unproved(&self, request: &WebhookRequest) -> WebhookRequest {
        let mut body: Value = serde_json::from_slice(&request.body).expect("JSON");
        body["signature"] = Value::Null;
        WebhookRequest { body: body.to_string().into(), ..request.clone() }
    }
}
