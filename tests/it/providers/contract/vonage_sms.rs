//! The SMS API of Vonage under the contract.

use async_trait::async_trait;
use commlog::domain::value::Channel;
use commlog::providers::vonage::{Vonage, VonageApi, VonageSettings, VonageWebhook};
use commlog::providers::{OutboundMessage, Provider, Secret, Webhook, WebhookRequest};
use serde_json::json;

use super::super::{ambient, client, message, now};
use super::{Account, Subject, Taken};
use crate::support::doubles::vonage::{API_SECRET, SIGNATURE_SECRET, VonageDouble};
use crate::support::doubles::{Act, Signed};

const CALLBACK: &str = "https://crm.example.com/hooks/vonage/main";

contract! { BySms of commlog::providers::vonage::PROVIDER }

struct BySms(VonageDouble);

impl BySms {
    async fn fresh() -> Self {
        Self(VonageDouble::start(ambient(2)).await)
    }

    fn settings_of(&self, account: Account) -> VonageSettings {
        let mut settings = self.0.sms_settings(CALLBACK);
        if matches!(account, Account::Wrong) {
            let VonageApi::Sms { secret, .. } = &mut settings.api else { panic!("the SMS API") };
            *secret = Secret::new("wrong");
        }
        if let Some(url) = account.url() {
            settings.base_url = url;
        }
        settings
    }
}

#[async_trait]
impl Subject for BySms {
    fn account(&self, account: Account) -> Box<dyn Provider> {
        Box::new(Vonage::try_new(self.settings_of(account), client(), ambient(1)).expect("valid settings"))
    }

    fn settings(&self) -> String {
        format!("{:?}", self.settings_of(Account::Right))
    }

    fn secrets(&self) -> Vec<String> {
        [API_SECRET, SIGNATURE_SECRET, "Hello"].map(str::to_owned).to_vec()
    }

    fn message(&self, number: u128) -> OutboundMessage {
        message(Channel::Sms, number)
    }

    fn token(&self, number: u128) -> String {
        self.message(number).key.message_id.to_string()
    }

    fn script(&self, act: Act) {
        self.0.script([act]);
    }

    fn script_limit(&self, seconds: u32) {
        let words = format!("Throughput Rate Exceeded - please wait [ {} ] and retry", seconds * 1_000);
        let body = json!({ "message-count": "1", "messages": [{ "status": "1", "error-text": words }] });
        self.script(Act::Refuse(200, vec![], body));
    }

    fn calls(&self) -> usize {
        self.0.calls()
    }

    fn taken(&self) -> Vec<Taken> {
        let taken = self.0.taken().into_iter();
        taken
            .map(|taken| Taken {
                id: taken.ids[0].clone(),
                token: taken.field("client-ref").unwrap_or_default().to_owned(),
            })
            .collect()
    }

    async fn webhook(&self, is_right: bool) -> Box<dyn Webhook> {
        let mut settings = self.settings_of(Account::Right);
        if !is_right {
            settings.signature_secrets = vec![Secret::new("another_signature_secret_000000000")];
        }
        Box::new(VonageWebhook::try_new(&settings).expect("valid settings"))
    }

    fn callback(&self) -> Signed {
        VonageDouble::receipt(&self.0.taken()[0], 0, "delivered", 0, now())
    }

    fn unproved(&self, request: &WebhookRequest) -> WebhookRequest {
        let (url, _) = request.url.split_once("&sig=").expect("a signature");
        WebhookRequest { url: url.to_owned(), ..request.clone() }
    }
}
