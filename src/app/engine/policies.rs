//! The rules that a tenant's decisions go by: what its stream says, else the installation's configuration.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache;

use crate::app::tenants::tenant_stream;
use crate::app::{App, AppError, Caller};
use crate::domain::decision::Policy;
use crate::domain::tenant::state::Tenant;
use crate::ids::{TenantId, TenantSecret};

/// How long another process's change of a policy may go unnoticed. A change counts at once where it is made.
const FRESH: TimeDelta = TimeDelta::seconds(1);

/// What every decision for a tenant stands on.
#[derive(Clone)]
pub(crate) struct Basis {
    /// Derives ids from input.
    pub secret: TenantSecret,
    /// The rules.
    pub policy: Arc<Policy>,
}

/// The policies in use, each with the time at which the log was asked.
pub(crate) struct Policies(Cache<TenantId, (DateTime<Utc>, Arc<Policy>)>);

impl Policies {
    pub fn new() -> Self {
        Self(Cache::new(10_000))
    }

    /// The next decision asks the log.
    pub fn forget(&self, tenant: TenantId) {
        self.0.invalidate(&tenant);
    }
}

impl App {
    /// What decisions for the caller's tenant stand on.
    pub(crate) async fn basis(&self, caller: &Caller) -> Result<Basis, AppError> {
        let secret = self.shared.journal.tenant_secret(caller.tenant).await?;
        Ok(Basis { secret, policy: self.policy(caller.tenant).await? })
    }

    /// The rules that are in force for a tenant: those of its stream; where that names none, and for what it leaves
    /// open, those of the configuration.
    pub async fn policy(&self, tenant: TenantId) -> Result<Arc<Policy>, AppError> {
        let now = self.shared.ambient.now();
        if let Some((asked, policy)) = self.shared.policies.0.get(&tenant)
            && (now - asked).abs() < FRESH
        {
            return Ok(policy);
        }
        let own =
            self.read_fresh_state::<Tenant, _>(tenant_stream(tenant), |loaded| loaded.state.policy.clone()).await?;
        let policy = Arc::new(match own {
            None => self.shared.policy.clone(),
            Some(own) => self.with_defaults(own),
        });
        self.shared.policies.0.insert(tenant, (now, Arc::clone(&policy)));
        Ok(policy)
    }

    /// A tenant's own rules, with those of the configuration for what they leave open.
    pub(crate) fn with_defaults(&self, own: Policy) -> Policy {
        let default = &self.shared.policy;
        let default_region = own.default_region.or_else(|| default.default_region.clone());
        let time_zone = own.time_zone.or_else(|| default.time_zone.clone());
        Policy { default_region, time_zone, ..own }
    }
}
