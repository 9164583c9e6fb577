//! Builds provider accounts: those that the configuration names, and those that administrators set up.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use url::Url;

use super::BootError;
use crate::accounts::registry::BuildAccount;
use crate::accounts::{Account, AccountSource, Pace, Terms, WebhookPath};
use crate::clock::Ambient;
use crate::config::{AccountConfig, AccountVariable, Config};
use crate::domain::account::decide::unusable;
use crate::domain::account::event::{AccountName, AccountSpec, RateUnit};
use crate::domain::refusal::Refusal;
use crate::domain::value::routing::RoutingTerms;
use crate::providers::kind::{Built, Kind, OWN_ADDRESSES, REPLY_DOMAIN, Reach, Setting, Setup, ValidatorKind};
use crate::providers::kit::client::{ClientOptions, HttpClient};
use crate::providers::kit::settings::Settings;
use crate::providers::{Secret, SettingsError};

/// The environment variables that configure accounts and services that check addresses, in the order of their settings.
#[must_use]
pub fn account_variables() -> Vec<AccountVariable> {
    let accounts = Kind::all().iter().flat_map(|kind| variables(kind.name, kind.settings, false));
    let validators = ValidatorKind::all().iter().flat_map(|kind| variables(kind.name, kind.settings, true));
    accounts.chain(validators).collect()
}

fn variables(
    provider: &'static str,
    settings: &'static [&'static Setting],
    checks_addresses: bool,
) -> impl Iterator<Item = AccountVariable> {
    settings.iter().filter_map(move |setting| {
        Some(AccountVariable { name: setting.variable?, provider, setting: setting.name, checks_addresses })
    })
}

/// All accounts of the configuration; none if it names none.
pub(super) fn build(config: &Config, ambient: &Ambient) -> Result<Vec<Account>, BootError> {
    if config.accounts.is_empty() {
        return Ok(vec![]);
    }
    let client = HttpClient::new(ClientOptions::default()).map_err(BootError::Client)?;
    let build = |account: &AccountConfig| {
        build_configured(config, account, &client, ambient).map_err(|Unusable { setting, reason }| BootError::Account {
            provider: account.provider.clone(),
            name: account.name.clone(),
            origin: account.origin.clone(),
            setting,
            reason,
        })
    };
    config.accounts.iter().map(build).collect()
}

fn build_configured(
    config: &Config,
    account: &AccountConfig,
    client: &HttpClient,
    ambient: &Ambient,
) -> Result<Account, Unusable> {
    let kind = kind_of(&account.provider)?;
    let mut values = account.settings.clone();
    let per_second: f64 = take(&mut values, "per_second")?.unwrap_or(0.0);
    if !(0.0..=1e6).contains(&per_second) {
        return Err(wrong("per_second", "must be 0 (no limit) or more"));
    }
    let unit = match take::<String>(&mut values, "unit")?.as_deref() {
        None | Some("messages") => RateUnit::Messages,
        Some("segments") => RateUnit::Segments,
        Some(_) => return Err(wrong("unit", "must be messages or segments")),
    };
    let terms = Terms {
        tenant: Some(config.tenant),
        source: if account.is_of_environment { AccountSource::Environment } else { AccountSource::File },
        priority: take(&mut values, "priority")?.unwrap_or(0),
        cost_micros: take(&mut values, "cost_micros")?.unwrap_or(0),
        routing: routing(&mut values)?,
        pace: Pace { per_second, unit },
        ..Terms::default()
    };
    let settings = Settings::try_new(kind, values)?;
    build_one(config, Plan { kind, account: &account.name, settings, terms }, client, ambient)
}

/// Takes a number or word of ours out of an account's settings.
pub(super) fn take<T: FromStr>(
    values: &mut BTreeMap<String, String>,
    name: &'static str,
) -> Result<Option<T>, Unusable> {
    let text = values.remove(name).filter(|value| !value.is_empty());
    text.map(|text| text.parse().map_err(|_| wrong(name, "must be a number"))).transpose()
}

/// Takes what is said of routing out of an account's settings: lists are separated by commas, prices are written `GB=40000`.
fn routing(values: &mut BTreeMap<String, String>) -> Result<RoutingTerms, Unusable> {
    let share = take(values, "share")?.unwrap_or(0);
    let mut list = |name: &str| -> Vec<String> {
        let text = values.remove(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    let (countries, domains, written) = (list("countries"), list("domains"), list("prices"));
    let mut prices = BTreeMap::new();
    for price in written {
        let parts = price.split_once('=').map(|(code, micros)| (code.trim().to_owned(), micros.trim().parse()));
        let Some((code, Ok(micros))) = parts else {
            return Err(wrong("prices", "must be countries with micros, such as GB=40000, US=7500"));
        };
        if prices.insert(code, micros).is_some() {
            return Err(wrong("prices", "must name each country once"));
        }
    }
    let terms = RoutingTerms {
        share,
        countries: countries.into_iter().collect(),
        domains: domains.into_iter().collect(),
        prices,
    };
    terms.clean().map_err(|error| wrong(error.what, error.reason))
}

/// What makes accounts that administrators set up. They get a client of their own, made when the first one needs it.
pub(super) fn builder(config: &Config, ambient: &Ambient) -> BuildAccount {
    let (config, ambient) = (config.clone(), ambient.clone());
    let client = std::sync::OnceLock::new();
    Arc::new(move |tenant, name, spec, secrets| {
        let client = client.get_or_init(|| HttpClient::new(ClientOptions::default()).ok()).as_ref();
        let client =
            client.ok_or_else(|| Refusal::new("PROVIDERS_UNREACHABLE", "this server cannot make TLS calls"))?;
        let built = kind_of(&name.provider).and_then(|kind| {
            let terms = Terms {
                tenant: Some(tenant),
                source: AccountSource::Api,
                path: Some(WebhookPath::of_tenant(tenant, &name.account)),
                priority: spec.priority,
                cost_micros: spec.cost_micros,
                routing: spec.routing.clone(),
                pace: spec.rate.into(),
                ..Terms::default()
            };
            let settings = settings_of(&config, kind, spec, secrets)?;
            build_one(&config, Plan { kind, account: &name.account, settings, terms }, client, &ambient)
        });
        built.map_err(|Unusable { setting, reason }| unusable(field_of(name, &setting), &setting, reason))
    })
}

/// The argument of the API that holds a setting.
fn field_of(name: &AccountName, setting: &str) -> &'static str {
    match Kind::of(&name.provider).map(|kind| kind.setting(setting)) {
        None => "provider",
        Some(Some(setting)) if setting.is_secret => "secrets",
        Some(_) => "settings",
    }
}

/// Settings and secrets in one, as a file has them; each in its place.
fn settings_of(
    config: &Config,
    kind: &Kind,
    spec: &AccountSpec,
    secrets: &BTreeMap<String, Secret>,
) -> Result<Settings, Unusable> {
    let is_secret = |name: &String| kind.setting(name).is_some_and(|setting| setting.is_secret);
    if let Some(misplaced) = spec.settings.keys().find(|name| is_secret(name)) {
        return Err(wrong(
            misplaced.clone(),
            "is a secret: give it among the secrets, where it is sealed and never shown",
        ));
    }
    if let Some(misplaced) = secrets.keys().find(|name| !is_secret(name)) {
        return Err(wrong(misplaced.clone(), format!("is not a secret of {}", kind.name)));
    }
    if let Some(url) = spec.settings.get("base_url")
        && !may_be_called(config, kind, url)
    {
        return Err(wrong("base_url", "must be in the provider's own domain, or one that account_base_urls allows"));
    }
    let mut values = spec.settings.clone();
    values.extend(secrets.iter().map(|(name, secret)| (name.clone(), secret.expose().to_owned())));
    Ok(Settings::try_new(kind, values)?)
}

/// Whether an administrator may have this server call a URL: else the API would be a way into the network that the
/// server stands in.
fn may_be_called(config: &Config, kind: &Kind, url: &str) -> bool {
    let Ok(url) = url.parse::<Url>() else { return false };
    if config.account_base_urls.iter().any(|allowed| allowed.origin() == url.origin()) {
        return true;
    }
    let is_in =
        |host: &str, domain: &str| host == domain || host.strip_suffix(domain).is_some_and(|host| host.ends_with('.'));
    let is_theirs = |host: &str| kind.domains.iter().any(|domain| is_in(host, domain));
    url.scheme() == "https" && url.port().is_none() && url.host_str().is_some_and(is_theirs)
}

/// An account that can be built.
struct Plan<'a> {
    kind: &'static Kind,
    account: &'a str,
    settings: Settings,
    terms: Terms,
}

fn build_one(config: &Config, plan: Plan<'_>, client: &HttpClient, ambient: &Ambient) -> Result<Account, Unusable> {
    let Plan { kind, account, settings, mut terms } = plan;
    let path = terms.path.as_ref().map_or_else(|| account.to_owned(), ToString::to_string);
    let webhook_url = match config.public_url_is_set {
        false => None,
        true => {
            let url = format!("{}/webhooks/{}/{path}", config.public_url, kind.name);
            Some(url.parse::<Url>().map_err(|_| wrong("public_url", "must be a URL"))?)
        }
    };
    terms.reply_domain = settings.text(&REPLY_DOMAIN);
    terms.own_addresses = settings.list(&OWN_ADDRESSES);
    // Whoever writes the configuration stands in this network anyway; a tenant's administrator does not.
    let reach = if terms.source == AccountSource::Api { Reach::Public } else { Reach::Anywhere };
    let setup = Setup { account, webhook_url, settings, reach, client: client.clone(), ambient: ambient.clone() };
    let Built { provider, webhook, own_address } = (kind.build)(setup)?;
    terms.own_addresses.extend(own_address);
    Ok(Account::new(provider, Some(webhook), terms))
}

fn kind_of(provider: &str) -> Result<&'static Kind, Unusable> {
    Kind::of(provider).ok_or_else(|| {
        let names: Vec<_> = Kind::all().iter().map(|kind| kind.name).collect();
        wrong("provider", format!("must be one of {}", names.join(", ")))
    })
}

/// Why an account cannot be used as it is set up. Names the setting, never its value.
#[derive(Debug)]
pub(super) struct Unusable {
    pub setting: Cow<'static, str>,
    pub reason: Cow<'static, str>,
}

impl From<SettingsError> for Unusable {
    fn from(SettingsError { setting, reason, .. }: SettingsError) -> Self {
        Self { setting, reason }
    }
}

pub(super) fn wrong(setting: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Unusable {
    Unusable { setting: setting.into(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_leads_to_the_provider_or_where_the_configuration_allows() {
        let file = "account_base_urls = ['http://127.0.0.1:4010', 'https://sms.example.com/twilio']";
        let config = Config::from_parts(Some((std::path::Path::new("test.toml"), file)), [], &account_variables())
            .expect("is valid");
        let twilio = Kind::of("twilio").expect("a provider");
        let may = |url: &str| may_be_called(&config, twilio, url);
        for url in [
            "https://api.twilio.com",
            "https://api.dublin.ie1.twilio.com/",
            "http://127.0.0.1:4010/x",
            "https://sms.example.com",
        ] {
            assert!(may(url), "{url}");
        }
        for url in [
            "http://api.twilio.com",
            "https://api.twilio.com:8443",
            "https://eviltwilio.com",
            "https://twilio.com.evil.example",
            "https://twilio.com@evil.example",
            "http://127.0.0.1:4011",
            "http://169.254.169.254/latest/meta-data",
            "https://api.sendgrid.com",
            "file:///etc/passwd",
            "nonsense",
        ] {
            assert!(!may(url), "{url}");
        }
    }
}
