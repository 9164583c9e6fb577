//! Builds the provider accounts that the configuration names.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::BootError;
use crate::clock::Ambient;
use crate::config::{AccountConfig, Config};
use crate::processes::accounts::{Account, Pace, Terms, Unit};
use crate::providers::client::{ClientOptions, HttpClient};
use crate::providers::sendgrid::{Mailbox, Sendgrid, SendgridSettings, SendgridWebhook};
use crate::providers::twilio::{Twilio, TwilioAuth, TwilioSender, TwilioSettings, TwilioWebhook};
use crate::providers::{Provider, Secret, Webhook};

/// All accounts of the configuration; none if it names none.
pub(super) fn build(config: &Config, ambient: &Ambient) -> Result<Vec<Account>, BootError> {
    if config.accounts.is_empty() {
        return Ok(vec![]);
    }
    let client = HttpClient::new(ClientOptions::default()).map_err(BootError::Client)?;
    config.accounts.iter().map(|account| build_one(config, account, &client, ambient)).collect()
}

fn build_one(
    config: &Config,
    account: &AccountConfig,
    client: &HttpClient,
    ambient: &Ambient,
) -> Result<Account, BootError> {
    let mut settings = Settings::new(account);
    let mut terms = terms(config, &mut settings)?;
    let (provider, webhook): (Arc<dyn Provider>, Arc<dyn Webhook>) = match account.provider.as_str() {
        "twilio" => {
            let twilio = twilio(config, &account.name, &mut settings)?;
            if let TwilioSender::From(from) = &twilio.sender {
                terms.own_addresses.push(from.clone());
            }
            let webhook = TwilioWebhook::try_new(&twilio).map_err(|source| settings.unusable(source))?;
            let provider = Twilio::try_new(twilio, client.clone(), ambient.clone());
            (Arc::new(provider.map_err(|source| settings.unusable(source))?), Arc::new(webhook))
        }
        "sendgrid" => {
            let sendgrid = sendgrid(&account.name, &mut settings)?;
            terms.own_addresses.push(sendgrid.from.email.clone());
            let webhook = SendgridWebhook::try_new(&sendgrid).map_err(|source| settings.unusable(source))?;
            let provider = Sendgrid::try_new(sendgrid, client.clone(), ambient.clone());
            (Arc::new(provider.map_err(|source| settings.unusable(source))?), Arc::new(webhook))
        }
        _ => return Err(settings.wrong("provider", "must be twilio or sendgrid")),
    };
    settings.end()?;
    Ok(Account::new(provider, Some(webhook), terms))
}

fn terms(config: &Config, settings: &mut Settings<'_>) -> Result<Terms, BootError> {
    let per_second = settings.number::<f64>("per_second")?.unwrap_or(0.0);
    if !(0.0..=1e6).contains(&per_second) {
        return Err(settings.wrong("per_second", "must be 0 (no limit) or more"));
    }
    let unit = match settings.take("unit").as_deref() {
        None | Some("messages") => Unit::Message,
        Some("segments") => Unit::Segment,
        Some(_) => return Err(settings.wrong("unit", "must be messages or segments")),
    };
    Ok(Terms {
        tenant: Some(config.tenant),
        priority: settings.number("priority")?.unwrap_or(0),
        cost_micros: settings.number("cost_micros")?.unwrap_or(0),
        pace: Pace { per_second, unit },
        reply_domain: settings.take("reply_domain"),
        own_addresses: settings.list("own_addresses"),
    })
}

fn twilio(config: &Config, name: &str, settings: &mut Settings<'_>) -> Result<TwilioSettings, BootError> {
    let auth_token = Secret::new(settings.need("auth_token")?);
    let auth = match (settings.take("api_key"), settings.take("api_secret")) {
        (Some(sid), Some(secret)) => TwilioAuth::Key { sid, secret: Secret::new(secret) },
        (None, None) => TwilioAuth::Token(auth_token.clone()),
        _ => return Err(settings.wrong("api_key", "must be given together with api_secret")),
    };
    let sender = match (settings.take("from"), settings.take("messaging_service_sid")) {
        (Some(from), None) => TwilioSender::From(from),
        (None, Some(sid)) => TwilioSender::Service(sid),
        _ => return Err(settings.wrong("from", "or messaging_service_sid must be given, and not both")),
    };
    // Twilio refuses to call back an address that it cannot reach.
    let callback_url = match config.public_url_is_set {
        false => None,
        true => Some(settings.url("public_url", &format!("{}/webhooks/twilio/{name}", config.public_url))?),
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

fn sendgrid(name: &str, settings: &mut Settings<'_>) -> Result<SendgridSettings, BootError> {
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
struct Settings<'a> {
    account: &'a AccountConfig,
    left: BTreeMap<String, String>,
}

impl<'a> Settings<'a> {
    fn new(account: &'a AccountConfig) -> Self {
        Self { account, left: account.settings.clone() }
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.left.remove(name).filter(|value| !value.is_empty())
    }

    fn need(&mut self, name: &str) -> Result<String, BootError> {
        self.take(name).ok_or_else(|| self.wrong(name, "must be given"))
    }

    fn list(&mut self, name: &str) -> Vec<String> {
        let text = self.take(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    fn number<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, BootError> {
        match self.take(name) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| self.wrong(name, "must be a number")),
        }
    }

    fn flag(&mut self, name: &str) -> Result<Option<bool>, BootError> {
        match self.take(name) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| self.wrong(name, "must be true or false")),
        }
    }

    fn base_url(&mut self, usual: &str) -> Result<Url, BootError> {
        let text = self.take("base_url").unwrap_or_else(|| usual.to_owned());
        self.url("base_url", &text)
    }

    fn url(&self, name: &str, text: &str) -> Result<Url, BootError> {
        text.parse().map_err(|_| self.wrong(name, "must be a URL"))
    }

    /// A setting that nobody reads is misspelt.
    fn end(self) -> Result<(), BootError> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(self.wrong(name, "is no setting of this provider")),
        }
    }

    fn wrong(&self, setting: &str, reason: &'static str) -> BootError {
        BootError::Account {
            provider: self.account.provider.clone(),
            name: self.account.name.clone(),
            origin: self.account.origin.clone(),
            setting: setting.to_owned(),
            reason,
        }
    }

    fn unusable(&self, source: crate::providers::SettingsError) -> BootError {
        BootError::AccountSettings { name: self.account.name.clone(), origin: self.account.origin.clone(), source }
    }
}
