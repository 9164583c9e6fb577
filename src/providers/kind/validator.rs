//! What a service that checks addresses is to those who set it up.

use std::sync::Arc;

use super::Setting;
use crate::clock::Ambient;
use crate::domain::value::AddressKind;
use crate::providers::kit::client::HttpClient;
use crate::providers::kit::settings::Settings;
use crate::providers::{SettingsError, VALIDATORS, Validator};

/// A service that checks addresses.
pub struct ValidatorKind {
    /// Its name in the configuration and in events.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it can check.
    pub checks: &'static [AddressKind],
    /// Its settings.
    pub settings: &'static [&'static Setting],
    /// The domains of its API: hosts in them may be named as a base URL by administrators.
    pub domains: &'static [&'static str],
    /// Builds it; calls nothing.
    pub build: fn(ValidatorSetup) -> Result<Arc<dyn Validator>, SettingsError>,
}

/// What a service is built from.
pub struct ValidatorSetup {
    /// Its settings.
    pub settings: Settings,
    /// Makes its calls.
    pub client: HttpClient,
    /// Clock and randomness.
    pub ambient: Ambient,
}

impl ValidatorKind {
    /// The services that addresses can be checked at, in the order in which they are asked.
    #[must_use]
    pub const fn all() -> &'static [&'static Self] {
        VALIDATORS
    }

    /// The service of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<&'static Self> {
        VALIDATORS.iter().find(|kind| kind.name == name).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_settings_are_explained() {
        let names: BTreeSet<_> = VALIDATORS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), VALIDATORS.len());
        for kind in VALIDATORS {
            let settings: BTreeSet<_> = kind.settings.iter().map(|setting| setting.name).collect();
            assert_eq!(settings.len(), kind.settings.len(), "{}", kind.name);
            assert!(kind.settings.iter().all(|setting| setting.help.ends_with('.')), "{}", kind.name);
            assert!(kind.settings.iter().any(|setting| setting.is_required && setting.variable.is_some()));
            assert!(!kind.checks.is_empty() && !kind.domains.is_empty(), "{}", kind.name);
        }
    }
}
