//! Commands on a tenant.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::decision::{Context, Decision};
use crate::domain::refusal::Refusal;
use crate::domain::tenant::event::{
    ApiKeyIssued, ApiKeyRevoked, ParkedEventSkipped, PersonalDataRead, Role, TenantCreated, TenantEvent, UserForgotten,
    UserNamed, UserNamedPersonal,
};
use crate::domain::tenant::state::{Tenant, fingerprint};
use crate::domain::text;
use crate::ids::{ApiKeyId, CustomerId, EventId, Label, SubjectId, TenantSecret};

/// Opens a tenant under the caller's tenant id.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CreateTenant {
    /// The company's name.
    pub name: String,
}

/// Issues an API key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IssueApiKey {
    /// The role, which says what the key may do.
    pub role: Role,
    /// Whether it may see personal data; absent: as is usual for the role.
    pub personal: Option<bool>,
    /// Whether it may send; absent: as is usual for the role.
    pub send: Option<bool>,
    /// Whether it may act for users, whom it names with each request.
    pub acts_for_users: bool,
    /// A note on who uses the key.
    pub label: String,
    /// The user who signed in, and who does what is done with the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Uuid>,
    /// From when on it is refused; absent: from when it is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

impl IssueApiKey {
    /// A key with what is usual for a role, until it is revoked.
    #[must_use]
    pub fn of(role: Role, label: impl Into<String>) -> Self {
        Self {
            role,
            personal: None,
            send: None,
            acts_for_users: false,
            label: label.into(),
            user_id: None,
            expires_at: None,
        }
    }
}

/// Names a user whom an API key acts for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NameUser {
    /// The front end's id of the user; see [`user_id`].
    pub user_id: String,
    /// As it is shown.
    pub name: String,
}

/// Forgets the name of a user whom an API key acted for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ForgetUser {
    /// The front end's id of the user.
    pub user_id: String,
}

/// The answer to [`IssueApiKey`].
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedApiKey {
    /// Names the key, in listings and as the actor of what it does.
    pub key_id: ApiKeyId,
    /// What a client presents: `clk_<key id>_<secret>`, both in hex. Not stored anywhere.
    pub token: String,
}

impl std::fmt::Debug for IssuedApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedApiKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// Ends the use of an API key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RevokeApiKey {
    /// The key's id.
    pub key_id: ApiKeyId,
}

/// Records that an operator gave up a parked event of a projection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SkipParked {
    /// The projection that could not apply it.
    pub projection: String,
    /// The event's id.
    pub event_id: EventId,
    /// Why it may be left out.
    pub reason: String,
}

/// Records that personal data was read in bulk or exported.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RecordPersonalRead {
    /// Which part of the interface: `export`, `events`, `customer`.
    pub what: String,
    /// How many people's.
    pub count: u64,
    /// The customers; more than 100 are not recorded one by one.
    pub customer_ids: Vec<CustomerId>,
    /// What was asked for; never a name or an address.
    pub filter: Option<String>,
}

/// More customers than these are not recorded one by one.
const MOST_NAMED: usize = 100;

impl IssuedApiKey {
    /// The key and its token. The secret derives from the tenant's secret, so that a repeated command can tell it again
    /// although it is stored nowhere.
    #[must_use]
    pub fn of(key_id: ApiKeyId, secret: &TenantSecret) -> Self {
        let token = format!("clk_{}_{}", key_id.0.simple(), hex::encode(key_secret(key_id, secret)));
        Self { key_id, token }
    }
}

/// Reads a token: the key that it names, and the SHA-256 of its secret in hex, to be compared in constant time with the
/// `secret_hash` of [`ApiKeyIssued`]. [`None`] if it is not of our form.
#[must_use]
pub fn read_token(token: &str) -> Option<(ApiKeyId, String)> {
    let (key_id, secret) = token.strip_prefix("clk_")?.split_once('_')?;
    let key_id = uuid::Uuid::try_parse(key_id).ok().filter(|_| key_id.len() == 32)?;
    let secret = <[u8; 32]>::try_from(hex::decode(secret).ok()?).ok()?;
    Some((ApiKeyId(key_id), hex::encode(Sha256::digest(secret))))
}

/// 256 bits that nobody can guess without the tenant's secret.
fn key_secret(key_id: ApiKeyId, secret: &TenantSecret) -> [u8; 32] {
    secret.fingerprint(Label::ApiKeySecret, &[key_id.0.as_bytes()])
}

/// Opens the tenant.
pub fn create(state: &Tenant, command: CreateTenant, context: &Context<'_>) -> Decision<TenantEvent> {
    if state.exists {
        return Err(Refusal::new("TENANT_EXISTS", "this tenant already exists"));
    }
    let name = text::required("name", command.name, text::SHORT)?;
    Ok(vec![context.now(TenantCreated { name })])
}

/// Issues a key. Personal data and sending are granted as is usual for the role, unless the command says otherwise.
pub fn issue_key(state: &Tenant, command: IssueApiKey, context: &Context<'_>) -> Decision<TenantEvent> {
    must_exist(state)?;
    let label = text::required("label", command.label, text::SHORT)?;
    let key_id = context.id();
    let secret_hash = hex::encode(Sha256::digest(key_secret(key_id, context.secret)));
    let IssueApiKey { role, acts_for_users, user_id, expires_at, .. } = command;
    Refusal::unless_bounded("expiresAt", expires_at)?;
    if expires_at.is_some_and(|end| end <= context.now) {
        return Err(Refusal::invalid("expiresAt", "must lie in the future"));
    }
    let personal = command.personal.unwrap_or(matches!(role, Role::Admin | Role::Marketer | Role::Agent));
    let send = command.send.unwrap_or(matches!(role, Role::Admin | Role::Agent));
    Ok(vec![context.now(ApiKeyIssued {
        key_id,
        role,
        personal,
        send,
        acts_for_users,
        label,
        secret_hash,
        user_id,
        expires_at,
    })])
}

/// Revokes a key; a revoked one stays so.
pub fn revoke_key(state: &Tenant, command: &RevokeApiKey, context: &Context<'_>) -> Decision<TenantEvent> {
    must_exist(state)?;
    if state.revoked.contains(&command.key_id) {
        return Ok(vec![]);
    }
    if !state.keys.contains(&command.key_id) {
        return Err(Refusal::new("API_KEY_UNKNOWN", "this API key does not exist"));
    }
    Ok(vec![context.now(ApiKeyRevoked { key_id: command.key_id })])
}

/// Names a user; nothing happens if that is the name already, or if the user was forgotten.
pub fn name_user(state: &Tenant, command: NameUser, context: &Context<'_>) -> Decision<TenantEvent> {
    must_exist(state)?;
    let user_id = user_id(&command.user_id)?;
    let name = text::required("name", command.name, text::SHORT)?;
    if state.users.get(&user_id) == Some(&fingerprint(&name)) || state.forgotten_users.contains_key(&user_id) {
        return Ok(vec![]);
    }
    let subject_id = user_subject(&user_id, context);
    Ok(vec![context.now(UserNamed { user_id, subject_id, personal: Some(UserNamedPersonal { name }) })])
}

/// Forgets a user's name for good; a user who was forgotten stays so.
pub fn forget_user(state: &Tenant, command: &ForgetUser, context: &Context<'_>) -> Decision<TenantEvent> {
    must_exist(state)?;
    let user_id = user_id(&command.user_id)?;
    if state.forgotten_users.contains_key(&user_id) {
        return Ok(vec![]);
    }
    if !state.users.contains_key(&user_id) {
        return Err(Refusal::new("USER_UNKNOWN", "no API key ever gave this user a name"));
    }
    let subject_id = user_subject(&user_id, context);
    Ok(vec![context.now(UserForgotten { user_id, subject_id })])
}

fn user_subject(user_id: &str, context: &Context<'_>) -> SubjectId {
    SubjectId(context.secret.derive(Label::UserSubject, &[user_id.as_bytes()]))
}

/// The longest id of a user, in bytes.
const USER_ID: usize = 100;

/// Checks the id by which a front end knows a user. It is kept in the clear and in every event of the user, so it must not say
/// who that is: an email address is refused.
pub fn user_id(id: &str) -> Result<String, Refusal> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if id.is_empty() || id.len() > USER_ID || !id.bytes().all(is_allowed) {
        let message = format!(
            "must have 1 to {USER_ID} letters, digits, hyphens, underscores, dots or colons; not an email address"
        );
        return Err(Refusal::invalid("id", message));
    }
    Ok(id.to_owned())
}

/// Records that a parked event was given up.
pub fn skip_parked(_state: &Tenant, command: SkipParked, context: &Context<'_>) -> Decision<TenantEvent> {
    let projection = text::required("projection", command.projection, text::SHORT)?;
    let reason = text::required("reason", command.reason, text::LONG)?;
    Ok(vec![context.now(ParkedEventSkipped { projection, event_id: command.event_id, reason })])
}

/// Records that personal data was read.
pub fn record_read(_state: &Tenant, command: RecordPersonalRead, context: &Context<'_>) -> Decision<TenantEvent> {
    let what = text::required("what", command.what, text::SHORT)?;
    let RecordPersonalRead { count, customer_ids, .. } = command;
    let customer_ids = if customer_ids.len() > MOST_NAMED { Vec::new() } else { customer_ids };
    let filter = text::optional("filter", command.filter, text::LONG)?;
    Ok(vec![context.now(PersonalDataRead { what, count, customer_ids, filter })])
}

fn must_exist(state: &Tenant) -> Result<(), Refusal> {
    if state.exists { Ok(()) } else { Err(Refusal::new("TENANT_UNKNOWN", "this tenant does not exist")) }
}
