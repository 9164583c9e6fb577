//! How a workspace at Bird is set up.

use url::Url;

use crate::providers::kind::{OWN_ADDRESSES, Setting, Setup};
use crate::providers::kit::{numbers, standard_webhooks};
use crate::providers::{Secret, SettingsError};

const API_KEY: Setting = Setting::new("api_key", "The workspace's API key: `bk_`, the region, `_` and what follows.")
    .secret()
    .required()
    .variable("BIRD_API_KEY");
const FROM: Setting = Setting::new(
    "from",
    "Who sends: a number with `+`, a short code or a name of at most 11 characters that the workspace holds.",
)
.required()
.variable("BIRD_FROM");
const CATEGORY: Setting = Setting::new(
    "category",
    "What messages are to carriers: `transactional`, `marketing`, `authentication` or `service`. A sender that is \
     registered for marketing may send all of them.",
)
.variable("BIRD_CATEGORY")
.default("marketing");
const WEBHOOK_SECRET: Setting = Setting::new(
    "webhook_secret",
    "The endpoint's signing secret, `whsec_` and base64. Without it nothing is believed.",
)
.secret()
.variable("BIRD_WEBHOOK_SECRET");
const NEXT_WEBHOOK_SECRET: Setting =
    Setting::new("next_webhook_secret", "The secret that follows, believed too while the secrets are changed.")
        .secret();
const BASE_URL: Setting = Setting::new(
    "base_url",
    "Where the API is; left out: the host of the key's region, `https://eu1.platform.bird.com`.",
);

/// All of them; the first one makes the account that the environment describes.
pub(super) const SETTINGS: &[&Setting] =
    &[&API_KEY, &FROM, &CATEGORY, &WEBHOOK_SECRET, &NEXT_WEBHOOK_SECRET, &BASE_URL, &OWN_ADDRESSES];

const CATEGORIES: &[&str] = &["transactional", "marketing", "authentication", "service"];

/// The settings of one workspace, read.
#[derive(Debug, Clone)]
pub struct BirdSettings {
    /// Our name for the account, in routes and in the webhook's URL.
    pub account_name: String,
    /// What opens the API.
    pub api_key: Secret,
    /// Who sends, where a message does not say.
    pub from: String,
    /// What messages are to carriers.
    pub category: String,
    /// The secrets with which webhooks are signed: the present one and, while they are changed, the next.
    pub webhook_secrets: Vec<Secret>,
    /// Where the API is.
    pub base_url: Url,
}

impl BirdSettings {
    /// Reads what an account is set up with.
    pub fn read(setup: &Setup<'_>) -> Result<Self, SettingsError> {
        let settings = &setup.settings;
        let api_key = Secret::new(settings.required(&API_KEY)?);
        let base_url = match settings.text(&BASE_URL) {
            Some(url) => url.parse().map_err(|_| settings.wrong(&BASE_URL, "must be a URL"))?,
            None => base_of(&api_key).ok_or_else(|| settings.wrong(&API_KEY, "must be bk_, a region, _ and more"))?,
        };
        let secrets = [&WEBHOOK_SECRET, &NEXT_WEBHOOK_SECRET];
        let read = Self {
            account_name: setup.account.to_owned(),
            api_key,
            from: settings.required(&FROM)?,
            category: settings.required(&CATEGORY)?,
            webhook_secrets: secrets.iter().filter_map(|setting| settings.secret(setting)).collect(),
            base_url,
        };
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
        if base_of(&self.api_key).is_none() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong("api_key", "must be bk_, a region, _ and more, without white space");
        }
        if !numbers::is_sender(&self.from) {
            return wrong(
                "from",
                "must be a number with + and its country code, a short code, or a name of 1 to 11 letters",
            );
        }
        if !CATEGORIES.contains(&self.category.as_str()) {
            return wrong("category", "must be transactional, marketing, authentication or service");
        }
        if !self.webhook_secrets.iter().all(standard_webhooks::is_secret) {
            return wrong("webhook_secret", "must be whsec_ and base64 of 24 bytes or more");
        }
        if !matches!(self.base_url.scheme(), "https" | "http") {
            return wrong("base_url", "must be an HTTP URL");
        }
        Ok(())
    }
}

/// The host of a key's region.
fn base_of(key: &Secret) -> Option<Url> {
    let (region, rest) = key.expose().strip_prefix("bk_")?.split_once('_')?;
    let is_region = !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_key = is_region && !rest.is_empty();
    is_key.then(|| Url::parse(&format!("https://{region}.platform.bird.com")).ok()).flatten()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::providers::bird) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    pub(in crate::providers::bird) fn settings() -> BirdSettings {
        let api_key = Secret::new("bk_eu1_s3cr3t");
        BirdSettings {
            account_name: "main".to_owned(),
            base_url: base_of(&api_key).expect("a URL"),
            api_key,
            from: "+12025550199".to_owned(),
            category: "marketing".to_owned(),
            webhook_secrets: vec![Secret::new(SECRET)],
        }
    }

    type Spoil = fn(&mut BirdSettings);

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        assert!(settings().validate().is_ok());
        let cases: [(&str, Spoil); 9] = [
            ("account_name", |s| s.account_name = String::new()),
            ("api_key", |s| s.api_key = Secret::new("live_key")),
            ("api_key", |s| s.api_key = Secret::new("bk_eu1_")),
            ("api_key", |s| s.api_key = Secret::new("bk_evil.example/_x")),
            ("from", |s| s.from = "12025550199x".to_owned()),
            ("category", |s| s.category = "news".to_owned()),
            ("webhook_secret", |s| s.webhook_secrets = vec![Secret::new("short")]),
            ("webhook_secret", |s| s.webhook_secrets.push(Secret::new("whsec_"))),
            ("base_url", |s| s.base_url = Url::parse("ftp://x.example").expect("a URL")),
        ];
        for (name, spoil) in cases {
            let mut spoiled = settings();
            spoil(&mut spoiled);
            assert_eq!(spoiled.validate().expect_err(name).setting, name);
        }
        assert!(!format!("{:?}", settings()).contains("s3cr3t"));
    }

    #[test]
    fn the_key_names_the_region() {
        assert_eq!(settings().base_url.as_str(), "https://eu1.platform.bird.com/");
    }
}
