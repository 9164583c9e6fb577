//! The provider accounts of a node: which of them takes a message, how fast, and which of them is at rest.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::value::Channel;
use crate::domain::value::message::Route;
use crate::ids::TenantId;
use crate::providers::{Provider, Webhook};

/// How long an account rests after the provider refused it, until one message tries it again.
pub const REST: TimeDelta = TimeDelta::minutes(5);

/// What is counted against an account's rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Messages.
    Message,
    /// Segments of SMS; a message on another channel counts as one.
    Segment,
}

/// How fast an account sends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// So many units a second; 0 is no limit.
    pub per_second: f64,
    /// What is counted.
    pub unit: Unit,
}

impl Default for Pace {
    fn default() -> Self {
        Self { per_second: 0.0, unit: Unit::Message }
    }
}

/// How an account is used.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Whose it is; without one, every tenant's.
    pub tenant: Option<TenantId>,
    /// Accounts with a lower number come first.
    pub priority: i32,
    /// What a message costs, in micros of the installation's currency: of equal priority, the cheaper one comes first.
    pub cost_micros: i64,
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
    rest: Option<Rest>,
}

/// Why an account is at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Until when.
    pub until: DateTime<Utc>,
    /// The provider's code or words.
    pub reason: String,
}

impl Account {
    /// An account that may be used at once.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, webhook: Option<Arc<dyn Webhook>>, terms: Terms) -> Self {
        let pace = terms.pace;
        let state = State { pace, level: burst(pace), filled_at: DateTime::UNIX_EPOCH, rest: None };
        Self { terms, provider, webhook, state: Mutex::new(state) }
    }

    /// Which way its messages leave.
    #[must_use]
    pub fn route(&self) -> &Route {
        self.provider.route()
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

    /// Counts what a message took beyond the unit that was reserved for it: later messages wait for it.
    pub fn charge(&self, segments: u32) {
        let mut state = self.state();
        if state.pace.per_second > 0.0 && state.pace.unit == Unit::Segment {
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

    /// Lets it rest: the provider does not take its credentials or settings, and nothing that is sent now gets through.
    pub fn put_to_rest(&self, now: DateTime<Utc>, reason: String) {
        tracing::warn!(route = ?self.route(), reason, "an account is at rest: its provider refuses it");
        self.state().rest = Some(Rest { until: now + REST, reason });
    }

    /// Uses it again at once.
    pub fn wake(&self) {
        self.state().rest = None;
    }

    /// Why it is at rest, if it is.
    #[must_use]
    pub fn rest(&self, now: DateTime<Utc>) -> Option<Rest> {
        self.state().rest.clone().filter(|rest| rest.until > now)
    }
}

/// What may be sent at once after a pause: a second's worth.
fn burst(pace: Pace) -> f64 {
    pace.per_second.max(1.0)
}

/// All accounts, in the order in which they are asked. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<[Arc<Account>]>);

impl Accounts {
    /// Puts accounts in order: priority, cost, name.
    #[must_use]
    pub fn new(mut accounts: Vec<Account>) -> Self {
        accounts.sort_by(|a, b| {
            let key = |account: &Account| (account.terms.priority, account.terms.cost_micros);
            key(a).cmp(&key(b)).then_with(|| name(a).cmp(&name(b)))
        });
        Self(accounts.into_iter().map(Arc::new).collect())
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.0.iter()
    }

    /// Those that may take a tenant's message on a channel now, the first choice first.
    #[must_use]
    pub fn serving(&self, tenant: TenantId, channel: Channel, now: DateTime<Utc>) -> Vec<Arc<Account>> {
        let serves = |account: &&Arc<Account>| {
            account.terms.tenant.is_none_or(|owner| owner == tenant)
                && account.provider.channels().contains(&channel)
                && account.rest(now).is_none()
        };
        self.0.iter().filter(serves).cloned().collect()
    }

    /// The account that a webhook's path names.
    #[must_use]
    pub fn named(&self, provider: &str, account: &str) -> Option<&Arc<Account>> {
        self.0.iter().find(|candidate| name(candidate) == (provider, account))
    }
}

fn name(account: &Account) -> (&str, &str) {
    let route = account.route();
    (&route.provider, &route.account)
}

#[cfg(test)]
mod tests {
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

    fn account(name: &str, terms: Terms) -> Account {
        let route = Route { provider: "double".to_owned(), account: name.to_owned(), domain: None };
        Account::new(Arc::new(Silent(route)), None, terms)
    }

    fn paced(per_second: f64, unit: Unit) -> Account {
        account("a", Terms { pace: Pace { per_second, unit }, ..Terms::default() })
    }

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::milliseconds(millis)
    }

    #[test]
    fn a_rate_lets_a_seconds_worth_through_and_then_tells_when_to_come_back() {
        let account = paced(2.0, Unit::Message);
        assert_eq!(account.reserve(at(0)), Ok(()));
        assert_eq!(account.reserve(at(0)), Ok(()));
        assert_eq!(account.reserve(at(0)), Err(at(500)));
        assert_eq!(account.reserve(at(500)), Ok(()));
        assert_eq!(account.reserve(at(500)), Err(at(1_000)));
    }

    #[test]
    fn segments_count_where_segments_are_counted() {
        let account = paced(1.0, Unit::Segment);
        assert_eq!(account.reserve(at(0)), Ok(()));
        account.charge(3);
        assert_eq!(account.reserve(at(0)), Err(at(3_000)));
        let messages = paced(1.0, Unit::Message);
        assert_eq!(messages.reserve(at(0)), Ok(()));
        messages.charge(3);
        assert_eq!(messages.reserve(at(0)), Err(at(1_000)));
    }

    #[test]
    fn zero_is_no_limit_and_a_rate_changes_while_it_runs() {
        let account = paced(0.0, Unit::Message);
        assert!((0..10_000).all(|_| account.reserve(at(0)).is_ok()));
        account.set_pace(Pace { per_second: 1.0, unit: Unit::Message });
        assert_eq!(account.reserve(at(0)), Ok(()));
        assert!(account.reserve(at(0)).is_err());
    }

    #[test]
    fn priority_comes_before_cost_and_who_is_at_rest_is_left_out() {
        let terms = |priority, cost_micros| Terms { priority, cost_micros, ..Terms::default() };
        let accounts = Accounts::new(vec![
            account("dear", terms(1, 9)),
            account("cheap", terms(1, 5)),
            account("first", terms(0, 99)),
        ]);
        let tenant = TenantId(uuid::Uuid::nil());
        let order = |now| -> Vec<String> {
            accounts.serving(tenant, Channel::Sms, now).iter().map(|account| account.route().account.clone()).collect()
        };
        assert_eq!(order(at(0)), ["first", "cheap", "dear"]);
        assert!(accounts.serving(tenant, Channel::Email, at(0)).is_empty());
        let first = accounts.named("double", "first").expect("is there");
        first.put_to_rest(at(0), "20003".to_owned());
        assert_eq!(order(at(0)), ["cheap", "dear"]);
        assert_eq!(order(at(0) + REST), ["first", "cheap", "dear"]);
        first.put_to_rest(at(0), "20003".to_owned());
        first.wake();
        assert_eq!(order(at(0)), ["first", "cheap", "dear"]);
    }
}
