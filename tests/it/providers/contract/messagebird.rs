//! MessageBird under the contract.

use async_trait::async_trait;
use commlog::domain::value::Channel;
use commlog::providers::messagebird::{Messagebird, MessagebirdSettings, MessagebirdWebhook};
use commlog::providers::{OutboundMessage, Provider, Secret, Webhook};
use serde_json::json;

use super::super::{ambient, client, message, now};
use super::{Account, Subject, Taken};
use crate::support::doubles::messagebird::{ACCESS_KEY, MessagebirdDouble, SIGNING_KEY};
use crate::support::doubles::{Act, Signed};

const CALLBACK: &str = "https://crm.example.com/hooks/messagebird/main";

contract! { Messages of commlog::providers::messagebird::PROVIDER }

struct Messages(MessagebirdDouble);

impl Messages {
    async fn fresh() -> Self {
        Self(MessagebirdDouble::start(ambient(2)).await)
    }

    fn settings_of(&self, account: Account) -> MessagebirdSettings {
        let mut settings = self.0.settings(CALLBACK);
        if matches!(account, Account::Wrong) {
            settings.access_key = Secret::new("wrong");
        }
        if let Some(url) = account.url() {
            settings.base_url = url;
        }
        settings
    }
}

#[async_trait]
impl Subject for Messages {
    fn account(&self, account: Account) -> Box<dyn Provider> {
        Box::new(Messagebird::try_new(self.settings_of(account), client(), ambient(1)).expect("valid settings"))
    }

    fn settings(&self) -> String {
        format!("{:?}", self.settings_of(Account::Right))
    }

    fn secrets(&self) -> Vec<String> {
        [ACCESS_KEY, SIGNING_KEY, "Hello"].map(str::to_owned).to_vec()
    }

    fn message(&self, number: u128) -> OutboundMessage {
        message(Channel::Sms, number)
    }

    fn script(&self, act: Act) {
        self.0.script([act]);
    }

    fn script_limit(&self, seconds: u32) {
        let body = json!({ "errors": [{ "code": 101, "description": "too many requests", "parameter": null }] });
        self.script(Act::Refuse(429, vec![("retry-after", seconds.to_string())], body));
    }

    fn calls(&self) -> usize {
        self.0.calls()
    }

    fn taken(&self) -> Vec<Taken> {
        let taken = self.0.taken().into_iter();
        taken.map(|taken| Taken { token: taken.token().unwrap_or_default(), id: taken.id }).collect()
    }

    async fn webhook(&self, is_right: bool) -> Box<dyn Webhook> {
        let mut settings = self.settings_of(Account::Right);
        if !is_right {
            settings.signing_keys = vec![Secret::new("another")];
        }
        Box::new(MessagebirdWebhook::try_new(&settings).expect("valid settings"))
    }

    fn callback(&self) -> Signed {
        MessagebirdDouble::report(&self.0.taken()[0], "delivered", &[], now())
    }
}
