//! SendGrid under the contract.

use async_trait::async_trait;
use commlog::domain::value::Channel;
use commlog::providers::sendgrid::{Sendgrid, SendgridSettings, SendgridWebhook};
use commlog::providers::{OutboundMessage, Provider, Secret, Webhook};
use serde_json::json;

use super::super::{NOW, ambient, client, message};
use super::{Account, Subject, Taken};
use crate::support::doubles::sendgrid::{INBOUND_SECRET, KEY, SendgridDouble};
use crate::support::doubles::{Act, Signed};

const URL: &str = "https://crm.example.com/hooks/sendgrid/main";

contract! { Mails of commlog::providers::sendgrid::PROVIDER }

struct Mails(SendgridDouble);

impl Mails {
    async fn fresh() -> Self {
        Self(SendgridDouble::start(ambient(2)).await)
    }

    fn settings_of(&self, account: Account) -> SendgridSettings {
        let mut settings = self.0.settings();
        if matches!(account, Account::Wrong) {
            settings.api_key = Secret::new("SG.wrong");
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
        Box::new(Sendgrid::try_new(self.settings_of(account), client(), ambient(1)).expect("valid settings"))
    }

    fn settings(&self) -> String {
        format!("{:?}", self.settings_of(Account::Right))
    }

    fn secrets(&self) -> Vec<String> {
        [KEY, INBOUND_SECRET, "Hello"].map(str::to_owned).to_vec()
    }

    fn message(&self, number: u128) -> OutboundMessage {
        message(Channel::Email, number)
    }

    fn script(&self, act: Act) {
        self.0.script([act]);
    }

    fn script_limit(&self, seconds: u32) {
        let body = json!({ "errors": [{ "field": null, "message": "too many requests" }] });
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
            settings.event_public_keys = SendgridDouble::start(ambient(3)).await.settings().event_public_keys;
        }
        Box::new(SendgridWebhook::try_new(&settings).expect("valid settings"))
    }

    fn callback(&self) -> Signed {
        let sent = self.0.taken().remove(0);
        let events = ["delivered", "open"].map(|kind| sent.event(kind, &format!("id of {kind}"), NOW, json!({})));
        self.0.events(URL, &events)
    }
}
