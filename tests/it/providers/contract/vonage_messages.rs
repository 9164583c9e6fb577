//! The Messages API of Vonage under the contract.

use async_trait::async_trait;
use commlog::domain::value::Channel;
use commlog::providers::vonage::{Vonage, VonageApi, VonageSettings, VonageWebhook};
use commlog::providers::{OutboundMessage, Provider, Secret, Webhook};
use serde_json::json;

use super::super::{ambient, client, message, now};
use super::{Account, Subject, Taken};
use crate::support::doubles::vonage::{SIGNATURE_SECRET, VonageDouble};
use crate::support::doubles::{Act, Signed};

const CALLBACK: &str = "https://crm.example.com/hooks/vonage/main";

contract! { ByMessages of commlog::providers::vonage::PROVIDER }

struct ByMessages(VonageDouble);

impl ByMessages {
    async fn fresh() -> Self {
        Self(VonageDouble::start(ambient(2)).await)
    }

    fn settings_of(&self, account: Account) -> VonageSettings {
        let mut settings = self.0.messages_settings(CALLBACK);
        if matches!(account, Account::Wrong) {
            let VonageApi::Messages { application_id, .. } = &mut settings.api else { panic!("the Messages API") };
            "00000000-0000-0000-0000-000000000000".clone_into(application_id);
        }
        if let Some(url) = account.url() {
            settings.base_url = url;
        }
        settings
    }
}

#[async_trait]
impl Subject for ByMessages {
    fn account(&self, account: Account) -> Box<dyn Provider> {
        Box::new(Vonage::try_new(self.settings_of(account), client(), ambient(1)).expect("valid settings"))
    }

    fn settings(&self) -> String {
        format!("{:?}", self.settings_of(Account::Right))
    }

    fn secrets(&self) -> Vec<String> {
        [SIGNATURE_SECRET, "Hello"].map(str::to_owned).to_vec()
    }

    fn message(&self, number: u128) -> OutboundMessage {
        message(Channel::Sms, number)
    }

    fn script(&self, act: Act) {
        self.0.script([act]);
    }

    fn script_limit(&self, seconds: u32) {
        let body =
            json!({ "type": "https://developer.vonage.com/api-errors/messages#1000", "title": "Rate Limit Hit" });
        self.script(Act::Refuse(429, vec![("retry-after", seconds.to_string())], body));
    }

    fn calls(&self) -> usize {
        self.0.calls()
    }

    fn taken(&self) -> Vec<Taken> {
        let taken = self.0.taken().into_iter();
        taken.map(|taken| Taken { token: taken.token().unwrap_or_default(), id: taken.ids[0].clone() }).collect()
    }

    async fn webhook(&self, is_right: bool) -> Box<dyn Webhook> {
        let mut settings = self.settings_of(Account::Right);
        if !is_right {
            settings.signature_secrets = vec![Secret::new("another_signature_secret_000000000")];
        }
        Box::new(VonageWebhook::try_new(&settings).expect("valid settings"))
    }

    fn callback(&self) -> Signed {
        VonageDouble::status(&self.0.taken()[0], "delivered", json!({}), now())
    }
}
