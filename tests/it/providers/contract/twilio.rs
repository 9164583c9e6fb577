//! SMS by Twilio under the contract; the subject of WhatsApp and of calls too.

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
    Sms of commlog::providers::twilio::PROVIDER;
    except "Twilio signs no time: a repetition is recognised by its event id":
        a_stale_webhook_is_refused
}

struct Sms;

impl Sms {
    async fn fresh() -> TwilioSubject {
        TwilioSubject::of(Channel::Sms).await
    }
}

/// Twilio on one of its channels.
pub(super) struct TwilioSubject {
    double: TwilioDouble,
    channel: Channel,
}

impl TwilioSubject {
    pub(super) async fn of(channel: Channel) -> Self {
        Self { double: TwilioDouble::start(ambient(2)).await, channel }
    }

    fn is_voice(&self) -> bool {
        self.channel == Channel::Voice
    }

    fn settings_of(&self, account: Account) -> TwilioSettings {
        let mut settings = self.double.settings(CALLBACK);
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
impl Subject for TwilioSubject {
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
        message(self.channel, number)
    }

    fn script(&self, act: Act) {
        if self.is_voice() { self.double.script_calls([act]) } else { self.double.script([act]) }
    }

    fn script_limit(&self, seconds: u32) {
        let body = json!({ "code": 20429, "message": "Too Many Requests", "status": 429 });
        self.script(Act::Refuse(429, vec![("retry-after", seconds.to_string())], body));
    }

    fn calls(&self) -> usize {
        if self.is_voice() { self.double.calls_made() } else { self.double.calls() }
    }

    fn taken(&self) -> Vec<Taken> {
        let of = |token: Option<String>, id| Taken { token: token.unwrap_or_default(), id };
        if self.is_voice() {
            return self.double.calls_taken().into_iter().map(|call| of(call.token(), call.sid)).collect();
        }
        self.double.taken().into_iter().map(|taken| of(taken.token(), taken.sid)).collect()
    }

    async fn webhook(&self, is_right: bool) -> Box<dyn Webhook> {
        let mut settings = self.settings_of(Account::Right);
        if !is_right {
            settings.webhook_tokens = vec![Secret::new("another")];
        }
        Box::new(TwilioWebhook::try_new(&settings).expect("valid settings"))
    }

    fn callback(&self) -> Signed {
        if self.is_voice() {
            return TwilioDouble::call_status(&self.double.calls_taken()[0], "completed", &[("CallDuration", "31")]);
        }
        TwilioDouble::status(&self.double.taken()[0], "delivered", None)
    }
}
