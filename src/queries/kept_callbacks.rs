//! Kept callbacks: authentic, but not understood or of an unknown message.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::select::Select;
use super::{QueryError, Readable};
use crate::ids::TenantId;
use crate::sql::{Db, row};

const READING: &str = "kept callbacks";

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
        /// In the account's stream.
        pub version: i64,
    }
}

/// Reports of all tenants whose message was not known, the oldest first.
pub async fn unresolved(db: &Db, since: DateTime<Utc>, limit: usize) -> Result<Readable<KeptCallbackRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM kept_callbacks c", []);
    select.and(&format!("{OPEN} AND c.provider_message_id IS NOT NULL AND c.received_at >= ?"), [since.into()]);
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
