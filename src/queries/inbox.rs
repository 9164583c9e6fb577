//! The inbox: how many conversations there are of each sort, and which moved.
//!
//! The projector counts how many conversations are alike in everything that one filters by, so figures cost the same in a
//! large inbox. Subscribers read what moved after a position; they do not each read the log.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use super::QueryError;
use super::conversations::{ConversationFilter, ConversationRow, of_person, restrict};
use super::select::Select;
use crate::domain::conversation::event::ConversationState;
use crate::domain::value::Channel;
use crate::ids::{ConversationId, Position, TenantId};
use crate::sql::{Db, row};

const READING: &str = "the inbox";

row! {
    /// Conversations that are alike in everything that an inbox is filtered by.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct SortRow {
        /// `open`, `pending`, `snoozed`, `resolved`.
        pub state: ConversationState,
        pub channel: Channel,
        /// [`None`]: nobody.
        pub assignee: Option<String>,
        pub team: Option<String>,
        /// `low`, `normal`, `high`, `urgent`.
        pub priority: String,
        /// How many conversations.
        pub conversations: i64,
        /// How many inbound messages of theirs no agent has seen. Of one sort, all or none have some.
        pub unread: i64,
    }
}

/// How many conversations there are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub open: i64,
    pub pending: i64,
    pub snoozed: i64,
    pub resolved: i64,
    /// Conversations with unread messages, in whatever state.
    pub unread: i64,
    /// Inbound messages that no agent has seen.
    pub unread_messages: i64,
}

impl AddAssign<&SortRow> for Tally {
    fn add_assign(&mut self, row: &SortRow) {
        let in_state = match row.state {
            ConversationState::Open => &mut self.open,
            ConversationState::Pending => &mut self.pending,
            ConversationState::Snoozed => &mut self.snoozed,
            ConversationState::Resolved => &mut self.resolved,
        };
        *in_state += row.conversations;
        if row.unread > 0 {
            self.unread += row.conversations;
        }
        self.unread_messages += row.unread;
    }
}

/// The figures of an inbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(Vec<SortRow>);

impl Counts {
    /// Of the conversations that meet a condition.
    #[must_use]
    pub fn tally(&self, met: impl Fn(&SortRow) -> bool) -> Tally {
        let mut tally = Tally::default();
        self.0.iter().filter(|row| met(row)).for_each(|row| tally += row);
        tally
    }

    /// By a property, in its order; [`None`] comes first.
    #[must_use]
    pub fn by<'a, K: Ord>(&'a self, property: impl Fn(&'a SortRow) -> K) -> BTreeMap<K, Tally> {
        let mut tallies = BTreeMap::<K, Tally>::new();
        for row in &self.0 {
            *tallies.entry(property(row)).or_default() += row;
        }
        tallies
    }
}

/// Counts the conversations that a filter finds: those of a tenant from the counts that are kept, those of one customer
/// (there is one for each channel) one by one.
pub async fn counts(db: &Db, tenant: TenantId, filter: &ConversationFilter) -> Result<Counts, QueryError> {
    let columns = "SELECT c.state, c.channel, c.assignee, c.team, c.priority, c.conversations, c.unread FROM";
    let kept = "SELECT tenant_id, state, channel, NULLIF(assignee, '') AS assignee, NULLIF(team, '') AS team, priority, \
        conversations, unread FROM conversation_counts";
    let each = "SELECT tenant_id, customer_id, state, channel, assignee, team, priority, CAST(1 AS BIGINT) AS \
        conversations, unread FROM conversations";
    let source = if filter.customer_id.is_some() { each } else { kept };
    let mut select = Select::new(&format!("{columns} ({source}) AS c"), []);
    let ids = of_person(db, tenant, filter).await?.unwrap_or_default();
    restrict(&mut select, tenant, &ids, filter);
    Ok(Counts(select.all(db, READING).await?))
}

/// How many conversations of all customers a filter finds, from the counts that are kept.
pub async fn count(db: &Db, tenant: TenantId, filter: &ConversationFilter) -> Result<u64, QueryError> {
    let found: i64 = counts(db, tenant, filter).await?.0.iter().map(|row| row.conversations).sum();
    Ok(u64::try_from(found).unwrap_or(0))
}

/// A conversation that moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The conversation's id.
    pub conversation_id: ConversationId,
    /// Where the event stands that moved it last.
    pub position: Position,
    /// As it stands, if the filter finds it; [`None`]: it is not in this inbox, or not any more.
    pub found: Option<ConversationRow>,
}

/// The conversations that moved after a position, in the order of their last move, at most `limit` of them. Each is returned
/// once, however often it moved.
pub async fn moved(
    db: &Db,
    tenant: TenantId,
    filter: &ConversationFilter,
    after: Position,
    limit: usize,
) -> Result<Vec<Moved>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM conversations c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and("c.position > ?", [after.into()]);
    select.push(&format!(" ORDER BY c.position LIMIT {limit}"), []);
    let rows: Vec<ConversationRow> = select.all(db, READING).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT c.* FROM conversations c", []);
    let ids = of_person(db, tenant, filter).await?.unwrap_or_default();
    restrict(&mut select, tenant, &ids, filter);
    select.and_in("c.conversation_id", rows.iter().map(|row| row.conversation_id.into()));
    let found: Vec<ConversationRow> = select.all(db, READING).await?;
    let mut found: BTreeMap<_, _> = found.into_iter().map(|row| (row.conversation_id, row)).collect();
    let told = rows.into_iter().map(|row| Moved {
        conversation_id: row.conversation_id,
        position: row.position,
        found: found.remove(&row.conversation_id),
    });
    Ok(told.collect())
}
