//! Provider accounts.

use async_graphql::{Context, Enum, InputObject, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::accounts::AccountSource as Source;
use crate::accounts::service::{AccountStatus, Condition};
use crate::domain::account::decide::ConfigureAccount;
use crate::domain::account::event::{AccountName, AccountSpec, Rate};
use crate::domain::message::routing::Measured;
use crate::domain::value::routing::RoutingTerms;
use crate::domain::value::secret::Secret;
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Long;
use crate::graphql::engine::words::{Channel, RateUnit, RetryClass};

/// Where an account is configured.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::accounts::AccountSource")]
pub enum AccountSource {
    /// In the configuration file of the server.
    File,
    /// In the environment of the server.
    Environment,
    /// Over this API.
    Api,
    /// Nowhere: the simulator needs no configuration.
    Simulator,
}

/// Whether an account is used.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountState {
    /// The account is used.
    Healthy,
    /// An operator paused the account.
    Paused,
    /// The provider rejects the account, or too many of its calls failed; one message tries it again after a while.
    Resting,
    /// The account is used, and takes messages, but no report about them comes: its webhook may not be set up.
    Silent,
    /// The account's configuration is invalid.
    Unusable,
}

/// A setting by its name, as in a configuration file.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "AccountSettingInput")]
pub struct AccountSetting {
    /// Such as `account_sid`, `from`.
    name: String,
    /// The setting's value.
    value: String,
}

/// A secret by its name. It is sealed in the key store, and never shown again.
#[derive(InputObject)]
pub struct AccountSecretInput {
    /// Such as `auth_token`, `api_key`.
    name: String,
    /// The secret's value; null removes it.
    value: Option<String>,
}

/// The configuration of a provider account.
#[derive(InputObject)]
pub struct AccountInput {
    /// `twilio` or `sendgrid`.
    provider: String,
    /// Your name for the account: letters, digits, `-` and `_`; unique per provider.
    name: String,
    /// All settings of the account; omitted ones are removed.
    #[graphql(default)]
    settings: Vec<AccountSetting>,
    /// New secrets; omitted ones are kept.
    #[graphql(default)]
    secrets: Vec<AccountSecretInput>,
    /// Accounts with a lower number are used first.
    #[graphql(default)]
    priority: i32,
    /// The cost of a message, in micros: among accounts of equal priority, the cheaper one is used first.
    cost_micros: Option<Long>,
    /// When the account is used, beyond its priority, and what it costs where.
    routing: Option<RoutingInput>,
    /// The maximum rate in units per second, over all nodes; 0: no limit.
    #[graphql(default)]
    per_second: f64,
    /// The unit of the rate.
    unit: Option<RateUnit>,
}

/// When an account is used, and what it costs where.
#[derive(InputObject, Default)]
pub struct RoutingInput {
    /// Its part of the messages, relative to the other accounts of its priority; 0: none, as long as another one has a share.
    #[graphql(default)]
    share: i32,
    /// Only receivers in these countries, as two letters such as `GB`; known of phone numbers only. Empty: everywhere.
    #[graphql(default)]
    countries: Vec<String>,
    /// Only mailboxes of these domains and of those below them. Empty: all.
    #[graphql(default)]
    domains: Vec<String>,
    /// The cost of a message, or of a segment of SMS, by country; elsewhere `costMicros` counts.
    #[graphql(default)]
    prices: Vec<CountryPriceInput>,
}

/// What a message to a country costs.
#[derive(InputObject)]
pub struct CountryPriceInput {
    /// Two letters, such as `GB`.
    country: String,
    /// The cost in micros.
    micros: Long,
}

/// When an account is used, and what it costs where.
#[derive(SimpleObject, Clone)]
pub struct AccountRouting {
    /// Its part of the messages, relative to the other accounts of its priority.
    share: i32,
    /// Only receivers in these countries; empty: everywhere.
    countries: Vec<String>,
    /// Only mailboxes of these domains and of those below them; empty: all.
    domains: Vec<String>,
    /// The cost by country.
    prices: Vec<CountryPrice>,
}

/// What a message to a country costs.
#[derive(SimpleObject, Clone)]
pub struct CountryPrice {
    /// Two letters, such as `GB`.
    country: String,
    /// The cost in micros.
    micros: Long,
}

/// How well the messages of an account arrived lately: of the last six hours, from 5,000 messages of the channel at most.
#[derive(SimpleObject, Clone)]
pub struct AccountDelivery {
    /// The channel.
    channel: Channel,
    /// Messages that the provider took.
    taken: Long,
    /// How many of them were reported as delivered.
    delivered: Long,
    /// The average time from taking a message to its delivery, in milliseconds.
    latency_ms: Option<Long>,
}

/// A provider account and its health.
#[derive(SimpleObject, Clone)]
pub struct ProviderAccount {
    /// The provider.
    provider: String,
    /// The account's name; unique per provider.
    name: String,
    /// The channels that it serves.
    channels: Vec<Channel>,
    /// Where the account is configured.
    source: AccountSource,
    /// Its settings without secrets, if configured over the API.
    settings: Vec<AccountSetting>,
    /// The names of its secrets, if configured over the API. Their values are never shown.
    secrets: Vec<String>,
    /// The maximum rate in units per second, over all nodes; 0: no limit.
    per_second: f64,
    /// The unit of the rate.
    unit: RateUnit,
    /// Accounts with a lower number are used first.
    priority: i32,
    /// The cost of a message, in micros.
    cost_micros: Long,
    /// When it is used, beyond its priority.
    routing: AccountRouting,
    /// How well its messages arrived lately.
    delivery: Vec<AccountDelivery>,
    /// How many of its last calls on this node failed: no answer, or one that says to try again later. At most 20 are looked at.
    failed_calls: i32,
    /// Of so many calls.
    calls: i32,
    /// Whether it is used.
    state: AccountState,
    /// Why the account is not used.
    reason: Option<String>,
    /// When an operator paused it.
    paused_since: Option<DateTime<Utc>>,
    /// When one message tries it again.
    resting_until: Option<DateTime<Utc>>,
    /// When the provider last accepted a message.
    last_sent_at: Option<DateTime<Utc>>,
    /// When the provider last refused a message.
    last_error_at: Option<DateTime<Utc>>,
    /// The class of that refusal.
    last_error_class: Option<RetryClass>,
    /// The provider's code for it.
    last_error_code: Option<String>,
    /// When it was last tested.
    last_tested_at: Option<DateTime<Utc>>,
    /// Whether the last test passed.
    last_test_passed: Option<bool>,
    /// Messages that the provider is being called for, on all nodes.
    in_flight: i64,
    /// The URL for callbacks; register it at the provider.
    webhook_url: Option<String>,
}

/// A rate as the log keeps it; one that makes no sense becomes one that is refused.
pub fn rate(per_second: f64, unit: Option<RateUnit>) -> Rate {
    let unit = unit.unwrap_or(RateUnit::Messages).into();
    let milli = (per_second * 1_000.0).round();
    if !(0.0..=1e12).contains(&milli) {
        return Rate { per_second_milli: u64::MAX, unit };
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10^12")]
    Rate { per_second_milli: milli as u64, unit }
}

impl From<AccountInput> for ConfigureAccount {
    fn from(input: AccountInput) -> Self {
        let secret = |given: AccountSecretInput| (given.name, given.value.map(Secret::new));
        Self {
            name: AccountName { provider: input.provider, account: input.name },
            spec: AccountSpec {
                settings: input.settings.into_iter().map(|setting| (setting.name, setting.value)).collect(),
                priority: input.priority,
                cost_micros: input.cost_micros.map_or(0, |cost| cost.0),
                rate: rate(input.per_second, input.unit),
                routing: input.routing.unwrap_or_default().into(),
            },
            secrets: input.secrets.into_iter().map(secret).collect(),
        }
    }
}

impl From<RoutingInput> for RoutingTerms {
    fn from(input: RoutingInput) -> Self {
        Self {
            // A share below zero is larger than any that is taken.
            share: u32::try_from(input.share).unwrap_or(u32::MAX),
            countries: input.countries.into_iter().collect(),
            domains: input.domains.into_iter().collect(),
            prices: input.prices.into_iter().map(|price| (price.country, price.micros.0)).collect(),
        }
    }
}

impl From<RoutingTerms> for AccountRouting {
    fn from(terms: RoutingTerms) -> Self {
        let price = |(country, micros)| CountryPrice { country, micros: Long(micros) };
        Self {
            share: i32::try_from(terms.share).unwrap_or(i32::MAX),
            countries: terms.countries.into_iter().collect(),
            domains: terms.domains.into_iter().collect(),
            prices: terms.prices.into_iter().map(price).collect(),
        }
    }
}

impl AccountDelivery {
    fn of(channel: crate::domain::value::Channel, measured: Measured) -> Self {
        let long = |number: u64| Long(i64::try_from(number).unwrap_or(i64::MAX));
        Self {
            channel: channel.into(),
            taken: long(measured.taken),
            delivered: long(measured.delivered),
            latency_ms: measured.latency_ms.map(long),
        }
    }
}

impl ProviderAccount {
    /// One of the accounts that send for the tenant.
    pub async fn load(ctx: &Context<'_>, provider: &str, name: &str) -> Result<Option<Self>> {
        let reading = Reading::of(ctx)?;
        let list = reading.api.accounts.list(reading.session.principal.tenant).await;
        let list = list.map_err(|error| opaque(reading.api.ambient(), &error))?;
        let status = list.into_iter().find(|status| status.name.provider == provider && status.name.account == name);
        Ok(status.map(Into::into))
    }
}

impl From<AccountStatus> for ProviderAccount {
    fn from(status: AccountStatus) -> Self {
        let source: Source = status.source;
        let reason = status.condition.reason();
        let state = match &status.condition {
            Condition::Healthy => AccountState::Healthy,
            Condition::Paused(_) => AccountState::Paused,
            Condition::Suspended(_) | Condition::Failing { .. } => AccountState::Resting,
            Condition::Silent { .. } => AccountState::Silent,
            Condition::Unusable(_) => AccountState::Unusable,
        };
        let refusal = status.last_refusal;
        Self {
            provider: status.name.provider,
            name: status.name.account,
            channels: status.channels.into_iter().map(Into::into).collect(),
            source: source.into(),
            settings: status.settings.into_iter().map(|(name, value)| AccountSetting { name, value }).collect(),
            secrets: status.secrets,
            per_second: status.pace.per_second,
            unit: status.pace.unit.into(),
            priority: status.priority,
            cost_micros: Long(status.cost_micros),
            routing: status.routing.into(),
            delivery: status
                .measured
                .into_iter()
                .map(|(channel, measured)| AccountDelivery::of(channel, measured))
                .collect(),
            failed_calls: i32::try_from(status.calls.0).unwrap_or(i32::MAX),
            calls: i32::try_from(status.calls.1).unwrap_or(i32::MAX),
            state,
            reason,
            paused_since: match &status.condition {
                Condition::Paused(paused) => Some(paused.since),
                _ => None,
            },
            resting_until: match &status.condition {
                Condition::Suspended(rest) => Some(rest.until),
                Condition::Failing { until, .. } => Some(*until),
                _ => None,
            },
            last_sent_at: status.last_sent_at,
            last_error_at: refusal.as_ref().map(|(at, ..)| *at),
            last_error_class: refusal.as_ref().map(|(_, class, _)| (*class).into()),
            last_error_code: refusal.and_then(|(.., code)| code),
            last_tested_at: status.last_test.map(|(at, _)| at),
            last_test_passed: status.last_test.map(|(_, passed)| passed),
            in_flight: status.in_flight,
            webhook_url: status.webhook_url,
        }
    }
}
