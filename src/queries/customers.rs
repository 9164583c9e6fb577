//! Customers: who they are, what they are worth, when we last heard of each other.

use chrono::{DateTime, Utc};

pub use super::customer_list::{ConsentFilter, ContactFilter, CustomerFilter, count, count_list, list};
pub use super::customer_order::CustomerOrder;
use super::select::Select;
use super::{Json, QueryError, customer_roots};
use crate::domain::customer::event::Source;
use crate::domain::value::AddressKind;
use crate::ids::{AddressId, CustomerId, ImportId, TenantId};
use crate::sql::{Db, row};

pub(super) const READING: &str = "customers";

row! {
    /// A customer who stands for itself, with the figures of everybody who is part of the same person. Totals count orders
    /// only, so that an order and its invoice are not counted twice.
    #[derive(Debug, Clone, PartialEq)]
    pub struct CustomerRow {
        pub tenant_id: TenantId,
        pub customer_id: CustomerId,
        /// The id that was asked for: another one, if that customer was merged.
        pub asked: CustomerId,
        /// How we came to know of the customer.
        pub source: Source,
        /// The customer that activities without a customer go to.
        pub anonymous: bool,
        pub import_id: Option<ImportId>,
        pub territory: Option<String>,
        pub account_type: Option<String>,
        pub priority: Option<String>,
        pub owner: Option<String>,
        pub lead_score: Option<i64>,
        pub industry: Option<String>,
        pub locale: Option<String>,
        pub time_zone: Option<String>,
        pub preferred_hours: Option<String>,
        /// A list of texts, sorted.
        pub tags: Json,
        pub name: Option<String>,
        pub external_id: Option<String>,
        /// Free attributes by name.
        pub attributes: Option<Json>,
        /// Whether a mailbox is known.
        pub has_email: bool,
        /// Whether a phone number is known.
        pub has_phone: bool,
        pub registered_at: DateTime<Utc>,
        /// When the profile last changed.
        pub changed_at: DateTime<Utc>,
        /// When the customer was forgotten; what is personal is gone since.
        pub forgotten_at: Option<DateTime<Utc>>,
        /// Orders in all currencies, cancellations included.
        pub orders: i64,
        /// Orders of a negative amount, in all currencies.
        pub cancellations: i64,
        /// The latest order that is no cancellation.
        pub last_order_at: Option<DateTime<Utc>>,
        /// The latest message from the customer.
        pub last_inbound_at: Option<DateTime<Utc>>,
        /// The latest message that a provider took for the customer.
        pub last_outbound_at: Option<DateTime<Utc>>,
    } with {
        /// Those who were merged into this customer, by id.
        pub merged: Vec<CustomerId>,
    }
}

row! {
    /// A customer's orders in one currency.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct RevenueRow {
        pub customer_id: CustomerId,
        /// ISO 4217; empty for orders without an amount.
        pub currency: String,
        /// Sum of the whole thousands of the amounts of all orders, cancellations included.
        pub revenue_thousands: i64,
        /// Sum of what is left of them, in micros.
        pub revenue_micros: i64,
        /// Orders, cancellations included.
        pub orders: i64,
        /// Orders of a negative amount.
        pub cancellations: i64,
        pub first_order_at: Option<DateTime<Utc>>,
        pub last_order_at: Option<DateTime<Utc>>,
    }
}

row! {
    /// One of a customer's addresses.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct AddressRow {
        pub customer_id: CustomerId,
        pub address_id: AddressId,
        /// `email`, `phone`, `push_token`, `in_app`.
        pub kind: AddressKind,
        /// The one of its kind that is used unless another is asked for.
        pub is_primary: bool,
        pub import_id: Option<ImportId>,
        pub added_at: DateTime<Utc>,
        /// E.164, or a mailbox.
        pub address: Option<String>,
        pub label: Option<String>,
    }
}

/// What figures of a customer are summed over: its own, and those of everybody who is part of it. The order of the join
/// is the one that asks an index a few times.
macro_rules! of_person {
    ($value:literal, $table:literal) => {
        concat!(
            "(SELECT ", $value, " FROM (SELECT c.customer_id AS id UNION ALL \
            SELECT r.customer_id FROM customer_roots r WHERE r.tenant_id = c.tenant_id AND r.root_id = c.customer_id) p \
            CROSS JOIN ", $table, " t WHERE t.tenant_id = c.tenant_id AND t.customer_id = p.id)"
        )
    };
}

pub(super) const COLUMNS: &str = concat!(
    "SELECT c.*, c.customer_id AS asked, CAST(COALESCE(",
    of_person!("SUM(t.orders)", "customer_totals"),
    ", 0) AS BIGINT) AS orders, CAST(COALESCE(",
    of_person!("SUM(t.cancellations)", "customer_totals"),
    ", 0) AS BIGINT) AS cancellations, ",
    of_person!("MAX(t.last_order_at)", "customer_totals"),
    " AS last_order_at, ",
    of_person!("MAX(t.last_inbound_at)", "customer_contacts"),
    " AS last_inbound_at, ",
    of_person!("MAX(t.last_outbound_at)", "customer_contacts"),
    " AS last_outbound_at FROM ",
);

/// One customer, also a forgotten one; for a merged one, its survivor.
pub async fn by_id(db: &Db, tenant: TenantId, id: CustomerId) -> Result<Option<CustomerRow>, QueryError> {
    Ok(by_ids(db, tenant, &[id]).await?.pop())
}

/// Several customers, in no order; missing ones are omitted; for merged ones, their survivors.
pub async fn by_ids(db: &Db, tenant: TenantId, ids: &[CustomerId]) -> Result<Vec<CustomerRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let wholes = customer_roots::wholes(db, tenant, ids).await?;
    let mut select = Select::new(&format!("{COLUMNS} customers c"), []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and_in("c.customer_id", wholes.iter().map(|whole| whole.root.0.into()));
    let rows: Vec<CustomerRow> = select.all(db, READING).await?;
    let found = wholes.into_iter().filter_map(|whole| {
        let row = rows.iter().find(|row| row.customer_id == whole.root)?;
        Some(CustomerRow { asked: whole.asked, merged: whole.merged, ..row.clone() })
    });
    Ok(found.collect())
}

/// Customers of all tenants who asked to be forgotten, by id; for the start of processes. `after` continues.
pub async fn forgotten(
    db: &Db,
    after: Option<(TenantId, CustomerId)>,
    limit: usize,
) -> Result<Vec<(TenantId, CustomerId)>, QueryError> {
    let mut select = Select::new("SELECT c.tenant_id, c.customer_id FROM customers c", []);
    select.and("c.forgotten_at IS NOT NULL", []);
    if let Some((tenant, customer)) = after {
        select.and("(c.tenant_id, c.customer_id) > (?, ?)", [tenant.0.into(), customer.0.into()]);
    }
    select.push(&format!(" ORDER BY c.tenant_id, c.customer_id LIMIT {limit}"), []);
    select.all(db, READING).await
}

impl RevenueRow {
    /// Sum of the amounts of all orders, cancellations included, in micros.
    #[must_use]
    pub fn revenue(&self) -> i128 {
        total(self.revenue_thousands, self.revenue_micros)
    }
}

/// The micros that a sum of thousands and one of micros make.
pub(super) fn total(thousands: i64, micros: i64) -> i128 {
    i128::from(thousands) * 1_000_000_000 + i128::from(micros)
}

const REVENUE: &str = "SELECT COALESCE(r.root_id, t.customer_id) AS customer_id, t.currency, \
    CAST(SUM(t.revenue_thousands) AS BIGINT) AS revenue_thousands, \
    CAST(SUM(t.revenue_micros) AS BIGINT) AS revenue_micros, CAST(SUM(t.orders) AS BIGINT) AS orders, \
    CAST(SUM(t.cancellations) AS BIGINT) AS cancellations, MIN(t.first_order_at) AS first_order_at, \
    MAX(t.last_order_at) AS last_order_at \
    FROM customer_totals t LEFT JOIN customer_roots r ON r.tenant_id = t.tenant_id AND r.customer_id = t.customer_id";

/// What several customers ordered, per currency, with everybody who is part of them.
pub async fn revenue(db: &Db, tenant: TenantId, ids: &[CustomerId]) -> Result<Vec<RevenueRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let wholes = customer_roots::wholes(db, tenant, ids).await?;
    let mut select = Select::new(REVENUE, []);
    select.and_equal("t.tenant_id", Some(tenant.0));
    select.and_in("t.customer_id", wholes.iter().flat_map(customer_roots::Whole::ids).map(|id| id.0.into()));
    select.push(
        " GROUP BY COALESCE(r.root_id, t.customer_id), t.currency ORDER BY COALESCE(r.root_id, t.customer_id), t.currency",
        [],
    );
    select.all(db, READING).await
}

/// Whether a customer of a tenant was forgotten at a moment or since.
pub async fn forgotten_since(db: &Db, tenant: TenantId, since: DateTime<Utc>) -> Result<bool, QueryError> {
    let mut select = Select::new("SELECT COUNT(*) AS count FROM customers c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and("c.forgotten_at >= ?", [since.into()]);
    Ok(select.count(db, READING).await? > 0)
}

const ADDRESSES: &str = "SELECT a.*, COALESCE(p.address_id = a.address_id, FALSE) AS is_primary \
    FROM customer_addresses a LEFT JOIN customer_primary_addresses p \
    ON p.tenant_id = a.tenant_id AND p.customer_id = a.customer_id AND p.kind = a.kind";

/// The addresses of several customers: by customer and kind, oldest first.
pub async fn addresses(db: &Db, tenant: TenantId, ids: &[CustomerId]) -> Result<Vec<AddressRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new(ADDRESSES, []);
    select.and_equal("a.tenant_id", Some(tenant.0));
    select.and_in("a.customer_id", ids.iter().map(|id| id.0.into()));
    select.push(" ORDER BY a.customer_id, a.kind, a.added_at, a.address_id", []);
    select.all(db, READING).await
}
