//! Canned replies.

use chrono::{DateTime, Utc};

use super::select::Select;
use super::{Json, QueryError};
use crate::ids::TenantId;
use crate::sql::{Db, row};

const READING: &str = "canned replies";

row! {
    /// A text that agents answer with.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CannedReplyRow {
        pub tenant_id: TenantId,
        /// What agents type to find it.
        pub code: String,
        pub title: String,
        /// The locale of customers whose own has no text.
        pub default_locale: String,
        /// By locale.
        pub bodies: Json,
        /// Counts the changes, from 1.
        pub revision: i64,
        pub changed_at: DateTime<Utc>,
        pub changed_by: String,
    }
}

/// The reply with a code.
pub async fn by_code(db: &Db, tenant: TenantId, code: &str) -> Result<Option<CannedReplyRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM canned_replies c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and_equal("c.code", Some(code.to_owned()));
    select.optional(db, READING).await
}

/// A tenant's canned replies by code, at most `limit`: those whose code or title begins with `search`, in any case.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    search: Option<&str>,
    limit: usize,
) -> Result<Vec<CannedReplyRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM canned_replies c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    if let Some(search) = search.map(str::trim).filter(|search| !search.is_empty()) {
        let pattern = super::select::beginning(search);
        let escaped = "(c.code LIKE ? ESCAPE '\\' OR c.title_key LIKE ? ESCAPE '\\')";
        select.and(escaped, [pattern.clone().into(), pattern.into()]);
    }
    select.push(&format!(" ORDER BY c.code LIMIT {limit}"), []);
    select.all(db, READING).await
}
