//! Commands on tenants.

use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::decision::Context;
use crate::domain::tenant::decide::{
    self, CreateTenant, IssueApiKey, IssuedApiKey, RecordPersonalRead, RevokeApiKey, SkipParked,
};
use crate::domain::tenant::event::TenantEvent;
use crate::domain::tenant::state::Tenant;
use crate::ids::{ApiKeyId, EventId, TenantId};
use crate::log::{Category, StreamId};

impl App {
    /// Opens a tenant under the caller's tenant id.
    pub async fn create_tenant(&self, caller: &Caller, command: CreateTenant) -> Result<Outcome<TenantId>, AppError> {
        self.run(caller, tenant(caller), ("create_tenant", command), decide::create, |_| Some(caller.tenant)).await
    }

    /// Issues an API key; the token is told once, here.
    pub async fn issue_api_key(
        &self,
        caller: &Caller,
        command: IssueApiKey,
    ) -> Result<Outcome<IssuedApiKey>, AppError> {
        let secret = self.secret(caller).await?;
        self.run(caller, tenant(caller), ("issue_api_key", command), decide::issue_key, |made| {
            made.events.iter().find_map(|decided| match &decided.event {
                TenantEvent::ApiKeyIssued(issued) => Some(IssuedApiKey::of(issued.key_id, &secret)),
                _ => None,
            })
        })
        .await
    }

    /// Ends the use of an API key.
    pub async fn revoke_api_key(&self, caller: &Caller, command: RevokeApiKey) -> Result<Outcome<ApiKeyId>, AppError> {
        let key_id = command.key_id;
        let decide = |state: &Tenant, command, context: &Context<'_>| decide::revoke_key(state, &command, context);
        self.run(caller, tenant(caller), ("revoke_api_key", command), decide, |_| Some(key_id)).await
    }

    /// Records that an operator gave up a parked event of a projection.
    pub async fn skip_parked(&self, caller: &Caller, command: SkipParked) -> Result<Outcome<EventId>, AppError> {
        let event_id = command.event_id;
        self.run(caller, tenant(caller), ("skip_parked", command), decide::skip_parked, |_| Some(event_id)).await
    }

    /// Records that personal data was read in bulk or exported.
    pub async fn record_personal_read(
        &self,
        caller: &Caller,
        command: RecordPersonalRead,
    ) -> Result<Outcome<()>, AppError> {
        self.run(caller, tenant(caller), ("record_personal_read", command), decide::record_read, |_| Some(())).await
    }
}

fn tenant(caller: &Caller) -> StreamId {
    StreamId::new(caller.tenant, Category::Tenant, caller.tenant.0)
}
