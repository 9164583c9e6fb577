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

/// A variable that sets one setting of a provider's account `default`, or of a service that checks addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountVariable {
    /// The variable's name.
    pub name: &'static str,
    /// The name of the provider or service.
    pub provider: &'static str,
    /// The setting that it stands for.
    pub setting: &'static str,
    /// Whether it is of a service that checks addresses; one variable may be of both.
    pub checks_addresses: bool,
}

/// The variables of providers that are set, with their values, which are secrets or stand beside them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct GivenVariables(BTreeMap<String, String>);

impl fmt::Debug for GivenVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl GivenVariables {
    /// Those that are known and not blank.
    pub(super) fn of(known: &[AccountVariable], mut given: BTreeMap<String, String>) -> Self {
        given.retain(|name, value| !value.is_empty() && known.iter().any(|variable| variable.name == name));
        Self(given)
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// The accounts that variables configure. The first variable of each provider in `known` makes its account.
pub(super) fn from_variables(known: &[AccountVariable], given: &BTreeMap<String, String>) -> Vec<AccountConfig> {
    let mut accounts: Vec<AccountConfig> = vec![];
    let known: Vec<&AccountVariable> = known.iter().filter(|variable| !variable.checks_addresses).collect();
    for AccountVariable { name, provider, setting, .. } in &known {
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
    let mut accounts: Vec<AccountConfig> = vec![];
    for (number, mut settings) in (1..).zip(tables(origin, "account", value)?) {
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

/// The tables of `[[noun + s]]` with their values as text.
pub(super) fn tables(
    origin: &str,
    noun: &str,
    value: toml::Value,
) -> Result<Vec<BTreeMap<String, String>>, ConfigError> {
    let invalid = |reason: String| ConfigError::Invalid { key: format!("{noun}s"), origin: origin.to_owned(), reason };
    let toml::Value::Array(tables) = value else {
        return Err(invalid(format!("{noun}s are written as [[{noun}s]], one table each")));
    };
    let mut read = vec![];
    for (number, table) in (1..).zip(tables) {
        let toml::Value::Table(table) = table else {
            return Err(invalid(format!("{noun} {number} is not a table")));
        };
        let mut settings = BTreeMap::new();
        for (name, value) in table {
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(value) => value.to_string(),
                other => return Err(invalid(format!("{noun} {number}: {name} cannot be a {}", other.type_str()))),
            };
            settings.insert(name, text);
        }
        read.push(settings);
    }
    Ok(read)
}
