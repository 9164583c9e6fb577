//! What checks found of addresses.

use chrono::{DateTime, Utc};

use super::select::{Key, Select};
use super::{Page, QueryError, Slice};
use crate::domain::value::AddressKind;
use crate::domain::value::validation::{LineType, Validity, ValidityReason};
use crate::ids::{AddressId, TenantId};
use crate::sql::{Db, row};

const READING: &str = "address_validations";

/// Newest first.
const KEY: Key = Key::descending("v.checked_at, v.address_id", "tu");

row! {
    /// The verdict to believe of an address, whether it still counts or not.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ValidationRow {
        pub tenant_id: TenantId,
        pub address_id: AddressId,
        /// `email` or `phone`.
        pub kind: AddressKind,
        pub validity: Validity,
        /// Of a risky or undeliverable one.
        pub reason: Option<ValidityReason>,
        /// Of a phone number, where it was asked for.
        pub line_type: Option<LineType>,
        /// Who checked: the name of a service, or `offline`.
        pub validator: String,
        pub checked_at: DateTime<Utc>,
        pub counts_until: DateTime<Utc>,
        /// Who runs the line.
        pub carrier: Option<String>,
    }
}

/// Which verdicts are asked for; what is not set does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValidationFilter {
    /// Any of these.
    pub validities: Vec<Validity>,
    /// `email` or `phone`.
    pub kind: Option<AddressKind>,
    /// Any of these.
    pub line_types: Vec<LineType>,
    /// Only what still counts at this moment.
    pub counts_at: Option<DateTime<Utc>>,
}

/// The verdicts on several addresses.
pub async fn of_addresses(db: &Db, tenant: TenantId, ids: &[AddressId]) -> Result<Vec<ValidationRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT v.* FROM address_validations v", []);
    select.and_equal("v.tenant_id", Some(tenant.0));
    select.and_in("v.address_id", ids.iter().map(|id| id.0.into()));
    select.all(db, READING).await
}

/// A page of a tenant's verdicts, newest first.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    filter: &ValidationFilter,
    page: &Page,
) -> Result<Slice<ValidationRow>, QueryError> {
    let mut select = Select::new("SELECT v.* FROM address_validations v", []);
    restrict(&mut select, tenant, filter);
    select.page(KEY, page)?;
    select.slice(db, READING, page, |row: &ValidationRow| vec![row.checked_at.into(), row.address_id.into()]).await
}

/// How many verdicts a filter finds.
pub async fn count(db: &Db, tenant: TenantId, filter: &ValidationFilter) -> Result<u64, QueryError> {
    let mut select = Select::new("SELECT COUNT(*) AS count FROM address_validations v", []);
    restrict(&mut select, tenant, filter);
    select.count(db, READING).await
}

fn restrict(select: &mut Select, tenant: TenantId, filter: &ValidationFilter) {
    select.and_equal("v.tenant_id", Some(tenant.0));
    select.and_in("v.validity", filter.validities.iter().map(|&validity| validity.into()));
    select.and_in("v.line_type", filter.line_types.iter().map(|&line_type| line_type.into()));
    select.and_equal("v.kind", filter.kind);
    if let Some(at) = filter.counts_at {
        select.and("v.counts_until > ?", [at.into()]);
    }
}
