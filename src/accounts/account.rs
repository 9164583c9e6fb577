//! One provider account as a node uses it: how fast it sends, and whether it is paused or suspended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::accounts::circuit::Circuit;
use crate::accounts::table::WebhookPath;
use crate::domain::account::event::{AccountName, Rate, RateUnit};
use crate::domain::account::state::Paused;
use crate::domain::message::dispatch::CallOutcome;
use crate::domain::message::routing::Measured;
use crate::domain::value::Channel;
use crate::domain::value::message::{RetryClass, Route};
use crate::domain::value::routing::RoutingTerms;
use crate::ids::TenantId;
use crate::providers::{Provider, Webhook};

/// How long an account is suspended after its provider refused it, until one message tries it again.
pub const COOLDOWN: TimeDelta = TimeDelta::minutes(5);

/// How fast an account sends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// So many units a second; 0 is no limit.
    pub per_second: f64,
    /// Messages or SMS segments.
    pub unit: RateUnit,
}

impl Default for Pace {
    fn default() -> Self {
        Rate::UNLIMITED.into()
    }
}

impl From<Rate> for Pace {
    fn from(rate: Rate) -> Self {
        // Rates are far below 2^53.
        #[expect(clippy::cast_precision_loss, reason = "at most a thousand million")]
        let milli = rate.per_second_milli as f64;
        Self { per_second: milli / 1_000.0, unit: rate.unit }
    }
}

/// Where an account is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccountSource {
    /// In the configuration file.
    #[default]
    File,
    /// By the variables that the provider's own tools read.
    Environment,
    /// By an administrator.
    Api,
    /// Nowhere: it reaches nobody, and serves tenants that never had an account.
    Simulator,
}

/// How an account is used.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Whose it is; without one, every tenant's.
    pub tenant: Option<TenantId>,
    /// The configuration file, the environment or the API.
    pub source: AccountSource,
    /// Its name in the URL of its webhook; absent: as in its route. Names are unique per tenant, URLs per installation.
    pub path: Option<WebhookPath>,
    /// Accounts with a lower number come first.
    pub priority: i32,
    /// What a message costs, in micros of the installation's currency: of equal priority, the cheaper one comes first.
    pub cost_micros: i64,
    /// When it is used, beyond its priority, and what it costs where.
    pub routing: RoutingTerms,
    /// How fast it sends at first; it can be changed while it runs.
    pub pace: Pace,
    /// The domain whose mailboxes take replies, for email: addresses in it carry a token of the message.
    pub reply_domain: Option<String>,
    /// Its own numbers and mailboxes: what comes from them is no customer's.
    pub own_addresses: Vec<String>,
}

/// A provider's account as a node uses it.
pub struct Account {
    /// How it is used.
    pub terms: Terms,
    /// What sends.
    pub provider: Arc<dyn Provider>,
    /// What hears of it, for those that call back over HTTP.
    pub webhook: Option<Arc<dyn Webhook>>,
    state: Mutex<State>,
}

struct State {
    pace: Pace,
    /// Units that may be used at once; below zero after a message of many segments.
    level: f64,
    filled_at: DateTime<Utc>,
    cooldown: Option<Cooldown>,
    paused: Option<Paused>,
    circuit: Circuit,
    measured: BTreeMap<Channel, Measured>,
}

/// Why an account is suspended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cooldown {
    /// The time at which it ends.
    pub until: DateTime<Utc>,
    /// The provider's code or words.
    pub reason: String,
}

impl Account {
    /// An account that may be used at once.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, webhook: Option<Arc<dyn Webhook>>, terms: Terms) -> Self {
        let pace = terms.pace;
        let state = State {
            pace,
            level: burst(pace),
            filled_at: DateTime::UNIX_EPOCH,
            cooldown: None,
            paused: None,
            circuit: Circuit::default(),
            measured: BTreeMap::new(),
        };
        Self { terms, provider, webhook, state: Mutex::new(state) }
    }

    /// Which way its messages leave.
    #[must_use]
    pub fn route(&self) -> &Route {
        self.provider.route()
    }

    /// Which of a tenant's accounts it is.
    #[must_use]
    pub fn name(&self) -> AccountName {
        let route = self.route();
        AccountName { provider: route.provider.clone(), account: route.account.clone() }
    }

    /// Its provider, and its name in the URL of its webhook: unique in the installation.
    #[must_use]
    pub fn webhook_path(&self) -> (&str, &str) {
        let route = self.route();
        (&route.provider, self.terms.path.as_ref().map_or(&route.account, WebhookPath::as_str))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one unit of its rate, or tells when there is one.
    pub fn reserve(&self, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        let mut state = self.state();
        if state.pace.per_second <= 0.0 {
            return Ok(());
        }
        let passed = (now - state.filled_at).to_std().unwrap_or(Duration::ZERO).as_secs_f64();
        state.level = (state.level + passed * state.pace.per_second).min(burst(state.pace));
        state.filled_at = now;
        if state.level >= 1.0 {
            state.level -= 1.0;
            return Ok(());
        }
        let wait = Duration::try_from_secs_f64((1.0 - state.level) / state.pace.per_second).unwrap_or(Duration::MAX);
        Err(now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(1)).max(TimeDelta::milliseconds(1)))
    }

    /// Whatever its rate allowed up to now may have been used: by a process before this one, or by another node.
    pub fn start_empty(&self, now: DateTime<Utc>) {
        let mut state = self.state();
        state.level = state.level.min(0.0);
        state.filled_at = now;
    }

    /// Counts what a message took beyond the unit that was reserved for it: later messages wait for it.
    pub fn charge(&self, segments: u32) {
        let mut state = self.state();
        if state.pace.per_second > 0.0 && state.pace.unit == RateUnit::Segments {
            state.level -= f64::from(segments.saturating_sub(1));
        }
    }

    /// Changes how fast it sends.
    pub fn set_pace(&self, pace: Pace) {
        let mut state = self.state();
        state.pace = pace;
        state.level = state.level.min(burst(pace));
    }

    /// How fast it sends.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.state().pace
    }

    /// Suspends it: the provider does not take its credentials or settings, and nothing that is sent now gets through.
    pub fn suspend(&self, now: DateTime<Utc>, reason: String) {
        tracing::warn!(route = ?self.route(), reason, "account suspended for 5 minutes: its provider rejects it");
        self.state().cooldown = Some(Cooldown { until: now + COOLDOWN, reason });
    }

    /// Uses it again at once.
    pub fn resume(&self) {
        self.state().cooldown = None;
    }

    /// Why an operator paused it, if one did.
    #[must_use]
    pub fn paused(&self) -> Option<Paused> {
        self.state().paused.clone()
    }

    /// Pauses it, or uses it again.
    pub fn set_paused(&self, paused: Option<Paused>) {
        self.state().paused = paused;
    }

    /// Counts what came of a call. A provider that answers works, whatever it says of the message; one that is busy says
    /// nothing.
    pub fn called(&self, outcome: &CallOutcome, now: DateTime<Utc>) {
        let failed = match outcome {
            CallOutcome::Refused { class: RetryClass::RateLimited, .. } => return,
            CallOutcome::Refused { class: RetryClass::Transient, .. } | CallOutcome::Unknown { .. } => true,
            CallOutcome::Accepted { .. } | CallOutcome::Refused { .. } => false,
        };
        self.state().circuit.record(failed, now);
    }

    /// How its last calls went.
    #[must_use]
    pub fn circuit(&self) -> Circuit {
        self.state().circuit.clone()
    }

    /// A message is about to be handed to it; while its circuit is open, as a trial.
    pub fn let_through(&self, now: DateTime<Utc>) {
        self.state().circuit.let_through(now);
    }

    /// How well its messages arrived lately.
    #[must_use]
    pub fn measured(&self, channel: Channel) -> Measured {
        self.state().measured.get(&channel).copied().unwrap_or_default()
    }

    /// Takes over what was measured.
    pub fn set_measured(&self, measured: BTreeMap<Channel, Measured>) {
        self.state().measured = measured;
    }

    /// Why it is suspended, if it is.
    #[must_use]
    pub fn cooldown(&self, now: DateTime<Utc>) -> Option<Cooldown> {
        self.state().cooldown.clone().filter(|cooldown| cooldown.until > now)
    }
}

/// What may be sent at once after a pause: a second's worth.
fn burst(pace: Pace) -> f64 {
    pace.per_second.max(1.0)
}

#[cfg(test)]
pub(in crate::accounts) mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::providers::{Accepted, OutboundMessage, SendError};

    struct Silent(Route);

    #[async_trait]
    impl Provider for Silent {
        fn route(&self) -> &Route {
            &self.0
        }

        fn channels(&self) -> &[Channel] {
            &[Channel::Sms]
        }

        async fn send(&self, _message: OutboundMessage) -> Result<Accepted, SendError> {
            Ok(Accepted { provider_message_id: None, segments: 1, cost: None })
        }
    }

    pub(in crate::accounts) fn account(name: &str, terms: Terms) -> Account {
        let route = Route { provider: "double".to_owned(), account: name.to_owned(), domain: None };
        Account::new(Arc::new(Silent(route)), None, terms)
    }

    fn paced(per_second: f64, unit: RateUnit) -> Account {
        account("a", Terms { pace: Pace { per_second, unit }, ..Terms::default() })
    }

    pub(in crate::accounts) fn at(millis: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::milliseconds(millis)
    }

    #[test]
    fn a_rate_lets_a_seconds_worth_through_and_then_tells_when_to_come_back() {
        let account = paced(2.0, RateUnit::Messages);
        assert_eq!(account.reserve(at(0)), Ok(()));
        assert_eq!(account.reserve(at(0)), Ok(()));
        assert_eq!(account.reserve(at(0)), Err(at(500)));
        assert_eq!(account.reserve(at(500)), Ok(()));
        assert_eq!(account.reserve(at(500)), Err(at(1_000)));
    }

    #[test]
    fn what_another_node_may_have_used_is_not_used_again() {
        let account = paced(2.0, RateUnit::Messages);
        account.start_empty(at(0));
        assert_eq!(account.reserve(at(0)), Err(at(500)));
        assert_eq!((account.reserve(at(500)), account.reserve(at(500))), (Ok(()), Err(at(1_000))));
        account.start_empty(at(60_000));
        assert_eq!(account.reserve(at(60_000)), Err(at(60_500)));
    }

    #[test]
    fn segments_count_where_segments_are_counted() {
        let account = paced(1.0, RateUnit::Segments);
        assert_eq!(account.reserve(at(0)), Ok(()));
        account.charge(3);
        assert_eq!(account.reserve(at(0)), Err(at(3_000)));
        let messages = paced(1.0, RateUnit::Messages);
        assert_eq!(messages.reserve(at(0)), Ok(()));
        messages.charge(3);
        assert_eq!(messages.reserve(at(0)), Err(at(1_000)));
    }

    #[test]
    fn zero_is_no_limit_and_a_rate_changes_while_it_runs() {
        let account = paced(0.0, RateUnit::Messages);
        assert!((0..10_000).all(|_| account.reserve(at(0)).is_ok()));
        account.set_pace(Pace { per_second: 1.0, unit: RateUnit::Messages });
        assert_eq!(account.reserve(at(0)), Ok(()));
        assert!(account.reserve(at(0)).is_err());
    }
}
