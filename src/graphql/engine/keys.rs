//! Checks API keys against the read model and the log, and trusts a checked one for a moment.

use moka::sync::Cache;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::failure::chain;
use super::limits::Limits;
use super::principal::Principal;
use crate::app::{App, AppError};
use crate::domain::tenant::decide::read_token;
use crate::domain::tenant::event::ApiKeyIssued;
use crate::ids::ApiKeyId;
use crate::queries::tenants::ApiKeyRow;
use crate::queries::{QueryError, Reads, tenants};

/// Why a key could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The read tables failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The log failed.
    #[error(transparent)]
    App(#[from] AppError),
}

/// The API keys that were checked lately. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    /// By SHA-256 of the token, so that no token lies in memory.
    checked: Cache<[u8; 32], Principal>,
    revoked: Cache<ApiKeyId, ()>,
}

impl Keys {
    /// Trusts a checked key for as long as the limits say.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let checked = Cache::builder().max_capacity(100_000).time_to_live(limits.key_trust).build();
        Self { checked, revoked: Cache::new(100_000) }
    }

    /// The holder of a token `clk_<key id>_<secret>`; [`None`] if it was never issued, was revoked or has expired.
    pub async fn check(&self, reads: &Reads, app: &App, token: &str) -> Result<Option<Principal>, KeyError> {
        let now = app.ambient().now();
        let found = self.known_or_read(reads, app, token).await?;
        Ok(found.filter(|principal| principal.expires_at.is_none_or(|end| now < end)))
    }

    async fn known_or_read(&self, reads: &Reads, app: &App, token: &str) -> Result<Option<Principal>, KeyError> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(principal) = self.checked.get(&digest) {
            return Ok((!self.revoked.contains_key(&principal.key)).then_some(principal));
        }
        let Some((key, given)) = read_token(token) else { return Ok(None) };
        let Some((principal, hash)) = holder(reads, app, key).await? else { return Ok(None) };
        let right: bool = given.as_bytes().ct_eq(hash.as_bytes()).into();
        if !right || self.revoked.contains_key(&key) {
            return Ok(None);
        }
        self.checked.insert(digest, principal);
        Ok(Some(principal))
    }

    /// Refuses a key from now on, before the read model knows.
    pub fn revoke(&self, key: ApiKeyId) {
        self.revoked.insert(key, ());
    }
}

/// Whose key it is, with the hash of its secret; [`None`] for an unknown or revoked one.
///
/// The log is read only while the read tables lag behind it, or are those of an older version that have not all columns: nobody
/// makes the server do that by inventing keys.
async fn holder(reads: &Reads, app: &App, key: ApiKeyId) -> Result<Option<(Principal, String)>, KeyError> {
    match tenants::api_key(&reads.db(), key).await {
        Ok(Some(row)) => return Ok(of_row(row)),
        Ok(None) => {
            let end = reads.journal().backend().head().await.map_err(AppError::from)?.position;
            if reads.shows(end).await {
                // They may have followed since they were asked.
                return Ok(tenants::api_key(&reads.db(), key).await?.and_then(of_row));
            }
        }
        Err(error) => tracing::debug!(error = chain(&error), "an API key is looked up in the log"),
    }
    Ok(app.issued_api_key(key).await?.map(|(tenant, issued)| {
        let ApiKeyIssued { role, personal, send, acts_for_users, secret_hash, user_id, expires_at, .. } = issued;
        (Principal { tenant, key, role, personal, send, acts_for_users, user: user_id, expires_at }, secret_hash)
    }))
}

fn of_row(row: ApiKeyRow) -> Option<(Principal, String)> {
    let ApiKeyRow {
        key_id: key,
        tenant_id: tenant,
        role,
        personal,
        send,
        acts_for_users,
        secret_hash,
        revoked_at,
        user_id: user,
        expires_at,
        ..
    } = row;
    let principal = Principal { tenant, key, role, personal, send, acts_for_users, user, expires_at };
    revoked_at.is_none().then_some((principal, secret_hash))
}
