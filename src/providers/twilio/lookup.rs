//! Twilio Lookup: whether a number exists, what kind of line it is, and who runs it.
//!
//! Wire format: `twilio-oai`, `twilio_lookups_v2.json`, and the page on line type intelligence of `docs.twilio.com`. Without the
//! package Twilio only looks at the form of a number, which costs nothing; with it each answer is billed.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::Value;
use url::Url;

use super::settings::{ACCOUNT_SID, API_KEY, API_SECRET, is_sid};
use super::{TwilioAuth, errors};
use crate::clock::Ambient;
use crate::domain::value::AddressKind;
use crate::domain::value::address::Address;
use crate::domain::value::message::RetryClass;
use crate::domain::value::validation::{LineType, ValidityReason, Verdict};
use crate::providers::kind::{Setting, ValidatorKind, ValidatorSetup};
use crate::providers::kit::client::{HttpClient, Reply, call};
use crate::providers::kit::values;
use crate::providers::{SettingsError, Validator, ValidatorError};

/// The service's name in the configuration and in events.
const NAME: &str = "twilio_lookup";
/// The package that costs money.
const PACKAGE: &str = "line_type_intelligence";
/// The longest name of a carrier that is kept, in characters.
const LONGEST_CARRIER: usize = 100;

const LOOKUP_AUTH_TOKEN: Setting =
    Setting::new("auth_token", "The account's auth token; not needed where an API key makes the calls.")
        .secret()
        .variable("TWILIO_AUTH_TOKEN");
const LOOKUP_BASE_URL: Setting = Setting::new("base_url", "Where the API is.").default("https://lookups.twilio.com");

/// What Twilio Lookup is to those who set it up.
pub const LOOKUP: ValidatorKind = ValidatorKind {
    name: NAME,
    title: "Twilio Lookup",
    checks: &[AddressKind::Phone],
    settings: &[&ACCOUNT_SID, &LOOKUP_AUTH_TOKEN, &API_KEY, &API_SECRET, &LOOKUP_BASE_URL],
    domains: &["twilio.com"],
    build,
};

fn build(setup: ValidatorSetup) -> Result<Arc<dyn Validator>, SettingsError> {
    let settings = TwilioLookupSettings {
        account_sid: setup.settings.required(&ACCOUNT_SID)?,
        auth: TwilioAuth::read(&setup.settings)?,
        base_url: setup.settings.url(&LOOKUP_BASE_URL)?,
    };
    Ok(Arc::new(TwilioLookup::try_new(settings, setup.client, setup.ambient)?))
}

/// The settings, read.
#[derive(Debug, Clone)]
pub struct TwilioLookupSettings {
    /// `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// Who we are.
    pub auth: TwilioAuth,
    /// Where the API is: `https://lookups.twilio.com`.
    pub base_url: Url,
}

/// Twilio Lookup on behalf of one account.
pub struct TwilioLookup {
    settings: TwilioLookupSettings,
    client: HttpClient,
    ambient: Ambient,
}

impl TwilioLookup {
    /// Checks the settings; calls nothing.
    pub fn try_new(
        settings: TwilioLookupSettings,
        client: HttpClient,
        ambient: Ambient,
    ) -> Result<Self, SettingsError> {
        let wrong = |setting, reason| Err(SettingsError::new(NAME, setting, reason));
        if !is_sid(&settings.account_sid, "AC") {
            return wrong("account_sid", "must be AC and 32 hexadecimal digits");
        }
        settings.auth.validate()?;
        if !matches!(settings.base_url.scheme(), "https" | "http") || settings.base_url.cannot_be_a_base() {
            return wrong("base_url", "must be an HTTP URL");
        }
        Ok(Self { settings, client, ambient })
    }

    fn refusal(&self, reply: &Reply) -> ValidatorError {
        let error = reply.json().unwrap_or_default();
        let code = error.get("code").and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok());
        // 20404 is said to mean input that is no number at all. It also is what Twilio answers at a wrong base URL, so it
        // never becomes a verdict, which would silence a number for months.
        let class = code.map(|code| package_class(code).unwrap_or_else(|| errors::class(code)));
        reply.refusal(class, code.map(|code| code.to_string()), String::new(), self.ambient.now()).into()
    }
}

#[async_trait]
impl Validator for TwilioLookup {
    fn name(&self) -> &'static str {
        NAME
    }

    fn checks(&self) -> &[AddressKind] {
        LOOKUP.checks
    }

    async fn validate(&self, address: &Address) -> Result<Verdict, ValidatorError> {
        if address.kind() != AddressKind::Phone {
            return Err(ValidatorError::not_checked());
        }
        let mut url = self.settings.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["v2", "PhoneNumbers", address.text()]);
        }
        let (user, password) = self.settings.auth.pair(&self.settings.account_sid);
        let request = self.client.request(Method::GET, url).query(&[("Fields", PACKAGE)]);
        let request = request.basic_auth(user, Some(password.expose())).header("accept", "application/json");
        let reply = call(request).await?;
        if reply.status != 200 {
            return Err(self.refusal(&reply));
        }
        let answer = reply.json().ok_or_else(|| reply.unproved())?;
        read(&answer).unwrap_or_else(|| Err(reply.unproved().into()))
    }
}

/// What an answer says; [`None`] if it is not one.
fn read(answer: &Value) -> Option<Result<Verdict, ValidatorError>> {
    if !answer.get("valid")?.as_bool()? {
        return Some(Ok(invalid(answer)));
    }
    let line = match answer.get(PACKAGE) {
        Some(line @ Value::Object(_)) => line,
        // The form is right, and nobody looked further.
        Some(Value::Null) | None => return Some(Ok(Verdict::DELIVERABLE)),
        Some(_) => return None,
    };
    let code = match line.get("error_code") {
        Some(Value::Null) | None => None,
        Some(code) => Some(values::of(code)?.parse().ok()?),
    };
    // Nothing is known of the line: the number exists all the same.
    if let Some(code) = code.filter(|code| ![NO_COVERAGE, NOT_MOBILE].contains(code)) {
        return Some(Err(ValidatorError::refused(
            package_class(code).unwrap_or(RetryClass::Transient),
            code.to_string(),
        )));
    }
    let line_type = line.get("type").and_then(Value::as_str).map_or(LineType::Unknown, line_type);
    let carrier = values::text(line, "carrier_name");
    let carrier = carrier.map(|name| name.chars().take(LONGEST_CARRIER).collect());
    Some(Ok(Verdict { line_type: Some(line_type), carrier, ..Verdict::DELIVERABLE }))
}

/// What speaks against a number whose form is wrong.
fn invalid(answer: &Value) -> Verdict {
    let errors = answer.get("validation_errors").and_then(Value::as_array);
    let says = |word: &str| errors.into_iter().flatten().any(|error| error.as_str() == Some(word));
    // Its length is right, but no such block of numbers is known; countries hand out new ones before the tables have them.
    if says("INVALID_BUT_POSSIBLE") {
        return Verdict::risky(ValidityReason::Number);
    }
    let is_misspelt = ["TOO_SHORT", "TOO_LONG", "INVALID_LENGTH", "NOT_A_NUMBER"].into_iter().any(says);
    Verdict::undeliverable(if is_misspelt { ValidityReason::Syntax } else { ValidityReason::Number })
}

fn line_type(word: &str) -> LineType {
    match word {
        "mobile" => LineType::Mobile,
        "landline" => LineType::Landline,
        "fixedVoip" | "nonFixedVoip" => LineType::Voip,
        "tollFree" => LineType::TollFree,
        "premium" | "sharedCost" | "uan" | "voicemail" | "pager" => LineType::Service,
        // `personal` follows its owner to whatever line.
        _ => LineType::Unknown,
    }
}

/// The package knows nothing of the number's country.
const NO_COVERAGE: u32 = 60600;
/// The package knows mobile numbers only.
const NOT_MOBILE: u32 = 60612;

/// What to do about an error of the package.
const fn package_class(code: u32) -> Option<RetryClass> {
    match code {
        // Canada needs an approval; the package is not enabled.
        60601 | 60606 => Some(RetryClass::Configuration),
        // The source of the data has trouble.
        60607 | 60608 => Some(RetryClass::Transient),
        // A quota, a rate.
        60611 | 60616 => Some(RetryClass::RateLimited),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
