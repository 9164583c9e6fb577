//! Events of a tenant's provider accounts.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::event::{event, stream_events};
use crate::domain::value::message::RetryClass;
use crate::domain::value::routing::RoutingTerms;
use crate::domain::value::words;
use crate::ids::SecretId;

words! {
    /// What is counted against an account's rate.
    RateUnit, "rate unit" {
        /// Messages.
        Messages = "messages",
        /// Segments of SMS; a message on another channel counts as one.
        Segments = "segments",
    }
}

/// How fast an account sends, on each node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Thousandths of a unit per second; 0 is no limit.
    pub per_second_milli: u64,
    /// Messages or SMS segments.
    pub unit: RateUnit,
}

impl Rate {
    /// As fast as it goes.
    pub const UNLIMITED: Self = Self { per_second_milli: 0, unit: RateUnit::Messages };
}

/// Which account: unique within a tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountName {
    /// The provider's name, such as `twilio`.
    pub provider: String,
    /// Our name for the account.
    pub account: String,
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.account)
    }
}

/// How an account is set up, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSpec {
    /// The provider's settings by name, as in a configuration file.
    pub settings: BTreeMap<String, String>,
    /// Accounts with a lower number come first.
    pub priority: i32,
    /// What a message costs, in micros of the installation's currency.
    pub cost_micros: i64,
    /// How fast it sends.
    pub rate: Rate,
    /// When it is used, beyond its priority.
    #[serde(default, skip_serializing_if = "RoutingTerms::is_empty")]
    pub routing: RoutingTerms,
}

event! {
    /// An administrator set an account up, or changed it: everything as it is from now on.
    AccountConfigured 1 {
        #[serde(flatten)]
        name: AccountName,
        spec: AccountSpec,
        /// Under which ids the key store keeps the account's secrets, by name.
        secrets: BTreeMap<String, SecretId>,
        /// The names of what changed, settings and secrets.
        changed: Vec<String>,
    }
}

event! {
    /// The account is not used any more; its secrets are destroyed.
    AccountRemoved 1 {
        #[serde(flatten)]
        name: AccountName,
    }
}

event! {
    /// The account sends at another rate from now on.
    AccountRateChanged 1 {
        #[serde(flatten)]
        name: AccountName,
        rate: Rate,
    }
}

event! {
    /// An operator lets the account rest until further notice.
    AccountPaused 1 {
        #[serde(flatten)]
        name: AccountName,
        /// Why; no personal data.
        reason: String,
    }
}

event! {
    /// The account is used again.
    AccountResumed 1 {
        #[serde(flatten)]
        name: AccountName,
    }
}

event! {
    /// The provider was asked whether it lets the account send; nothing was sent.
    AccountTested 1 {
        #[serde(flatten)]
        name: AccountName,
        /// True if it does.
        passed: bool,
        /// What the refusal means; absent if nobody knows.
        class: Option<RetryClass>,
        /// The provider's code, or why nobody knows.
        code: Option<String>,
    }
}

stream_events! {
    /// Everything that can happen to a tenant's provider accounts.
    AccountEvent {
        AccountConfigured,
        AccountRemoved,
        AccountRateChanged,
        AccountPaused,
        AccountResumed,
        AccountTested,
    }
}
