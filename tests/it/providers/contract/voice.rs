//! Calls by Twilio under the contract.

use async_trait::async_trait;
use commlog::domain::value::Channel;
use commlog::providers::twilio::{Twilio, TwilioAuth, TwilioSettings, TwilioWebhook};
use commlog::providers::{OutboundMessage, Provider, Secret, Webhook};
use serde_json::json;

use super::super::{ambient, client, message};
use super::{Account, Subject, Taken};
use crate::support::doubles::twilio::{TOKEN, TwilioDouble};
use crate::support::doubles::{Act, Signed};

const CALLBACK: &str = "https://crm.example.com/hooks/twilio/main";

contract! {
    Calls of commlog::providers::twilio::PROVIDER;
    except "Twilio signs no time: a repetition is recognised by its event id":
        a_stale_webhook_is_refused
}

struct Calls(TwilioDouble);

impl Calls {
    async fn fresh() -> Self {
        Self(TwilioDouble::start(ambient(2)).await)
    }

    fn settings_of(&self, account: Account) -> TwilioSettings {
        let mut settings = self.0.settings(CALLBACK);
        if matches!(account, Account::Wrong) {
            settings.auth = TwilioAuth::Token(Secret::new("wrong"));
        }
        if let Some(url) = account.url() {
            settings.base_url = url;
        }
        settings
    }
}

#[async_trait]
impl Subject for Calls {
    fn account(&self, account: Account) -> Box<dyn Provider> {
        Box::new(Twilio::try_new(self.settings_of(account), client(), ambient(1)).expect("valid settings"))
    }

    fn settings(&self) -> String {
        format!("{:?}", self.settings_of(Account::Right))
    }

    fn secrets(&self) -> Vec<String> {
        [TOKEN, "Hello"].map(str::to_owned).to_vec()
    }

    fn message(&self, number: u128) -> OutboundMessage {
        message(Channel::Voice, number)
    }

    fn script(&self, act: Act) {
        self.0.script_calls([act]);
    }

    fn script_limit(&self, seconds: u32) {
        let body = json!({ "code": 20429, "message": "Too Many Requests", "status": 429 });
        self.script(Act::Refuse(429, vec![("retry-after", seconds.to_string())], body));
    }

    fn calls(&self) -> usize {
        self.0.calls_made()
    }

    fn taken(&self) -> Vec<Taken> {
        let taken = self.0.calls_taken().into_iter();
        taken.map(|taken| Taken { token: taken.token().unwrap_or_default(), id: taken.sid }).collect()
    }

    async fn webhook(&self, is_right: bool) -> Box<dyn Webhook> {
        let mut settings = self.settings_of(Account::Right);
        if !is_right {
            settings.webhook_tokens = vec![Secret::new("another")];
        }
        Box::new(TwilioWebhook::try_new(&settings).expect("valid settings"))
    }

    fn callback(&self) -> Signed {
        TwilioDouble::call_status(&self.0.calls_taken()[0], "completed", &[("CallDuration", "31")])
    }
}
