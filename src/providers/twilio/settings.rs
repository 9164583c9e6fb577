//! How a Twilio account is set up.

use url::Url;

use crate::providers::{Secret, SettingsError};

/// Who we are to Twilio's API.
#[derive(Debug, Clone)]
pub enum TwilioAuth {
    /// The account itself, with its auth token.
    Token(Secret),
    /// An API key, which can be revoked by itself. The webhook's signatures need the auth token all the same.
    Key {
        /// `SK` and 32 hexadecimal digits.
        sid: String,
        /// The key's secret.
        secret: Secret,
    },
}

/// Who sends.
#[derive(Debug, Clone)]
pub enum TwilioSender {
    /// A number in E.164, a short code or an alphanumeric sender.
    From(String),
    /// A messaging service, which picks one of its senders: `MG` and 32 hexadecimal digits.
    Service(String),
}

/// The settings of one account. Their usual names in the environment: `TWILIO_ACCOUNT_SID`, `TWILIO_AUTH_TOKEN`,
/// `TWILIO_API_KEY`, `TWILIO_API_SECRET`, `TWILIO_FROM`, `TWILIO_MESSAGING_SERVICE_SID`.
#[derive(Debug, Clone)]
pub struct TwilioSettings {
    /// Our name for the account, in routes and in the webhook's URL.
    pub account_name: String,
    /// `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// Who we are.
    pub auth: TwilioAuth,
    /// Who sends, where a message does not say.
    pub sender: TwilioSender,
    /// Where the API is: `https://api.twilio.com`, or a regional one.
    pub base_url: Url,
    /// The public URL of this account's webhook, exactly as Twilio is to call it. Without it there are no callbacks, and
    /// the fate of messages stays unknown.
    pub callback_url: Option<Url>,
    /// The account's auth tokens, with which webhooks are signed: the present one and, while they are changed, the next.
    pub webhook_tokens: Vec<Secret>,
    /// Whether its sender can send MMS, and this server's links can be fetched by Twilio.
    pub can_send_media: bool,
    /// The hosts to which a `MediaUrl` may redirect once.
    pub media_hosts: Vec<String>,
}

impl TwilioSettings {
    /// Where the API is for most accounts.
    pub const BASE_URL: &str = "https://api.twilio.com";
    /// Where Twilio keeps media, as far as is known: its documentation only says that URLs redirect.
    pub const MEDIA_HOSTS: &[&str] = &["media.twiliocdn.com", "mms.twiliocdn.com", "s3-external-1.amazonaws.com"];

    /// Says what is wrong first, in the settings' own words.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let wrong = |setting, reason| Err(SettingsError::Setting { provider: super::PROVIDER, setting, reason });
        if self.account_name.is_empty() || !self.account_name.bytes().all(is_plain) {
            return wrong("account_name", "must be of letters, digits, - and _");
        }
        if !is_sid(&self.account_sid, "AC") {
            return wrong("account_sid", "must be AC and 32 hexadecimal digits");
        }
        match &self.auth {
            TwilioAuth::Token(token) if token.is_empty() => return wrong("auth_token", "must not be empty"),
            TwilioAuth::Key { sid, .. } if !is_sid(sid, "SK") => {
                return wrong("api_key", "must be SK and 32 hexadecimal digits");
            }
            TwilioAuth::Key { secret, .. } if secret.is_empty() => return wrong("api_secret", "must not be empty"),
            TwilioAuth::Token(_) | TwilioAuth::Key { .. } => {}
        }
        match &self.sender {
            TwilioSender::Service(sid) if !is_sid(sid, "MG") => {
                return wrong("messaging_service_sid", "must be MG and 32 hexadecimal digits");
            }
            TwilioSender::From(from) if !is_sender(from) => {
                return wrong(
                    "from",
                    "must be a number with + and its country code, a short code, or a name of 1 to 11 letters",
                );
            }
            TwilioSender::From(_) | TwilioSender::Service(_) => {}
        }
        if !matches!(self.base_url.scheme(), "https" | "http") || self.base_url.cannot_be_a_base() {
            return wrong("base_url", "must be an HTTP URL");
        }
        if let Some(url) = &self.callback_url {
            // Twilio refuses such a host with error 21609, message by message.
            if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(|host| host.contains('_')) {
                return wrong("callback_url", "must be a public HTTP URL, without _ in its host");
            }
            if self.webhook_tokens.is_empty() || self.webhook_tokens.iter().any(Secret::is_empty) {
                return wrong("webhook_tokens", "must hold the account's auth token, with which callbacks are signed");
            }
        }
        Ok(())
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_sender(text: &str) -> bool {
    let digits =
        |text: &str, least, most| (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let is_name = (1..=11).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_' | b'&' | b'+'))
        && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    text.strip_prefix('+').is_some_and(|number| digits(number, 7, 15)) || digits(text, 3, 8) || is_name
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::providers::twilio) fn settings() -> TwilioSettings {
        TwilioSettings {
            account_name: "main".to_owned(),
            account_sid: format!("AC{}", "a".repeat(32)),
            auth: TwilioAuth::Token(Secret::new("token")),
            sender: TwilioSender::From("+12025550199".to_owned()),
            base_url: Url::parse(TwilioSettings::BASE_URL).expect("a URL"),
            callback_url: Some(Url::parse("https://crm.example.com/hooks/twilio/main").expect("a URL")),
            webhook_tokens: vec![Secret::new("test_auth_token_0000000000000000")],
            can_send_media: true,
            media_hosts: TwilioSettings::MEDIA_HOSTS.iter().map(|host| (*host).to_owned()).collect(),
        }
    }

    type Spoil = fn(&mut TwilioSettings);

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        assert!(settings().validate().is_ok());
        let cases: [(&str, Spoil); 9] = [
            ("account_name", |s| s.account_name = "a/b".to_owned()),
            ("account_sid", |s| s.account_sid = "AC12".to_owned()),
            ("auth_token", |s| s.auth = TwilioAuth::Token(Secret::new(" "))),
            ("api_key", |s| s.auth = TwilioAuth::Key { sid: "AC".to_owned(), secret: Secret::new("x") }),
            ("from", |s| s.sender = TwilioSender::From("+49".to_owned())),
            ("messaging_service_sid", |s| s.sender = TwilioSender::Service("MG".to_owned())),
            ("base_url", |s| s.base_url = Url::parse("mailto:x@example.org").expect("a URL")),
            ("callback_url", |s| s.callback_url = Url::parse("https://my_host.example/x").ok()),
            ("webhook_tokens", |s| s.webhook_tokens.clear()),
        ];
        for (name, spoil) in cases {
            let mut spoiled = settings();
            spoil(&mut spoiled);
            let SettingsError::Setting { setting, .. } = spoiled.validate().expect_err(name);
            assert_eq!(setting, name);
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        assert!(!format!("{:?}", settings()).contains("token_0"));
    }
}
