//! How a MessageBird account is set up.

use url::Url;

use crate::providers::kind::{OWN_ADDRESSES, Setting, Setup};
use crate::providers::kit::numbers;
use crate::providers::{Secret, SettingsError};

const ACCESS_KEY: Setting = Setting::new("access_key", "The account's access key; one for tests sends nothing.")
    .secret()
    .required()
    .variable("MESSAGEBIRD_ACCESS_KEY");
const FROM: Setting =
    Setting::new("from", "Who sends: a number with `+`, a short code or a name of at most 11 characters.")
        .required()
        .variable("MESSAGEBIRD_FROM");
const SIGNING_KEY: Setting =
    Setting::new("signing_key", "What webhooks are signed with; not the access key. Without it nothing is believed.")
        .secret()
        .variable("MESSAGEBIRD_SIGNING_KEY");
const NEXT_SIGNING_KEY: Setting =
    Setting::new("next_signing_key", "The signing key that follows, believed too while the keys are changed.").secret();
const MMS: Setting =
    Setting::new("mms", "Whether the sender can send pictures, which it can from numbers of some countries only.")
        .default("false");
const BASE_URL: Setting = Setting::new("base_url", "Where the API is.").default("https://rest.messagebird.com");

/// All of them; the first one makes the account that the environment describes.
pub(super) const SETTINGS: &[&Setting] =
    &[&ACCESS_KEY, &FROM, &SIGNING_KEY, &NEXT_SIGNING_KEY, &MMS, &BASE_URL, &OWN_ADDRESSES];

/// The settings of one account, read.
#[derive(Debug, Clone)]
pub struct MessagebirdSettings {
    /// Our name for the account, in routes and in the webhook's URL.
    pub account_name: String,
    /// What opens the API.
    pub access_key: Secret,
    /// Who sends, where a message does not say.
    pub from: String,
    /// What webhooks are signed with: the present key and, while they are changed, the next.
    pub signing_keys: Vec<Secret>,
    /// Whether its sender can send MMS, and this server's links can be fetched by MessageBird.
    pub can_send_media: bool,
    /// Where the API is.
    pub base_url: Url,
    /// The public URL of this account's webhook, exactly as MessageBird is to call it. Without it there are no reports, and the
    /// fate of messages stays unknown.
    pub callback_url: Option<Url>,
}

impl MessagebirdSettings {
    /// Reads what an account is set up with.
    pub fn read(setup: &Setup<'_>) -> Result<Self, SettingsError> {
        let settings = &setup.settings;
        let keys = [&SIGNING_KEY, &NEXT_SIGNING_KEY];
        let read = Self {
            account_name: setup.account.to_owned(),
            access_key: Secret::new(settings.required(&ACCESS_KEY)?),
            from: settings.required(&FROM)?,
            signing_keys: keys.iter().filter_map(|setting| settings.secret(setting)).collect(),
            can_send_media: settings.flag(&MMS)?.unwrap_or(false) && setup.webhook_url.is_some(),
            base_url: settings.url(&BASE_URL)?,
            callback_url: setup.webhook_url.clone(),
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
        let key = self.access_key.expose();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong("access_key", "must hold no white space");
        }
        if key.starts_with("bk_") {
            return wrong("access_key", "is one of Bird's new platform: set up an account of bird");
        }
        if !numbers::is_sender(&self.from) {
            return wrong(
                "from",
                "must be a number with + and its country code, a short code, or a name of 1 to 11 letters",
            );
        }
        if self.signing_keys.iter().any(Secret::is_empty) {
            return wrong("signing_key", "must not be empty");
        }
        if !matches!(self.base_url.scheme(), "https" | "http") {
            return wrong("base_url", "must be an HTTP URL");
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::providers::messagebird) fn settings() -> MessagebirdSettings {
        MessagebirdSettings {
            account_name: "main".to_owned(),
            access_key: Secret::new("live_key"),
            from: "+31612345678".to_owned(),
            signing_keys: vec![Secret::new("other-secret")],
            can_send_media: false,
            base_url: Url::parse("https://rest.messagebird.com").expect("a URL"),
            callback_url: Url::parse("https://crm.example.com/webhooks/messagebird/main").ok(),
        }
    }

    type Spoil = fn(&mut MessagebirdSettings);

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        assert!(settings().validate().is_ok());
        let cases: [(&str, Spoil); 7] = [
            ("account_name", |s| s.account_name = "a/b".to_owned()),
            ("access_key", |s| s.access_key = Secret::new("")),
            ("access_key", |s| s.access_key = Secret::new("a b")),
            ("access_key", |s| s.access_key = Secret::new("bk_eu1_x")),
            ("from", |s| s.from = "31612345678".to_owned()),
            ("signing_key", |s| s.signing_keys = vec![Secret::new(" ")]),
            ("base_url", |s| s.base_url = Url::parse("ftp://x.example").expect("a URL")),
        ];
        for (name, spoil) in cases {
            let mut spoiled = settings();
            spoil(&mut spoiled);
            assert_eq!(spoiled.validate().expect_err(name).setting, name);
        }
        assert!(!format!("{:?}", settings()).contains("live_key"));
    }
}
