//! Files of messages.

use chrono::{DateTime, Utc};

use super::select::Select;
use super::{QueryError, Readable};
use crate::domain::account::event::AccountName;
use crate::domain::value::message::AttachmentState;
use crate::ids::{AttachmentId, CustomerId, MessageId, TenantId};
use crate::sql::{Db, row};

const READING: &str = "attachments";

row! {
    /// A file of a message.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct AttachmentRow {
        pub tenant_id: TenantId,
        pub attachment_id: AttachmentId,
        pub message_id: MessageId,
        pub customer_id: CustomerId,
        /// Its place among the message's files, from 1.
        pub number: i64,
        /// `stored`, `remote` or `missing`.
        pub state: AttachmentState,
        /// Why it is missing.
        pub reason: Option<String>,
        /// In bytes.
        pub size: Option<i64>,
        /// For those that lie at a provider.
        pub provider: Option<String>,
        pub account: Option<String>,
        pub noted_at: DateTime<Utc>,
        /// Of the event in the customer's stream.
        pub version: i64,
        pub name: Option<String>,
        pub content_type: Option<String>,
    }
}

/// The files of several messages: by message, in their order.
pub async fn of_messages(db: &Db, tenant: TenantId, ids: &[MessageId]) -> Result<Vec<AttachmentRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT a.* FROM attachments a", []);
    select.and_equal("a.tenant_id", Some(tenant.0));
    select.and_in("a.message_id", ids.iter().map(|id| id.0.into()));
    select.push(" ORDER BY a.message_id, a.number", []);
    select.all(db, READING).await
}

/// One file; where several messages have it, the first of them.
pub async fn by_id(db: &Db, tenant: TenantId, id: AttachmentId) -> Result<Option<AttachmentRow>, QueryError> {
    let mut select = Select::new("SELECT a.* FROM attachments a", []);
    select.and_equal("a.tenant_id", Some(tenant.0));
    select.and_equal("a.attachment_id", Some(id.0));
    select.push(" ORDER BY a.message_id LIMIT 1", []);
    select.optional(db, READING).await
}

/// Files of all tenants that lie at providers, the oldest first.
pub async fn remote(db: &Db, limit: usize) -> Result<Readable<AttachmentRow>, QueryError> {
    let mut select = Select::new("SELECT a.* FROM attachments a", []);
    select.and("a.state = 'remote'", []);
    select.push(&format!(" ORDER BY a.noted_at, a.attachment_id LIMIT {limit}"), []);
    select.readable(db, READING).await
}

/// Files that were given up because their account was unknown, the oldest first.
pub async fn missed_for_want_of_account(
    db: &Db,
    tenant: TenantId,
    name: &AccountName,
    limit: usize,
) -> Result<Readable<AttachmentRow>, QueryError> {
    let mut select = Select::new("SELECT a.* FROM attachments a", []);
    select.and_equal("a.tenant_id", Some(tenant.0));
    select.and_equal("a.provider", Some(name.provider.clone()));
    select.and_equal("a.account", Some(name.account.clone()));
    select.and("a.reason = 'no_account'", []);
    select.push(&format!(" ORDER BY a.noted_at LIMIT {limit}"), []);
    select.readable(db, READING).await
}
