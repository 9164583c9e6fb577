//! BriteVerify by Validity: whether a mailbox exists.
//!
//! Wire format: BriteVerify's page on its real-time API, `api/v1/fullverify`. It takes 500 checks per key and minute. Its older
//! interface (`emails.json`, with the key in the URL) is not used, nor are its lists.

mod answer;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde_json::json;
use url::Url;

use crate::clock::Ambient;
use crate::domain::value::AddressKind;
use crate::domain::value::address::Address;
use crate::domain::value::message::RetryClass;
use crate::domain::value::validation::Verdict;
use crate::providers::kind::{Setting, ValidatorKind, ValidatorSetup};
use crate::providers::kit::client::{HttpClient, call};
use crate::providers::{Secret, SettingsError, Validator, ValidatorError};

/// The service's name in the configuration and in events.
const NAME: &str = "briteverify";

const API_KEY: Setting =
    Setting::new("api_key", "The key of a real-time API.").secret().required().variable("BRITEVERIFY_API_KEY");
const BASE_URL: Setting = Setting::new("base_url", "Where the API is.").default("https://bpi.briteverify.com");

/// What BriteVerify is to those who set it up.
pub const KIND: ValidatorKind = ValidatorKind {
    name: NAME,
    title: "BriteVerify",
    checks: &[AddressKind::Email],
    settings: &[&API_KEY, &BASE_URL],
    domains: &["briteverify.com"],
    build,
};

fn build(setup: ValidatorSetup) -> Result<Arc<dyn Validator>, SettingsError> {
    let (key, base_url) = (Secret::new(setup.settings.required(&API_KEY)?), setup.settings.url(&BASE_URL)?);
    Ok(Arc::new(BriteVerify::try_new(&key, base_url, setup.client, setup.ambient)?))
}

/// BriteVerify on behalf of one account.
pub struct BriteVerify {
    authorization: HeaderValue,
    url: Url,
    client: HttpClient,
    ambient: Ambient,
}

impl BriteVerify {
    /// Checks the settings; calls nothing.
    pub fn try_new(key: &Secret, base_url: Url, client: HttpClient, ambient: Ambient) -> Result<Self, SettingsError> {
        if key.is_empty() {
            return Err(SettingsError::new(NAME, "api_key", "must not be empty"));
        }
        // The colon behind the scheme's name is BriteVerify's own.
        let mut authorization = HeaderValue::from_str(&format!("ApiKey: {}", key.expose()))
            .map_err(|_| SettingsError::new(NAME, "api_key", "must be fit for a header"))?;
        authorization.set_sensitive(true);
        let url = base_url.join("/api/v1/fullverify").ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        let url = url.ok_or_else(|| SettingsError::new(NAME, "base_url", "must be an HTTP URL"))?;
        Ok(Self { authorization, url, client, ambient })
    }
}

#[async_trait]
impl Validator for BriteVerify {
    fn name(&self) -> &'static str {
        NAME
    }

    fn checks(&self) -> &[AddressKind] {
        KIND.checks
    }

    async fn validate(&self, address: &Address) -> Result<Verdict, ValidatorError> {
        if address.kind() != AddressKind::Email {
            return Err(ValidatorError::not_checked());
        }
        let request = self.client.request(Method::POST, self.url.clone());
        let request =
            request.header(AUTHORIZATION, self.authorization.clone()).json(&json!({ "email": address.text() }));
        let reply = call(request).await?;
        if reply.status != 200 {
            // Only 401 and 429 are documented; 402, and perhaps 403, say that there is no credit left.
            let class = (reply.status == 402).then_some(RetryClass::Configuration);
            return Err(reply.refusal(class, None, String::new(), self.ambient.now()).into());
        }
        let answer = reply.json().ok_or_else(|| reply.unproved())?;
        answer::read(&answer).ok_or_else(|| reply.unproved().into())
    }
}
