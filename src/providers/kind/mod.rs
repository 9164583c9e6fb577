//! What a provider is to those who set its accounts up: its channels, settings and limits, and how an account is built.

mod docs;
mod validator;

use std::sync::Arc;

use crate::clock::Ambient;
use crate::domain::value::Channel;
use crate::domain::value::limits::Limits;
use crate::providers::kit::client::HttpClient;
use crate::providers::kit::settings::Settings;
use crate::providers::{ALL, Provider, SettingsError, Webhook};

pub use docs::page;
pub use validator::{ValidatorKind, ValidatorSetup};

/// The domain whose mailboxes take replies. Read where an account is put to use, not by its provider.
pub const REPLY_DOMAIN: Setting =
    Setting::new("reply_domain", "The domain whose mailboxes take replies: mail to it comes in through the provider.");
/// Read where an account is put to use, not by its provider.
pub const OWN_ADDRESSES: Setting = Setting::new(
    "own_addresses",
    "Further phone numbers or email addresses of yours, separated by commas: what comes from them is no customer's.",
);

/// A provider.
pub struct Kind {
    /// Its name in routes, URLs, events and the configuration.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The channels that its accounts serve.
    pub channels: &'static [Channel],
    /// The settings of an account. The first one that has an environment variable makes the account `default`.
    pub settings: &'static [&'static Setting],
    /// The domains of its API: hosts in them may be named as a base URL by administrators.
    pub domains: &'static [&'static str],
    /// What has to be set up at the provider so that it calls back: a step each, in the words of its own pages, as far as
    /// these stay the same. `{url}` stands for the account's URL.
    pub callbacks: &'static [&'static str],
    /// What it takes on each channel.
    pub limits: &'static [Limits],
    /// The version of its parser of callbacks. Raise it whenever the parser understands more: what was kept is looked at
    /// again.
    pub parser: u32,
    /// Builds an account; calls nothing.
    pub build: fn(Setup<'_>) -> Result<Built, SettingsError>,
}

/// A setting of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name, of small letters and `_`.
    pub name: &'static str,
    /// What it is, in a sentence or two.
    pub help: &'static str,
    /// Whether it is sealed in the key store and never shown.
    pub is_secret: bool,
    /// Whether an account needs it.
    pub is_required: bool,
    /// The environment variable that sets it for the account `default`.
    pub variable: Option<&'static str>,
    /// What counts if it is left out.
    pub default: Option<&'static str>,
}

impl Setting {
    /// An optional setting that may be shown.
    #[must_use]
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help, is_secret: false, is_required: false, variable: None, default: None }
    }

    /// The same as a secret.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }

    /// The same, which must be given.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    /// The same with an environment variable.
    #[must_use]
    pub const fn variable(self, variable: &'static str) -> Self {
        Self { variable: Some(variable), ..self }
    }

    /// The same with a default.
    #[must_use]
    pub const fn default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }
}

/// Which networks the hosts may stand in that an account's settings name, where a provider lets them name any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All: the operator of this server named them.
    Anywhere,
    /// The public one only: else the settings would be a way into the network that this server stands in.
    Public,
}

/// What an account is built from.
pub struct Setup<'a> {
    /// Our name for the account, in routes.
    pub account: &'a str,
    /// The public URL of its webhook; absent while this server has no public URL.
    pub webhook_url: Option<url::Url>,
    /// Its settings.
    pub settings: Settings,
    /// Which networks its settings may lead to.
    pub reach: Reach,
    /// Makes its calls.
    pub client: HttpClient,
    /// Clock and randomness.
    pub ambient: Ambient,
}

/// An account as its provider builds it.
pub struct Built {
    /// What sends.
    pub provider: Arc<dyn Provider>,
    /// What hears of it.
    pub webhook: Arc<dyn Webhook>,
    /// The account's own number or mailbox, where the settings name it: what comes from it is no customer's.
    pub own_address: Option<String>,
}

impl Kind {
    /// The providers that accounts can be set up at.
    #[must_use]
    pub const fn all() -> &'static [&'static Self] {
        ALL
    }

    /// The provider of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|kind| kind.name == name).copied()
    }

    /// What its accounts take on a channel.
    #[must_use]
    pub fn limits_on(&self, channel: Channel) -> Limits {
        let own = self.limits.iter().find(|limits| limits.channel == channel);
        own.copied().unwrap_or_else(|| Limits::none(channel))
    }

    /// What has to be set up at the provider so that it calls an account back at a URL.
    pub fn callbacks_to(&self, url: &str) -> impl Iterator<Item = String> {
        self.callbacks.iter().map(|step| step.replace("{url}", url))
    }

    /// The setting of a name.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&'static Setting> {
        self.settings.iter().find(|setting| setting.name == name).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_variables_are_unique_and_settings_are_explained() {
        let names: BTreeSet<_> = ALL.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), ALL.len());
        let mut variables = BTreeSet::new();
        for kind in ALL {
            let settings: BTreeSet<_> = kind.settings.iter().map(|setting| setting.name).collect();
            assert_eq!(settings.len(), kind.settings.len(), "{}", kind.name);
            for setting in kind.settings {
                assert!(setting.help.ends_with('.'), "{}: {}", kind.name, setting.name);
                assert!(setting.variable.is_none_or(|variable| variables.insert(variable)), "{:?}", setting.variable);
                assert!(setting.default.is_none() || !setting.is_required, "{}: {}", kind.name, setting.name);
            }
            assert!(kind.settings.iter().any(|setting| setting.is_required && setting.variable.is_some()));
        }
    }

    #[test]
    fn what_is_to_be_set_up_for_callbacks_is_said_in_sentences_and_names_settings_that_exist() {
        for kind in ALL {
            assert!(!kind.callbacks.is_empty(), "{}", kind.name);
            for step in kind.callbacks {
                assert!(step.ends_with('.') && !step.replace("{url}", "").contains(['{', '}']), "{step}");
                let named = step.split('`').skip(1).step_by(2);
                let is_setting =
                    |name: &&str| name.contains('_') && name.bytes().all(|b| b == b'_' || b.is_ascii_lowercase());
                for name in named.filter(is_setting) {
                    assert!(kind.setting(name).is_some(), "{}: {name}", kind.name);
                }
            }
        }
    }

    #[test]
    fn limits_are_of_channels_that_are_served() {
        for kind in ALL {
            let channels: Vec<_> = kind.limits.iter().map(|limits| limits.channel).collect();
            assert_eq!(channels, kind.channels, "{}", kind.name);
        }
    }
}
