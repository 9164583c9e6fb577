//! Mutations on API keys.

use async_graphql::{Context, Object, Result};
use chrono::{DateTime, Utc};

use super::object::ApiKey;
use crate::domain::tenant::decide::{IssueApiKey, IssuedApiKey, RevokeApiKey};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{answer, by, caller, payload, shows};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::words::Role;
use crate::ids::ApiKeyId;

payload! {
    /// The result of `issueApiKey`.
    IssueApiKeyPayload of complex: IssuedApiKey {
        /// The new key's id.
        key_id: Of<ApiKeyId> = |key| Some(Of(key.key_id)),
        /// The token that clients send as `Authorization: Bearer …`. Shown only here, and not stored: it derives
        /// from the tenant's secret, so that repeating the command with its `idempotencyKey` shows it again.
        token: String = |key| Some(key.token.clone()),
    }
}

payload! {
    /// The result of `revokeApiKey`.
    RevokeApiKeyPayload of complex: ApiKeyId {
        /// The revoked key's id.
        key_id: Of<ApiKeyId> = |id| Some(Of(*id)),
    }
}

shows! {
    IssueApiKeyPayload {
        /// The new key; waits for the read tables.
        key: ApiKey = |ctx, payload| by!(payload.key_id, |id: Of<_>| ApiKey::load(ctx, id.0)),
    }
}

shows! {
    RevokeApiKeyPayload {
        /// The revoked key; waits for the read tables.
        key: ApiKey = |ctx, payload| by!(payload.key_id, |id: Of<_>| ApiKey::load(ctx, id.0)),
    }
}

/// Mutations on API keys.
#[derive(Default)]
pub struct KeyMutations;

#[Object]
impl KeyMutations {
    /// Issues an API key of this tenant.
    #[graphql(guard = "May(Permission::Administer)")]
    #[expect(clippy::too_many_arguments, reason = "what a key is issued with")]
    async fn issue_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the key may do.")] role: Role,
        #[graphql(desc = "Its purpose, for people.")] label: String,
        #[graphql(desc = "Whether the key may see personal data; default: depends on the role.")] personal: Option<
            bool,
        >,
        #[graphql(desc = "Whether the key may send messages; default: depends on the role.")] send: Option<bool>,
        #[graphql(
            desc = "Whether the key may act for users, whom it names in the header Commlog-Actor; by default not.",
            default
        )]
        acts_for_users: bool,
        #[graphql(desc = "From when on the key is refused; default: from when it is revoked.")] expires_at: Option<
            DateTime<Utc>,
        >,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<IssueApiKeyPayload> {
        let command = IssueApiKey { personal, send, acts_for_users, expires_at, ..IssueApiKey::of(role.into(), label) };
        let outcome = Api::of(ctx)?.app.issue_api_key(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Revokes an API key. This server refuses it at once, others within seconds.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The API key's global id.")] key_id: Of<ApiKeyId>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
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
}
