//! NeverBounce: whether a mailbox exists.
//!
//! Wire format: NeverBounce's pages on `v4.2/single/check` and the tests of its SDKs. Every answer has status 200; what it is
//! stands in its `status`. Each check costs a credit, a repeated one too. Lists have an interface of their own (jobs), which is
//! not used here.

mod answer;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;
use url::Url;

use crate::clock::Ambient;
use crate::domain::value::AddressKind;
use crate::domain::value::address::Address;
use crate::domain::value::validation::Verdict;
use crate::providers::kind::{Setting, ValidatorKind, ValidatorSetup};
use crate::providers::kit::client::{HttpClient, call};
use crate::providers::{Secret, SettingsError, Validator, ValidatorError};

/// The service's name in the configuration and in events.
const NAME: &str = "neverbounce";
/// How long it may ask mail servers, in seconds: it is to have said so before we stop waiting.
const PATIENCE: u32 = 20;

const API_KEY: Setting = Setting::new("api_key", "An API key: `secret_` or `private_` and more.")
    .secret()
    .required()
    .variable("NEVERBOUNCE_API_KEY");
const BASE_URL: Setting = Setting::new("base_url", "Where the API is.").default("https://api.neverbounce.com");

/// What NeverBounce is to those who set it up.
pub const KIND: ValidatorKind = ValidatorKind {
    name: NAME,
    title: "NeverBounce",
    checks: &[AddressKind::Email],
    settings: &[&API_KEY, &BASE_URL],
    domains: &["neverbounce.com"],
    build,
};

fn build(setup: ValidatorSetup) -> Result<Arc<dyn Validator>, SettingsError> {
    let (key, base_url) = (Secret::new(setup.settings.required(&API_KEY)?), setup.settings.url(&BASE_URL)?);
    Ok(Arc::new(NeverBounce::try_new(key, base_url, setup.client, setup.ambient)?))
}

/// NeverBounce on behalf of one account.
pub struct NeverBounce {
    key: Secret,
    url: Url,
    client: HttpClient,
    ambient: Ambient,
}

impl NeverBounce {
    /// Checks the settings; calls nothing.
    pub fn try_new(key: Secret, base_url: Url, client: HttpClient, ambient: Ambient) -> Result<Self, SettingsError> {
        if key.is_empty() {
            return Err(SettingsError::new(NAME, "api_key", "must not be empty"));
        }
        let url = base_url.join("/v4.2/single/check").ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        let url = url.ok_or_else(|| SettingsError::new(NAME, "base_url", "must be an HTTP URL"))?;
        Ok(Self { key, url, client, ambient })
    }
}

#[async_trait]
impl Validator for NeverBounce {
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
        // Key and mailbox travel in the body: URLs end up in the logs of proxies.
        let body = json!({ "key": self.key.expose(), "email": address.text(), "timeout": PATIENCE });
        let reply = call(self.client.request(Method::POST, self.url.clone()).json(&body)).await?;
        if reply.status != 200 {
            return Err(reply.refusal(None, None, String::new(), self.ambient.now()).into());
        }
        let answer = reply.json().ok_or_else(|| reply.unproved())?;
        answer::read(&answer).unwrap_or_else(|| Err(reply.unproved().into()))
    }
}
