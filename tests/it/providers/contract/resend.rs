//! Resend under the contract.

use async_trait::async_trait;
use commlog::domain::value::Channel;
use commlog::providers::resend::{Resend, ResendSettings, ResendWebhook};
use commlog::providers::{OutboundMessage, Provider, Secret, Webhook};
use serde_json::json;

use super::super::{ambient, client, message};
use super::{Account, Subject, Taken};
use crate::support::doubles::resend::{KEY, ResendDouble};
use crate::support::doubles::{Act, Signed};

const URL: &str = "https://crm.example.com/hooks/resend/main";

contract! { Mails of commlog::providers::resend::PROVIDER }

struct Mails(ResendDouble);

impl Mails {
    async fn fresh() -> Self {
        Self(ResendDouble::start(ambient(2)).await)
    }

    fn settings_of(&self, account: Account) -> ResendSettings {
        let mut settings = self.0.settings();
        if matches!(account, Account::Wrong) {
            settings.api_key = Secret::new("re_wrong");
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
        Box::new(Resend::try_new(self.settings_of(account), client(), ambient(1)).expect("valid settings"))
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
        let body = json!({ "statusCode": 429, "name": "rate_limit_exceeded", "message": "words" });
        self.script(Act::Refuse(429, vec![("retry-after", seconds.to_string())], body));
    }

    fn calls(&self) -> usize {
        self.0.calls()
    }

    fn taken(&self) -> Vec<Taken> {
        let taken = self.0.taken().into_iter();
        taken
            .map(|taken| {
                let tags = taken.request["tags"].as_array().into_iter().flatten();
                Taken { token: tags.filter_map(|tag| tag["value"].as_str()).collect(), id: taken.id }
            })
            .collect()
    }

    async fn webhook(&self, is_right: bool) -> Box<dyn Webhook> {
        let mut settings = self.settings_of(Account::Right);
        if !is_right {
            settings.webhook_secrets = vec![Secret::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")];
        }
        Box::new(ResendWebhook::try_new(&settings, client()).expect("valid settings"))
    }

    fn callback(&self) -> Signed {
        let event = self.0.taken()[0].event("email.delivered", "2026-09-21T13:33:21.000Z", json!({}));
        self.0.event(URL, "msg_1", &event)
    }
}
