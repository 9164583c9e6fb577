//! How a Mailgun account is set up.

use chrono::TimeDelta;
use url::Url;

use crate::providers::kind::{OWN_ADDRESSES, REPLY_DOMAIN, Setting, Setup};
use crate::providers::kit::mail::{Mailbox, is_mailbox};
use crate::providers::{Secret, SettingsError};

const API_KEY: Setting = Setting::new(
    "api_key",
    "An API key of the account, or a sending key of the domain: with that one, messages in doubt are not looked for and \
     stored files not fetched.",
)
.secret()
.required()
.variable("MAILGUN_API_KEY");
const DOMAIN: Setting =
    Setting::new("domain", "The sending domain, as it is set up at Mailgun.").required().variable("MAILGUN_DOMAIN");
const FROM: Setting =
    Setting::new("from", "Who sends: an address such as `news@example.com`.").required().variable("MAILGUN_FROM");
const FROM_NAME: Setting =
    Setting::new("from_name", "The name that stands before the sender's address.").variable("MAILGUN_FROM_NAME");
const REGION: Setting =
    Setting::new("region", "Where the domain was set up: `us` or `eu`. In the other region it does not exist.")
        .variable("MAILGUN_REGION")
        .default("us");
const SIGNING_KEY: Setting = Setting::new(
    "webhook_signing_key",
    "The HTTP webhook signing key, which is another one than the API key but in old accounts; two, separated by a comma, while it is changed. Without it no \
     event and no incoming mail is believed.",
)
.secret()
.variable("MAILGUN_WEBHOOK_SIGNING_KEY");
const TRACK_CLICKS: Setting =
    Setting::new("track_clicks", "Whether Mailgun rewrites links; left out: as the domain is set up there.");
const TRACK_OPENS: Setting =
    Setting::new("track_opens", "Whether Mailgun adds a pixel; left out: as the domain is set up there.");
const TEST_MODE: Setting =
    Setting::new("test_mode", "Whether Mailgun takes everything, charges for it and delivers nothing, for trying out.")
        .default("false");
const BASE_URL: Setting = Setting::new("base_url", "Where the API is; left out: where the region has it.");

/// All of them; the first one makes the account that the environment describes.
pub(super) const SETTINGS: &[&Setting] = &[
    &API_KEY,
    &DOMAIN,
    &FROM,
    &FROM_NAME,
    &REGION,
    &Setting { variable: Some("MAILGUN_REPLY_DOMAIN"), ..REPLY_DOMAIN },
    &SIGNING_KEY,
    &TRACK_CLICKS,
    &TRACK_OPENS,
    &TEST_MODE,
    &BASE_URL,
    &OWN_ADDRESSES,
];

/// The settings of one account, read.
#[derive(Debug, Clone)]
pub struct MailgunSettings {
    /// Our name for the account, in routes and in the webhook's URL.
    pub account_name: String,
    /// The account's or the domain's key.
    pub api_key: Secret,
    /// The sending domain: part of the API's paths, and what reputation belongs to.
    pub domain: String,
    /// Who sends, where a message does not say.
    pub from: Mailbox,
    /// Where the API is: of the region in which the domain was set up.
    pub base_url: Url,
    /// The keys of webhooks. Two while they are changed. None: nothing is believed.
    pub signing_keys: Vec<Secret>,
    /// How old a signed request may be. Mailgun repeats for eight hours, perhaps with the first signature.
    pub freshness: TimeDelta,
    /// Whether Mailgun rewrites links; absent: as the domain is set up.
    pub track_clicks: Option<bool>,
    /// Whether Mailgun adds a pixel; absent: as the domain is set up.
    pub track_opens: Option<bool>,
    /// Everything is taken and nothing is delivered: for trying out.
    pub is_test: bool,
}

impl MailgunSettings {
    /// Where the API is for domains in the United States.
    pub const US: &str = "https://api.mailgun.net";
    /// Where the API is for domains in the European Union.
    pub const EU: &str = "https://api.eu.mailgun.net";

    /// Settings with which mail can be sent, and no webhook is believed yet.
    #[must_use]
    pub fn new(account_name: &str, api_key: Secret, domain: &str, from: Mailbox, base_url: Url) -> Self {
        Self {
            account_name: account_name.to_owned(),
            api_key,
            domain: domain.to_owned(),
            from,
            base_url,
            signing_keys: vec![],
            freshness: TimeDelta::hours(9),
            track_clicks: None,
            track_opens: None,
            is_test: false,
        }
    }

    /// Reads what an account is set up with.
    pub fn read(setup: &Setup<'_>) -> Result<Self, SettingsError> {
        let settings = &setup.settings;
        let region = match settings.required(&REGION)?.as_str() {
            "us" => Self::US,
            "eu" => Self::EU,
            _ => return Err(settings.wrong(&REGION, "must be us or eu")),
        };
        let base_url = settings.text(&BASE_URL).unwrap_or_else(|| region.to_owned());
        let base_url = Url::parse(&base_url).map_err(|_| settings.wrong(&BASE_URL, "must be a URL"))?;
        let from = Mailbox { email: settings.required(&FROM)?, name: settings.text(&FROM_NAME) };
        let api_key = Secret::new(settings.required(&API_KEY)?);
        let mut read = Self::new(setup.account, api_key, &settings.required(&DOMAIN)?, from, base_url);
        read.signing_keys = settings.list(&SIGNING_KEY).iter().map(Secret::new).collect();
        read.track_clicks = settings.flag(&TRACK_CLICKS)?;
        read.track_opens = settings.flag(&TRACK_OPENS)?;
        read.is_test = settings.flag(&TEST_MODE)?.unwrap_or(false);
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
        let is_key = |key: &Secret| !key.is_empty() && key.expose().bytes().all(|byte| byte.is_ascii_graphic());
        if !is_key(&self.api_key) {
            return wrong("api_key", "must hold no white space");
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        if !self.domain.contains('.') || !self.domain.bytes().all(is_name) {
            return wrong("domain", "must be the sending domain, such as mg.example.com");
        }
        if !is_mailbox(&self.from.email) {
            return wrong("from", "must be an address such as news@example.com");
        }
        if !matches!(self.base_url.scheme(), "https" | "http") {
            return wrong("base_url", "must be an HTTP URL");
        }
        if !self.signing_keys.iter().all(is_key) {
            return wrong("webhook_signing_key", "must hold no white space");
        }
        if self.freshness <= TimeDelta::zero() {
            return wrong("freshness", "must be longer than nothing");
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::clock::Ambient;
    use crate::providers::kit::client::{ClientOptions, HttpClient};
    use crate::providers::kit::settings::Settings;

    pub(in crate::providers::mailgun) fn settings() -> MailgunSettings {
        let from = Mailbox { email: "news@shop.example".to_owned(), name: Some("Shop".to_owned()) };
        let base_url = Url::parse(MailgunSettings::US).expect("a URL");
        MailgunSettings::new("main", Secret::new("key-0123"), "mg.shop.example", from, base_url)
    }

    fn read(more: &[(&str, &str)]) -> Result<MailgunSettings, SettingsError> {
        let given = [("api_key", "k"), ("domain", "mg.shop.example"), ("from", "news@shop.example")];
        let values: BTreeMap<_, _> =
            given.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let settings = Settings::try_new(&super::super::KIND, values)?;
        let client = HttpClient::new(ClientOptions::default()).expect("a client");
        MailgunSettings::read(&Setup {
            account: "main",
            webhook_url: None,
            reach: crate::providers::kind::Reach::Anywhere,
            settings,
            client,
            ambient: Ambient::system(),
        })
    }

    #[test]
    fn a_region_is_a_host_unless_another_one_is_given() {
        let host = |more: &[(&str, &str)]| read(more).map(|read| read.base_url.to_string());
        assert_eq!(host(&[]).expect("valid"), "https://api.mailgun.net/");
        assert_eq!(host(&[("region", "eu")]).expect("valid"), "https://api.eu.mailgun.net/");
        assert_eq!(host(&[("base_url", "http://127.0.0.1:1/")]).expect("valid"), "http://127.0.0.1:1/");
        assert_eq!(host(&[("region", "asia")]).expect_err("no region").setting, "region");
        assert_eq!(host(&[("base_url", "no")]).expect_err("no URL").setting, "base_url");
        let keys = read(&[("webhook_signing_key", "a, b")]).expect("valid").signing_keys;
        assert_eq!(keys.iter().map(Secret::expose).collect::<Vec<_>>(), ["a", "b"]);
    }

    type Spoil = fn(&mut MailgunSettings);

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        assert!(settings().validate().is_ok());
        let cases: [(&str, Spoil); 7] = [
            ("account_name", |s| s.account_name = String::new()),
            ("api_key", |s| s.api_key = Secret::new("a b")),
            ("domain", |s| s.domain = "mg.shop.example/x".to_owned()),
            ("from", |s| s.from.email = "Shop <news@shop.example>".to_owned()),
            ("base_url", |s| s.base_url = Url::parse("ftp://x.example").expect("a URL")),
            ("webhook_signing_key", |s| s.signing_keys = vec![Secret::new("")]),
            ("freshness", |s| s.freshness = TimeDelta::zero()),
        ];
        for (name, spoil) in cases {
            let mut spoiled = settings();
            spoil(&mut spoiled);
            let error = spoiled.validate().expect_err(name);
            assert_eq!(error.setting, name);
        }
    }
}
