//! The provider accounts of a node: which of them takes a message, how fast, and which of them is at rest.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::domain::account::event::{AccountName, Rate, RateUnit};
use crate::domain::account::state::Paused;
use crate::domain::value::Channel;
use crate::domain::value::message::Route;
use crate::ids::TenantId;
use crate::processes::metrics::ProviderMetrics;
use crate::providers::{Provider, Webhook};

/// How long an account rests after the provider refused it, until one message tries it again.
pub const REST: TimeDelta = TimeDelta::minutes(5);

/// How fast an account sends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// So many units a second; 0 is no limit.
    pub per_second: f64,
    /// What is counted.
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
    /// Where it is configured.
    pub source: AccountSource,
    /// Its name in the URL of its webhook; absent: as in its route. Names are unique per tenant, URLs per installation.
    pub path: Option<String>,
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
    paused: Option<Paused>,
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
        let state = State { pace, level: burst(pace), filled_at: DateTime::UNIX_EPOCH, rest: None, paused: None };
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
    pub fn path(&self) -> (&str, &str) {
        let route = self.route();
        (&route.provider, self.terms.path.as_deref().unwrap_or(&route.account))
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

    /// Lets it rest: the provider does not take its credentials or settings, and nothing that is sent now gets through.
    pub fn put_to_rest(&self, now: DateTime<Utc>, reason: String) {
        tracing::warn!(route = ?self.route(), reason, "an account is at rest: its provider refuses it");
        self.state().rest = Some(Rest { until: now + REST, reason });
    }

    /// Uses it again at once.
    pub fn wake(&self) {
        self.state().rest = None;
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

/// All accounts, in the order in which they are asked. They change while a node runs. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Shared>);

struct Shared {
    table: ArcSwap<Table>,
    changed: watch::Sender<()>,
    metrics: ProviderMetrics,
}

/// Never changed, but replaced as a whole: who holds one sees a moment.
#[derive(Default, Clone)]
struct Table {
    /// In order.
    all: Vec<Arc<Account>>,
    /// Tenants that are not simulated any more.
    in_earnest: HashSet<TenantId>,
}

impl Accounts {
    /// Puts accounts in order: priority, cost, name.
    #[must_use]
    pub fn new(accounts: Vec<Account>) -> Self {
        let mut table = Table { all: accounts.into_iter().map(Arc::new).collect(), ..Table::default() };
        table.sort();
        let table = ArcSwap::from_pointee(table);
        Self(Arc::new(Shared { table, changed: watch::channel(()).0, metrics: ProviderMetrics::default() }))
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Account>> {
        self.0.table.load().all.clone()
    }

    /// Replaces a tenant's accounts of one source, and tells whoever waits for accounts. What is under way with those that
    /// are gone goes on.
    pub fn put(&self, tenant: TenantId, source: AccountSource, accounts: &[Arc<Account>], in_earnest: bool) {
        self.0.table.rcu(|table| {
            let mut table = Table::clone(table);
            table.all.retain(|account| account.terms.tenant != Some(tenant) || account.terms.source != source);
            table.all.extend(accounts.iter().cloned());
            table.sort();
            if in_earnest {
                table.in_earnest.insert(tenant);
            }
            table
        });
        self.0.changed.send_replace(());
    }

    /// Tells each change of the accounts, of their rates and pauses.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }

    /// What is counted of them.
    #[must_use]
    pub fn metrics(&self) -> &ProviderMetrics {
        &self.0.metrics
    }

    /// Those that may take a tenant's message on a channel now, the first choice first.
    #[must_use]
    pub fn serving(&self, tenant: TenantId, channel: Channel, now: DateTime<Utc>) -> Vec<Arc<Account>> {
        let table = self.0.table.load();
        let serves = |account: &&Arc<Account>| {
            account.terms.tenant.is_none_or(|owner| owner == tenant)
                && account.provider.channels().contains(&channel)
                && (account.terms.source != AccountSource::Simulator || !table.in_earnest.contains(&tenant))
                && account.paused().is_none()
                && account.rest(now).is_none()
        };
        table.all.iter().filter(serves).cloned().collect()
    }

    /// A tenant's account by its name.
    #[must_use]
    pub fn of(&self, tenant: TenantId, provider: &str, account: &str) -> Option<Arc<Account>> {
        let table = self.0.table.load();
        let is_it = |candidate: &&Arc<Account>| {
            candidate.terms.tenant.is_none_or(|owner| owner == tenant) && name(candidate) == (provider, account)
        };
        table.all.iter().find(is_it).cloned()
    }

    /// The account that a webhook's path names.
    #[must_use]
    pub fn named(&self, provider: &str, path: &str) -> Option<Arc<Account>> {
        self.0.table.load().all.iter().find(|candidate| candidate.path() == (provider, path)).cloned()
    }
}

impl Table {
    fn sort(&mut self) {
        self.all.sort_by(|a, b| {
            let key = |account: &Account| (account.terms.priority, account.terms.cost_micros);
            key(a).cmp(&key(b)).then_with(|| name(a).cmp(&name(b)))
        });
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

    fn paced(per_second: f64, unit: RateUnit) -> Account {
        account("a", Terms { pace: Pace { per_second, unit }, ..Terms::default() })
    }

    fn at(millis: i64) -> DateTime<Utc> {
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
        first.set_paused(Some(Paused { since: at(0), reason: "bill unpaid".to_owned() }));
        assert_eq!(order(at(0)), ["cheap", "dear"]);
    }

    #[test]
    fn a_tenants_accounts_serve_that_tenant_only_and_end_the_simulation_for_good() {
        let [ours, others] = [1, 2].map(|number| TenantId(uuid::Uuid::from_u128(number)));
        let simulated = Terms { source: AccountSource::Simulator, ..Terms::default() };
        let accounts = Accounts::new(vec![account("simulated", simulated)]);
        let serving = |tenant| -> Vec<String> {
            let serving = accounts.serving(tenant, Channel::Sms, at(0));
            serving.iter().map(|account| account.route().account.clone()).collect()
        };
        assert_eq!(serving(ours), ["simulated"]);
        let path = Some("1.main".to_owned());
        let terms = Terms { tenant: Some(ours), source: AccountSource::Api, path, ..Terms::default() };
        let mut changed = accounts.changed();
        accounts.put(ours, AccountSource::Api, &[Arc::new(account("main", terms))], true);
        assert!(changed.has_changed().expect("is told"));
        changed.mark_unchanged();
        assert_eq!((serving(ours), serving(others)), (vec!["main".to_owned()], vec!["simulated".to_owned()]));
        assert!(accounts.of(ours, "double", "main").is_some() && accounts.of(others, "double", "main").is_none());
        assert!(accounts.named("double", "1.main").is_some() && accounts.named("double", "main").is_none());
        accounts.put(ours, AccountSource::Api, &[], true);
        assert!(serving(ours).is_empty());
    }
}
