//! Commands on provider accounts. Their secrets go into the key store before the event that names them is appended, and
//! are destroyed after the event that replaces them.
//!
//! All accounts of a tenant share one stream, apart from the tenant's own: one fold keeps names unique, reads of personal
//! data do not conflict with it, and its head shows a node whether anything changed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use zeroize::Zeroizing;

use crate::app::engine::deciding::{Attempted, CommandRun, Committed};
use crate::app::engine::error::Stop;
use crate::app::engine::policies::Basis;
use crate::app::engine::states::StateAt;
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::account::decide::{
    self, ConfigurationInput, ConfigureAccount, PauseAccount, RemoveAccount, ResumeAccount, SetAccountRate,
    TestAccount, TestResult,
};
use crate::domain::account::event::{AccountEvent, AccountName, AccountSpec};
use crate::domain::account::state::{Configured, ProviderAccounts};
use crate::domain::command::Command;
use crate::domain::decision::{Context, Decision};
use crate::domain::refusal::Refusal;
use crate::domain::value::secret::Secret;
use crate::ids::{Label, SecretId, TenantId, TenantSecret};
use crate::log::keys::{SecretBytes, SecretPlace};
use crate::log::{Category, LogError, StreamId};

/// How often a configuration is decided again when others change the same account.
const MAX_ATTEMPTS: u32 = 20;
/// A secret that no event names for so long was kept for a command that never ended.
const ABANDONED: TimeDelta = TimeDelta::hours(1);

/// Whether a provider can be used with these settings and secrets; calls nothing.
pub type AccountCheck<'a> =
    &'a (dyn Fn(&AccountName, &AccountSpec, &BTreeMap<String, Secret>) -> Result<(), Refusal> + Send + Sync);

/// A tenant's accounts as the log holds them.
#[derive(Debug, Clone)]
pub struct KnownAccounts {
    /// The version of their stream.
    pub version: u64,
    /// What it says.
    pub accounts: ProviderAccounts,
}

impl App {
    /// Sets an account up, or changes it. `check` knows the provider; `elsewhere`: a file or variable configures it.
    pub async fn configure_account(
        &self,
        caller: &Caller,
        command: ConfigureAccount,
        elsewhere: bool,
        check: AccountCheck<'_>,
    ) -> Result<Outcome<AccountName>, AppError> {
        Stop::outcome(self.configure(caller, command, elsewhere, check).await)
    }

    async fn configure(
        &self,
        caller: &Caller,
        command: ConfigureAccount,
        elsewhere: bool,
        check: AccountCheck<'_>,
    ) -> Result<Done<AccountName>, Stop> {
        let basis = self.basis(caller).await?;
        let command = command.clean()?;
        let key = Self::command_key(caller, &basis.secret, &canonical(&command, &basis.secret))?;
        let given = self.keep_given(caller.tenant, &command).await?;
        let mut suspects: BTreeSet<SecretId> = given.values().copied().collect();
        let run = CommandRun::new(caller, accounts_stream(caller.tenant, &basis.secret), key);
        let outcome = self.try_configure(&run, &basis, &command, &given, elsewhere, check, &mut suspects).await;
        // Where the log did not answer, it may hold the event all the same: its secrets stay until that is known.
        if !matches!(outcome, Err(Stop::Failed(AppError::Log(_)))) {
            self.tidy(caller.tenant, &suspects).await;
        }
        outcome
    }

    #[expect(clippy::too_many_arguments, reason = "one caller, which names each of them")]
    /// Decides on a configuration whose new secrets are kept already; notes in `suspects` which ones it may replace.
    async fn try_configure(
        &self,
        run: &CommandRun<'_>,
        basis: &Basis,
        command: &ConfigureAccount,
        given: &BTreeMap<String, SecretId>,
        elsewhere: bool,
        check: AccountCheck<'_>,
        suspects: &mut BTreeSet<SecretId>,
    ) -> Result<Done<AccountName>, Stop> {
        let (stream, tenant) = (run.stream, run.caller.tenant);
        for _ in 0..MAX_ATTEMPTS {
            let configured =
                |state: &ProviderAccounts| state.get(&command.name).and_then(|entry| entry.configured.clone());
            let seen = self.read_fresh_state::<ProviderAccounts, _>(stream, |loaded| configured(&loaded.state)).await?;
            suspects.extend(seen.iter().flat_map(|seen| seen.secrets.values().copied()));
            let (ids, secrets) = self.completed(tenant, command, seen.as_ref(), given).await?;
            let checked = check(&command.name, &command.spec, &secrets);
            let tried = self
                .attempt::<ProviderAccounts>(run, basis, |state, context| {
                    if configured(state) != seen {
                        return Err(Refusal::new(MOVED, "somebody else changed the account"));
                    }
                    checked?;
                    decide::configure(state, command, ids, elsewhere, context)
                })
                .await?;
            match tried {
                Attempted::Done(made) => return Ok(self.done(&made, |_| Some(command.name.clone())).await?),
                Attempted::Refused(refusal) if refusal.code != MOVED => return Err(refusal.into()),
                Attempted::Refused(_) | Attempted::Moved => {}
            }
        }
        Err(AppError::Contended { stream, attempts: MAX_ATTEMPTS }.into())
    }

    /// Removes an account that an administrator set up, and its secrets.
    pub async fn remove_account(
        &self,
        caller: &Caller,
        command: RemoveAccount,
        elsewhere: bool,
    ) -> Result<Outcome<AccountName>, AppError> {
        let known = self.known_accounts(caller.tenant).await?.accounts;
        let configured = known.get(&command.name).and_then(|entry| entry.configured.as_ref());
        let secrets = configured.iter().flat_map(|configured| configured.secrets.values().copied()).collect();
        let name = command.name.clone();
        let outcome = self.run_on_accounts(caller, name, command, elsewhere, decide::remove).await?;
        self.tidy(caller.tenant, &secrets).await;
        Ok(outcome)
    }

    /// Changes how fast an account sends, from now on and on every node.
    pub async fn set_account_rate(
        &self,
        caller: &Caller,
        command: SetAccountRate,
        elsewhere: bool,
    ) -> Result<Outcome<AccountName>, AppError> {
        let name = command.name.clone();
        self.run_on_accounts(caller, name, command, elsewhere, decide::set_rate).await
    }

    /// Lets an account rest until it is resumed.
    pub async fn pause_account(
        &self,
        caller: &Caller,
        command: PauseAccount,
        elsewhere: bool,
    ) -> Result<Outcome<AccountName>, AppError> {
        let name = command.name.clone();
        self.run_on_accounts(caller, name, command, elsewhere, decide::pause).await
    }

    /// Uses an account again.
    pub async fn resume_account(
        &self,
        caller: &Caller,
        command: ResumeAccount,
        elsewhere: bool,
    ) -> Result<Outcome<AccountName>, AppError> {
        let name = command.name.clone();
        self.run_on_accounts(caller, name, command, elsewhere, decide::resume).await
    }

    /// Records what a test of an account came to; returns that, or the first result if this is a repetition.
    pub async fn record_account_test(
        &self,
        caller: &Caller,
        name: AccountName,
        result: TestResult,
        elsewhere: bool,
    ) -> Result<Outcome<TestResult>, AppError> {
        Stop::outcome(self.record_test(caller, name, result, elsewhere).await)
    }

    async fn record_test(
        &self,
        caller: &Caller,
        name: AccountName,
        result: TestResult,
        elsewhere: bool,
    ) -> Result<Done<TestResult>, Stop> {
        let basis = self.basis(caller).await?;
        let key = Self::command_key(caller, &basis.secret, &TestAccount { name: name.clone() })?;
        let run = CommandRun::new(caller, accounts_stream(caller.tenant, &basis.secret), key);
        let decide = |state: &ProviderAccounts, context: &Context<'_>| {
            decide::tested(state, name.clone(), result.clone(), elsewhere, context)
        };
        let made = self.decide::<ProviderAccounts>(&run, &basis, decide).await?;
        Ok(self.done(&made, told).await?)
    }

    /// A tenant's accounts, with what other nodes did to them.
    pub async fn known_accounts(&self, tenant: TenantId) -> Result<KnownAccounts, AppError> {
        let stream = self.accounts_of(tenant).await?;
        let told = |loaded: &StateAt<ProviderAccounts>| KnownAccounts {
            version: loaded.version,
            accounts: loaded.state.clone(),
        };
        self.read_fresh_state(stream, told).await
    }

    /// Whether a tenant has had an account set up: then nothing of it is simulated any more.
    pub async fn has_real_account(&self, tenant: TenantId) -> Result<bool, AppError> {
        let stream = self.accounts_of(tenant).await?;
        self.read_fresh_state::<ProviderAccounts, _>(stream, |loaded| loaded.state.has_real_account).await
    }

    /// At which versions tenants' accounts stand, in the run asked; 0 where nothing is known.
    pub async fn account_versions(&self, tenants: &[TenantId]) -> Result<Vec<u64>, AppError> {
        let mut streams = Vec::with_capacity(tenants.len());
        for &tenant in tenants {
            streams.push(self.accounts_of(tenant).await?);
        }
        let heads = self.shared.journal.backend().stream_heads(&streams).await?;
        Ok(heads.into_iter().map(|head| head.map_or(0, |head| head.version)).collect())
    }

    /// An account's secrets by name; one that the key store does not hold is absent.
    pub async fn account_secrets(
        &self,
        tenant: TenantId,
        name: &AccountName,
        ids: &BTreeMap<String, SecretId>,
    ) -> Result<BTreeMap<String, Secret>, AppError> {
        let places: Vec<SecretPlace> = ids.iter().map(|(secret, id)| place(tenant, name, secret, *id)).collect();
        let secrets = self.shared.journal.key_store().secrets(&places).await.map_err(LogError::from)?;
        let read = |(place, secret): (SecretPlace, Option<SecretBytes>)| {
            let secret = secret?;
            // Only texts are ever kept.
            Some((place.name, Secret::new(std::str::from_utf8(&secret).ok()?)))
        };
        Ok(places.into_iter().zip(secrets).filter_map(read).collect())
    }

    /// Destroys the secrets that no event names: `suspects`, and those of commands that never ended. What fails is tried
    /// again with the next change, or when a node starts.
    pub async fn tidy(&self, tenant: TenantId, suspects: &BTreeSet<SecretId>) {
        if let Err(error) = self.try_tidy(tenant, suspects).await {
            tracing::warn!(%tenant, %error, "unused secrets are not destroyed yet");
        }
    }

    async fn try_tidy(&self, tenant: TenantId, suspects: &BTreeSet<SecretId>) -> Result<(), AppError> {
        let keys = self.shared.journal.key_store();
        // Listed before the ones in use are read: a secret stored in between is not in the list.
        let stored = keys.secrets_of(tenant).await.map_err(LogError::from)?;
        if stored.is_empty() {
            return Ok(());
        }
        let used = self.known_accounts(tenant).await?.accounts.secrets();
        let long_ago = self.shared.ambient.now() - ABANDONED;
        let unused: Vec<SecretId> = stored
            .into_iter()
            .filter(|stored| suspects.contains(&stored.id) || stored.stored_at < long_ago)
            .map(|stored| stored.id)
            .filter(|id| !used.contains(id))
            .collect();
        if unused.is_empty() {
            return Ok(());
        }
        Ok(keys.destroy_secrets(&unused).await.map_err(LogError::from)?)
    }

    /// Keeps the secrets that a command gives, each under a new id.
    async fn keep_given(
        &self,
        tenant: TenantId,
        command: &ConfigureAccount,
    ) -> Result<BTreeMap<String, SecretId>, AppError> {
        let given: Vec<(SecretPlace, SecretBytes)> = command
            .secrets
            .iter()
            .filter_map(|(name, secret)| {
                let id = SecretId(self.shared.ambient.uuid());
                let bytes = Zeroizing::new(secret.as_ref()?.expose().as_bytes().to_vec());
                Some((place(tenant, &command.name, name, id), bytes))
            })
            .collect();
        if !given.is_empty() {
            self.shared.journal.key_store().keep_secrets(&given).await.map_err(LogError::from)?;
        }
        Ok(given.into_iter().map(|(place, _)| (place.name, place.id)).collect())
    }

    /// What an account's secrets will be: ids and texts. The same secret again is no rotation.
    async fn completed(
        &self,
        tenant: TenantId,
        command: &ConfigureAccount,
        before: Option<&Configured>,
        given: &BTreeMap<String, SecretId>,
    ) -> Result<(BTreeMap<String, SecretId>, BTreeMap<String, Secret>), AppError> {
        let mut ids = before.map(|before| before.secrets.clone()).unwrap_or_default();
        let mut secrets = self.account_secrets(tenant, &command.name, &ids).await?;
        for (name, secret) in &command.secrets {
            let (Some(secret), Some(id)) = (secret, given.get(name)) else {
                ids.remove(name);
                secrets.remove(name);
                continue;
            };
            if secrets.get(name).is_none_or(|kept| !kept.is(secret.expose().as_bytes())) {
                ids.insert(name.clone(), *id);
                secrets.insert(name.clone(), secret.clone());
            }
        }
        Ok((ids, secrets))
    }

    async fn run_on_accounts<C: Command<State = ProviderAccounts>>(
        &self,
        caller: &Caller,
        name: AccountName,
        command: C,
        elsewhere: bool,
        decide: impl Fn(&ProviderAccounts, C, bool, &Context<'_>) -> Decision<AccountEvent> + Send + Sync,
    ) -> Result<Outcome<AccountName>, AppError> {
        let stream = self.accounts_of(caller.tenant).await?;
        let decide =
            |state: &ProviderAccounts, command: C, context: &Context<'_>| decide(state, command, elsewhere, context);
        self.run(caller, stream, command, decide, |_| Some(name)).await
    }

    async fn accounts_of(&self, tenant: TenantId) -> Result<StreamId, AppError> {
        Ok(accounts_stream(tenant, &self.shared.journal.tenant_secret(tenant).await?))
    }
}

/// Says that an account changed while a command on it was prepared.
const MOVED: &str = "MOVED";

/// Where a tenant's accounts are: a stream of their own, so that names are unique, and that what else is recorded of the
/// tenant does not get in the way.
fn accounts_stream(tenant: TenantId, secret: &TenantSecret) -> StreamId {
    StreamId::new(tenant, Category::Account, secret.derive(Label::AccountStream, &[]))
}

fn place(tenant: TenantId, account: &AccountName, name: &str, id: SecretId) -> SecretPlace {
    SecretPlace { id, tenant, owner: account.to_string(), name: name.to_owned() }
}

/// What makes two commands the same. Secrets stand in it as keyed fingerprints.
fn canonical(command: &ConfigureAccount, secret: &TenantSecret) -> ConfigurationInput {
    let fingerprint =
        |given: &Secret| hex::encode(secret.fingerprint(Label::GivenSecret, &[given.expose().as_bytes()]));
    let secrets: BTreeMap<String, Option<String>> =
        command.secrets.iter().map(|(name, given)| (name.clone(), given.as_ref().map(fingerprint))).collect();
    ConfigurationInput { name: command.name.clone(), spec: command.spec.clone(), secrets }
}

fn told(made: &Committed<AccountEvent>) -> Option<TestResult> {
    made.events.iter().find_map(|decided| match &decided.event {
        AccountEvent::AccountTested(tested) => {
            Some(TestResult { passed: tested.passed, class: tested.class, code: tested.code.clone() })
        }
        _ => None,
    })
}
