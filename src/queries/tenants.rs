//! Tenants and their API keys.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::QueryError;
use super::select::Select;
use crate::domain::tenant::event::Role;
use crate::ids::{ApiKeyId, TenantId};
use crate::sql::{Db, row};

const READING: &str = "API keys";

row! {
    /// A company that uses commlog.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct TenantRow {
        pub tenant_id: TenantId,
        pub name: String,
        pub created_at: DateTime<Utc>,
    }
}

row! {
    /// An API key, without its secret.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ApiKeyRow {
        pub key_id: ApiKeyId,
        pub tenant_id: TenantId,
        /// `admin`, `marketer`, `agent`, `analyst`, `auditor`, `ingest`.
        pub role: Role,
        /// Whether it may see personal data.
        pub personal: bool,
        /// Whether it may send.
        pub send: bool,
        /// Whether it may act for users.
        pub acts_for_users: bool,
        pub label: String,
        /// SHA-256 of the secret, in hex.
        pub secret_hash: String,
        pub issued_at: DateTime<Utc>,
        /// The user who signed in with it.
        pub user_id: Option<Uuid>,
        /// From when on it is refused, revoked or not.
        pub expires_at: Option<DateTime<Utc>>,
        /// Since when it is refused.
        pub revoked_at: Option<DateTime<Utc>>,
    }
}

/// One tenant.
pub async fn by_id(db: &Db, id: TenantId) -> Result<Option<TenantRow>, QueryError> {
    let mut select = Select::new("SELECT t.* FROM tenants t", []);
    select.and_equal("t.tenant_id", Some(id.0));
    select.optional(db, "tenants").await
}

/// All tenants, by name.
pub async fn list(db: &Db) -> Result<Vec<TenantRow>, QueryError> {
    Select::new("SELECT t.* FROM tenants t ORDER BY t.name, t.tenant_id", []).all(db, "tenants").await
}

/// One key of any tenant, revoked ones too: the caller checks the secret and `revoked_at`.
pub async fn api_key(db: &Db, id: ApiKeyId) -> Result<Option<ApiKeyRow>, QueryError> {
    let mut select = Select::new("SELECT k.* FROM api_keys k", []);
    select.and_equal("k.key_id", Some(id.0));
    select.optional(db, READING).await
}

/// Several keys of a tenant, in no order, revoked ones too.
pub async fn api_keys_by_ids(db: &Db, tenant: TenantId, ids: &[ApiKeyId]) -> Result<Vec<ApiKeyRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT k.* FROM api_keys k", []);
    select.and_equal("k.tenant_id", Some(tenant.0));
    select.and_in("k.key_id", ids.iter().map(|id| id.0.into()));
    select.all(db, READING).await
}

row! {
    /// A user whom API keys act for.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct UserRow {
        /// The front end's id of the user.
        pub user_id: String,
        pub name: Option<String>,
    }
}

/// Several users of a tenant, in no order; those who were never named are missing.
pub async fn users_by_ids(db: &Db, tenant: TenantId, ids: &[Arc<str>]) -> Result<Vec<UserRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT u.user_id, u.name FROM users u", []);
    select.and_equal("u.tenant_id", Some(tenant.0));
    select.and_in("u.user_id", ids.iter().map(|id| (**id).into()));
    select.all(db, "users").await
}

/// A tenant's keys, oldest first, revoked ones too.
pub async fn api_keys(db: &Db, tenant: TenantId) -> Result<Vec<ApiKeyRow>, QueryError> {
    let mut select = Select::new("SELECT k.* FROM api_keys k", []);
    select.and_equal("k.tenant_id", Some(tenant.0));
    select.push(" ORDER BY k.issued_at, k.key_id", []);
    select.all(db, READING).await
}
