//! Commands on tenants.

use crate::app::engine::states::decode;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::decision::{Context, Policy};
use crate::domain::event::Event as _;
use crate::domain::tenant::brand::Appearance;
use crate::domain::tenant::change_brand::{self, UpdateBrand};
use crate::domain::tenant::change_policy::{self, UpdatePolicy};
use crate::domain::tenant::decide::{
    self, CreateTenant, ForgetUser, IssueApiKey, IssuedApiKey, NameUser, RecordPersonalRead, RevokeApiKey, SkipParked,
};
use crate::domain::tenant::event::{ApiKeyIssued, ApiKeyRevoked, TenantEvent};
use crate::domain::tenant::state::Tenant;
use crate::ids::{ApiKeyId, EventId, TenantId};
use crate::log::{Category, StreamId};

impl App {
    /// Creates a tenant under the caller's tenant id.
    pub async fn create_tenant(&self, caller: &Caller, command: CreateTenant) -> Result<Outcome<TenantId>, AppError> {
        self.run(caller, tenant_stream(caller.tenant), command, decide::create, |_| Some(caller.tenant)).await
    }

    /// Changes the rules for sending; returns those that are in force from then on.
    pub async fn update_policy(&self, caller: &Caller, command: UpdatePolicy) -> Result<Outcome<Policy>, AppError> {
        let decide = |state: &Tenant, command, context: &Context<'_>| {
            change_policy::update(state, command, &caller.actor, context)
        };
        let stream = tenant_stream(caller.tenant);
        let outcome = self.run(caller, stream, command, decide, |_| Some(())).await?;
        self.shared.policies.forget(caller.tenant);
        let policy = self.policy(caller.tenant).await?;
        Ok(outcome.map(|()| Policy::clone(&policy)))
    }

    /// Changes how the tenant appears to its customers; returns the appearance from then on.
    pub async fn update_brand(&self, caller: &Caller, command: UpdateBrand) -> Result<Outcome<Appearance>, AppError> {
        let outcome =
            self.run(caller, tenant_stream(caller.tenant), command, change_brand::update, |_| Some(())).await?;
        let appearance = self.appearance(caller.tenant).await?;
        Ok(outcome.map(|()| appearance))
    }

    /// How a tenant appears to its customers now, whichever process changed it.
    pub async fn appearance(&self, tenant: TenantId) -> Result<Appearance, AppError> {
        self.read_fresh_state::<Tenant, _>(tenant_stream(tenant), |loaded| {
            let Tenant { name, brand, .. } = &loaded.state;
            Appearance { name: brand.name.as_ref().unwrap_or(name).clone(), brand: brand.clone() }
        })
        .await
    }

    /// Issues an API key; the token is returned once, here.
    pub async fn issue_api_key(
        &self,
        caller: &Caller,
        command: IssueApiKey,
    ) -> Result<Outcome<IssuedApiKey>, AppError> {
        let basis = self.basis(caller).await?;
        self.run(caller, tenant_stream(caller.tenant), command, decide::issue_key, |made| {
            made.events.iter().find_map(|decided| match &decided.event {
                TenantEvent::ApiKeyIssued(issued) => Some(IssuedApiKey::of(issued.key_id, &basis.secret)),
                _ => None,
            })
        })
        .await
    }

    /// Revokes an API key.
    pub async fn revoke_api_key(&self, caller: &Caller, command: RevokeApiKey) -> Result<Outcome<ApiKeyId>, AppError> {
        let key_id = command.key_id;
        let decide = |state: &Tenant, command, context: &Context<'_>| decide::revoke_key(state, &command, context);
        self.run(caller, tenant_stream(caller.tenant), command, decide, |_| Some(key_id)).await
    }

    /// An API key of any tenant as the log has it now; [`None`] if it was never issued, or was revoked.
    pub async fn issued_api_key(&self, id: ApiKeyId) -> Result<Option<(TenantId, ApiKeyIssued)>, AppError> {
        let streams: Vec<StreamId> =
            self.shared.journal.backend().tenants().await?.into_iter().map(tenant_stream).collect();
        let types = [ApiKeyIssued::TYPE, ApiKeyRevoked::TYPE];
        let mut found = None;
        for recorded in self.shared.journal.read_streams(&streams, u64::MAX, Some(&types)).await? {
            match decode::<Tenant>(&recorded)?.event {
                TenantEvent::ApiKeyIssued(issued) if issued.key_id == id => {
                    found = Some((recorded.envelope.stream.tenant, issued));
                }
                TenantEvent::ApiKeyRevoked(revoked) if revoked.key_id == id => return Ok(None),
                TenantEvent::ApiKeyIssued(_)
                | TenantEvent::ApiKeyRevoked(_)
                | TenantEvent::TenantCreated(_)
                | TenantEvent::PolicyChanged(_)
                | TenantEvent::BrandChanged(_)
                | TenantEvent::UserNamed(_)
                | TenantEvent::UserForgotten(_)
                | TenantEvent::ParkedEventSkipped(_)
                | TenantEvent::PersonalDataRead(_) => {}
            }
        }
        Ok(found)
    }

    /// Names a user whom an API key acts for, unless that is the name already.
    pub async fn name_user(&self, caller: &Caller, command: NameUser) -> Result<Outcome<()>, AppError> {
        self.run(caller, tenant_stream(caller.tenant), command, decide::name_user, |_| Some(())).await
    }

    /// Forgets the name of a user whom an API key acted for: when this returns, the key that sealed it is destroyed.
    pub async fn forget_user(&self, caller: &Caller, command: ForgetUser) -> Result<Outcome<String>, AppError> {
        let user_id = command.user_id.clone();
        let decide = |state: &Tenant, command, context: &Context<'_>| decide::forget_user(state, &command, context);
        let outcome =
            self.run(caller, tenant_stream(caller.tenant), command, decide, |_| Some(user_id.clone())).await?;
        self.destroy_names(caller.tenant, |id| *id == user_id).await?;
        Ok(outcome)
    }

    /// Destroys the keys of all users who were forgotten, whose command may have ended before it did.
    pub async fn destroy_names_of_forgotten_users(&self) -> Result<(), AppError> {
        for tenant in self.shared.journal.backend().tenants().await? {
            self.destroy_names(tenant, |_| true).await?;
        }
        Ok(())
    }

    async fn destroy_names(&self, tenant: TenantId, whose: impl Fn(&String) -> bool) -> Result<(), AppError> {
        let forgotten: Vec<_> = self
            .read_state::<Tenant, _>(tenant_stream(tenant), |loaded| {
                let users = loaded.state.forgotten_users.iter().filter(|(id, _)| whose(id));
                users.map(|(_, subject)| *subject).collect()
            })
            .await?;
        for subject in forgotten {
            self.shared.journal.destroy_key(subject).await?;
        }
        Ok(())
    }

    /// Records that an operator gave up a parked event of a projection.
    pub async fn skip_parked(&self, caller: &Caller, command: SkipParked) -> Result<Outcome<EventId>, AppError> {
        let event_id = command.event_id;
        self.run(caller, tenant_stream(caller.tenant), command, decide::skip_parked, |_| Some(event_id)).await
    }

    /// Records that personal data was read in bulk or exported.
    pub async fn record_personal_read(
        &self,
        caller: &Caller,
        command: RecordPersonalRead,
    ) -> Result<Outcome<()>, AppError> {
        self.run(caller, tenant_stream(caller.tenant), command, decide::record_read, |_| Some(())).await
    }
}

/// A tenant's own stream.
pub(crate) fn tenant_stream(tenant: TenantId) -> StreamId {
    StreamId::new(tenant, Category::Tenant, tenant.0)
}
