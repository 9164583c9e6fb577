//! Services that check addresses: `[[validators]]` in the file, or the variables that their own tools read.

use std::collections::BTreeMap;
use std::fmt;

use super::ConfigError;
use super::accounts::{AccountVariable, tables};

/// What a service that checks addresses is configured with. Which settings it needs, it knows itself.
#[derive(Clone, PartialEq, Eq)]
pub struct ValidatorConfig {
    /// The service's name.
    pub service: String,
    /// Settings by name.
    pub settings: BTreeMap<String, String>,
    /// Where it was configured.
    pub origin: String,
}

/// Settings are secrets, or stand beside them.
impl fmt::Debug for ValidatorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValidatorConfig")
            .field("service", &self.service)
            .field("settings", &self.settings.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The services of a file's `[[validators]]`, in the order in which they are asked.
pub(super) fn from_file(origin: &str, value: toml::Value) -> Result<Vec<ValidatorConfig>, ConfigError> {
    let invalid =
        |reason: String| ConfigError::Invalid { key: "validators".to_owned(), origin: origin.to_owned(), reason };
    let mut validators: Vec<ValidatorConfig> = vec![];
    for (number, mut settings) in (1..).zip(tables(origin, "validator", value)?) {
        let service =
            settings.remove("service").ok_or_else(|| invalid(format!("validator {number} has no service")))?;
        // What is checked in a day is counted for each service.
        if validators.iter().any(|validator| validator.service == service) {
            return Err(invalid(format!("there are two validators with the service {service}")));
        }
        validators.push(ValidatorConfig { service, settings, origin: origin.to_owned() });
    }
    Ok(validators)
}

/// Adds what variables configure: to a service of the file its credentials, if the file names none of them, so that they
/// are never mixed; and behind those of the file, the services whose first variable is set.
pub(super) fn add_variables(
    validators: &mut Vec<ValidatorConfig>,
    known: &[AccountVariable],
    given: &BTreeMap<String, String>,
) {
    let mut services: Vec<&str> = vec![];
    for variable in known.iter().filter(|variable| variable.checks_addresses) {
        if !services.contains(&variable.provider) {
            services.push(variable.provider);
        }
    }
    for service in services {
        let own = known.iter().filter(|variable| variable.checks_addresses && variable.provider == service);
        let own: Vec<&AccountVariable> = own.collect();
        let value = |variable: &AccountVariable| given.get(variable.name).filter(|value| !value.is_empty());
        let set = own.iter().filter_map(|variable| Some((variable.setting.to_owned(), value(variable)?.clone())));
        match validators.iter_mut().find(|validator| validator.service == service) {
            Some(validator) if own.iter().any(|variable| validator.settings.contains_key(variable.setting)) => {}
            Some(validator) => validator.settings.extend(set),
            None => {
                if let Some(first) = own.first().filter(|first| value(first).is_some()) {
                    validators.push(ValidatorConfig {
                        service: service.to_owned(),
                        settings: set.collect(),
                        origin: format!("the environment (variable {})", first.name),
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[AccountVariable] = &[
        AccountVariable { name: "LOOKUP_ID", provider: "lookup", setting: "id", checks_addresses: true },
        AccountVariable { name: "LOOKUP_KEY", provider: "lookup", setting: "key", checks_addresses: true },
        AccountVariable { name: "SENDER_KEY", provider: "sender", setting: "key", checks_addresses: false },
    ];

    fn read(file: &str, given: &[(&str, &str)]) -> Result<Vec<ValidatorConfig>, ConfigError> {
        let mut table: toml::Table = file.parse().expect("TOML");
        let mut validators = match table.remove("validators") {
            Some(value) => from_file("a.toml", value)?,
            None => vec![],
        };
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        add_variables(&mut validators, KNOWN, &given);
        Ok(validators)
    }

    fn setting<'v>(validator: &'v ValidatorConfig, name: &str) -> Option<&'v str> {
        validator.settings.get(name).map(String::as_str)
    }

    #[test]
    fn variables_bring_the_credentials_that_the_file_leaves_out() {
        let both = [("LOOKUP_ID", "1"), ("LOOKUP_KEY", "k"), ("SENDER_KEY", "s")];
        let found = read("[[validators]]\nservice = 'lookup'\ndaily = 5", &both).expect("valid");
        assert_eq!((found.len(), setting(&found[0], "daily"), setting(&found[0], "key")), (1, Some("5"), Some("k")));
        let own = read("[[validators]]\nservice = 'lookup'\nid = '2'", &both).expect("valid");
        assert_eq!((setting(&own[0], "id"), setting(&own[0], "key")), (Some("2"), None));
    }

    #[test]
    fn the_first_variable_of_a_service_configures_it_behind_those_of_the_file() {
        let found = read("[[validators]]\nservice = 'other'", &[("LOOKUP_ID", "1")]).expect("valid");
        assert_eq!(found.iter().map(|one| one.service.as_str()).collect::<Vec<_>>(), ["other", "lookup"]);
        assert_eq!(found[1].origin, "the environment (variable LOOKUP_ID)");
        assert_eq!(read("", &[("LOOKUP_KEY", "k"), ("LOOKUP_ID", "")]).expect("valid"), []);
    }

    #[test]
    fn a_file_that_says_something_else_is_refused_with_its_place() {
        let cases = [
            ("validators = 5", "validators in a.toml: validators are written as [[validators]], one table each"),
            ("validators = [5]", "validators in a.toml: validator 1 is not a table"),
            ("[[validators]]\ndaily = 5", "validators in a.toml: validator 1 has no service"),
            (
                "[[validators]]\nservice = 'a'\n[[validators]]\nservice = 'a'",
                "validators in a.toml: there are two validators with the service a",
            ),
            ("[[validators]]\nservice = ['a']", "validators in a.toml: validator 1: service cannot be a array"),
        ];
        for (file, expected) in cases {
            assert_eq!(read(file, &[]).expect_err("refused").to_string(), expected);
        }
    }

    #[test]
    fn a_secret_never_shows() {
        let found = read("[[validators]]\nservice = 'a'\nkey = 'hush'", &[]).expect("valid");
        assert!(!format!("{found:?}").contains("hush"));
    }
}
