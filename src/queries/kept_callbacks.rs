//! Kept callbacks: authentic, but not understood or of an unknown message.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::select::{Key, Select};
use super::{Page, QueryError, Readable, Slice};
use crate::ids::TenantId;
use crate::sql::{Db, row};

const READING: &str = "kept callbacks";

/// Newest first.
const KEY: Key = Key::descending("c.received_at, c.callback_id", "tu");

/// As the index has it.
const OPEN: &str = "c.resolved_at IS NULL AND c.expired_at IS NULL";

row! {
    /// A callback that was kept. What it said is in the log only.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct KeptCallbackRow {
        pub tenant_id: TenantId,
        pub callback_id: Uuid,
        pub provider: String,
        pub account: String,
        /// Why it was not recorded as what it is.
        pub reason: String,
        /// The provider's id of the message that it is about.
        pub provider_message_id: Option<String>,
        pub received_at: DateTime<Utc>,
        /// When it was recorded as what it is.
        pub resolved_at: Option<DateTime<Utc>>,
        /// When it was given up.
        pub expired_at: Option<DateTime<Utc>>,
        /// The version of the parser that looked at it last.
        pub parser: i64,
        /// The request is in the blob store.
        pub is_stored: bool,
        /// In the account's stream.
        pub version: i64,
    }
}

/// Which kept callbacks are asked for; what is not set does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptCallbackFilter {
    /// The provider's name.
    pub provider: Option<String>,
    /// The account's name.
    pub account: Option<String>,
    /// Why it was not recorded, in full.
    pub reason: Option<String>,
    /// Those too that were recorded or given up.
    pub include_ended: bool,
}

/// A page of a tenant's kept callbacks, newest first.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    filter: &KeptCallbackFilter,
    page: &Page,
) -> Result<Slice<KeptCallbackRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM kept_callbacks c", []);
    restrict(&mut select, tenant, filter);
    select.page(KEY, page)?;
    select.slice(db, READING, page, |row: &KeptCallbackRow| vec![row.received_at.into(), row.callback_id.into()]).await
}

/// How many kept callbacks a filter finds.
pub async fn count(db: &Db, tenant: TenantId, filter: &KeptCallbackFilter) -> Result<u64, QueryError> {
    let mut select = Select::new("SELECT COUNT(*) AS count FROM kept_callbacks c", []);
    restrict(&mut select, tenant, filter);
    select.count(db, READING).await
}

fn restrict(select: &mut Select, tenant: TenantId, filter: &KeptCallbackFilter) {
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and_equal("c.provider", filter.provider.clone());
    select.and_equal("c.account", filter.account.clone());
    select.and_equal("c.reason", filter.reason.clone());
    if !filter.include_ended {
        select.and(OPEN, []);
    }
}

/// A kept callback of a tenant.
pub async fn by_id(db: &Db, tenant: TenantId, id: Uuid) -> Result<Option<KeptCallbackRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM kept_callbacks c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and_equal("c.callback_id", Some(id));
    Ok(select.all(db, READING).await?.into_iter().next())
}

/// Callbacks of all tenants that are kept and that only an older parser has looked at, the oldest first. `parsers` are
/// providers with the versions of their parsers; `after` is the last one of the part before.
pub async fn outdated(
    db: &Db,
    parsers: &[(&str, u32)],
    after: Option<&KeptCallbackRow>,
    limit: usize,
) -> Result<Vec<KeptCallbackRow>, QueryError> {
    if parsers.is_empty() {
        return Ok(vec![]);
    }
    let mut select = Select::new("SELECT c.* FROM kept_callbacks c", []);
    let each = vec!["(c.provider = ? AND c.parser < ?)"; parsers.len()].join(" OR ");
    let values = parsers.iter().flat_map(|(name, version)| [(*name).to_owned().into(), i64::from(*version).into()]);
    select.and(&format!("{OPEN} AND ({each})"), values);
    if let Some(after) = after {
        let values = [after.received_at.into(), after.callback_id.into()];
        select.and("(c.received_at, c.callback_id) > (?, ?)", values);
    }
    select.push(&format!(" ORDER BY c.received_at, c.callback_id LIMIT {limit}"), []);
    select.all(db, READING).await
}

/// Reports of all tenants whose message was not known, and what was kept for a reason that passes, the oldest first.
pub async fn unresolved(
    db: &Db,
    passing: &[&str],
    since: DateTime<Utc>,
    limit: usize,
) -> Result<Readable<KeptCallbackRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM kept_callbacks c", []);
    let reasons = vec!["?"; passing.len()].join(", ");
    let waits = format!("(c.provider_message_id IS NOT NULL OR c.reason IN ({reasons}))");
    let values = passing.iter().map(|reason| (*reason).into()).chain([since.into()]);
    select.and(&format!("{OPEN} AND {waits} AND c.received_at >= ?"), values.collect::<Vec<_>>());
    select.push(&format!(" ORDER BY c.received_at, c.callback_id LIMIT {limit}"), []);
    select.readable(db, READING).await
}

/// What was kept of all tenants before a time and is open still, the oldest first.
pub async fn kept_before(db: &Db, time: DateTime<Utc>, limit: usize) -> Result<Readable<KeptCallbackRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM kept_callbacks c", []);
    select.and(&format!("{OPEN} AND c.received_at < ?"), [time.into()]);
    select.push(&format!(" ORDER BY c.received_at, c.callback_id LIMIT {limit}"), []);
    select.readable(db, READING).await
}
