//! API keys, and who is asking.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};

use crate::graphql::engine::id::Of;
use crate::graphql::engine::principal::{Permission, Principal};
use crate::graphql::engine::words::Role;
use crate::ids::ApiKeyId;
use crate::queries::tenants::ApiKeyRow;

/// An API key, without its secret.
#[derive(SimpleObject, Clone)]
pub struct ApiKey {
    /// The global id.
    id: Of<ApiKeyId>,
    /// What it may do.
    role: Role,
    /// Whether it was issued with sight of personal data.
    personal: bool,
    /// Whether it was issued for sending.
    send: bool,
    /// What it is for.
    label: String,
    /// When it was issued.
    issued_at: DateTime<Utc>,
    /// Since when it is refused.
    revoked_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// A key out of its row.
    pub fn new(row: ApiKeyRow) -> Self {
        Self {
            id: Of(row.key_id),
            role: row.role.into(),
            personal: row.personal,
            send: row.send,
            label: row.label,
            issued_at: row.issued_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// Who is asking, and what the key allows.
#[derive(SimpleObject, Clone)]
pub struct Viewer {
    /// The key.
    key_id: Of<ApiKeyId>,
    /// Whose data it opens.
    tenant_id: String,
    /// Its role.
    role: Role,
    /// Whether names, addresses and texts are shown; where they are not, those fields are null.
    sees_personal_data: bool,
    /// Whether it may send messages.
    may_send: bool,
}

impl From<Principal> for Viewer {
    fn from(principal: Principal) -> Self {
        Self {
            key_id: Of(principal.key),
            tenant_id: principal.tenant.to_string(),
            role: principal.role.into(),
            sees_personal_data: principal.may(Permission::SeePersonal),
            may_send: principal.may(Permission::Send),
        }
    }
}
