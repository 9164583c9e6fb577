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

/// A variable that sets one setting of a provider's account `default`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountVariable {
    /// The variable's name.
    pub name: &'static str,
    /// The provider's name.
    pub provider: &'static str,
    /// The setting that it stands for.
    pub setting: &'static str,
}

/// The accounts that variables configure. The first variable of each provider in `known` makes its account.
pub(super) fn from_variables(known: &[AccountVariable], given: &BTreeMap<String, String>) -> Vec<AccountConfig> {
    let mut accounts: Vec<AccountConfig> = vec![];
    for AccountVariable { name, provider, setting } in known {
        let Some(value) = given.get(*name).filter(|value| !value.is_empty()) else { continue };
        if let Some(account) = accounts.iter_mut().find(|account| account.provider == *provider) {
            account.settings.insert((*setting).to_owned(), value.clone());
        } else if known.iter().find(|first| first.provider == *provider).is_some_and(|first| first.name == *name) {
            accounts.push(AccountConfig {
                provider: (*provider).to_owned(),
                name: "default".to_owned(),
                settings: BTreeMap::from([((*setting).to_owned(), value.clone())]),
                origin: format!("the environment (variable {name})"),
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
            return Err(invalid(format!("account {number} is not a table")));
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
