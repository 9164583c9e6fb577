//! Builds provider accounts: those that the configuration names, and those that administrators set up.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::BootError;
use crate::accounts::registry::BuildAccount;
use crate::accounts::{Account, AccountSource, Pace, Terms, WebhookPath};
use crate::clock::Ambient;
use crate::config::{AccountConfig, Config};
use crate::domain::account::decide::unusable;
use crate::domain::account::event::{AccountName, AccountSpec, RateUnit};
use crate::domain::refusal::Refusal;
use crate::providers::kit::client::{ClientOptions, HttpClient};
use crate::providers::sendgrid::{Mailbox, Sendgrid, SendgridSettings, SendgridWebhook};
use crate::providers::twilio::{Twilio, TwilioAuth, TwilioSender, TwilioSettings, TwilioWebhook};
use crate::providers::{Provider, Secret, SettingsError, Webhook};

/// Which settings of each provider are secrets.
const SECRETS: &[(&str, &[&str])] =
    &[("twilio", &["auth_token", "next_auth_token", "api_secret"]), ("sendgrid", &["api_key", "inbound_secret"])];

/// The domain of each provider's API: hosts in it may be named as its base URL by administrators.
const DOMAINS: &[(&str, &str)] = &[("twilio", "twilio.com"), ("sendgrid", "sendgrid.com")];

/// All accounts of the configuration; none if it names none.
pub(super) fn build(config: &Config, ambient: &Ambient) -> Result<Vec<Account>, BootError> {
    if config.accounts.is_empty() {
        return Ok(vec![]);
    }
    let client = HttpClient::new(ClientOptions::default()).map_err(BootError::Client)?;
    config.accounts.iter().map(|account| build_configured(config, account, &client, ambient)).collect()
}

fn build_configured(
    config: &Config,
    account: &AccountConfig,
    client: &HttpClient,
    ambient: &Ambient,
) -> Result<Account, BootError> {
    let mut settings = Settings(account.settings.clone());
    let built = terms(config, account, &mut settings).and_then(|terms| {
        let name = AccountName { provider: account.provider.clone(), account: account.name.clone() };
        build_one(config, &name, settings, terms, client, ambient)
    });
    built.map_err(|error| {
        let (name, origin) = (account.name.clone(), account.origin.clone());
        match error {
            Unusable::Setting { setting, reason } => {
                BootError::Account { provider: account.provider.clone(), name, origin, setting, reason }
            }
            Unusable::Settings(source) => BootError::AccountSettings { name, origin, source },
        }
    })
}

/// What makes accounts that administrators set up. They get a client of their own, made when the first one needs it.
pub(super) fn builder(config: &Config, ambient: &Ambient) -> BuildAccount {
    let (config, ambient) = (config.clone(), ambient.clone());
    let client = std::sync::OnceLock::new();
    Arc::new(move |tenant, name, spec, secrets| {
        let client = client.get_or_init(|| HttpClient::new(ClientOptions::default()).ok()).as_ref();
        let client =
            client.ok_or_else(|| Refusal::new("PROVIDERS_UNREACHABLE", "this server can make no TLS calls"))?;
        let built = settings_of(&config, name, spec, secrets).and_then(|mut settings| {
            let terms = Terms {
                tenant: Some(tenant),
                source: AccountSource::Api,
                path: Some(WebhookPath::of_tenant(tenant, &name.account)),
                priority: spec.priority,
                cost_micros: spec.cost_micros,
                pace: spec.rate.into(),
                reply_domain: settings.take("reply_domain"),
                own_addresses: settings.list("own_addresses"),
            };
            build_one(&config, name, settings, terms, client, &ambient)
        });
        built.map_err(|error| {
            let (setting, reason) = match &error {
                Unusable::Setting { setting, reason } => (setting.as_str(), *reason),
                Unusable::Settings(SettingsError::Setting { setting, reason, .. }) => (*setting, *reason),
            };
            let is_secret = SECRETS.iter().any(|(of, secrets)| *of == name.provider && secrets.contains(&setting));
            let field =
                if setting == "provider" { "provider" } else { ["settings", "secrets"][usize::from(is_secret)] };
            unusable(field, setting, reason)
        })
    })
}

/// Settings and secrets in one, as a file has them; each in its place.
fn settings_of(
    config: &Config,
    name: &AccountName,
    spec: &AccountSpec,
    secrets: &BTreeMap<String, Secret>,
) -> Result<Settings, Unusable> {
    let of = |(provider, _): &&(&str, _)| *provider == name.provider;
    let (_, secret_names) = SECRETS.iter().find(of).ok_or_else(|| wrong("provider", PROVIDERS))?;
    if let Some(misplaced) = spec.settings.keys().find(|setting| secret_names.contains(&setting.as_str())) {
        return Err(wrong(misplaced, "is a secret: give it among the secrets, where it is sealed and never shown"));
    }
    if let Some(misplaced) = secrets.keys().find(|secret| !secret_names.contains(&secret.as_str())) {
        return Err(wrong(misplaced, "is no secret of this provider"));
    }
    if let Some(url) = spec.settings.get("base_url")
        && !may_be_called(config, &name.provider, url)
    {
        return Err(wrong("base_url", "must be in the provider's own domain, or one that account_base_urls allows"));
    }
    let mut settings = spec.settings.clone();
    settings.extend(secrets.iter().map(|(name, secret)| (name.clone(), secret.expose().to_owned())));
    Ok(Settings(settings))
}

/// Whether an administrator may have this server call a URL: else the API would be a way into the network that the
/// server stands in.
fn may_be_called(config: &Config, provider: &str, url: &str) -> bool {
    let Ok(url) = url.parse::<Url>() else { return false };
    if config.account_base_urls.iter().any(|allowed| allowed.origin() == url.origin()) {
        return true;
    }
    let domain = DOMAINS.iter().find(|(of, _)| *of == provider).map(|(_, domain)| *domain);
    let is_theirs = |host: &str| {
        domain.is_some_and(|domain| host == domain || host.strip_suffix(domain).is_some_and(|host| host.ends_with('.')))
    };
    url.scheme() == "https" && url.port().is_none() && url.host_str().is_some_and(is_theirs)
}

fn build_one(
    config: &Config,
    name: &AccountName,
    mut settings: Settings,
    mut terms: Terms,
    client: &HttpClient,
    ambient: &Ambient,
) -> Result<Account, Unusable> {
    let path = terms.path.as_ref().map_or_else(|| name.account.clone(), ToString::to_string);
    let (provider, webhook): (Arc<dyn Provider>, Arc<dyn Webhook>) = match name.provider.as_str() {
        "twilio" => {
            let twilio = twilio(config, (&name.account, &path), &mut settings)?;
            if let TwilioSender::From(from) = &twilio.sender {
                terms.own_addresses.push(from.clone());
            }
            let webhook = TwilioWebhook::try_new(&twilio)?;
            (Arc::new(Twilio::try_new(twilio, client.clone(), ambient.clone())?), Arc::new(webhook))
        }
        "sendgrid" => {
            let sendgrid = sendgrid(&name.account, &mut settings)?;
            terms.own_addresses.push(sendgrid.from.email.clone());
            let webhook = SendgridWebhook::try_new(&sendgrid)?;
            (Arc::new(Sendgrid::try_new(sendgrid, client.clone(), ambient.clone())?), Arc::new(webhook))
        }
        _ => return Err(wrong("provider", PROVIDERS)),
    };
    settings.end()?;
    Ok(Account::new(provider, Some(webhook), terms))
}

const PROVIDERS: &str = "must be twilio or sendgrid";

/// Why an account cannot be used as it is set up. Names the setting, never its value.
#[derive(Debug)]
enum Unusable {
    Setting { setting: String, reason: &'static str },
    Settings(SettingsError),
}

impl From<SettingsError> for Unusable {
    fn from(error: SettingsError) -> Self {
        Self::Settings(error)
    }
}

fn wrong(setting: &str, reason: &'static str) -> Unusable {
    Unusable::Setting { setting: setting.to_owned(), reason }
}

fn terms(config: &Config, account: &AccountConfig, settings: &mut Settings) -> Result<Terms, Unusable> {
    let per_second = settings.number::<f64>("per_second")?.unwrap_or(0.0);
    if !(0.0..=1e6).contains(&per_second) {
        return Err(wrong("per_second", "must be 0 (no limit) or more"));
    }
    let unit = match settings.take("unit").as_deref() {
        None | Some("messages") => RateUnit::Messages,
        Some("segments") => RateUnit::Segments,
        Some(_) => return Err(wrong("unit", "must be messages or segments")),
    };
    Ok(Terms {
        tenant: Some(config.tenant),
        source: if account.is_of_environment { AccountSource::Environment } else { AccountSource::File },
        path: None,
        priority: settings.number("priority")?.unwrap_or(0),
        cost_micros: settings.number("cost_micros")?.unwrap_or(0),
        pace: Pace { per_second, unit },
        reply_domain: settings.take("reply_domain"),
        own_addresses: settings.list("own_addresses"),
    })
}

fn twilio(config: &Config, (name, path): (&str, &str), settings: &mut Settings) -> Result<TwilioSettings, Unusable> {
    let auth_token = Secret::new(settings.need("auth_token")?);
    let auth = match (settings.take("api_key"), settings.take("api_secret")) {
        (Some(sid), Some(secret)) => TwilioAuth::Key { sid, secret: Secret::new(secret) },
        (None, None) => TwilioAuth::Token(auth_token.clone()),
        _ => return Err(wrong("api_key", "must be given together with api_secret")),
    };
    let sender = match (settings.take("from"), settings.take("messaging_service_sid")) {
        (Some(from), None) => TwilioSender::From(from),
        (None, Some(sid)) => TwilioSender::Service(sid),
        _ => return Err(wrong("from", "or messaging_service_sid must be given, and not both")),
    };
    // Twilio refuses to call back an address that it cannot reach.
    let callback_url = match config.public_url_is_set {
        false => None,
        true => Some(url("public_url", &format!("{}/webhooks/twilio/{path}", config.public_url))?),
    };
    // MMS is a matter of numbers in the United States and Canada; a messaging service's senders are not known here.
    let is_american = matches!(&sender, TwilioSender::From(from) if from.starts_with("+1"));
    let can_send_media = settings.flag("mms")?.unwrap_or(is_american) && config.public_url_is_set;
    let mut media_hosts = settings.list("media_hosts");
    if media_hosts.is_empty() {
        media_hosts = TwilioSettings::MEDIA_HOSTS.iter().map(|host| (*host).to_owned()).collect();
    }
    let mut webhook_tokens = vec![auth_token];
    webhook_tokens.extend(settings.take("next_auth_token").map(Secret::new));
    Ok(TwilioSettings {
        account_name: name.to_owned(),
        account_sid: settings.need("account_sid")?,
        auth,
        sender,
        base_url: settings.base_url(TwilioSettings::BASE_URL)?,
        callback_url,
        webhook_tokens,
        can_send_media,
        media_hosts,
    })
}

fn sendgrid(name: &str, settings: &mut Settings) -> Result<SendgridSettings, Unusable> {
    let from = Mailbox { email: settings.need("from")?, name: settings.take("from_name") };
    let api_key = Secret::new(settings.need("api_key")?);
    let base_url = settings.base_url(SendgridSettings::BASE_URL)?;
    let mut sendgrid = SendgridSettings::new(name, api_key, from, base_url);
    if let Some(domain) = settings.take("domain") {
        sendgrid.domain = domain;
    }
    sendgrid.event_public_keys = settings.list("webhook_public_key");
    sendgrid.inbound_public_keys = settings.list("inbound_public_key");
    sendgrid.inbound_secret = settings.take("inbound_secret").map(Secret::new);
    sendgrid.is_sandbox = settings.flag("sandbox")?.unwrap_or(false);
    sendgrid.track_clicks = settings.flag("track_clicks")?;
    sendgrid.track_opens = settings.flag("track_opens")?;
    Ok(sendgrid)
}

/// The settings of an account that nobody has read yet.
struct Settings(BTreeMap<String, String>);

impl Settings {
    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).filter(|value| !value.is_empty())
    }

    fn need(&mut self, name: &str) -> Result<String, Unusable> {
        self.take(name).ok_or_else(|| wrong(name, "must be given"))
    }

    fn list(&mut self, name: &str) -> Vec<String> {
        let text = self.take(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    fn number<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, Unusable> {
        match self.take(name) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| wrong(name, "must be a number")),
        }
    }

    fn flag(&mut self, name: &str) -> Result<Option<bool>, Unusable> {
        match self.take(name) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| wrong(name, "must be true or false")),
        }
    }

    fn base_url(&mut self, usual: &str) -> Result<Url, Unusable> {
        let text = self.take("base_url").unwrap_or_else(|| usual.to_owned());
        url("base_url", &text)
    }

    /// A setting that nobody reads is misspelt.
    fn end(self) -> Result<(), Unusable> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(wrong(name, "is no setting of this provider")),
        }
    }
}

fn url(name: &str, text: &str) -> Result<Url, Unusable> {
    text.parse().map_err(|_| wrong(name, "must be a URL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_leads_to_the_provider_or_where_the_configuration_allows() {
        let file = "account_base_urls = ['http://127.0.0.1:4010', 'https://sms.example.com/twilio']";
        let config = Config::from_parts(Some((std::path::Path::new("test.toml"), file)), []).expect("is valid");
        let may = |url: &str| may_be_called(&config, "twilio", url);
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
