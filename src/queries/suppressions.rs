//! Addresses that nothing is sent to, and who has an address.

use chrono::{DateTime, Utc};

use super::select::{Key, Select};
use super::{Page, QueryError, Slice};
use crate::domain::address::event::SuppressionReason;
use crate::domain::customer::event::Source;
use crate::domain::value::AddressKind;
use crate::ids::{AddressId, CustomerId, EventId, MessageId, Position, TenantId};
use crate::sql::{Db, row};

const READING: &str = "suppressions";

/// Newest first.
const KEY: Key = Key::descending("s.suppressed_at, s.address_id, s.reason", "tus");

row! {
    /// The suppression of an address for a reason. It applies to all customers who share the address.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct SuppressionRow {
        pub tenant_id: TenantId,
        pub address_id: AddressId,
        /// `hard_bounce`, `complaint`, `stop`, `manual`, `unreachable`.
        pub reason: SuppressionReason,
        /// `email`, `phone`, `push_token`, `in_app`.
        pub kind: AddressKind,
        /// False once it was lifted.
        pub active: bool,
        pub suppressed_at: DateTime<Utc>,
        pub lifted_at: Option<DateTime<Utc>>,
        /// The actor that lifted it; absent while it stands.
        pub lifted_by: Option<String>,
        /// Why the address may be used again.
        pub note: Option<String>,
        pub source: Source,
        /// The message that led to it.
        pub message_id: Option<MessageId>,
        /// The customer it was learned from.
        pub customer_id: Option<CustomerId>,
        pub actor: String,
    }
}

row! {
    /// That an address was suppressed, or a suppression lifted.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct SuppressionChangeRow {
        pub tenant_id: TenantId,
        pub address_id: AddressId,
        pub position: Position,
        /// `hard_bounce`, `complaint`, `stop`, `manual`, `unreachable`.
        pub reason: SuppressionReason,
        /// False: this lifted it.
        pub suppressed: bool,
        /// Of a suppression.
        pub source: Option<Source>,
        /// Why it was lifted.
        pub note: Option<String>,
        /// The message that led to it.
        pub message_id: Option<MessageId>,
        /// The customer it was learned from.
        pub customer_id: Option<CustomerId>,
        pub actor: String,
        pub event_id: EventId,
        pub occurred_at: DateTime<Utc>,
        pub recorded_at: DateTime<Utc>,
    }
}

row! {
    /// That a customer has an address, as the address knows it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ClaimRow {
        pub tenant_id: TenantId,
        pub address_id: AddressId,
        pub customer_id: CustomerId,
        pub kind: AddressKind,
        pub claimed_at: DateTime<Utc>,
    }
}

/// Which suppressions are asked for; what is not set does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SuppressionFilter {
    /// Any of these reasons.
    pub reasons: Vec<SuppressionReason>,
    /// `email`, `phone` …
    pub kind: Option<AddressKind>,
    /// Lifted ones too.
    pub include_lifted: bool,
}

/// The suppressions of several addresses, lifted ones too: by address and reason.
pub async fn of_addresses(db: &Db, tenant: TenantId, ids: &[AddressId]) -> Result<Vec<SuppressionRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT s.* FROM suppressions s", []);
    select.and_equal("s.tenant_id", Some(tenant.0));
    select.and_in("s.address_id", ids.iter().map(|id| id.0.into()));
    select.push(" ORDER BY s.address_id, s.reason", []);
    select.all(db, READING).await
}

/// How several addresses came to be suppressed, or not: by address, the oldest change first; of an address the last 100.
pub async fn histories(db: &Db, tenant: TenantId, ids: &[AddressId]) -> Result<Vec<SuppressionChangeRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let numbered = "SELECT n.*, ROW_NUMBER() OVER (PARTITION BY n.address_id ORDER BY n.position DESC) AS number \
        FROM suppression_history n";
    let mut select = Select::new(numbered, []);
    select.and_equal("n.tenant_id", Some(tenant.0));
    select.and_in("n.address_id", ids.iter().map(|id| id.0.into()));
    let select = select.wrapped("SELECT h.* FROM (", ") AS h WHERE h.number <= 100 ORDER BY h.address_id, h.position");
    select.all(db, READING).await
}

/// A page of a tenant's suppressions, newest first.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    filter: &SuppressionFilter,
    page: &Page,
) -> Result<Slice<SuppressionRow>, QueryError> {
    let mut select = Select::new("SELECT s.* FROM suppressions s", []);
    restrict(&mut select, tenant, filter);
    select.page(KEY, page)?;
    select
        .slice(db, READING, page, |row: &SuppressionRow| {
            vec![row.suppressed_at.into(), row.address_id.into(), row.reason.into()]
        })
        .await
}

/// How many suppressions a filter finds.
pub async fn count(db: &Db, tenant: TenantId, filter: &SuppressionFilter) -> Result<u64, QueryError> {
    let mut select = Select::new("SELECT COUNT(*) AS count FROM suppressions s", []);
    restrict(&mut select, tenant, filter);
    select.count(db, READING).await
}

/// Who has an address, in the order of their claims.
pub async fn claims(db: &Db, tenant: TenantId, address: AddressId) -> Result<Vec<ClaimRow>, QueryError> {
    let mut select = Select::new("SELECT a.* FROM address_claims a", []);
    select.and_equal("a.tenant_id", Some(tenant.0));
    select.and_equal("a.address_id", Some(address.0));
    select.push(" ORDER BY a.claimed_at, a.customer_id", []);
    select.all(db, READING).await
}

fn restrict(select: &mut Select, tenant: TenantId, filter: &SuppressionFilter) {
    select.and_equal("s.tenant_id", Some(tenant.0));
    select.and_in("s.reason", filter.reasons.iter().map(|&reason| reason.into()));
    select.and_equal("s.kind", filter.kind);
    if !filter.include_lifted {
        select.and("s.active", []);
    }
}
