//! FCM under the contract.

use std::sync::Arc;

use async_trait::async_trait;
use commlog::domain::value::Channel;
use commlog::providers::fcm::{Fcm, FcmSettings, FcmWebhook, ServiceAccount};
use commlog::providers::{OutboundMessage, Provider, Webhook, WebhookRequest};
use serde_json::{Value, json};

use super::super::{ambient, client, message};
use super::{Account, Subject, Taken};
use crate::support::doubles::fcm::{FcmDouble, error};
use crate::support::doubles::{Act, Signed};

const REPORTS: &str = "https://crm.example.com/webhooks/fcm/main";
/// A key that opens nothing: it was made for tests.
const ANOTHER_KEY: &str = include_str!("../../../../src/providers/kit/jwt/test_key.pem");

contract! {
   Devices of commlog::providers::fcm::PROVIDER;
   except "an app reports when its owner looks at the message, be it years later": a_stale_webhook_is_refused;
   except "what an app is given proves that it got the message, not what it reports of it":
       a_webhook_whose_content_was_changed_is_refused;
   except "the parser believes no token of a report without its proof, so the proof is kept":
       what_is_kept_of_a_notice_proves_nothing
}

struct Devices(FcmDouble);

impl Devices {
    async fn fresh() -> Self {
        Self(FcmDouble::start(ambient(2)).await)
    }

    fn settings_of(&self, account: Account) -> FcmSettings {
        let mut settings = self.0.settings(REPORTS);
        if matches!(account, Account::Wrong) {
            settings.key = Arc::new(ServiceAccount::parse(&another_key(&self.0.key_file())).expect("a key file"));
        }
        if let Some(url) = account.url() {
            // Tokens are had from Google's hosts, or from where the API is.
            let file = self.0.key_file().replace(&self.0.url(), url.as_str().trim_end_matches('/'));
            settings.key = Arc::new(ServiceAccount::parse(&file).expect("a key file"));
            settings.base_url = url;
        }
        settings
    }
}

/// The key file with a key that Google does not know.
fn another_key(file: &str) -> String {
    let mut file: Value = serde_json::from_str(file).expect("JSON");
    file["private_key"] = json!(ANOTHER_KEY);
    file.to_string()
}

#[async_trait]
impl Subject for Devices {
    fn account(&self, account: Account) -> Box<dyn Provider> {
        Box::new(Fcm::try_new(self.settings_of(account), client(), ambient(1)).expect("valid settings"))
    }

    fn settings(&self) -> String {
        format!("{:?}", self.settings_of(Account::Right))
    }

    fn secrets(&self) -> Vec<String> {
        ["BEGIN PRIVATE KEY", "ya29.", "Hello"].map(str::to_owned).to_vec()
    }

    fn message(&self, number: u128) -> OutboundMessage {
        OutboundMessage { to: "bk3RNwTe3H0:CI2k_EXAMPLE".to_owned(), ..message(Channel::Push, number) }
    }

    fn script(&self, act: Act) {
        self.0.script([act]);
    }

    fn script_limit(&self, seconds: u32) {
        let body = error("RESOURCE_EXHAUSTED", Some("QUOTA_EXCEEDED"), "words");
        self.script(Act::Refuse(429, vec![("retry-after", seconds.to_string())], body));
    }

    fn calls(&self) -> usize {
        self.0.calls()
    }

    fn taken(&self) -> Vec<Taken> {
        let taken = self.0.taken().into_iter();
        taken
            .map(|taken| {
                // What the app is given is the token with its proof.
                let (token, _) =
                    taken.data("commlog_token").and_then(|token| token.rsplit_once('.')).unwrap_or_default();
                Taken { token: token.to_owned(), id: taken.name.clone() }
            })
            .collect()
    }

    async fn webhook(&self, is_right: bool) -> Box<dyn Webhook> {
        let mut settings = self.settings_of(Account::Right);
        if !is_right {
            settings.key = self.settings_of(Account::Wrong).key;
        }
        Box::new(FcmWebhook::new(&settings))
    }

    fn callback(&self) -> Signed {
        self.0.taken()[0].report("opened", &json!({}))
    }

    fn unproved(&self, request: &WebhookRequest) -> WebhookRequest {
        let body = json!({ "token": self.token(9), "event": "opened" });
        WebhookRequest { body: body.to_string().into(), ..request.clone() }
    }
}
