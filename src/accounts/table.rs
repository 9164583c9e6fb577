//! All provider accounts of a node: which of them takes a message, and which one a name or a webhook's URL means.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::accounts::account::{Account, AccountSource};
use crate::accounts::metrics::ProviderMetrics;
use crate::domain::message::routing::{self, Candidate, RouteChoice, Sent};
use crate::domain::value::Channel;
use crate::domain::value::limits::Limits;
use crate::ids::TenantId;

/// What follows the provider in the URL of an account's webhook. It is not the account's name: names are unique per
/// tenant, paths per installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookPath(String);

impl WebhookPath {
    /// As it stands in a URL.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// The path of an account that an administrator of `tenant` set up.
    #[must_use]
    pub fn of_tenant(tenant: TenantId, account: &str) -> Self {
        Self(format!("{}.{account}", tenant.0.simple()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebhookPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All accounts, in the order in which they are asked. They change while a node runs. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Shared>);

struct Shared {
    table: ArcSwap<Table>,
    changed: watch::Sender<()>,
    metrics: ProviderMetrics,
    /// What part of all rates this node may use.
    part: Mutex<f64>,
}

/// Never changed, but replaced as a whole: who holds one sees a moment.
#[derive(Default, Clone)]
struct Table {
    /// In order.
    all: Vec<Arc<Account>>,
    /// Tenants that are not simulated any more.
    has_real_account: HashSet<TenantId>,
}

impl Accounts {
    /// Puts accounts in order: priority, cost, name.
    #[must_use]
    pub fn new(accounts: Vec<Account>) -> Self {
        let mut table = Table { all: accounts.into_iter().map(Arc::new).collect(), ..Table::default() };
        table.sort();
        let table = ArcSwap::from_pointee(table);
        let (changed, metrics) = (watch::channel(()).0, ProviderMetrics::default());
        Self(Arc::new(Shared { table, changed, metrics, part: Mutex::new(1.0) }))
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Account>> {
        self.0.table.load().all.clone()
    }

    /// Replaces a tenant's accounts of one source, and wakes the tasks that wait for accounts. What is under way with
    /// those that are gone goes on.
    pub fn put(
        &self,
        tenant: TenantId,
        source: AccountSource,
        accounts: &[Arc<Account>],
        has_real_account: bool,
        now: DateTime<Utc>,
    ) {
        let part = self.part();
        accounts.iter().for_each(|account| account.set_part(*part, now));
        self.0.table.rcu(|table| {
            let mut table = Table::clone(table);
            table.all.retain(|account| account.terms.tenant != Some(tenant) || account.terms.source != source);
            table.all.extend(accounts.iter().cloned());
            table.sort();
            if has_real_account {
                table.has_real_account.insert(tenant);
            }
            table
        });
        drop(part);
        self.0.changed.send_replace(());
    }

    /// This node uses only a part of all rates from now on, as other nodes use the rest. Wakes the tasks that wait for accounts.
    pub fn set_part(&self, part: f64, now: DateTime<Utc>) {
        let mut held = self.part();
        *held = part;
        self.0.table.load().all.iter().for_each(|account| account.set_part(part, now));
        drop(held);
        self.0.changed.send_replace(());
    }

    /// Held while accounts take it over, so that none misses a change.
    fn part(&self) -> MutexGuard<'_, f64> {
        self.0.part.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells each change of the accounts, of their rates and pauses.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }

    /// Nothing of any rate may be used at once from here on.
    pub fn start_empty(&self, now: DateTime<Utc>) {
        self.0.table.load().all.iter().for_each(|account| account.start_empty(now));
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
            table.serves(account, tenant, channel) && account.paused().is_none() && account.cooldown(now).is_none()
        };
        table.all.iter().filter(serves).cloned().collect()
    }

    /// What at least one of a tenant's accounts takes on a channel, used at the moment or not.
    #[must_use]
    pub fn limits(&self, tenant: TenantId, channel: Channel) -> Limits {
        let table = self.0.table.load();
        let serves = |account: &&Arc<Account>| table.serves(account, tenant, channel);
        let limits = table.all.iter().filter(serves).map(|account| account.provider.limits(channel));
        limits.reduce(Limits::or).unwrap_or_else(|| Limits::none(channel))
    }

    /// A tenant's account by its name.
    #[must_use]
    pub fn by_name(&self, tenant: TenantId, provider: &str, account: &str) -> Option<Arc<Account>> {
        let table = self.0.table.load();
        let is_it = |candidate: &&Arc<Account>| {
            candidate.terms.tenant.is_none_or(|owner| owner == tenant) && name(candidate) == (provider, account)
        };
        table.all.iter().find(is_it).cloned()
    }

    /// The account that the URL of a webhook means.
    #[must_use]
    pub fn by_webhook_path(&self, provider: &str, path: &WebhookPath) -> Option<Arc<Account>> {
        let table = self.0.table.load();
        table.all.iter().find(|candidate| candidate.webhook_path() == (provider, path.as_str())).cloned()
    }
}

/// Those of some accounts that can send to an address on a channel.
#[must_use]
pub fn reaching(accounts: Vec<Arc<Account>>, channel: Channel, address: &str) -> Vec<Arc<Account>> {
    accounts.into_iter().filter(|account| account.provider.limits(channel).reaches(address)).collect()
}

/// Puts accounts in the order in which they are asked for a message, without those that do not take it, and says why.
#[must_use]
pub fn choose(
    accounts: &[Arc<Account>],
    channel: Channel,
    sent: Sent<'_>,
    now: DateTime<Utc>,
) -> (Vec<Arc<Account>>, RouteChoice) {
    let candidate = |account: &'_ Arc<Account>| (account.circuit().blocks(now), account.measured(channel));
    let states: Vec<_> = accounts.iter().map(candidate).collect();
    let candidates: Vec<Candidate<'_>> = accounts
        .iter()
        .zip(states)
        .map(|(account, (is_open, measured))| Candidate {
            route: account.route(),
            priority: account.terms.priority,
            cost_micros: account.terms.cost_micros,
            terms: &account.terms.routing,
            measured,
            is_open,
        })
        .collect();
    let (order, choice) = routing::order(&candidates, sent);
    (order.into_iter().map(|index| Arc::clone(&accounts[index])).collect(), choice)
}

impl Table {
    fn serves(&self, account: &Account, tenant: TenantId, channel: Channel) -> bool {
        account.terms.tenant.is_none_or(|owner| owner == tenant)
            && account.provider.channels().contains(&channel)
            && (account.terms.source != AccountSource::Simulator || !self.has_real_account.contains(&tenant))
    }

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
    use super::*;
    use crate::accounts::account::tests::{account, at};
    use crate::accounts::account::{COOLDOWN, Pace, Terms};
    use crate::domain::account::event::RateUnit;
    use crate::domain::account::state::Paused;

    #[test]
    fn priority_comes_before_cost_and_a_suspended_account_is_left_out() {
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
        let first = accounts.by_name(tenant, "double", "first").expect("is there");
        first.suspend(at(0), "20003".to_owned());
        assert_eq!(order(at(0)), ["cheap", "dear"]);
        assert_eq!(order(at(0) + COOLDOWN), ["first", "cheap", "dear"]);
        first.suspend(at(0), "20003".to_owned());
        first.resume();
        assert_eq!(order(at(0)), ["first", "cheap", "dear"]);
        first.set_paused(Some(Paused { since: at(0), reason: "bill unpaid".to_owned() }));
        assert_eq!(order(at(0)), ["cheap", "dear"]);
    }

    #[test]
    fn an_account_that_comes_later_has_the_nodes_part_too() {
        let (tenant, accounts) = (TenantId(uuid::Uuid::nil()), Accounts::new(vec![]));
        accounts.set_part(0.25, at(0));
        let pace = Pace { per_second: 8.0, unit: RateUnit::Messages };
        let terms = Terms { tenant: Some(tenant), source: AccountSource::Api, pace, ..Terms::default() };
        let account = Arc::new(account("main", terms));
        accounts.put(tenant, AccountSource::Api, std::slice::from_ref(&account), true, at(0));
        let at_once = |now| std::iter::repeat_with(|| account.reserve(now)).take_while(Result::is_ok).count();
        assert_eq!(at_once(at(0)), 2);
        accounts.set_part(1.0, at(0));
        assert_eq!((at_once(at(0)), at_once(at(500))), (0, 4));
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
        let path = Some(WebhookPath::new("1.main"));
        let terms = Terms { tenant: Some(ours), source: AccountSource::Api, path, ..Terms::default() };
        let mut changed = accounts.changed();
        accounts.put(ours, AccountSource::Api, &[Arc::new(account("main", terms))], true, at(0));
        assert!(changed.has_changed().expect("is notified"));
        changed.mark_unchanged();
        assert_eq!((serving(ours), serving(others)), (vec!["main".to_owned()], vec!["simulated".to_owned()]));
        assert!(
            accounts.by_name(ours, "double", "main").is_some() && accounts.by_name(others, "double", "main").is_none()
        );
        assert!(
            accounts.by_webhook_path("double", &WebhookPath::new("1.main")).is_some()
                && accounts.by_webhook_path("double", &WebhookPath::new("main")).is_none()
        );
        accounts.put(ours, AccountSource::Api, &[], true, at(0));
        assert!(serving(ours).is_empty());
    }
}
