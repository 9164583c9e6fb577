//! Follows what other nodes change about provider accounts, and how well their messages arrive.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::accounts::measuring::measure;
use crate::accounts::{Account, AccountRegistry};
use crate::app::App;
use crate::domain::value::Channel;
use crate::ids::TenantId;
use crate::processes::every::{Job, JobError};
use crate::queries::Reads;

/// How often delivery is measured.
const MEASURED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Reads which accounts changed, and measures those that a choice is made between.
pub struct RefreshAccounts {
    app: App,
    reads: Reads,
    registry: AccountRegistry,
    measured_next: DateTime<Utc>,
}

impl RefreshAccounts {
    /// Over the accounts that a registry keeps.
    #[must_use]
    pub fn new(app: App, reads: Reads, registry: AccountRegistry) -> Self {
        Self { app, reads, registry, measured_next: DateTime::UNIX_EPOCH }
    }

    async fn measure(&self, now: DateTime<Utc>) -> Result<(), JobError> {
        let mut of_tenants: BTreeMap<TenantId, Vec<Arc<Account>>> = BTreeMap::new();
        for account in self.registry.accounts().all() {
            if let Some(tenant) = account.terms.tenant {
                of_tenants.entry(tenant).or_default().push(account);
            }
        }
        for (tenant, accounts) in of_tenants {
            let served = accounts.iter().flat_map(|account| account.provider.channels());
            let serving = |channel: &Channel| {
                accounts.iter().filter(|account| account.provider.channels().contains(channel)).count()
            };
            let contested: BTreeSet<Channel> = served.copied().filter(|channel| serving(channel) > 1).collect();
            if contested.is_empty() {
                continue;
            }
            let mut measured = measure(&self.reads, tenant, contested, now).await?;
            for account in accounts {
                account.set_measured(measured.remove(&account.name()).unwrap_or_default());
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Job for RefreshAccounts {
    fn name(&self) -> &'static str {
        "refresh_accounts"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        self.registry.refresh_changed(BTreeSet::new()).await?;
        let now = self.app.ambient().now();
        if self.measured_next <= now {
            self.measured_next = now + MEASURED_EVERY;
            self.measure(now).await?;
        }
        Ok(0)
    }
}
