//! Conversations: the inbox, and a customer's threads.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::select::{Key, Select};
use super::{Page, QueryError, Slice};
use crate::ids::{ConversationId, CustomerId, Position, TenantId};
use crate::sql::Db;

const READING: &str = "conversations";

/// What the index over the few conversations that are not resolved is found by: it must be said in these words.
const WAITING: &str = "c.state <> 'resolved'";

/// The one that moved last first.
const KEY: Key = Key { columns: "c.changed_at, c.conversation_id", shape: "tu" };

/// A conversation with one customer on one channel.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ConversationRow {
    pub tenant_id: Uuid,
    pub conversation_id: Uuid,
    pub customer_id: Uuid,
    pub channel: String,
    /// `open`, `pending`, `snoozed`, `resolved`.
    pub state: String,
    pub snoozed_until: Option<DateTime<Utc>>,
    pub assignee: Option<String>,
    pub team: Option<String>,
    /// `low`, `normal`, `high`, `urgent`.
    pub priority: String,
    /// Inbound messages that no agent has seen.
    pub unread: i64,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it last moved, for whatever cause.
    pub changed_at: DateTime<Utc>,
    pub last_inbound_at: Option<DateTime<Utc>>,
    pub last_outbound_at: Option<DateTime<Utc>>,
    /// Of the event that moved it last.
    #[sqlx(try_from = "Vec<u8>")]
    pub position: Position,
}

/// Which conversations are asked for; what is not set does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    pub customer_id: Option<CustomerId>,
    /// Any of these states.
    pub states: Vec<String>,
    /// Any of these channels.
    pub channels: Vec<String>,
    pub assignee: Option<String>,
    /// Only those that nobody is assigned to.
    pub unassigned: bool,
    pub team: Option<String>,
    pub priority: Option<String>,
    /// Only those with unread messages.
    pub unread: bool,
}

/// Conversations of all tenants whose time to be open again has come, the longest ago first.
pub async fn due(db: &Db, now: DateTime<Utc>, limit: usize) -> Result<Vec<ConversationRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM conversations c", []);
    select.and("c.state = 'snoozed' AND c.snoozed_until <= ?", [now.into()]);
    select.push(&format!(" ORDER BY c.snoozed_until, c.conversation_id LIMIT {limit}"), []);
    select.all(db, READING).await
}

/// A tenant's conversations in which nothing waits for us and nothing moved since a time, the longest ago first.
pub async fn idle(
    db: &Db,
    tenant: TenantId,
    since: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<ConversationRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM conversations c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and(WAITING, []);
    select.and("c.state IN ('open', 'pending') AND c.unread = 0 AND c.changed_at <= ?", [since.into()]);
    select.push(&format!(" ORDER BY c.changed_at, c.conversation_id LIMIT {limit}"), []);
    select.all(db, READING).await
}

/// One conversation.
pub async fn by_id(db: &Db, tenant: TenantId, id: ConversationId) -> Result<Option<ConversationRow>, QueryError> {
    Ok(by_ids(db, tenant, &[id]).await?.pop())
}

/// Several conversations, in no order.
pub async fn by_ids(db: &Db, tenant: TenantId, ids: &[ConversationId]) -> Result<Vec<ConversationRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT c.* FROM conversations c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and_in("c.conversation_id", ids.iter().map(|id| id.0.into()));
    select.all(db, READING).await
}

/// A page of conversations, the one that moved last first.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    filter: &ConversationFilter,
    page: &Page,
) -> Result<Slice<ConversationRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM conversations c", []);
    restrict(&mut select, tenant, filter);
    select.page(KEY, page)?;
    select
        .slice(db, READING, page, |row: &ConversationRow| vec![row.changed_at.into(), row.conversation_id.into()])
        .await
}

/// How many conversations a filter finds.
pub async fn count(db: &Db, tenant: TenantId, filter: &ConversationFilter) -> Result<u64, QueryError> {
    let mut select = Select::new("SELECT COUNT(*) AS count FROM conversations c", []);
    restrict(&mut select, tenant, filter);
    select.count(db, READING).await
}

/// Adds the conditions of a filter on whatever is called `c` in the query.
pub(super) fn restrict(select: &mut Select, tenant: TenantId, filter: &ConversationFilter) {
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and_equal("c.customer_id", filter.customer_id.map(CustomerId::uuid));
    if !filter.states.is_empty() && !filter.states.iter().any(|state| state == "resolved") {
        select.and(WAITING, []);
    }
    select.and_in("c.state", filter.states.iter().map(|state| state.as_str().into()));
    select.and_in("c.channel", filter.channels.iter().map(|channel| channel.as_str().into()));
    select.and_equal("c.assignee", filter.assignee.clone());
    select.and_equal("c.team", filter.team.clone());
    select.and_equal("c.priority", filter.priority.clone());
    if filter.unassigned {
        select.and("c.assignee IS NULL", []);
    }
    if filter.unread {
        select.and("c.unread > 0", []);
    }
}
