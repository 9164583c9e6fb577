//! Whom messages went to in a time, and who was a member of lists then: what a back-test goes through.

use chrono::{DateTime, Utc};

use super::QueryError;
use super::select::Select;
use crate::domain::value::{Channel, Direction};
use crate::ids::{CustomerId, ListId, TenantId};
use crate::sql::{Db, Engine, row};

const READING: &str = "the messages of a time";

row! {
    struct IdRow {
        customer_id: CustomerId,
    }
}

row! {
    /// That somebody entered a list or left it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct MembershipRow {
        pub list_id: ListId,
        pub customer_id: CustomerId,
        pub changed_at: DateTime<Utc>,
        /// Or else left.
        pub entered: bool,
    }
}

/// How many messages were asked for in a time, counted up to a number.
pub async fn count_messages(
    db: &Db,
    tenant: TenantId,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    most: u64,
) -> Result<u64, QueryError> {
    let mut select = Select::new("SELECT COUNT(*) AS count FROM (", []);
    for (index, channel) in Channel::ALL.iter().enumerate() {
        select.push(if index == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" }, []);
        select.begin("SELECT 1 AS one FROM messages m");
        select.and_equal("m.tenant_id", Some(tenant.0));
        select.and_equal("m.direction", Some(Direction::Outbound));
        select.and_equal("m.channel", Some(*channel));
        select.and("m.created_at >= ? AND m.created_at < ?", [since.into(), until.into()]);
        select.push(&format!(" LIMIT {most}) p{index}"), []);
    }
    select.push(") n", []);
    Ok(select.count(db, READING).await?.min(most))
}

/// The next customers by id of whom a message was recorded in a time.
pub async fn customers_after(
    db: &Db,
    tenant: TenantId,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    after: Option<CustomerId>,
    most: usize,
) -> Result<Vec<CustomerId>, QueryError> {
    // In the order of this index, which has all that is asked: each page goes on where the last one ended.
    let by_customer = if db.engine() == Engine::Sqlite { " INDEXED BY messages_of_customer" } else { "" };
    let mut select = Select::new(&format!("SELECT DISTINCT m.customer_id FROM messages m{by_customer}"), []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    if let Some(after) = after {
        select.and("m.customer_id > ?", [after.into()]);
    }
    select.and("m.created_at >= ? AND m.created_at < ?", [since.into(), until.into()]);
    select.push(&format!(" ORDER BY m.customer_id LIMIT {most}"), []);
    let rows: Vec<IdRow> = select.all(db, READING).await?;
    Ok(rows.into_iter().map(|row| row.customer_id).collect())
}

/// When some customers entered and left some lists, before a moment; in order.
pub async fn memberships(
    db: &Db,
    tenant: TenantId,
    lists: &[ListId],
    customers: &[CustomerId],
    before: DateTime<Utc>,
) -> Result<Vec<MembershipRow>, QueryError> {
    let mut found = Vec::new();
    if customers.is_empty() {
        return Ok(found);
    }
    for list in lists {
        let mut select =
            Select::new("SELECT h.list_id, h.customer_id, h.changed_at, h.entered FROM list_changes h", []);
        select.and_equal("h.tenant_id", Some(tenant.0));
        select.and_equal("h.list_id", Some(list.0));
        select.and_in("h.customer_id", customers.iter().map(|id| id.0.into()));
        select.and("h.changed_at < ?", [before.into()]);
        select.push(" ORDER BY h.customer_id, h.changed_at, h.position", []);
        found.extend(select.all::<MembershipRow>(db, READING).await?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
