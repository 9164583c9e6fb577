//! Provider accounts: `[[accounts]]` in the file, or the variables that providers' own tools read.

use std::collections::BTreeMap;
use std::fmt;

use super::ConfigError;

/// What an account is configured with. Which settings it needs, its provider knows.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountConfig {
    /// The provider's name.
    pub provider: String,
    /// Our name for the account, unique among the provider's: it is part of the webhook's URL.
    pub name: String,
    /// Settings by name.
    pub settings: BTreeMap<String, String>,
    /// Where it was configured.
    pub origin: String,
    /// Whether that is the environment; else it is the file.
    pub is_of_environment: bool,
}

/// Settings are secrets, or stand beside them.
impl fmt::Debug for AccountConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountConfig")
            .field("provider", &self.provider)
            .field("name", &self.name)
            .field("settings", &self.settings.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Variables that configure the account `default` of a provider, with the settings that they stand for. The first one
/// of a provider makes the account.
const VARIABLES: &[(&str, &str, &str)] = &[
    ("TWILIO_ACCOUNT_SID", "twilio", "account_sid"),
    ("TWILIO_AUTH_TOKEN", "twilio", "auth_token"),
    ("TWILIO_API_KEY", "twilio", "api_key"),
    ("TWILIO_API_SECRET", "twilio", "api_secret"),
    ("TWILIO_FROM", "twilio", "from"),
    ("TWILIO_MESSAGING_SERVICE_SID", "twilio", "messaging_service_sid"),
    ("SENDGRID_API_KEY", "sendgrid", "api_key"),
    ("SENDGRID_FROM", "sendgrid", "from"),
    ("SENDGRID_FROM_NAME", "sendgrid", "from_name"),
    ("SENDGRID_WEBHOOK_PUBLIC_KEY", "sendgrid", "webhook_public_key"),
    ("SENDGRID_INBOUND_SECRET", "sendgrid", "inbound_secret"),
    ("SENDGRID_REPLY_DOMAIN", "sendgrid", "reply_domain"),
];

/// The accounts that variables configure.
pub(super) fn from_variables(variables: &BTreeMap<String, String>) -> Vec<AccountConfig> {
    let mut accounts: Vec<AccountConfig> = vec![];
    for (variable, provider, setting) in VARIABLES {
        let Some(value) = variables.get(*variable).filter(|value| !value.is_empty()) else { continue };
        if let Some(account) = accounts.iter_mut().find(|account| account.provider == *provider) {
            account.settings.insert((*setting).to_owned(), value.clone());
        } else if VARIABLES.iter().find(|(_, of, _)| of == provider).is_some_and(|(first, ..)| first == variable) {
            accounts.push(AccountConfig {
                provider: (*provider).to_owned(),
                name: "default".to_owned(),
                settings: BTreeMap::from([((*setting).to_owned(), value.clone())]),
                origin: format!("the environment (variable {variable})"),
                is_of_environment: true,
            });
        }
    }
    accounts
}

/// The accounts of a file's `[[accounts]]`.
pub(super) fn from_file(origin: &str, value: toml::Value) -> Result<Vec<AccountConfig>, ConfigError> {
    let invalid =
        |reason: String| ConfigError::Invalid { key: "accounts".to_owned(), origin: origin.to_owned(), reason };
    let toml::Value::Array(tables) = value else {
        return Err(invalid("accounts are written as [[accounts]], one table each".to_owned()));
    };
    let mut accounts: Vec<AccountConfig> = vec![];
    for (number, table) in (1..).zip(tables) {
        let toml::Value::Table(table) = table else {
            return Err(invalid(format!("account {number} is no table")));
        };
        let mut settings = BTreeMap::new();
        for (name, value) in table {
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(value) => value.to_string(),
                other => return Err(invalid(format!("account {number}: {name} cannot be a {}", other.type_str()))),
            };
            settings.insert(name, text);
        }
        let mut take =
            |name: &str| settings.remove(name).ok_or_else(|| invalid(format!("account {number} has no {name}")));
        let (provider, name) = (take("provider")?, take("name")?);
        if accounts.iter().any(|account| (&account.provider, &account.name) == (&provider, &name)) {
            return Err(invalid(format!("there are two accounts {name} of {provider}")));
        }
        let origin = origin.to_owned();
        accounts.push(AccountConfig { provider, name, settings, origin, is_of_environment: false });
    }
    Ok(accounts)
}
