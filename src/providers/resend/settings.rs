//! How a Resend account is set up.

use url::Url;

use crate::providers::kind::{OWN_ADDRESSES, REPLY_DOMAIN, Setting, Setup};
use crate::providers::kit::mail::{Mailbox, is_mailbox};
use crate::providers::kit::standard_webhooks;
use crate::providers::{Secret, SettingsError};

const API_KEY: Setting = Setting::new(
    "api_key",
    "An API key: `re_` and what follows. One with sending access suffices to send; incoming mail and messages in doubt need \
     full access.",
)
.secret()
.required()
.variable("RESEND_API_KEY");
const FROM: Setting = Setting::new("from", "Who sends: an address of a verified domain, such as `news@example.com`.")
    .required()
    .variable("RESEND_FROM");
const FROM_NAME: Setting =
    Setting::new("from_name", "The name that stands before the sender's address.").variable("RESEND_FROM_NAME");
const DOMAIN: Setting = Setting::new("domain", "The sending domain; left out: the one of `from`.");
const WEBHOOK_SECRET: Setting = Setting::new(
    "webhook_secret",
    "The webhook's signing secret: `whsec_` and what follows; two, separated by a comma, while it is changed. Without it no \
     event and no incoming mail is believed.",
)
.secret()
.variable("RESEND_WEBHOOK_SECRET");
const TRACKS_CLICKS: Setting = Setting::new(
    "tracks_clicks",
    "Whether the domain is set up at Resend to rewrite links: it cannot be said for a single mail, and we track them then no \
     second time.",
)
.default("false");
const TRACKS_OPENS: Setting =
    Setting::new("tracks_opens", "The same of the pixel that reports opens.").default("false");
const BASE_URL: Setting = Setting::new("base_url", "Where the API is.").default(ResendSettings::BASE_URL);

/// All of them; the first one makes the account that the environment describes.
pub(super) const SETTINGS: &[&Setting] = &[
    &API_KEY,
    &FROM,
    &FROM_NAME,
    &DOMAIN,
    &Setting { variable: Some("RESEND_REPLY_DOMAIN"), ..REPLY_DOMAIN },
    &WEBHOOK_SECRET,
    &TRACKS_CLICKS,
    &TRACKS_OPENS,
    &BASE_URL,
    &OWN_ADDRESSES,
];

/// The settings of one account, read.
#[derive(Debug, Clone)]
pub struct ResendSettings {
    /// Our name for the account, in routes and in the webhook's URL.
    pub account_name: String,
    /// `re_` and what follows.
    pub api_key: Secret,
    /// Who sends, where a message does not say.
    pub from: Mailbox,
    /// The sending domain, for routes: what reputation belongs to.
    pub domain: String,
    /// Where the API is.
    pub base_url: Url,
    /// The webhook's signing secrets. Two while they are changed. None: nothing is believed.
    pub webhook_secrets: Vec<Secret>,
    /// The domain is set up to rewrite links.
    pub tracks_clicks: bool,
    /// The domain is set up to add a pixel.
    pub tracks_opens: bool,
}

impl ResendSettings {
    /// Where the API is, for all regions.
    pub const BASE_URL: &str = "https://api.resend.com";

    /// Settings with which mail can be sent, and no webhook is believed yet.
    #[must_use]
    pub fn new(account_name: &str, api_key: Secret, from: Mailbox, base_url: Url) -> Self {
        Self {
            account_name: account_name.to_owned(),
            api_key,
            domain: from.domain(),
            from,
            base_url,
            webhook_secrets: vec![],
            tracks_clicks: false,
            tracks_opens: false,
        }
    }

    /// Reads what an account is set up with.
    pub fn read(setup: &Setup<'_>) -> Result<Self, SettingsError> {
        let settings = &setup.settings;
        let from = Mailbox { email: settings.required(&FROM)?, name: settings.text(&FROM_NAME) };
        let api_key = Secret::new(settings.required(&API_KEY)?);
        let mut read = Self::new(setup.account, api_key, from, settings.url(&BASE_URL)?);
        if let Some(domain) = settings.text(&DOMAIN) {
            read.domain = domain;
        }
        read.webhook_secrets = settings.list(&WEBHOOK_SECRET).iter().map(Secret::new).collect();
        read.tracks_clicks = settings.flag(&TRACKS_CLICKS)?.unwrap_or(false);
        read.tracks_opens = settings.flag(&TRACKS_OPENS)?.unwrap_or(false);
        read.validate()?;
        Ok(read)
    }

    /// Says what is wrong first, in the settings' own words.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let wrong = |setting, reason| Err(SettingsError::new(super::PROVIDER, setting, reason));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if self.account_name.is_empty() || !self.account_name.bytes().all(is_plain) {
            return wrong("account_name", "must be of letters, digits, - and _");
        }
        let key = self.api_key.expose();
        if !key.starts_with("re_") || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong("api_key", "must begin with re_ and hold no white space");
        }
        if !is_mailbox(&self.from.email) {
            return wrong("from", "must be an address such as news@example.com");
        }
        if !is_mailbox(&format!("x@{}", self.domain)) {
            return wrong("domain", "must be the sending domain, such as example.com");
        }
        if !matches!(self.base_url.scheme(), "https" | "http") {
            return wrong("base_url", "must be an HTTP URL");
        }
        if !self.webhook_secrets.iter().all(standard_webhooks::is_secret) {
            return wrong("webhook_secret", "must be the signing secret that Resend shows: whsec_ and base64");
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::providers::resend) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    pub(in crate::providers::resend) fn settings() -> ResendSettings {
        let from = Mailbox { email: "news@shop.example".to_owned(), name: Some("Shop".to_owned()) };
        let base_url = Url::parse(ResendSettings::BASE_URL).expect("a URL");
        let mut settings = ResendSettings::new("main", Secret::new("re_key"), from, base_url);
        settings.webhook_secrets = vec![Secret::new(SECRET)];
        settings
    }

    type Spoil = fn(&mut ResendSettings);

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        assert!(settings().validate().is_ok());
        assert_eq!(settings().domain, "shop.example");
        let cases: [(&str, Spoil); 6] = [
            ("account_name", |s| s.account_name = String::new()),
            ("api_key", |s| s.api_key = Secret::new("key")),
            ("from", |s| s.from.email = "Shop <news@shop.example>".to_owned()),
            ("domain", |s| s.domain = "localhost".to_owned()),
            ("base_url", |s| s.base_url = Url::parse("ftp://x.example").expect("a URL")),
            ("webhook_secret", |s| s.webhook_secrets = vec![Secret::new("whsec_short")]),
        ];
        for (name, spoil) in cases {
            let mut spoiled = settings();
            spoil(&mut spoiled);
            let error = spoiled.validate().expect_err(name);
            assert_eq!(error.setting, name);
        }
    }
}
