//! Keeps a node's accounts as the log tells them: those that administrators set up, and what operators say about any. A
//! change counts at once on the node that makes it; other nodes look once a second.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::accounts::{Account, AccountSource, Accounts, Pace};
use crate::app::{App, AppError};
use crate::domain::account::event::{AccountName, AccountSpec};
use crate::domain::account::state::{Configured, ProviderAccounts};
use crate::domain::refusal::Refusal;
use crate::domain::value::secret::Secret;
use crate::ids::TenantId;
use crate::queries::{Reads, provider_accounts};

/// Makes an account out of what the log and the key store say; a refusal says what is wrong with it. Calls nothing.
pub type BuildAccount = Arc<
    dyn Fn(TenantId, &AccountName, &AccountSpec, &BTreeMap<String, Secret>) -> Result<Account, Refusal> + Send + Sync,
>;

/// The keeper of a node's accounts. Cheap to clone.
#[derive(Clone)]
pub struct AccountRegistry(Arc<Inner>);

struct Inner {
    app: App,
    reads: Reads,
    accounts: Accounts,
    build: BuildAccount,
    tenants: Mutex<BTreeMap<TenantId, Tenant>>,
}

/// A tenant's accounts as they run on this node.
#[derive(Default)]
struct Tenant {
    /// Up to which version of their stream; absent before the first look.
    version: Option<u64>,
    running: BTreeMap<AccountName, Running>,
}

struct Running {
    configured: Configured,
    account: Result<Arc<Account>, Refusal>,
}

impl AccountRegistry {
    /// Keeps `accounts`, which hold those of the configuration; `tenant` is whose these are.
    #[must_use]
    pub fn new(app: App, reads: Reads, accounts: Accounts, build: BuildAccount, tenant: TenantId) -> Self {
        let tenants = Mutex::new(BTreeMap::from([(tenant, Tenant::default())]));
        Self(Arc::new(Inner { app, reads, accounts, build, tenants }))
    }

    /// The accounts that it keeps.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// What makes accounts.
    #[must_use]
    pub fn build(&self) -> &BuildAccount {
        &self.0.build
    }

    /// Looks at tenants that the read tables may not show yet, and at all that are known. True if any of them has set an
    /// account up, ever.
    pub async fn load(&self, tenants: BTreeSet<TenantId>) -> Result<bool, AppError> {
        self.refresh_changed(tenants).await?;
        let mut has_real_account = false;
        let known: Vec<TenantId> = self.0.tenants.lock().await.keys().copied().collect();
        for tenant in known {
            // If it cannot be said, nothing is taken for unreal.
            has_real_account |= self.0.app.has_real_account(tenant).await.unwrap_or_else(|error| {
                tracing::error!(%tenant, %error, "a tenant's accounts are unknown");
                true
            });
        }
        Ok(has_real_account)
    }

    /// Takes over what has changed: of `more`, of the tenants that are known, and of those that the read tables show.
    pub async fn refresh_changed(&self, more: BTreeSet<TenantId>) -> Result<(), AppError> {
        // The log tells what the accounts are; the tables only tell of tenants that are new to this node. Those of an
        // older generation have no such table.
        let shown = provider_accounts::tenants(&self.0.reads.db()).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "cannot read which tenants have accounts");
            vec![]
        });
        let mut tenants: Vec<TenantId> = {
            let known = self.0.tenants.lock().await;
            known.keys().copied().chain(shown).chain(more).collect()
        };
        tenants.sort_unstable();
        tenants.dedup();
        let versions = self.0.app.account_versions(&tenants).await?;
        for (tenant, version) in tenants.into_iter().zip(versions) {
            let known = self.0.tenants.lock().await.get(&tenant).and_then(|known| known.version);
            if known != Some(version)
                && let Err(error) = self.refresh(tenant).await
            {
                // The other tenants' accounts do not wait for this one's; the next look tries again.
                let cause = std::error::Error::source(&error);
                tracing::error!(%tenant, %error, ?cause, "a tenant's accounts cannot be loaded and are set aside");
                self.0.app.health().set_aside("accounts", 1);
            }
        }
        Ok(())
    }

    /// Takes over how a tenant's accounts stand now.
    pub async fn refresh(&self, tenant: TenantId) -> Result<(), AppError> {
        let mut tenants = self.0.tenants.lock().await;
        let known = tenants.entry(tenant).or_default();
        let told = self.0.app.known_accounts(tenant).await?;
        if known.version == Some(told.version) && known.running.values().all(|now| now.account.is_ok()) {
            return Ok(());
        }
        if known.version.is_none() {
            self.0.app.tidy(tenant, &BTreeSet::new()).await;
        }
        let mut running = BTreeMap::new();
        for (name, entry, configured) in told.accounts.configured() {
            let same = known.running.remove(name).filter(|now| now.configured == *configured && now.account.is_ok());
            let now = match same {
                Some(now) => now,
                None => Running {
                    configured: configured.clone(),
                    account: self.make(tenant, name, configured).await?.map(Arc::new),
                },
            };
            match &now.account {
                Ok(account) => {
                    account.set_pace(entry.rate.map_or(account.terms.pace, Pace::from));
                    account.set_paused(entry.paused.clone());
                }
                Err(refusal) => tracing::error!(%tenant, account = %name, %refusal, "an account cannot be used"),
            }
            running.insert(name.clone(), now);
        }
        known.running = running;
        known.version = Some(told.version);
        let used: Vec<Arc<Account>> =
            known.running.values().filter_map(|now| now.account.as_ref().ok().cloned()).collect();
        self.apply_overrides(tenant, &told.accounts);
        let now = self.0.app.ambient().now();
        self.0.accounts.put(tenant, AccountSource::Api, &used, told.accounts.has_real_account, now);
        Ok(())
    }

    /// Whether a file or variable configures an account of a tenant.
    #[must_use]
    pub fn is_elsewhere(&self, tenant: TenantId, name: &AccountName) -> bool {
        self.fixed(tenant).any(|account| account.name() == *name)
    }

    /// Why an account that an administrator set up is not used, if it is not.
    pub async fn unusable(&self, tenant: TenantId, name: &AccountName) -> Option<Refusal> {
        let tenants = self.0.tenants.lock().await;
        tenants.get(&tenant)?.running.get(name)?.account.as_ref().err().cloned()
    }

    /// What operators say about accounts that the configuration defines.
    fn apply_overrides(&self, tenant: TenantId, told: &ProviderAccounts) {
        for account in self.fixed(tenant) {
            let entry = told.get(&account.name());
            account.set_pace(entry.and_then(|entry| entry.rate).map_or(account.terms.pace, Pace::from));
            account.set_paused(entry.and_then(|entry| entry.paused.clone()));
        }
    }

    fn fixed(&self, tenant: TenantId) -> impl Iterator<Item = Arc<Account>> {
        let is_fixed = |source| matches!(source, AccountSource::File | AccountSource::Environment);
        self.0
            .accounts
            .all()
            .into_iter()
            .filter(move |account| account.terms.tenant == Some(tenant) && is_fixed(account.terms.source))
    }

    async fn make(
        &self,
        tenant: TenantId,
        name: &AccountName,
        configured: &Configured,
    ) -> Result<Result<Account, Refusal>, AppError> {
        if self.is_elsewhere(tenant, name) {
            let message = "an account of this name is defined by the configuration, and that one is used";
            return Ok(Err(Refusal::new("ACCOUNT_READ_ONLY", message)));
        }
        let secrets = self.0.app.account_secrets(tenant, name, &configured.secrets).await?;
        Ok((self.0.build)(tenant, name, &configured.spec, &secrets))
    }
}
