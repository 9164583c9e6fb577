//! Lists of all of a tenant's messages.
//!
//! A page is read from an index that has the messages of one *way* in order: of each pair of state and channel a page of
//! its own, and of these one page. Conditions that the way does not fix are checked message by message. Where several ways
//! lead to the messages, the one with fewest is taken: what remains is checked for [`FEW`] messages at most, unless each of
//! the conditions has more.

use chrono::{DateTime, Utc};

use super::messages::{MessageRow, READING};
use super::select::{Counted, Key, Select};
use super::{Page, QueryError, Slice, customer_roots};
use crate::domain::value::Channel;
use crate::domain::value::Direction;
use crate::domain::value::message::MessageState;
use crate::ids::{CampaignId, CustomerId, TenantId};
use crate::sql::{Db, row};

/// A way with more messages than this is not counted further.
const FEW: u64 = 10_000;

/// How far a list is counted.
const MOST_COUNTED: u64 = 10_000;

/// A tenant has few accounts; of more than this, messages are found by their other conditions.
const MOST_ACCOUNTS: usize = 20;

/// Which messages are asked for; what is not set does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// With everybody who is part of the same person.
    pub customer_id: Option<CustomerId>,
    pub direction: Option<Direction>,
    /// Any of these states.
    pub states: Vec<MessageState>,
    /// Any of these channels.
    pub channels: Vec<Channel>,
    pub campaign_id: Option<CampaignId>,
    /// Of this variant of a campaign.
    pub variant: Option<String>,
    /// Narrows the states; with none of them, nothing is found.
    pub outcome: Option<Outcome>,
    /// Of the account that took it, or that it came in by.
    pub provider: Option<String>,
    /// The account that took it, or that it came in by.
    pub account: Option<String>,
    /// The word for any of its reasons: a rule, a cause, a kind of complaint, a provider's code, or else a class.
    pub reason: Option<String>,
    pub created_since: Option<DateTime<Utc>>,
    /// Exclusive.
    pub created_until: Option<DateTime<Utc>>,
}

/// The order of a list of messages, by the time at which they were asked for or received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MessageOrder {
    #[default]
    NewestFirst,
    OldestFirst,
}

impl MessageOrder {
    const fn key(self, columns: &'static str) -> Key {
        Key { columns, shape: "tu", ascending: matches!(self, Self::OldestFirst) }
    }
}

/// A page of messages.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    filter: &MessageFilter,
    order: MessageOrder,
    page: &Page,
) -> Result<Slice<MessageRow>, QueryError> {
    let Some(plan) = Plan::of(db, tenant, filter).await? else { return Ok(Slice::cut(Vec::new(), page, |_| vec![])) };
    let select = plan.page(order, page)?;
    select.slice(db, READING, page, |row: &MessageRow| vec![row.created_at.into(), row.message_id.into()]).await
}

/// How many messages a filter finds, counted up to 10,000.
pub async fn count(db: &Db, tenant: TenantId, filter: &MessageFilter) -> Result<Counted, QueryError> {
    let Some(plan) = Plan::of(db, tenant, filter).await? else { return Ok(0.into()) };
    let count = plan.count(true, MOST_COUNTED + 1).count(db, READING).await?;
    Ok(Counted { count: count.min(MOST_COUNTED), exact: count <= MOST_COUNTED })
}

row! {
    /// An account that took messages, or by which some came in.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Account {
        account: String,
        provider: String,
    }
}

/// What the messages of a way have in common, as the leading columns of the index that has them in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Branch {
    customer: Option<CustomerId>,
    is_by_reason: bool,
    is_of_campaign: bool,
    account: Option<Account>,
    direction: Option<Direction>,
    state: Option<MessageState>,
    channel: Option<Channel>,
}

/// How the messages of a filter are found.
struct Plan<'a> {
    tenant: TenantId,
    filter: &'a MessageFilter,
    /// Everybody who is part of the person that is asked for.
    person: Vec<CustomerId>,
    branches: Vec<Branch>,
}

impl<'a> Plan<'a> {
    /// The way with the fewest messages; absent where nothing can be found.
    async fn of(db: &Db, tenant: TenantId, filter: &'a MessageFilter) -> Result<Option<Self>, QueryError> {
        let fits = |state: &MessageState| match filter.direction {
            None => true,
            Some(Direction::Inbound) => *state == MessageState::Received,
            Some(Direction::Outbound) => *state != MessageState::Received,
        };
        let all = if filter.states.is_empty() { MessageState::ALL } else { &filter.states };
        let is_part = |state: &MessageState| filter.outcome.is_none_or(|outcome| outcome.states().contains(state));
        let states: Vec<MessageState> = all.iter().copied().filter(fits).filter(is_part).collect();
        if states.is_empty() {
            return Ok(None);
        }
        let channels = if filter.channels.is_empty() { Channel::ALL } else { &filter.channels };
        let each = |branch: &Branch| -> Vec<Branch> {
            let pairs = states.iter().flat_map(|&state| channels.iter().map(move |&channel| (state, channel)));
            pairs
                .map(|(state, channel)| Branch { state: Some(state), channel: Some(channel), ..branch.clone() })
                .collect()
        };
        let mut ways: Vec<Vec<Branch>> = Vec::new();
        let person = match filter.customer_id {
            Some(id) => customer_roots::whole(db, tenant, id).await?.ids(),
            None => Vec::new(),
        };
        if !person.is_empty() {
            ways.push(person.iter().map(|&id| Branch { customer: Some(id), ..Branch::default() }).collect());
        }
        if filter.reason.is_some() {
            ways.push(vec![Branch { is_by_reason: true, ..Branch::default() }]);
        }
        if filter.campaign_id.is_some() {
            ways.push(each(&Branch { is_of_campaign: true, ..Branch::default() }));
        }
        if filter.account.is_some() || filter.provider.is_some() {
            let accounts = accounts(db, tenant, filter).await?;
            if accounts.len() <= MOST_ACCOUNTS {
                let of = |account| each(&Branch { account: Some(account), ..Branch::default() });
                ways.push(accounts.into_iter().flat_map(of).collect());
            }
        }
        let has_state = filter.campaign_id.is_some() || filter.account.is_some() || filter.provider.is_some();
        if (!filter.states.is_empty() || filter.outcome.is_some()) && (ways.is_empty() || !has_state) {
            ways.push(each(&Branch::default()));
        }
        if ways.is_empty() {
            let directions = filter.direction.map_or(vec![Direction::Inbound, Direction::Outbound], |one| vec![one]);
            let pairs =
                directions.iter().flat_map(|&direction| channels.iter().map(move |&channel| (direction, channel)));
            let branch = |(direction, channel)| Branch {
                direction: Some(direction),
                channel: Some(channel),
                ..Branch::default()
            };
            ways.push(pairs.map(branch).collect());
        }
        let plan = |branches| Self { tenant, filter, person: person.clone(), branches };
        let mut plans: Vec<Self> = ways.into_iter().map(plan).collect();
        if plans.iter().any(|plan| plan.branches.is_empty()) {
            return Ok(None);
        }
        let mut best = 0;
        if plans.len() > 1 {
            let mut least = FEW + 1;
            for (index, plan) in plans.iter().enumerate() {
                let count = plan.count(false, FEW + 1).count(db, READING).await?;
                if count < least {
                    (least, best) = (count, index);
                }
            }
        }
        Ok(Some(plans.swap_remove(best)))
    }

    /// The keys of the page out of indexes, and then its messages.
    fn page(&self, order: MessageOrder, page: &Page) -> Result<Select, QueryError> {
        let key = order.key("k.created_at, k.message_id");
        let mut select = Select::new("SELECT m.* FROM (SELECT k.created_at, k.message_id FROM (", []);
        for (index, branch) in self.branches.iter().enumerate() {
            select.push(if index == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" }, []);
            if branch.is_by_reason {
                select.begin("SELECT r.message_at AS created_at, r.message_id FROM message_reasons r");
            } else {
                select.begin("SELECT m.created_at, m.message_id FROM messages m");
            }
            self.restrict(&mut select, branch, true);
            let columns = if branch.is_by_reason { "r.message_at, r.message_id" } else { "m.created_at, m.message_id" };
            select.page(order.key(columns), page)?;
            select.push(&format!(") p{index}"), []);
        }
        select.push(") k", []);
        select.order(key, page.from_end);
        // On SQLite, the order of a cross join is the order of reading.
        select.push(&format!(" LIMIT {}) k CROSS JOIN messages m", page.size + 1), []);
        select.begin("");
        select.and_equal("m.tenant_id", Some(self.tenant.0));
        select.and("m.message_id = k.message_id", []);
        select.order(key, page.from_end);
        Ok(select)
    }

    /// Counts messages up to a number: those of the filter, or all of the way.
    fn count(&self, whole_filter: bool, most: u64) -> Select {
        let mut select = Select::new("SELECT COUNT(*) AS count FROM (SELECT 1 AS one FROM (", []);
        for (index, branch) in self.branches.iter().enumerate() {
            select.push(if index == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" }, []);
            let table = if branch.is_by_reason { "message_reasons r" } else { "messages m" };
            select.begin(&format!("SELECT 1 AS one FROM {table}"));
            self.restrict(&mut select, branch, whole_filter);
            select.push(&format!(" LIMIT {most}) p{index}"), []);
        }
        select.push(&format!(") k LIMIT {most}) n"), []);
        select
    }

    /// Adds the conditions of a branch, and those of the filter that it does not fix.
    fn restrict(&self, select: &mut Select, branch: &Branch, whole_filter: bool) {
        let time = if branch.is_by_reason { "r.message_at" } else { "m.created_at" };
        if branch.is_by_reason {
            select.and_equal("r.tenant_id", Some(self.tenant.0));
            select.and_equal("r.why", self.filter.reason.clone());
            // A message with several such reasons is in the list once.
            select.and(
                "r.message_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM message_reasons e \
                 WHERE e.tenant_id = r.tenant_id AND e.message_id = r.message_id AND e.event_id < r.event_id \
                 AND e.why = r.why)",
                [],
            );
        } else {
            select.and_equal("m.tenant_id", Some(self.tenant.0));
        }
        select.and_equal("m.customer_id", branch.customer.map(|id| id.0));
        if branch.is_of_campaign {
            select.and_equal("m.campaign_id", self.filter.campaign_id.map(|id| id.0));
        }
        if let Some(Account { account, provider }) = &branch.account {
            select.and("m.account = ? AND m.provider = ?", [account.as_str().into(), provider.as_str().into()]);
        }
        select.and_equal("m.direction", branch.direction);
        select.and_equal("m.state", branch.state);
        select.and_equal("m.channel", branch.channel);
        for (sign, moment) in [(">=", self.filter.created_since), ("<", self.filter.created_until)] {
            if let Some(moment) = moment {
                select.and(&format!("{time} {sign} ?"), [moment.into()]);
            }
        }
        if !whole_filter {
            return;
        }
        if branch.is_by_reason {
            // The conditions that follow belong to the query inside.
            select.and(
                "EXISTS (SELECT 1 FROM messages m WHERE m.tenant_id = r.tenant_id AND m.message_id = r.message_id",
                [],
            );
            self.rest(select, branch);
            select.push(")", []);
        } else {
            self.rest(select, branch);
        }
    }

    /// Adds what is checked message by message. Columns are made into expressions, so that no other index is taken.
    fn rest(&self, select: &mut Select, branch: &Branch) {
        let filter = self.filter;
        if branch.state.is_none() {
            select.and_in("m.state || ''", filter.states.iter().map(|&state| state.into()));
            select.and_in("m.state || ''", filter.outcome.iter().flat_map(|of| of.states()).map(|&state| state.into()));
        }
        if let Some(condition) = filter.outcome.and_then(Outcome::condition) {
            select.and(condition, []);
        }
        if branch.channel.is_none() {
            select.and_in("m.channel || ''", filter.channels.iter().map(|&channel| channel.into()));
        }
        if branch.direction.is_none() && branch.state.is_none() {
            select.and_equal("m.direction || ''", filter.direction);
        }
        if branch.customer.is_none() {
            select.and_in("COALESCE(m.customer_id, m.message_id)", self.person.iter().map(|id| id.0.into()));
        }
        if !branch.is_of_campaign {
            select.and_equal("COALESCE(m.campaign_id, m.message_id)", filter.campaign_id.map(|id| id.0));
        }
        select.and_equal("m.variant || ''", filter.variant.clone());
        if branch.account.is_none() {
            select.and_equal("m.account || ''", filter.account.clone());
            select.and_equal("m.provider || ''", filter.provider.clone());
        }
        if !branch.is_by_reason
            && let Some(reason) = &filter.reason
        {
            select.and(
                "EXISTS (SELECT 1 FROM message_reasons r WHERE r.tenant_id = m.tenant_id \
                 AND r.message_id = m.message_id AND r.why || '' = ?)",
                [reason.as_str().into()],
            );
        }
    }
}

/// The accounts that a filter means, each by a step in the index.
async fn accounts(db: &Db, tenant: TenantId, filter: &MessageFilter) -> Result<Vec<Account>, QueryError> {
    let mut found: Vec<Account> = Vec::new();
    let mut last: Option<Account> = None;
    loop {
        let mut select = Select::new("SELECT m.account, m.provider FROM messages m", []);
        select.and_equal("m.tenant_id", Some(tenant.0));
        select.and_equal("m.account", filter.account.clone());
        select.and("m.account IS NOT NULL AND m.provider IS NOT NULL", []);
        if let Some(Account { account, provider }) = last {
            select.and("(m.account, m.provider) > (?, ?)", [account.into(), provider.into()]);
        }
        select.push(" ORDER BY m.account, m.provider LIMIT 1", []);
        let Some(next) = select.optional::<Account>(db, READING).await? else { return Ok(found) };
        if filter.provider.as_ref().is_none_or(|provider| *provider == next.provider) {
            found.push(next.clone());
        }
        if found.len() > MOST_ACCOUNTS {
            return Ok(found);
        }
        last = Some(next);
    }
}

mod outcome;
#[cfg(test)]
mod tests;

pub use outcome::Outcome;
