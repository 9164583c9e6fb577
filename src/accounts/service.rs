//! What administrators read and change of provider accounts.
//!
//! Whether an account is suspended is read from the log as well as from memory: the node that serves the query need not be
//! the one that called the provider.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::accounts::measuring::measure;
use crate::accounts::registry::AccountRegistry;
use crate::accounts::{Account, AccountSource, COOLDOWN, Cooldown, Pace};
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::account::decide::{
    ConfigureAccount, PauseAccount, RemoveAccount, ResumeAccount, SetAccountRate, TestResult,
};
use crate::domain::account::event::{AccountName, Rate};
use crate::domain::account::state::Paused;
use crate::domain::message::routing::Measured;
use crate::domain::value::Channel;
use crate::domain::value::message::RetryClass;
use crate::domain::value::routing::RoutingTerms;
use crate::ids::TenantId;
use crate::providers::SendError;
use crate::queries::provider_accounts::{self, ActivityRow};
use crate::queries::{QueryError, Reads};

/// How long a provider may take to answer a test.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads and changes provider accounts. Cheap to clone.
#[derive(Clone)]
pub struct AccountService {
    pub(super) app: App,
    reads: Reads,
    pub(super) registry: AccountRegistry,
}

/// An account, and how it is.
#[derive(Debug, Clone)]
pub struct AccountStatus {
    /// The account, by its provider and name.
    pub name: AccountName,
    /// The configuration file, the environment or the API.
    pub source: AccountSource,
    /// The channels that it serves; none if it cannot be used.
    pub channels: Vec<Channel>,
    /// Its settings without secrets, if it is configured here.
    pub settings: BTreeMap<String, String>,
    /// The names of its secrets, if it is configured here.
    pub secrets: Vec<String>,
    /// How fast it sends, on all nodes together.
    pub pace: Pace,
    /// Accounts with a lower number come first.
    pub priority: i32,
    /// What a message costs, in micros.
    pub cost_micros: i64,
    /// When it is used, beyond its priority.
    pub routing: RoutingTerms,
    /// How well its messages arrived lately, by channel.
    pub measured: BTreeMap<Channel, Measured>,
    /// How many of its last calls on this node failed, and of how many.
    pub calls: (u32, u32),
    /// Whether it is used.
    pub condition: Condition,
    /// When the provider last took a message.
    pub last_sent_at: Option<DateTime<Utc>>,
    /// The provider's last refusal: when, what it means, and its code.
    pub last_refusal: Option<(DateTime<Utc>, RetryClass, Option<String>)>,
    /// When it was last tested, and whether it passed.
    pub last_test: Option<(DateTime<Utc>, bool)>,
    /// Messages that the provider is being called for, on all nodes.
    pub in_flight: i64,
    /// Where the provider is to call back; absent if it does not call.
    pub webhook_url: Option<String>,
}

/// Whether an account is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It is.
    Healthy,
    /// An operator paused it.
    Paused(Paused),
    /// The provider refuses it: one message tries it again at the end.
    Suspended(Cooldown),
    /// Too many of its last calls failed: one message tries it again at the end.
    Failing {
        /// How many failed.
        failed: u32,
        /// Of so many.
        calls: u32,
        /// The end.
        until: DateTime<Utc>,
    },
    /// It takes messages, and nothing is reported of them.
    Silent {
        /// How many it took since the last report.
        sent: u64,
        /// When the last report came; absent: none did, as far as was looked.
        since: Option<DateTime<Utc>>,
    },
    /// It cannot be used as it is set up; why.
    Unusable(String),
}

impl Condition {
    /// Why an account is not as it should be, in words.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Healthy => None,
            Self::Paused(paused) => Some(paused.reason.clone()),
            Self::Suspended(rest) => Some(rest.reason.clone()),
            Self::Failing { failed, calls, .. } => Some(format!("{failed} of its last {calls} calls failed")),
            Self::Silent { sent, since } => {
                let since = since.map(|since| since.format(" since %Y-%m-%d %H:%M UTC").to_string());
                let since = since.unwrap_or_else(|| " in the last six hours".to_owned());
                Some(format!("nothing was reported{since}, while {sent} messages were sent"))
            }
            Self::Unusable(why) => Some(why.clone()),
        }
    }
}

/// Why accounts could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum AccountServiceError {
    /// The log or the key store did not answer.
    #[error("the log could not be read for provider accounts")]
    App(#[from] AppError),
    /// The read tables did not answer.
    #[error("the read tables could not be read for provider accounts")]
    Query(#[from] QueryError),
}

impl AccountService {
    /// Over the accounts that a registry keeps.
    #[must_use]
    pub fn new(app: App, reads: Reads, registry: AccountRegistry) -> Self {
        Self { app, reads, registry }
    }

    /// A tenant's accounts, in the order in which they are asked.
    pub async fn list(&self, tenant: TenantId) -> Result<Vec<AccountStatus>, AccountServiceError> {
        self.registry.refresh(tenant).await?;
        let told = self.app.known_accounts(tenant).await?.accounts;
        let db = self.reads.db();
        let activity = provider_accounts::activity(&db, tenant).await?;
        let in_flight = provider_accounts::in_flight(&db, tenant).await?;
        let now = self.app.ambient().now();
        let channels: BTreeSet<Channel> = self
            .registry
            .accounts()
            .all()
            .iter()
            .filter(|account| account.terms.tenant.is_none_or(|owner| owner == tenant))
            .flat_map(|account| account.provider.channels().to_vec())
            .collect();
        let measured = measure(&self.reads, tenant, channels, now).await?;
        let mut list = vec![];
        for account in self.registry.accounts().all() {
            let simulated = account.terms.source == AccountSource::Simulator;
            if account.terms.tenant.is_some_and(|owner| owner != tenant) || (simulated && told.has_real_account) {
                continue;
            }
            let name = account.name();
            let row = activity.iter().find(|row| (&row.provider, &row.account) == (&name.provider, &name.account));
            let configured = told.get(&name).and_then(|entry| entry.configured.as_ref());
            let since = configured.map(|configured| configured.since);
            let none = BTreeMap::new();
            let mut status = self.status(&account, row, since, measured.get(&name).unwrap_or(&none), now);
            status.in_flight = in_flight
                .iter()
                .find(|row| (&row.provider, &row.account) == (&name.provider, &name.account))
                .map_or(0, |row| row.count);
            if let Some(configured) = configured.filter(|_| status.source == AccountSource::Api) {
                status.settings = configured.spec.settings.clone();
                status.secrets = configured.secrets.keys().cloned().collect();
            }
            list.push(status);
        }
        for (name, entry, configured) in told.configured() {
            let Some(why) = self.registry.unusable(tenant, name).await else { continue };
            let rate = entry.rate.unwrap_or(configured.spec.rate);
            list.push(AccountStatus {
                name: name.clone(),
                source: AccountSource::Api,
                channels: vec![],
                settings: configured.spec.settings.clone(),
                secrets: configured.secrets.keys().cloned().collect(),
                pace: rate.into(),
                priority: configured.spec.priority,
                cost_micros: configured.spec.cost_micros,
                routing: configured.spec.routing.clone(),
                measured: BTreeMap::new(),
                calls: (0, 0),
                condition: Condition::Unusable(why.message),
                last_sent_at: None,
                last_refusal: None,
                last_test: None,
                in_flight: 0,
                webhook_url: None,
            });
        }
        Ok(list)
    }

    /// Sets an account up, or changes it.
    pub async fn configure(
        &self,
        caller: &Caller,
        command: ConfigureAccount,
    ) -> Result<Outcome<AccountName>, AppError> {
        let elsewhere = self.registry.is_elsewhere(caller.tenant, &command.name);
        let build = Arc::clone(self.registry.build());
        let check = |name: &AccountName, spec: &_, secrets: &_| build(caller.tenant, name, spec, secrets).map(drop);
        let outcome = self.app.configure_account(caller, command, elsewhere, &check).await;
        self.follow(caller.tenant, outcome).await
    }

    /// Removes an account. What is under way with it goes on.
    pub async fn remove(&self, caller: &Caller, command: RemoveAccount) -> Result<Outcome<AccountName>, AppError> {
        let elsewhere = self.registry.is_elsewhere(caller.tenant, &command.name);
        let outcome = self.app.remove_account(caller, command, elsewhere).await;
        self.follow(caller.tenant, outcome).await
    }

    /// Changes how fast an account sends.
    pub async fn set_rate(
        &self,
        caller: &Caller,
        name: AccountName,
        rate: Rate,
    ) -> Result<Outcome<AccountName>, AppError> {
        let elsewhere = self.registry.is_elsewhere(caller.tenant, &name);
        let outcome = self.app.set_account_rate(caller, SetAccountRate { name, rate }, elsewhere).await;
        self.follow(caller.tenant, outcome).await
    }

    /// Pauses an account until it is resumed.
    pub async fn pause(&self, caller: &Caller, command: PauseAccount) -> Result<Outcome<AccountName>, AppError> {
        let elsewhere = self.registry.is_elsewhere(caller.tenant, &command.name);
        let outcome = self.app.pause_account(caller, command, elsewhere).await;
        self.follow(caller.tenant, outcome).await
    }

    /// Uses an account again, also one that is suspended because its provider refused it.
    pub async fn resume(&self, caller: &Caller, command: ResumeAccount) -> Result<Outcome<AccountName>, AppError> {
        let elsewhere = self.registry.is_elsewhere(caller.tenant, &command.name);
        let name = command.name.clone();
        let outcome = self.app.resume_account(caller, command, elsewhere).await;
        if let (Ok(Outcome::Done(_)), Some(account)) = (&outcome, self.own(caller.tenant, &name)) {
            account.resume();
        }
        self.follow(caller.tenant, outcome).await
    }

    /// Asks the provider whether it lets an account send; nothing is sent. One that passes is no longer suspended.
    pub async fn test(&self, caller: &Caller, name: AccountName) -> Result<Outcome<TestResult>, AppError> {
        self.registry.refresh(caller.tenant).await?;
        if self.is_simulated(caller.tenant, &name) {
            // It has nobody to ask, and is in no log.
            let value = TestResult { passed: true, class: None, code: None };
            return Ok(Outcome::Done(Done { value, position: self.app.end_of_log(), repeated: false }));
        }
        let elsewhere = self.registry.is_elsewhere(caller.tenant, &name);
        let account = self.own(caller.tenant, &name);
        let result = match &account {
            Some(account) => ask(account).await,
            // Whether it is unknown or unusable, the decision tells.
            None => {
                TestResult { passed: false, class: Some(RetryClass::Configuration), code: Some("unusable".to_owned()) }
            }
        };
        if let Some(account) = account.filter(|_| result.passed) {
            account.resume();
        }
        let outcome = self.app.record_account_test(caller, name, result, elsewhere).await;
        self.follow(caller.tenant, outcome).await
    }

    fn is_simulated(&self, tenant: TenantId, name: &AccountName) -> bool {
        let account = self.registry.accounts().by_name(tenant, &name.provider, &name.account);
        account.is_some_and(|account| account.terms.source == AccountSource::Simulator)
    }

    fn own(&self, tenant: TenantId, name: &AccountName) -> Option<Arc<Account>> {
        let account = self.registry.accounts().by_name(tenant, &name.provider, &name.account)?;
        (account.terms.tenant == Some(tenant)).then_some(account)
    }

    /// A change counts here at once. It is in the log, so what fails now follows within a second.
    async fn follow<T>(&self, tenant: TenantId, outcome: Result<Outcome<T>, AppError>) -> Result<Outcome<T>, AppError> {
        if let Err(error) = self.registry.refresh(tenant).await {
            tracing::warn!(%tenant, %error, "a change of provider accounts is not applied yet");
        }
        outcome
    }

    fn status(
        &self,
        account: &Account,
        activity: Option<&ActivityRow>,
        configured: Option<DateTime<Utc>>,
        measured: &BTreeMap<Channel, Measured>,
        now: DateTime<Utc>,
    ) -> AccountStatus {
        let (provider, path) = account.webhook_path();
        let circuit = account.circuit();
        let condition = match (account.paused(), account.cooldown(now).or_else(|| cooldown(activity?, configured, now)))
        {
            (Some(paused), _) => Condition::Paused(paused),
            (None, Some(cooldown)) => Condition::Suspended(cooldown),
            (None, None) => match (circuit.open(), measured.values().find_map(|measured| measured.silence(now))) {
                (Some(open), _) => {
                    let (failed, calls) = circuit.failures();
                    Condition::Failing { failed, calls, until: open.until }
                }
                (None, Some(silence)) => Condition::Silent { sent: silence.sent, since: silence.since },
                (None, None) => Condition::Healthy,
            },
        };
        AccountStatus {
            name: account.name(),
            source: account.terms.source,
            channels: account.provider.channels().to_vec(),
            settings: BTreeMap::new(),
            secrets: vec![],
            pace: account.pace(),
            priority: account.terms.priority,
            cost_micros: account.terms.cost_micros,
            routing: account.terms.routing.clone(),
            measured: measured.clone(),
            calls: circuit.failures(),
            condition,
            last_sent_at: activity.and_then(|row| row.last_sent_at),
            last_refusal: activity.and_then(refusal),
            last_test: activity.and_then(|row| Some((row.last_tested_at?, row.last_test_passed?))),
            in_flight: 0,
            webhook_url: account
                .webhook
                .is_some()
                .then(|| format!("{}/webhooks/{provider}/{path}", self.app.public_url())),
        }
    }
}

fn refusal(row: &ActivityRow) -> Option<(DateTime<Utc>, RetryClass, Option<String>)> {
    Some((row.last_refused_at?, row.last_refusal_class?, row.last_refusal_code.clone()))
}

/// A suspension that another node's refusal began, which only the log tells here: no message, test or new setting since has
/// proved that the provider takes the account again.
fn cooldown(row: &ActivityRow, configured: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<Cooldown> {
    let (at, class, code) = refusal(row)?;
    let tested = row.last_tested_at.filter(|_| row.last_test_passed == Some(true));
    let proved = [row.last_sent_at, tested, row.resumed_at, configured].into_iter().flatten().max();
    let until = at + COOLDOWN;
    let is_suspended = class == RetryClass::Configuration && until > now && proved.is_none_or(|proved| proved < at);
    is_suspended.then(|| Cooldown { until, reason: code.unwrap_or_else(|| class.word().to_owned()) })
}

pub(super) async fn ask(account: &Account) -> TestResult {
    match tokio::time::timeout(PATIENCE, account.provider.check()).await {
        Ok(Ok(())) => TestResult { passed: true, class: None, code: None },
        Ok(Err(SendError::Refused { class, code, .. })) => TestResult { passed: false, class: Some(class), code },
        Ok(Err(SendError::Ambiguous { cause })) => {
            TestResult { passed: false, class: None, code: Some(cause.to_owned()) }
        }
        Err(_) => TestResult { passed: false, class: None, code: Some("timeout".to_owned()) },
    }
}
