//! API keys, and who is asking.

use async_graphql::{Context, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::guard::{principal, require};
use crate::graphql::engine::id::{Of, global};
use crate::graphql::engine::principal::{Permission, Principal};
use crate::graphql::engine::words::Role;
use crate::ids::ApiKeyId;
use crate::queries::tenants;
use crate::queries::tenants::ApiKeyRow;

/// An API key, without its secret.
#[derive(SimpleObject, Clone)]
pub struct ApiKey {
    /// The global id.
    pub id: ID,
    /// The role, which decides what the key may do.
    role: Role,
    /// Whether the key may see personal data.
    personal: bool,
    /// Whether the key may send messages.
    send: bool,
    /// Whether the key may act for users, whom it names in the header Commlog-Actor.
    acts_for_users: bool,
    /// Its purpose, for people.
    label: String,
    /// When it was issued.
    issued_at: DateTime<Utc>,
    /// When it was revoked.
    revoked_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// A key out of its row.
    pub fn new(row: ApiKeyRow) -> Self {
        Self {
            id: global(row.key_id),
            role: row.role.into(),
            personal: row.personal,
            send: row.send,
            acts_for_users: row.acts_for_users,
            label: row.label,
            issued_at: row.issued_at,
            revoked_at: row.revoked_at,
        }
    }

    /// A key of this tenant; only administrators may look at one.
    pub async fn load(ctx: &Context<'_>, id: ApiKeyId) -> Result<Option<Self>> {
        require(ctx, Permission::Administer)?;
        let api = Api::of(ctx)?;
        let row = tenants::api_key(&api.reads.db(), id).await.map_err(|error| opaque(api.ambient(), &error))?;
        let tenant = principal(ctx)?.tenant;
        Ok(row.filter(|row| row.tenant_id == tenant).map(Self::new))
    }
}

/// The API key of this request, and its permissions.
#[derive(SimpleObject, Clone)]
pub struct Viewer {
    /// The key.
    key_id: Of<ApiKeyId>,
    /// The tenant whose data the key reads and writes.
    tenant_id: String,
    /// The key's role.
    role: Role,
    /// Whether names, addresses and texts are shown; otherwise those fields are null.
    sees_personal_data: bool,
    /// Whether the key may send messages.
    may_send: bool,
    /// The user whom the key acts for in this request.
    user_id: Option<String>,
}

impl Viewer {
    /// The holder of a key, who may act for a user.
    pub fn new(principal: Principal, user_id: Option<String>) -> Self {
        Self {
            key_id: Of(principal.key),
            tenant_id: principal.tenant.to_string(),
            role: principal.role.into(),
            sees_personal_data: principal.may(Permission::SeePersonal),
            may_send: principal.may(Permission::Send),
            user_id,
        }
    }
}
