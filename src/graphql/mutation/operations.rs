//! Mutations of administrators: API keys, imports, parked events.

use async_graphql::{Context, Object, Result};

use super::payload::{answer, caller, payload};
use crate::domain::import::decide::{UndoImport, UndoneImport};
use crate::domain::tenant::decide::{IssueApiKey, IssuedApiKey, RevokeApiKey, SkipParked};
use crate::graphql::Api;
use crate::graphql::guard::{May, principal};
use crate::graphql::id::Of;
use crate::graphql::model::enums::Role;
use crate::graphql::model::projection::ParkedInput;
use crate::graphql::principal::Permission;
use crate::ids::{ApiKeyId, EventId, ImportId};

payload! {
    /// The answer to `issueApiKey`.
    IssueApiKeyPayload: IssuedApiKey {
        /// The new key's id.
        key_id: Of<ApiKeyId> = |key| Some(Of(key.key_id)),
        /// What a client presents as `Authorization: Bearer …`. Told once, here, and not stored anywhere.
        token: String = |key| Some(key.token.clone()),
    }
}

payload! {
    /// The answer to `revokeApiKey`.
    RevokeApiKeyPayload: ApiKeyId {
        /// The key that is refused from now on.
        key_id: Of<ApiKeyId> = |id| Some(Of(*id)),
    }
}

payload! {
    /// The answer to `undoImport`.
    UndoImportPayload: UndoneImport {
        /// Which import.
        import_id: Of<ImportId> = |undone| Some(Of(undone.import_id)),
        /// Facts that were taken back.
        retracted: i64 = |undone| i64::try_from(undone.retracted).ok(),
        /// Facts that were left standing: opt-outs, and customers that had become more than imported.
        kept: i64 = |undone| i64::try_from(undone.kept).ok(),
    }
}

payload! {
    /// The answer to mutations on parked events.
    ParkedPayload: EventId {
        /// The event.
        event_id: Of<EventId> = |id| Some(Of(*id)),
    }
}

/// Mutations of administrators.
#[derive(Default)]
pub struct OperationMutations;

#[Object]
impl OperationMutations {
    /// Issues an API key of this tenant.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn issue_api_key(
        &self,
        ctx: &Context<'_>,
        role: Role,
        #[graphql(desc = "What it is for.")] label: String,
        #[graphql(desc = "Whether it may see personal data; left out: as is usual for the role.")] personal: Option<
            bool,
        >,
        #[graphql(desc = "Whether it may send; left out: as is usual for the role.")] send: Option<bool>,
        idempotency_key: Option<String>,
    ) -> Result<IssueApiKeyPayload> {
        let command = IssueApiKey { role: role.into(), personal, send, label };
        let outcome = Api::of(ctx)?.app.issue_api_key(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Ends the use of an API key. This server refuses it at once, others within seconds.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        key_id: Of<ApiKeyId>,
        idempotency_key: Option<String>,
    ) -> Result<RevokeApiKeyPayload> {
        let api = Api::of(ctx)?;
        let command = RevokeApiKey { key_id: key_id.0 };
        let outcome = api.app.revoke_api_key(&caller(ctx, idempotency_key)?, command).await;
        let answer = answer(ctx, outcome)?;
        if answer.value.is_some() {
            api.keys.revoke(key_id.0);
        }
        Ok(answer.into())
    }

    /// Takes back what an import brought, except opt-outs. The log still tells.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn undo_import(
        &self,
        ctx: &Context<'_>,
        import_id: Of<ImportId>,
        idempotency_key: Option<String>,
    ) -> Result<UndoImportPayload> {
        let command = UndoImport { import_id: import_id.0 };
        let outcome = Api::of(ctx)?.app.undo_import(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Gives up a parked event of a projection, on the record: the events behind it go on without it.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn skip_parked(
        &self,
        ctx: &Context<'_>,
        parked: ParkedInput,
        #[graphql(desc = "Why it may be left out.")] reason: String,
        idempotency_key: Option<String>,
    ) -> Result<ParkedPayload> {
        let api = Api::of(ctx)?;
        api.parked_stream(principal(ctx)?.tenant, &parked).await?;
        let command = SkipParked { projection: parked.projection, event_id: parked.event_id.0, reason };
        let outcome = api.app.skip_parked(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Tries again what waits of a parked event's stream for a projection, for example after its file was mended.
    /// Answers how many events were applied; what still fails waits on.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn retry_parked(&self, ctx: &Context<'_>, parked: ParkedInput) -> Result<i64> {
        let api = Api::of(ctx)?;
        let stream = api.parked_stream(principal(ctx)?.tenant, &parked).await?;
        Ok(i64::try_from(api.retry(&stream).await?).unwrap_or(i64::MAX))
    }
}
