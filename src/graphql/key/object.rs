//! API keys, and who is asking.

use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::engine::acting::ActingUser;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::author::Author;
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::guard::{principal, require};
use crate::graphql::engine::id::{Of, global};
use crate::graphql::engine::principal::{Permission, Principal};
use crate::graphql::engine::words::Role;
use crate::ids::{ApiKeyId, TenantId};
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
    /// The user who signed in with it; null for a key that was issued by hand.
    user: Option<Author>,
    /// From when on it is refused; null: from when it is revoked.
    expires_at: Option<DateTime<Utc>>,
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
            user: row.user_id.map(|user| Author::new(format!("user:{user}"))),
            expires_at: row.expires_at,
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
#[graphql(complex)]
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
    /// The user who signed in, or whom the key acts for in this request.
    user_id: Option<String>,
    /// Who asks: the user, or else the key; as authors are shown.
    author: Author,
    #[graphql(skip)]
    tenant: TenantId,
}

impl Viewer {
    /// The holder of a key, who may act for a user.
    pub fn new(principal: Principal, acting: Option<&ActingUser>) -> Self {
        let actor = acting.map_or_else(|| principal.actor(), |user| user.actor(principal));
        let user_id = acting.map(|user| user.id.to_string()).or_else(|| principal.user.map(|user| user.to_string()));
        Self {
            key_id: Of(principal.key),
            tenant_id: principal.tenant.to_string(),
            role: principal.role.into(),
            sees_personal_data: principal.may(Permission::SeePersonal),
            may_send: principal.may(Permission::Send),
            user_id,
            author: Author::new(actor),
            tenant: principal.tenant,
        }
    }
}

#[ComplexObject]
impl Viewer {
    /// The tenant's name; null before the read tables show it.
    async fn tenant_name(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let api = Api::of(ctx)?;
        let row = tenants::by_id(&api.reads.db(), self.tenant).await.map_err(|error| opaque(api.ambient(), &error))?;
        Ok(row.map(|row| row.name))
    }
}
