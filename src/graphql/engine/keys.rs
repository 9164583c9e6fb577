//! Checks API keys against the read model, and trusts a checked one for a moment.

use moka::sync::Cache;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::limits::Limits;
use super::principal::Principal;
use crate::domain::tenant::decide::read_token;
use crate::ids::ApiKeyId;
use crate::queries::{Db, QueryError, tenants};

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

    /// The holder of a token `clk_<key id>_<secret>`; [`None`] if it was never issued, or was revoked.
    pub async fn check(&self, db: &Db, token: &str) -> Result<Option<Principal>, QueryError> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(principal) = self.checked.get(&digest) {
            return Ok((!self.revoked.contains_key(&principal.key)).then_some(principal));
        }
        let Some((id, given)) = read_token(token) else { return Ok(None) };
        let Some(row) = tenants::api_key(db, id).await? else { return Ok(None) };
        let right: bool = given.as_bytes().ct_eq(row.secret_hash.as_bytes()).into();
        if !right || row.revoked_at.is_some() || self.revoked.contains_key(&id) {
            return Ok(None);
        }
        let principal =
            Principal { tenant: row.tenant_id, key: id, role: row.role, personal: row.personal, send: row.send };
        self.checked.insert(digest, principal);
        Ok(Some(principal))
    }

    /// Refuses a key from now on, before the read model knows.
    pub fn revoke(&self, key: ApiKeyId) {
        self.revoked.insert(key, ());
    }
}
