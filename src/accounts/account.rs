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
    /// What part of its rate this node may use: 1 is all.
    part: f64,
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
        let mut state = State {
            pace,
            part: 1.0,
            level: 0.0,
            filled_at: DateTime::UNIX_EPOCH,
            cooldown: None,
            paused: None,
            circuit: Circuit::default(),
            measured: BTreeMap::new(),
        };
        state.level = state.burst();
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
        state.fill(now);
        if state.level >= 1.0 {
            state.level -= 1.0;
            return Ok(());
        }
        let wait = Duration::try_from_secs_f64((1.0 - state.level) / state.per_second()).unwrap_or(Duration::MAX);
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
        state.level = state.level.min(state.burst());
    }

    /// Uses only a part of its rate from now on, as other nodes use the rest. What this node has saved up stays, as far as that part
    /// may be saved up: so a part that moves from one node to another brings nothing with it.
    pub fn set_part(&self, part: f64, now: DateTime<Utc>) {
        let mut state = self.state();
        state.fill(now);
        state.part = part;
        state.level = state.level.min(state.burst());
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

impl State {
    /// Units a second on this node.
    fn per_second(&self) -> f64 {
        self.pace.per_second * self.part
    }

    /// What may be sent at once after a pause: a second's worth, or the one message without which nothing could be sent.
    fn burst(&self) -> f64 {
        self.per_second().max(1.0)
    }

    /// Adds what may be used since the last time.
    fn fill(&mut self, now: DateTime<Utc>) {
        let passed = (now - self.filled_at).to_std().unwrap_or(Duration::ZERO).as_secs_f64();
        self.level = (self.level + passed * self.per_second()).min(self.burst());
        self.filled_at = now;
    }
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

    /// How many messages go out until a time, if there are always some, from when on each time.
    fn sent(account: &Account, from: DateTime<Utc>, until: DateTime<Utc>) -> usize {
        let (mut now, mut count) = (from, 0);
        while now < until {
            match account.reserve(now) {
                Ok(()) => count += 1,
                Err(at) => now = at,
            }
        }
        count
    }

    #[test]
    fn parts_of_a_rate_are_the_rate_however_slow_it_is() {
        for (per_second, parts, hours, expected) in [
            (1.0 / 60.0, vec![1, 1, 1, 1, 1, 1, 1, 1], 8, 480),
            (1.0, vec![3, 3, 2], 1, 3_600),
            (20.0, vec![8], 1, 72_000),
        ] {
            let until = at(0) + TimeDelta::hours(hours);
            let sent = parts.iter().map(|part| {
                let account = paced(per_second, RateUnit::Messages);
                account.set_part(f64::from(*part) / 8.0, at(0));
                account.start_empty(at(0));
                sent(&account, at(0), until)
            });
            let sent: usize = sent.sum();
            // The last message of each node may just be due.
            assert!((expected - parts.len()..=expected).contains(&sent), "{per_second} a second: {sent}");
        }
    }

    #[test]
    fn a_part_that_moves_from_node_to_node_brings_nothing_with_it() {
        let [one, other] = [(); 2].map(|()| paced(8.0, RateUnit::Messages));
        one.set_part(1.0, at(0));
        other.set_part(0.0, at(0));
        other.start_empty(at(0));
        let (mut now, mut count) = (at(0), 0);
        for turn in 0..200_u32 {
            let part = f64::from(turn % 9) / 8.0;
            one.set_part(1.0 - part, now);
            other.set_part(part, now);
            let next = now + TimeDelta::milliseconds(100);
            count += sent(&one, now, next) + sent(&other, now, next);
            now = next;
        }
        // A second's worth that had been saved up, and 20 seconds.
        assert!((150..=8 + 160).contains(&count), "{count}");
    }

    #[test]
    fn a_node_without_a_part_sends_nothing_after_what_it_had() {
        let account = paced(8.0, RateUnit::Messages);
        account.set_part(0.0, at(0));
        account.start_empty(at(0));
        assert!(account.reserve(at(1_000_000)).is_err());
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
