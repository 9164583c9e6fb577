//! Business activity: orders, invoices, payments, shipments, appointments.

use chrono::{DateTime, Utc};

use super::select::{Key, Select};
use super::{Json, Page, QueryError, Slice, customer_roots};
use crate::domain::activity::event::ActivityKind;
use crate::domain::customer::event::Source;
use crate::ids::{ActivityId, CustomerId, ImportId, MessageId, Position, TenantId};
use crate::sql::{Db, Engine, row};

const READING: &str = "activities";

/// Newest first.
const KEY: Key = Key::descending("a.occurred_at, a.position", "tp");

row! {
    /// An activity that was not taken back.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ActivityRow {
        pub tenant_id: TenantId,
        pub activity_id: ActivityId,
        pub customer_id: CustomerId,
        /// `order`, `invoice`, `payment`, `shipment`, `appointment`, `custom`.
        pub kind: ActivityKind,
        /// For custom ones, what it is.
        pub name: Option<String>,
        pub reference: Option<String>,
        pub status: Option<String>,
        pub amount_micros: Option<i64>,
        pub currency: Option<String>,
        /// How many line items it has.
        pub line_count: i64,
        pub due_at: Option<DateTime<Utc>>,
        /// The message that it is attributed to.
        pub message_id: Option<MessageId>,
        pub source: Source,
        pub import_id: Option<ImportId>,
        /// The actor that recorded it.
        pub actor: String,
        pub occurred_at: DateTime<Utc>,
        pub recorded_at: DateTime<Utc>,
        pub position: Position,
        pub title: Option<String>,
        /// Free attributes.
        pub attributes: Option<Json>,
    }
}

row! {
    /// A line item.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct LineRow {
        pub activity_id: ActivityId,
        /// From 1, in the order recorded.
        pub line: i64,
        pub sku: String,
        pub description: Option<String>,
        /// Thousandths; negative for returns.
        pub quantity_milli: i64,
        /// Micros of the activity's currency.
        pub unit_price_micros: i64,
    }
}

/// Which activities are asked for; what is not set does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityFilter {
    /// Any of these kinds.
    pub kinds: Vec<ActivityKind>,
    pub reference: Option<String>,
    pub status: Option<String>,
    pub since: Option<DateTime<Utc>>,
    /// Exclusive.
    pub until: Option<DateTime<Utc>>,
}

/// One activity.
pub async fn by_id(db: &Db, tenant: TenantId, id: ActivityId) -> Result<Option<ActivityRow>, QueryError> {
    Ok(by_ids(db, tenant, &[id]).await?.pop())
}

/// Several activities, in no order; those that do not exist or were taken back are missing.
pub async fn by_ids(db: &Db, tenant: TenantId, ids: &[ActivityId]) -> Result<Vec<ActivityRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT a.* FROM activities a", []);
    select.and_equal("a.tenant_id", Some(tenant.0));
    select.and_in("a.activity_id", ids.iter().map(|id| id.0.into()));
    select.all(db, READING).await
}

/// A page of a customer's activities, newest first, with those of everybody who is part of the same person.
pub async fn of_customer(
    db: &Db,
    tenant: TenantId,
    customer: CustomerId,
    filter: &ActivityFilter,
    page: &Page,
) -> Result<Slice<ActivityRow>, QueryError> {
    let ids = customer_roots::whole(db, tenant, customer).await?.ids();
    let mut select = Select::new("", []);
    let restricted = |select: &mut Select, id| restrict(select, tenant, &[id], filter);
    select.page_of_each("SELECT a.* FROM activities a", KEY, page, &ids, restricted)?;
    select.slice(db, READING, page, |row: &ActivityRow| vec![row.occurred_at.into(), row.position.into()]).await
}

/// How many of the activities of a customer, as [`of_customer`] returns them, a filter finds.
pub async fn count_of_customer(
    db: &Db,
    tenant: TenantId,
    customer: CustomerId,
    filter: &ActivityFilter,
) -> Result<u64, QueryError> {
    let ids = customer_roots::whole(db, tenant, customer).await?.ids();
    // SQLite keeps no statistics, and would take the index by time for a good one.
    let by_customer = if db.engine() == Engine::Sqlite { " INDEXED BY activities_newest" } else { "" };
    let mut select = Select::new(&format!("SELECT COUNT(*) AS count FROM activities a{by_customer}"), []);
    restrict(&mut select, tenant, &ids, filter);
    select.count(db, READING).await
}

/// The line items of several activities: by activity, in order.
pub async fn lines(db: &Db, tenant: TenantId, ids: &[ActivityId]) -> Result<Vec<LineRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT l.* FROM activity_lines l", []);
    select.and_equal("l.tenant_id", Some(tenant.0));
    select.and_in("l.activity_id", ids.iter().map(|id| id.0.into()));
    select.push(" ORDER BY l.activity_id, l.line", []);
    select.all(db, READING).await
}

fn restrict(select: &mut Select, tenant: TenantId, ids: &[CustomerId], filter: &ActivityFilter) {
    select.and_equal("a.tenant_id", Some(tenant.0));
    select.and_in("a.customer_id", ids.iter().map(|id| id.0.into()));
    select.and_in("a.kind", filter.kinds.iter().map(|&kind| kind.into()));
    select.and_equal("a.reference", filter.reference.clone());
    select.and_equal("a.status", filter.status.clone());
    if let Some(since) = filter.since {
        select.and("a.occurred_at >= ?", [since.into()]);
    }
    if let Some(until) = filter.until {
        select.and("a.occurred_at < ?", [until.into()]);
    }
}
