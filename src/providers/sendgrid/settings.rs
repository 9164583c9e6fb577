//! How a SendGrid account is set up.

use chrono::TimeDelta;
use url::Url;

use super::signature::PublicKey;
use crate::providers::kind::{OWN_ADDRESSES, REPLY_DOMAIN, Setting, Setup};
use crate::providers::kit::mail::{Mailbox, is_mailbox};
use crate::providers::{Secret, SettingsError};

const API_KEY: Setting =
    Setting::new("api_key", "An API key that may send mail (`mail.send`): `SG.` and what follows.")
        .secret()
        .required()
        .variable("SENDGRID_API_KEY");
const FROM: Setting = Setting::new("from", "Who sends: a verified address such as `news@example.com`.")
    .required()
    .variable("SENDGRID_FROM");
const FROM_NAME: Setting =
    Setting::new("from_name", "The name that stands before the sender's address.").variable("SENDGRID_FROM_NAME");
const DOMAIN: Setting = Setting::new("domain", "The sending domain; left out: the one of `from`.");
const WEBHOOK_PUBLIC_KEY: Setting = Setting::new(
    "webhook_public_key",
    "The Event Webhook's verification key; two, separated by a comma, while it is changed. Without it no event is believed.",
)
.variable("SENDGRID_WEBHOOK_PUBLIC_KEY");
const INBOUND_SECRET: Setting = Setting::new(
    "inbound_secret",
    "What the Inbound Parse URL carries as `secret` in its query, or as the password before its host: 16 characters or more.",
)
.secret()
.variable("SENDGRID_INBOUND_SECRET");
const INBOUND_PUBLIC_KEY: Setting =
    Setting::new("inbound_public_key", "The public key of Inbound Parse's security policy, where one is set up.");
const TRACK_CLICKS: Setting =
    Setting::new("track_clicks", "Whether SendGrid rewrites links; left out: as the account is set up there.");
const TRACK_OPENS: Setting =
    Setting::new("track_opens", "Whether SendGrid adds a pixel; left out: as the account is set up there.");
const SANDBOX: Setting =
    Setting::new("sandbox", "Whether SendGrid checks everything and sends nothing, for trying out.").default("false");
const BASE_URL: Setting =
    Setting::new("base_url", "Where the API is; `https://api.eu.sendgrid.com` in the European Union.")
        .default(SendgridSettings::BASE_URL);

/// All of them; the first one makes the account that the environment describes.
pub(super) const SETTINGS: &[&Setting] = &[
    &API_KEY,
    &FROM,
    &FROM_NAME,
    &DOMAIN,
    &Setting { variable: Some("SENDGRID_REPLY_DOMAIN"), ..REPLY_DOMAIN },
    &WEBHOOK_PUBLIC_KEY,
    &INBOUND_SECRET,
    &INBOUND_PUBLIC_KEY,
    &TRACK_CLICKS,
    &TRACK_OPENS,
    &SANDBOX,
    &BASE_URL,
    &OWN_ADDRESSES,
];

/// The settings of one account, read.
#[derive(Debug, Clone)]
pub struct SendgridSettings {
    /// Our name for the account, in routes and in the webhook's URL.
    pub account_name: String,
    /// `SG.` and what follows.
    pub api_key: Secret,
    /// Who sends, where a message does not say.
    pub from: Mailbox,
    /// The sending domain, for routes: what reputation belongs to.
    pub domain: String,
    /// Where the API is: `https://api.sendgrid.com`, or `https://api.eu.sendgrid.com`.
    pub base_url: Url,
    /// The Event Webhook's verification keys: base64 of a `SubjectPublicKeyInfo`. Two while they are changed. None: no
    /// event is believed.
    pub event_public_keys: Vec<String>,
    /// How old a signed batch of events may be. SendGrid repeats for 24 hours, perhaps with the first signature.
    pub event_freshness: TimeDelta,
    /// What the Inbound Parse URL carries as `secret` in its query, or as the password before its host. Without it (and
    /// without a key in `inbound_public_keys`) no incoming mail is believed.
    pub inbound_secret: Option<Secret>,
    /// The keys of Inbound Parse's security policy, where one is set up.
    pub inbound_public_keys: Vec<String>,
    /// Whether SendGrid rewrites links; absent: as the account is set up.
    pub track_clicks: Option<bool>,
    /// Whether SendGrid adds a pixel; absent: as the account is set up.
    pub track_opens: Option<bool>,
    /// Everything is checked and nothing is sent: for trying out.
    pub is_sandbox: bool,
}

impl SendgridSettings {
    /// Where the API is for most accounts.
    pub const BASE_URL: &str = "https://api.sendgrid.com";

    /// Settings with which mail can be sent, and no webhook is believed yet.
    #[must_use]
    pub fn new(account_name: &str, api_key: Secret, from: Mailbox, base_url: Url) -> Self {
        let domain = from.domain();
        Self {
            account_name: account_name.to_owned(),
            api_key,
            from,
            domain,
            base_url,
            event_public_keys: vec![],
            event_freshness: TimeDelta::hours(25),
            inbound_secret: None,
            inbound_public_keys: vec![],
            track_clicks: None,
            track_opens: None,
            is_sandbox: false,
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
        read.event_public_keys = settings.list(&WEBHOOK_PUBLIC_KEY);
        read.inbound_public_keys = settings.list(&INBOUND_PUBLIC_KEY);
        read.inbound_secret = settings.secret(&INBOUND_SECRET);
        read.is_sandbox = settings.flag(&SANDBOX)?.unwrap_or(false);
        read.track_clicks = settings.flag(&TRACK_CLICKS)?;
        read.track_opens = settings.flag(&TRACK_OPENS)?;
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
        let is_key = |key: &str| key.starts_with("SG.") && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_key(self.api_key.expose()) {
            return wrong("api_key", "must begin with SG. and hold no white space");
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
        if self.event_public_keys.iter().any(|key| PublicKey::parse(key).is_none()) {
            return wrong("event_public_keys", "must be the verification key that SendGrid shows: base64, P-256");
        }
        if self.inbound_public_keys.iter().any(|key| PublicKey::parse(key).is_none()) {
            return wrong("inbound_public_keys", "must be the policy's public key: base64, P-256");
        }
        if self.inbound_secret.as_ref().is_some_and(|secret| secret.expose().len() < 16) {
            return wrong("inbound_secret", "must have at least 16 characters");
        }
        if self.event_freshness <= TimeDelta::zero() {
            return wrong("event_freshness", "must be longer than nothing");
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::providers::sendgrid) fn settings() -> SendgridSettings {
        let from = Mailbox { email: "news@shop.example".to_owned(), name: Some("Shop".to_owned()) };
        let base_url = Url::parse(SendgridSettings::BASE_URL).expect("a URL");
        SendgridSettings::new("main", Secret::new("SG.key"), from, base_url)
    }

    type Spoil = fn(&mut SendgridSettings);

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        assert!(settings().validate().is_ok());
        assert_eq!(settings().domain, "shop.example");
        let cases: [(&str, Spoil); 9] = [
            ("account_name", |s| s.account_name = String::new()),
            ("api_key", |s| s.api_key = Secret::new("key")),
            ("from", |s| s.from.email = "Shop <news@shop.example>".to_owned()),
            ("domain", |s| s.domain = "localhost".to_owned()),
            ("base_url", |s| s.base_url = Url::parse("ftp://x.example").expect("a URL")),
            ("event_public_keys", |s| s.event_public_keys = vec!["MFkw".to_owned()]),
            ("inbound_public_keys", |s| s.inbound_public_keys = vec![String::new()]),
            ("inbound_secret", |s| s.inbound_secret = Some(Secret::new("short"))),
            ("event_freshness", |s| s.event_freshness = TimeDelta::zero()),
        ];
        for (name, spoil) in cases {
            let mut spoiled = settings();
            spoil(&mut spoiled);
            let error = spoiled.validate().expect_err(name);
            assert_eq!(error.setting, name);
        }
    }
}
