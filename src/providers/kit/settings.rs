//! The settings of one account, as its provider reads them.

use std::collections::BTreeMap;
use std::str::FromStr;

use url::Url;

use crate::providers::kind::{Kind, Setting, ValidatorKind};
use crate::providers::{Secret, SettingsError};

/// Settings by name, each of them one that the provider has. A blank one is absent.
pub struct Settings {
    provider: &'static str,
    values: BTreeMap<String, String>,
}

impl Settings {
    /// Takes settings over; one that the provider does not have is misspelt, and refused by its name.
    pub fn try_new(kind: &Kind, values: BTreeMap<String, String>) -> Result<Self, SettingsError> {
        Self::of(kind.name, kind.settings, values)
    }

    /// As [`Self::try_new`], for a service that checks addresses.
    pub fn of_validator(kind: &ValidatorKind, values: BTreeMap<String, String>) -> Result<Self, SettingsError> {
        Self::of(kind.name, kind.settings, values)
    }

    fn of(provider: &'static str, known: &[&Setting], values: BTreeMap<String, String>) -> Result<Self, SettingsError> {
        if let Some(name) = values.keys().find(|name| known.iter().all(|setting| setting.name != **name)) {
            let reason = format!("is not a setting of {provider}");
            return Err(SettingsError { provider, setting: name.clone().into(), reason: reason.into() });
        }
        let values: BTreeMap<_, _> = values.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let missing = |setting: &&&Setting| setting.is_required && !values.contains_key(setting.name);
        if let Some(setting) = known.iter().find(missing) {
            return Err(SettingsError::new(provider, setting.name, "must be given"));
        }
        Ok(Self { provider, values })
    }

    /// A setting, or its default.
    #[must_use]
    pub fn text(&self, setting: &Setting) -> Option<String> {
        self.values.get(setting.name).cloned().or_else(|| setting.default.map(str::to_owned))
    }

    /// A setting that must be there.
    pub fn required(&self, setting: &Setting) -> Result<String, SettingsError> {
        self.text(setting).ok_or_else(|| self.wrong(setting, "must be given"))
    }

    /// A secret, if it is given.
    #[must_use]
    pub fn secret(&self, setting: &Setting) -> Option<Secret> {
        self.text(setting).map(Secret::new)
    }

    /// The parts between commas.
    #[must_use]
    pub fn list(&self, setting: &Setting) -> Vec<String> {
        let text = self.text(setting).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// `true` or `false`.
    pub fn flag(&self, setting: &Setting) -> Result<Option<bool>, SettingsError> {
        self.parsed(setting, "must be true or false")
    }

    /// A URL that must be there.
    pub fn url(&self, setting: &Setting) -> Result<Url, SettingsError> {
        self.parsed(setting, "must be a URL")?.ok_or_else(|| self.wrong(setting, "must be given"))
    }

    /// Says that a setting is wrong.
    #[must_use]
    pub fn wrong(&self, setting: &Setting, reason: &'static str) -> SettingsError {
        SettingsError::new(self.provider, setting.name, reason)
    }

    fn parsed<T: FromStr>(&self, setting: &Setting, reason: &'static str) -> Result<Option<T>, SettingsError> {
        self.text(setting).map(|text| text.parse().map_err(|_| self.wrong(setting, reason))).transpose()
    }
}
