//! How a Twilio account is set up.

use url::Url;

use crate::domain::value::Channel;
use crate::providers::kind::{OWN_ADDRESSES, Setting, Setup};
use crate::providers::kit::settings::Settings;
use crate::providers::{Secret, SettingsError};

pub(super) const ACCOUNT_SID: Setting =
    Setting::new("account_sid", "The account's SID: `AC` and 32 hexadecimal digits.")
        .required()
        .variable("TWILIO_ACCOUNT_SID");
pub(super) const AUTH_TOKEN: Setting =
    Setting::new("auth_token", "The account's auth token; it proves callbacks, also where an API key makes the calls.")
        .secret()
        .required()
        .variable("TWILIO_AUTH_TOKEN");
const NEXT_AUTH_TOKEN: Setting =
    Setting::new("next_auth_token", "The secondary auth token, believed too while the tokens are changed.").secret();
pub(super) const API_KEY: Setting = Setting::new(
    "api_key",
    "An API key that makes the calls instead of the auth token: `SK` and 32 hexadecimal digits.",
)
.variable("TWILIO_API_KEY");
pub(super) const API_SECRET: Setting =
    Setting::new("api_secret", "The API key's secret.").secret().variable("TWILIO_API_SECRET");
const FROM: Setting = Setting::new(
    "from",
    "Who sends SMS: a number with `+`, a short code or an alphanumeric sender. Not with `messaging_service_sid`.",
)
.variable("TWILIO_FROM");
const MESSAGING_SERVICE_SID: Setting =
    Setting::new("messaging_service_sid", "A messaging service that picks the sender: `MG` and 32 hexadecimal digits.")
        .variable("TWILIO_MESSAGING_SERVICE_SID");
const WHATSAPP_FROM: Setting = Setting::new(
    "whatsapp_from",
    "Who sends WhatsApp messages: the sender's number with `+`, or a messaging service that has one (`MG` …).",
)
.variable("TWILIO_WHATSAPP_FROM");
const VOICE_FROM: Setting =
    Setting::new("voice_from", "Who calls: a number with `+` that is the account's own or verified.")
        .variable("TWILIO_VOICE_FROM");
const VOICE: Setting = Setting::new(
    "voice",
    "The voice of scripts that name none, such as `Polly.Joanna`; left out: Twilio's choice for the language.",
);
const VOICE_LANGUAGE: Setting =
    Setting::new("voice_language", "The language of calls that are not made of a template.").default("en-US");
const RECORD_CALLS: Setting =
    Setting::new("record_calls", "Whether Twilio records calls, which many laws forbid without consent.")
        .default("false");
const MMS: Setting =
    Setting::new("mms", "Whether the sender can send pictures; left out: whether its number begins with `+1`.");
const MEDIA_HOSTS: Setting =
    Setting::new("media_hosts", "The hosts, separated by commas, to which the URL of a received picture may redirect.")
        .default("media.twiliocdn.com,mms.twiliocdn.com,s3-external-1.amazonaws.com");
const BASE_URL: Setting =
    Setting::new("base_url", "Where the API is; another one for other regions.").default(TwilioSettings::BASE_URL);

/// All of them; the first one makes the account that the environment describes.
pub(super) const SETTINGS: &[&Setting] = &[
    &ACCOUNT_SID,
    &AUTH_TOKEN,
    &FROM,
    &MESSAGING_SERVICE_SID,
    &WHATSAPP_FROM,
    &VOICE_FROM,
    &VOICE,
    &VOICE_LANGUAGE,
    &RECORD_CALLS,
    &API_KEY,
    &API_SECRET,
    &NEXT_AUTH_TOKEN,
    &MMS,
    &MEDIA_HOSTS,
    &BASE_URL,
    &OWN_ADDRESSES,
];

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

impl TwilioAuth {
    /// Reads an API key with its secret, or else the auth token.
    pub(super) fn read(settings: &Settings) -> Result<Self, SettingsError> {
        match (settings.text(&API_KEY), settings.secret(&API_SECRET)) {
            (Some(sid), Some(secret)) => Ok(Self::Key { sid, secret }),
            (None, None) => Ok(Self::Token(Secret::new(settings.required(&AUTH_TOKEN)?))),
            _ => Err(settings.wrong(&API_KEY, "must be given together with api_secret")),
        }
    }

    /// User and password of a call on behalf of an account.
    pub(super) const fn pair<'a>(&'a self, account_sid: &'a str) -> (&'a str, &'a Secret) {
        match self {
            Self::Token(token) => (account_sid, token),
            Self::Key { sid, secret } => (sid.as_str(), secret),
        }
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        let wrong = |setting, reason| Err(SettingsError::new(super::PROVIDER, setting, reason));
        match self {
            Self::Token(token) if token.is_empty() => wrong("auth_token", "must not be empty"),
            Self::Key { sid, .. } if !is_sid(sid, "SK") => wrong("api_key", "must be SK and 32 hexadecimal digits"),
            Self::Key { secret, .. } if secret.is_empty() => wrong("api_secret", "must not be empty"),
            Self::Token(_) | Self::Key { .. } => Ok(()),
        }
    }
}

/// Who sends.
#[derive(Debug, Clone)]
pub enum TwilioSender {
    /// A number in E.164, a short code or an alphanumeric sender.
    From(String),
    /// A messaging service, which picks one of its senders: `MG` and 32 hexadecimal digits.
    Service(String),
}

/// How calls are made.
#[derive(Debug, Clone)]
pub struct TwilioVoice {
    /// A number in E.164.
    pub from: String,
    /// The voice of scripts that name none.
    pub voice: Option<String>,
    /// The language of calls that are not made of a template, such as `en-US`.
    pub language: String,
    /// Whether calls are recorded.
    pub records: bool,
}

/// The settings of one account, read.
#[derive(Debug, Clone)]
pub struct TwilioSettings {
    /// Our name for the account, in routes and in the webhook's URL.
    pub account_name: String,
    /// `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// Who we are.
    pub auth: TwilioAuth,
    /// Who sends SMS, where a message does not say; absent: the account sends none.
    pub sender: Option<TwilioSender>,
    /// Who sends WhatsApp messages: a number in E.164 or a messaging service; absent: the account sends none.
    pub whatsapp: Option<TwilioSender>,
    /// How calls are made; absent: the account makes none.
    pub voice: Option<TwilioVoice>,
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

    /// Reads what an account is set up with.
    pub fn read(setup: &Setup<'_>) -> Result<Self, SettingsError> {
        let settings = &setup.settings;
        let auth_token = Secret::new(settings.required(&AUTH_TOKEN)?);
        let auth = TwilioAuth::read(settings)?;
        let sender = match (settings.text(&FROM), settings.text(&MESSAGING_SERVICE_SID)) {
            (Some(from), None) => Some(TwilioSender::From(from)),
            (None, Some(sid)) => Some(TwilioSender::Service(sid)),
            (None, None) => None,
            (Some(_), Some(_)) => return Err(settings.wrong(&FROM, "and messaging_service_sid exclude each other")),
        };
        let whatsapp = settings.text(&WHATSAPP_FROM).map(|from| {
            if is_sid(&from, "MG") {
                TwilioSender::Service(from)
            } else {
                TwilioSender::From(from.strip_prefix("whatsapp:").unwrap_or(&from).to_owned())
            }
        });
        let voice = match settings.text(&VOICE_FROM) {
            Some(from) => Some(TwilioVoice {
                from,
                voice: settings.text(&VOICE),
                language: settings.required(&VOICE_LANGUAGE)?,
                records: settings.flag(&RECORD_CALLS)?.unwrap_or(false),
            }),
            None => None,
        };
        // MMS is a matter of numbers in the United States and Canada; a messaging service's senders are not known here.
        let is_american = matches!(&sender, Some(TwilioSender::From(from)) if from.starts_with("+1"));
        let can_send_media = settings.flag(&MMS)?.unwrap_or(is_american) && setup.webhook_url.is_some();
        let mut webhook_tokens = vec![auth_token];
        webhook_tokens.extend(settings.secret(&NEXT_AUTH_TOKEN));
        let read = Self {
            account_name: setup.account.to_owned(),
            account_sid: settings.required(&ACCOUNT_SID)?,
            auth,
            sender,
            whatsapp,
            voice,
            base_url: settings.url(&BASE_URL)?,
            // Twilio refuses to call back an address that it cannot reach.
            callback_url: setup.webhook_url.clone(),
            webhook_tokens,
            can_send_media,
            // Twilio's documentation only says that URLs redirect; the default is what is known.
            media_hosts: settings.list(&MEDIA_HOSTS),
        };
        read.validate()?;
        Ok(read)
    }

    /// The channels that it has a sender for.
    #[must_use]
    pub fn channels(&self) -> Vec<Channel> {
        let served = [
            (Channel::Sms, self.sender.is_some()),
            (Channel::Whatsapp, self.whatsapp.is_some()),
            (Channel::Voice, self.voice.is_some()),
        ];
        served.into_iter().filter(|(_, is_served)| *is_served).map(|(channel, _)| channel).collect()
    }

    /// A number of the account's own: what comes from it is no customer's.
    #[must_use]
    pub fn own_number(&self) -> Option<&str> {
        let senders = [&self.sender, &self.whatsapp].into_iter().flatten();
        let mut numbers = senders.filter_map(|sender| match sender {
            TwilioSender::From(from) => Some(from.as_str()),
            TwilioSender::Service(_) => None,
        });
        numbers.next().or(self.voice.as_ref().map(|voice| voice.from.as_str()))
    }

    /// Says what is wrong first, in the settings' own words.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let wrong = |setting, reason| Err(SettingsError::new(super::PROVIDER, setting, reason));
        if self.account_name.is_empty() || !self.account_name.bytes().all(is_plain) {
            return wrong("account_name", "must be of letters, digits, - and _");
        }
        if !is_sid(&self.account_sid, "AC") {
            return wrong("account_sid", "must be AC and 32 hexadecimal digits");
        }
        self.auth.validate()?;
        match &self.sender {
            Some(TwilioSender::Service(sid)) if !is_sid(sid, "MG") => {
                return wrong("messaging_service_sid", "must be MG and 32 hexadecimal digits");
            }
            Some(TwilioSender::From(from)) if !is_sender(from) => {
                return wrong(
                    "from",
                    "must be a number with + and its country code, a short code, or a name of 1 to 11 letters",
                );
            }
            None if self.whatsapp.is_none() && self.voice.is_none() => {
                return wrong("from", "or messaging_service_sid, whatsapp_from or voice_from must be given");
            }
            Some(TwilioSender::From(_) | TwilioSender::Service(_)) | None => {}
        }
        if let Some(TwilioSender::From(from)) = &self.whatsapp
            && !is_number(from)
        {
            return wrong(
                "whatsapp_from",
                "must be a number with + and its country code, or MG and 32 hexadecimal digits",
            );
        }
        if self.voice.as_ref().is_some_and(|voice| !is_number(&voice.from)) {
            return wrong("voice_from", "must be a number with + and its country code");
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

pub(super) fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|number| is_digits(number, 7, 15))
}

fn is_digits(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_sender(text: &str) -> bool {
    let is_name = (1..=11).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_' | b'&' | b'+'))
        && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_number(text) || is_digits(text, 3, 8) || is_name
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::providers::twilio) fn settings() -> TwilioSettings {
        TwilioSettings {
            account_name: "main".to_owned(),
            account_sid: format!("AC{}", "a".repeat(32)),
            auth: TwilioAuth::Token(Secret::new("token")),
            sender: Some(TwilioSender::From("+12025550199".to_owned())),
            whatsapp: Some(TwilioSender::From("+12025550199".to_owned())),
            voice: Some(voice()),
            base_url: Url::parse(TwilioSettings::BASE_URL).expect("a URL"),
            callback_url: Some(Url::parse("https://crm.example.com/hooks/twilio/main").expect("a URL")),
            webhook_tokens: vec![Secret::new("test_auth_token_0000000000000000")],
            can_send_media: true,
            media_hosts: vec!["media.twiliocdn.com".to_owned()],
        }
    }

    pub(in crate::providers::twilio) fn voice() -> TwilioVoice {
        TwilioVoice { from: "+12025550199".to_owned(), voice: None, language: "en-US".to_owned(), records: false }
    }

    type Spoil = fn(&mut TwilioSettings);

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        assert!(settings().validate().is_ok());
        let cases: [(&str, Spoil); 12] = [
            ("account_name", |s| s.account_name = "a/b".to_owned()),
            ("account_sid", |s| s.account_sid = "AC12".to_owned()),
            ("auth_token", |s| s.auth = TwilioAuth::Token(Secret::new(" "))),
            ("api_key", |s| s.auth = TwilioAuth::Key { sid: "AC".to_owned(), secret: Secret::new("x") }),
            ("from", |s| s.sender = Some(TwilioSender::From("+49".to_owned()))),
            ("messaging_service_sid", |s| s.sender = Some(TwilioSender::Service("MG".to_owned()))),
            ("whatsapp_from", |s| s.whatsapp = Some(TwilioSender::From("Shop".to_owned()))),
            ("voice_from", |s| s.voice = Some(TwilioVoice { from: "12345".to_owned(), ..voice() })),
            ("from", |s| (s.sender, s.whatsapp, s.voice) = (None, None, None)),
            ("base_url", |s| s.base_url = Url::parse("mailto:x@example.org").expect("a URL")),
            ("callback_url", |s| s.callback_url = Url::parse("https://my_host.example/x").ok()),
            ("webhook_tokens", |s| s.webhook_tokens.clear()),
        ];
        for (name, spoil) in cases {
            let mut spoiled = settings();
            spoil(&mut spoiled);
            let error = spoiled.validate().expect_err(name);
            assert_eq!(error.setting, name);
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        assert!(!format!("{:?}", settings()).contains("token_0"));
    }
}
