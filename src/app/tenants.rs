//! Commands on tenants.

use crate::app::{App, AppError, Caller, Outcome, pending};
use crate::domain::tenant::decide::{
    CreateTenant, IssueApiKey, IssuedApiKey, RecordPersonalRead, RevokeApiKey, SkipParked,
};
use crate::ids::{ApiKeyId, EventId, TenantId};

impl App {
    /// Opens a tenant under the caller's tenant id.
    pub async fn create_tenant(&self, caller: &Caller, command: CreateTenant) -> Result<Outcome<TenantId>, AppError> {
        pending(self, caller, command).await
    }

    /// Issues an API key; the token is told once, here.
    pub async fn issue_api_key(
        &self,
        caller: &Caller,
        command: IssueApiKey,
    ) -> Result<Outcome<IssuedApiKey>, AppError> {
        pending(self, caller, command).await
    }

    /// Ends the use of an API key.
    pub async fn revoke_api_key(&self, caller: &Caller, command: RevokeApiKey) -> Result<Outcome<ApiKeyId>, AppError> {
        pending(self, caller, command).await
    }

    /// Records that an operator gave up a parked event of a projection.
    pub async fn skip_parked(&self, caller: &Caller, command: SkipParked) -> Result<Outcome<EventId>, AppError> {
        pending(self, caller, command).await
    }

    /// Records that personal data was read in bulk or exported.
    pub async fn record_personal_read(
        &self,
        caller: &Caller,
        command: RecordPersonalRead,
    ) -> Result<Outcome<()>, AppError> {
        pending(self, caller, command).await
    }
}
