//! Amazon SES under the contract.

use async_trait::async_trait;
use commlog::domain::value::Channel;
use commlog::providers::ses::{Ses, SesSettings, SesWebhook};
use commlog::providers::{OutboundMessage, Provider, Secret, Webhook, WebhookRequest};
use serde_json::{Value, json};

use super::super::{ambient, client, message};
use super::{Account, Subject, Taken};
use crate::support::doubles::ses::{SECRET_KEY, SesDouble};
use crate::support::doubles::{Act, Signed};

const URL: &str = "https://crm.example.com/hooks/ses/main";

contract! { Mails of commlog::providers::ses::PROVIDER }

struct Mails(SesDouble);

impl Mails {
    async fn fresh() -> Self {
        Self(SesDouble::start(ambient(2)).await)
    }

    fn settings_of(&self, account: Account) -> SesSettings {
        let mut settings = self.0.settings();
        if matches!(account, Account::Wrong) {
            settings.credentials.secret_access_key = Secret::new("wrong");
        }
        if let Some(url) = account.url() {
            settings.base_url = Some(url);
        }
        settings
    }
}

#[async_trait]
impl Subject for Mails {
    fn account(&self, account: Account) -> Box<dyn Provider> {
        Box::new(Ses::try_new(self.settings_of(account), client(), ambient(1)).expect("valid settings"))
    }

    fn settings(&self) -> String {
        format!("{:?}", self.settings_of(Account::Right))
    }

    fn secrets(&self) -> Vec<String> {
        [SECRET_KEY, "Hello"].map(str::to_owned).to_vec()
    }

    fn message(&self, number: u128) -> OutboundMessage {
        message(Channel::Email, number)
    }

    fn script(&self, act: Act) {
        self.0.script([act]);
    }

    fn script_limit(&self, seconds: u32) {
        let body = json!({ "code": "TooManyRequestsException" });
        self.script(Act::Refuse(429, vec![("retry-after", seconds.to_string())], body));
    }

    fn calls(&self) -> usize {
        self.0.calls()
    }

    fn taken(&self) -> Vec<Taken> {
        let taken = self.0.taken().into_iter();
        taken.map(|taken| Taken { token: taken.token(), id: taken.id }).collect()
    }

    async fn webhook(&self, is_right: bool) -> Box<dyn Webhook> {
        let mut settings = self.settings_of(Account::Right);
        if !is_right {
            // What SNS signs for everybody counts for our topics only.
            settings.topic_arns = vec!["arn:aws:sns:eu-west-1:999999999999:events".to_owned()];
        }
        Box::new(SesWebhook::try_new(&settings, client(), ambient(1)).expect("valid settings"))
    }

    fn callback(&self) -> Signed {
        let event = self.0.taken()[0].event("Delivery", "delivery", &json!({ "recipients": ["ada@example.org"] }));
        self.0.published(URL, &event.to_string())
    }

    fn unproved(&self, request: &WebhookRequest) -> WebhookRequest {
        let mut body: Value = serde_json::from_slice(&request.body).expect("JSON");
        body["Signature"] = json!("");
        WebhookRequest { body: body.to_string().into(), ..request.clone() }
    }
}
