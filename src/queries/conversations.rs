//! Conversations: the inbox, and a customer's threads.

use chrono::{DateTime, Utc};

use super::select::{Key, Select};
use super::{Page, QueryError, Readable, Slice, customer_roots};
use crate::domain::conversation::event::ConversationState;
use crate::domain::value::Channel;
use crate::ids::{ConversationId, CustomerId, Position, TenantId};
use crate::sql::{Db, Value, row};

const READING: &str = "conversations";

/// What the index over the few conversations that are not resolved is found by: it must be said in these words.
const WAITING: &str = "c.state <> 'resolved'";

/// The order of a list of conversations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConversationOrder {
    /// The one that moved last first.
    #[default]
    RecentlyActive,
    /// The one that began last first.
    Newest,
    /// The one whose customer has waited longest for an answer first; only those whose customer waits.
    LongestWaiting,
    /// The most urgent first, of these the one that moved last; only those that are not resolved.
    MostUrgent,
}

impl ConversationOrder {
    const fn key(self) -> Key {
        match self {
            Self::RecentlyActive => Key::descending("c.changed_at, c.conversation_id", "tu"),
            Self::Newest => Key::descending("c.started_at, c.conversation_id", "tu"),
            Self::LongestWaiting => Key { columns: "c.waiting_since, c.conversation_id", shape: "tu", ascending: true },
            Self::MostUrgent => Key::descending("c.urgency, c.changed_at, c.conversation_id", "itu"),
        }
    }

    /// What holds for every conversation of a list in this order.
    const fn condition(self) -> Option<&'static str> {
        match self {
            Self::RecentlyActive | Self::Newest => None,
            Self::LongestWaiting => Some("c.waiting_since IS NOT NULL"),
            Self::MostUrgent => Some(WAITING),
        }
    }

    fn key_of(self, row: &ConversationRow) -> Vec<Value> {
        let id = row.conversation_id.into();
        match self {
            Self::RecentlyActive => vec![row.changed_at.into(), id],
            Self::Newest => vec![row.started_at.into(), id],
            Self::LongestWaiting => row.waiting_since.map(|since| vec![since.into(), id]).unwrap_or_default(),
            Self::MostUrgent => vec![row.urgency.into(), row.changed_at.into(), id],
        }
    }
}

row! {
    /// A conversation with one customer on one channel.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ConversationRow {
        pub tenant_id: TenantId,
        pub conversation_id: ConversationId,
        pub customer_id: CustomerId,
        pub channel: Channel,
        /// `open`, `pending`, `snoozed`, `resolved`.
        pub state: ConversationState,
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
        /// When the customer first wrote of what nobody has answered or resolved since.
        pub waiting_since: Option<DateTime<Utc>>,
        /// The priority as a number: 0 is low, 3 urgent.
        pub urgency: i64,
        /// Of the event that moved it last.
        pub position: Position,
    }
}

/// Which conversations are asked for; what is not set does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    /// With everybody who is part of the same person.
    pub customer_id: Option<CustomerId>,
    /// Any of these states.
    pub states: Vec<ConversationState>,
    /// Any of these channels.
    pub channels: Vec<Channel>,
    pub assignee: Option<String>,
    /// Only those that nobody is assigned to.
    pub unassigned: bool,
    pub team: Option<String>,
    pub priority: Option<String>,
    /// Only those with unread messages.
    pub unread: bool,
}

/// Conversations of all tenants whose time to be open again has come, the longest ago first.
pub async fn due(db: &Db, now: DateTime<Utc>, limit: usize) -> Result<Readable<ConversationRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM conversations c", []);
    select.and("c.state = 'snoozed' AND c.snoozed_until <= ?", [now.into()]);
    select.push(&format!(" ORDER BY c.snoozed_until, c.conversation_id LIMIT {limit}"), []);
    select.readable(db, READING).await
}

/// A tenant's conversations in which nothing waits for us and nothing moved since a time, the longest ago first.
pub async fn idle(
    db: &Db,
    tenant: TenantId,
    since: DateTime<Utc>,
    limit: usize,
) -> Result<Readable<ConversationRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM conversations c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and(WAITING, []);
    select.and("c.state IN ('open', 'pending') AND c.unread = 0 AND c.changed_at <= ?", [since.into()]);
    select.push(&format!(" ORDER BY c.changed_at, c.conversation_id LIMIT {limit}"), []);
    select.readable(db, READING).await
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

/// A page of conversations.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    filter: &ConversationFilter,
    order: ConversationOrder,
    page: &Page,
) -> Result<Slice<ConversationRow>, QueryError> {
    const TEXT: &str = "SELECT c.* FROM conversations c";
    let restrict = |select: &mut Select, ids: &[CustomerId]| {
        restrict(select, tenant, ids, filter);
        if let Some(condition) = order.condition() {
            select.and(condition, []);
        }
    };
    let mut select = Select::new("", []);
    match of_person(db, tenant, filter).await? {
        None => {
            select.begin(TEXT);
            restrict(&mut select, &[]);
            select.page(order.key(), page)?;
        }
        Some(ids) => select.page_of_each(TEXT, order.key(), page, &ids, |select, id| restrict(select, &[id]))?,
    }
    select.slice(db, READING, page, |row: &ConversationRow| order.key_of(row)).await
}

/// How many conversations a filter finds in a list of an order; of all customers' out of counters, where the order leaves
/// none out.
pub async fn count(
    db: &Db,
    tenant: TenantId,
    filter: &ConversationFilter,
    order: ConversationOrder,
) -> Result<u64, QueryError> {
    let ids = of_person(db, tenant, filter).await?;
    if ids.is_none() && order.condition().is_none() {
        return super::inbox::count(db, tenant, filter).await;
    }
    let mut select = Select::new("SELECT COUNT(*) AS count FROM conversations c", []);
    restrict(&mut select, tenant, &ids.unwrap_or_default(), filter);
    if let Some(condition) = order.condition() {
        select.and(condition, []);
    }
    select.count(db, READING).await
}

/// The ids of the person that is asked for, if one is.
pub(super) async fn of_person(
    db: &Db,
    tenant: TenantId,
    filter: &ConversationFilter,
) -> Result<Option<Vec<CustomerId>>, QueryError> {
    match filter.customer_id {
        None => Ok(None),
        Some(id) => Ok(Some(customer_roots::whole(db, tenant, id).await?.ids())),
    }
}

/// Adds the conditions of a filter on whatever is called `c` in the query; `ids` restrict to these customers, if there are
/// any.
pub(super) fn restrict(select: &mut Select, tenant: TenantId, ids: &[CustomerId], filter: &ConversationFilter) {
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and_in("c.customer_id", ids.iter().map(|id| id.0.into()));
    if !filter.states.is_empty() && !filter.states.contains(&ConversationState::Resolved) {
        select.and(WAITING, []);
    }
    select.and_in("c.state", filter.states.iter().map(|&state| state.into()));
    select.and_in("c.channel", filter.channels.iter().map(|&channel| channel.into()));
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
