//! How a Vonage account is set up.

use std::sync::Arc;

use url::Url;

use super::SignatureMethod;
use crate::domain::value::Currency;
use crate::providers::kind::{OWN_ADDRESSES, Setting, Setup};
use crate::providers::kit::jwt::RsaKey;
use crate::providers::kit::numbers;
use crate::providers::{Secret, SettingsError};

const API_KEY: Setting =
    Setting::new("api_key", "The account's API key: eight letters and digits.").required().variable("VONAGE_API_KEY");
const FROM: Setting =
    Setting::new("from", "Who sends: a number with `+`, a short code or a name of at most 11 characters.")
        .required()
        .variable("VONAGE_FROM");
const API: Setting = Setting::new(
    "api",
    "Which API sends: `sms` or `messages`. The latter joins long incoming texts, which the former hands over in parts.",
)
.variable("VONAGE_API")
.default("sms");
const API_SECRET: Setting =
    Setting::new("api_secret", "The account's API secret; needed by `sms`.").secret().variable("VONAGE_API_SECRET");
const APPLICATION_ID: Setting =
    Setting::new("application_id", "The application whose webhooks are called, a UUID; needed by `messages`.")
        .variable("VONAGE_APPLICATION_ID");
const PRIVATE_KEY: Setting = Setting::new(
    "private_key",
    "The application's private key as PEM; needed by `messages`. Line breaks may be `\\n`.",
)
.secret()
.variable("VONAGE_PRIVATE_KEY");
const SIGNATURE_SECRET: Setting = Setting::new(
    "signature_secret",
    "What webhooks are signed with, from the API settings; not the API secret. Without it nothing is believed.",
)
.secret()
.variable("VONAGE_SIGNATURE_SECRET");
const NEXT_SIGNATURE_SECRET: Setting =
    Setting::new("next_signature_secret", "The secret that follows, believed too while the secrets are changed.")
        .secret();
const SIGNATURE_METHOD: Setting = Setting::new(
    "signature_method",
    "How the SMS API signs webhooks, as the API settings show it: `md5-hash`, `md5-hmac`, `sha1-hmac`, `sha256-hmac` \
     or `sha512-hmac`.",
)
.variable("VONAGE_SIGNATURE_METHOD")
.default("md5-hash");
const CURRENCY: Setting =
    Setting::new("currency", "The currency of the prices that the SMS API reports without one.").default("EUR");
const BASE_URL: Setting = Setting::new(
    "base_url",
    "Where the API is; left out: `https://rest.nexmo.com` for `sms`, `https://api.nexmo.com` for `messages`.",
);

/// All of them; the first one makes the account that the environment describes.
pub(super) const SETTINGS: &[&Setting] = &[
    &API_KEY,
    &FROM,
    &API,
    &API_SECRET,
    &APPLICATION_ID,
    &PRIVATE_KEY,
    &SIGNATURE_SECRET,
    &NEXT_SIGNATURE_SECRET,
    &SIGNATURE_METHOD,
    &CURRENCY,
    &BASE_URL,
    &OWN_ADDRESSES,
];

/// Which API sends, and what it needs.
#[derive(Debug, Clone)]
pub enum VonageApi {
    /// The SMS API.
    Sms {
        /// The account's API secret.
        secret: Secret,
        /// How its webhooks are signed.
        method: SignatureMethod,
    },
    /// The Messages API.
    Messages {
        /// The application, a UUID.
        application_id: String,
        /// The application's private key.
        key: Arc<RsaKey>,
    },
}

/// The settings of one account, read.
#[derive(Debug, Clone)]
pub struct VonageSettings {
    /// Our name for the account, in routes and in the webhook's URL.
    pub account_name: String,
    /// The account's API key, which is no secret.
    pub api_key: String,
    /// Which API sends.
    pub api: VonageApi,
    /// Who sends, where a message does not say.
    pub from: String,
    /// What webhooks are signed with: the present secret and, while they are changed, the next.
    pub signature_secrets: Vec<Secret>,
    /// The currency of the SMS API's prices.
    pub currency: Currency,
    /// Where the API is.
    pub base_url: Url,
    /// The public URL of this account's webhook. Without it the one in the account's or application's settings is called.
    pub callback_url: Option<Url>,
}

impl VonageSettings {
    /// Reads what an account is set up with.
    pub fn read(setup: &Setup<'_>) -> Result<Self, SettingsError> {
        let settings = &setup.settings;
        let needed = |setting: &Setting, reason| settings.text(setting).ok_or_else(|| settings.wrong(setting, reason));
        let (api, base_url) = match settings.text(&API).as_deref() {
            Some("sms") => {
                let secret = Secret::new(needed(&API_SECRET, "must be given: the SMS API needs it")?);
                let method = settings.text(&SIGNATURE_METHOD).and_then(|method| SignatureMethod::parse(&method));
                let method = method.ok_or_else(|| {
                    let reason = "must be md5-hash, md5-hmac, sha1-hmac, sha256-hmac or sha512-hmac";
                    settings.wrong(&SIGNATURE_METHOD, reason)
                })?;
                (VonageApi::Sms { secret, method }, "https://rest.nexmo.com")
            }
            Some("messages") => {
                let application_id = needed(&APPLICATION_ID, "must be given: the Messages API needs it")?;
                let key = Secret::new(needed(&PRIVATE_KEY, "must be given: the Messages API needs it")?);
                let reason = "must be a private RSA key of 2,048 bits or more, as PEM";
                let key = RsaKey::parse(&key).ok_or_else(|| settings.wrong(&PRIVATE_KEY, reason))?;
                (VonageApi::Messages { application_id, key: Arc::new(key) }, "https://api.nexmo.com")
            }
            _ => return Err(settings.wrong(&API, "must be sms or messages")),
        };
        let base_url = settings.text(&BASE_URL).unwrap_or_else(|| base_url.to_owned());
        let secrets = [&SIGNATURE_SECRET, &NEXT_SIGNATURE_SECRET];
        let currency = settings.text(&CURRENCY).and_then(|currency| currency.parse().ok());
        let read = Self {
            account_name: setup.account.to_owned(),
            api_key: settings.required(&API_KEY)?,
            api,
            from: settings.required(&FROM)?,
            signature_secrets: secrets.iter().filter_map(|setting| settings.secret(setting)).collect(),
            currency: currency.ok_or_else(|| settings.wrong(&CURRENCY, "must be three letters, such as EUR"))?,
            base_url: base_url.parse().map_err(|_| settings.wrong(&BASE_URL, "must be a URL"))?,
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
        if self.api_key.is_empty() || !self.api_key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return wrong("api_key", "must be of letters and digits");
        }
        match &self.api {
            VonageApi::Sms { secret, .. } if secret.is_empty() => return wrong("api_secret", "must not be empty"),
            VonageApi::Messages { application_id, .. } if uuid::Uuid::try_parse(application_id).is_err() => {
                return wrong("application_id", "must be a UUID");
            }
            VonageApi::Sms { .. } | VonageApi::Messages { .. } => {}
        }
        if !numbers::is_sender(&self.from) {
            return wrong(
                "from",
                "must be a number with + and its country code, a short code, or a name of 1 to 11 letters",
            );
        }
        if self.signature_secrets.iter().any(Secret::is_empty) {
            return wrong("signature_secret", "must not be empty");
        }
        if !matches!(self.base_url.scheme(), "https" | "http") {
            return wrong("base_url", "must be an HTTP URL");
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
    use crate::providers::kit::jwt::tests::KEY;
    use crate::providers::kit::settings::Settings;
    use crate::providers::vonage::KIND;

    pub(in crate::providers::vonage) const APPLICATION: &str = "78d335fa-323d-0114-9c3d-d6f0d48968cf";

    pub(in crate::providers::vonage) fn read(given: &[(&str, &str)]) -> Result<VonageSettings, SettingsError> {
        let values: BTreeMap<_, _> =
            given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        VonageSettings::read(&Setup {
            account: "main",
            webhook_url: Url::parse("https://crm.example.com/webhooks/vonage/main").ok(),
            settings: Settings::try_new(&KIND, values)?,
            reach: crate::providers::kind::Reach::Anywhere,
            client: HttpClient::new(ClientOptions::default()).expect("a client"),
            ambient: Ambient::system(),
        })
    }

    pub(in crate::providers::vonage) fn sms(more: &[(&str, &str)]) -> Result<VonageSettings, SettingsError> {
        let given = [("api_key", "abcd1234"), ("from", "+447700900001"), ("api_secret", "s3cr3t")];
        read(&[&given[..], &[("signature_secret", "abcde")], more].concat())
    }

    pub(in crate::providers::vonage) fn messages(more: &[(&str, &str)]) -> Result<VonageSettings, SettingsError> {
        let given = [("api", "messages"), ("api_key", "abcd1234"), ("from", "+447700900001")];
        let needed = [("application_id", APPLICATION), ("private_key", KEY)];
        let secret = [("signature_secret", "demo-signature-secret-at-least-32-bytes-long")];
        read(&[&given[..], &needed, &secret, more].concat())
    }

    #[test]
    fn each_api_has_its_own_address_and_credentials() {
        assert_eq!(sms(&[]).expect("valid settings").base_url.as_str(), "https://rest.nexmo.com/");
        let settings = messages(&[]).expect("valid settings");
        assert_eq!(settings.base_url.as_str(), "https://api.nexmo.com/");
        assert!(matches!(settings.api, VonageApi::Messages { .. }));
    }

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        let refused = |read: Result<VonageSettings, SettingsError>| read.map(|_| ()).expect_err("refused").setting;
        let cases = [
            ("api", "mail"),
            ("api_key", "ab cd"),
            ("from", "0049301234"),
            ("signature_method", "rot13"),
            ("currency", "euros"),
            ("base_url", "nowhere"),
            ("base_url", "ftp://x.example"),
        ];
        for (name, value) in cases {
            assert_eq!(refused(sms(&[(name, value)])), name);
        }
        assert_eq!(refused(messages(&[("application_id", "main")])), "application_id");
        assert_eq!(
            refused(messages(&[("private_key", "./private.key")])),
            "private_key",
            "it is the key, not its file"
        );
        assert_eq!(refused(read(&[("api_key", "a"), ("api_secret", "b")])), "from");
        assert_eq!(refused(read(&[("api_key", "a"), ("from", "Acme")])), "api_secret");
        assert_eq!(refused(read(&[("api_key", "a"), ("from", "Acme"), ("api", "messages")])), "application_id");
    }

    #[test]
    fn secrets_are_not_shown() {
        assert!(!format!("{:?}", sms(&[])).contains("s3cr3t"));
        assert!(!format!("{:?}", messages(&[])).contains("PRIVATE"));
    }
}
