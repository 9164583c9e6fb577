//! Bird under the contract.

use async_trait::async_trait;
use commlog::domain::value::Channel;
use commlog::providers::bird::{Bird, BirdSettings, BirdWebhook};
use commlog::providers::{OutboundMessage, Provider, Secret, Webhook};
use serde_json::json;

use super::super::{ambient, client, message, now};
use super::{Account, Subject, Taken};
use crate::support::doubles::bird::{API_KEY, BirdDouble, WEBHOOK_SECRET};
use crate::support::doubles::{Act, Signed};

contract! { Workspace of commlog::providers::bird::PROVIDER }

struct Workspace(BirdDouble);

impl Workspace {
    async fn fresh() -> Self {
        Self(BirdDouble::start(ambient(2)).await)
    }

    fn settings_of(&self, account: Account) -> BirdSettings {
        let mut settings = self.0.settings();
        if matches!(account, Account::Wrong) {
            settings.api_key = Secret::new("bk_eu1_wrong");
        }
        if let Some(url) = account.url() {
            settings.base_url = url;
        }
        settings
    }
}

#[async_trait]
impl Subject for Workspace {
    fn account(&self, account: Account) -> Box<dyn Provider> {
        Box::new(Bird::try_new(self.settings_of(account), client(), ambient(1)).expect("valid settings"))
    }

    fn settings(&self) -> String {
        format!("{:?}", self.settings_of(Account::Right))
    }

    fn secrets(&self) -> Vec<String> {
        [API_KEY, WEBHOOK_SECRET, "Hello"].map(str::to_owned).to_vec()
    }

    fn message(&self, number: u128) -> OutboundMessage {
        message(Channel::Sms, number)
    }

    fn script(&self, act: Act) {
        self.0.script([act]);
    }

    fn script_limit(&self, seconds: u32) {
        let body = json!({ "error": { "code": "E01029", "name": "RateLimited", "message": "words" } });
        self.script(Act::Refuse(429, vec![("retry-after", seconds.to_string())], body));
    }

    fn calls(&self) -> usize {
        self.0.calls()
    }

    fn taken(&self) -> Vec<Taken> {
        let taken = self.0.taken().into_iter();
        taken.map(|taken| Taken { token: taken.token().unwrap_or_default().to_owned(), id: taken.id }).collect()
    }

    async fn webhook(&self, is_right: bool) -> Box<dyn Webhook> {
        let mut settings = self.settings_of(Account::Right);
        if !is_right {
            settings.webhook_secrets = vec![Secret::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")];
        }
        Box::new(BirdWebhook::try_new(&settings).expect("valid settings"))
    }

    fn callback(&self) -> Signed {
        BirdDouble::event(&self.0.taken()[0], "sms.delivered", json!({}), now())
    }
}
