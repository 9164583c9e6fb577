//! Orders of a list of customers, and the indexes that have them.

use chrono::{DateTime, Utc};

use super::customer_condition::Condition;
use super::customers::CustomerRow;
use super::select::Key;
use crate::domain::search;
use crate::domain::value::Currency;
use crate::ids::TenantId;
use crate::sql::{Cells, Error, Row, Value};

/// The order of a list of customers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CustomerOrder {
    /// By the time at which they became known.
    #[default]
    NewestFirst,
    OldestFirst,
    /// By name as a search reads it; who has no name is last. Forgotten customers are left out.
    NameAscending,
    NameDescending,
    /// By the latest message of either side; only those with whom there was one.
    LastContactNewest,
    LastContactOldest,
    /// By the sum of orders in a currency, cancellations taken off; only those with orders in it.
    RevenueHighest(Currency),
    RevenueLowest(Currency),
}

/// Rows of another table that rank customers: `k`, with the customer's id and the columns of the key.
pub(super) struct Source {
    /// In the clause FROM, without its alias.
    pub table: String,
    pub table_values: Vec<Value>,
    /// Holds for the rows of `k`, beside a customer `c`.
    pub holds: String,
    pub values: Vec<Value>,
}

/// The customer is no survivor of a merge: the figures of its record are all there are.
const IS_ALONE: &str = "NOT EXISTS (SELECT 1 FROM customer_roots r \
    WHERE r.tenant_id = c.tenant_id AND r.root_id = c.customer_id)";

/// Every record of those who have several, as `customer_id`, with the survivor as `root_id`.
const RECORDS: &str = "(SELECT r.root_id, r.customer_id FROM customer_roots r WHERE r.tenant_id = ? \
    UNION ALL SELECT DISTINCT r.root_id, r.root_id FROM customer_roots r WHERE r.tenant_id = ?)";

impl CustomerOrder {
    /// Whether the order is read from another table.
    pub(super) const fn is_ranked(self) -> bool {
        matches!(
            self,
            Self::LastContactNewest | Self::LastContactOldest | Self::RevenueHighest(_) | Self::RevenueLowest(_)
        )
    }

    pub(super) const fn is_by_name(self) -> bool {
        matches!(self, Self::NameAscending | Self::NameDescending)
    }

    pub(super) const fn has_revenue(self) -> bool {
        matches!(self, Self::RevenueHighest(_) | Self::RevenueLowest(_))
    }

    /// The key as columns of the list's rows `c`.
    pub(super) const fn key(self) -> Key {
        let (columns, shape) = match self {
            Self::NewestFirst | Self::OldestFirst => ("c.registered_at, c.customer_id", "tu"),
            Self::NameAscending | Self::NameDescending => ("c.sort_name, c.customer_id", "su"),
            Self::LastContactNewest | Self::LastContactOldest => ("c.last_contact_at, c.customer_id", "tu"),
            Self::RevenueHighest(_) | Self::RevenueLowest(_) => {
                ("c.revenue_whole, c.revenue_rest, c.customer_id", "iiu")
            }
        };
        Key { columns, shape, ascending: self.is_ascending() }
    }

    /// The key as columns of the index.
    pub(super) const fn key_within(self) -> Key {
        let columns = match self {
            Self::NewestFirst | Self::OldestFirst | Self::NameAscending | Self::NameDescending => return self.key(),
            Self::LastContactNewest | Self::LastContactOldest => "k.last_contact_at, k.customer_id",
            Self::RevenueHighest(_) | Self::RevenueLowest(_) => "k.revenue_whole, k.revenue_rest, k.customer_id",
        };
        Key { columns, ..self.key() }
    }

    const fn is_ascending(self) -> bool {
        matches!(self, Self::OldestFirst | Self::NameAscending | Self::LastContactOldest | Self::RevenueLowest(_))
    }

    /// The columns of `k` that rows keep for the key.
    pub(super) const fn rank(self) -> &'static str {
        match self {
            Self::NewestFirst | Self::OldestFirst => "c.registered_at",
            Self::NameAscending | Self::NameDescending => "c.sort_name",
            Self::LastContactNewest | Self::LastContactOldest => "k.last_contact_at",
            Self::RevenueHighest(_) | Self::RevenueLowest(_) => "k.revenue_whole, k.revenue_rest",
        }
    }

    /// The key of a row that has it.
    pub(super) fn key_of(self, row: &CustomerRow) -> Vec<Value> {
        let first = match self {
            Self::NameAscending | Self::NameDescending => search::sort_key(row.name.as_deref()).into(),
            Self::LastContactNewest | Self::LastContactOldest => {
                let latest = row.last_inbound_at.max(row.last_outbound_at);
                latest.unwrap_or(DateTime::<Utc>::UNIX_EPOCH).into()
            }
            Self::NewestFirst | Self::OldestFirst | Self::RevenueHighest(_) | Self::RevenueLowest(_) => {
                row.registered_at.into()
            }
        };
        vec![first, row.customer_id.into()]
    }

    /// Where the rank stands: the record's own where there is one, and the sum of all records of a person.
    pub(super) fn sources(self, tenant: TenantId) -> Vec<Source> {
        let id = || Value::from(tenant.0);
        let own = |table: &str, holds: &str, values: Vec<Value>| Source {
            table: table.to_owned(),
            table_values: vec![],
            holds: format!("k.tenant_id = ? AND {holds}"),
            values: std::iter::once(id()).chain(values).collect(),
        };
        let summed = |columns: &str, table: &str, holds: &str, value: Option<Value>| Source {
            table: format!(
                "(SELECT p.root_id AS customer_id, {columns} FROM {RECORDS} p CROSS JOIN {table} t \
                 WHERE t.tenant_id = ? AND t.customer_id = p.customer_id{holds} GROUP BY p.root_id)"
            ),
            table_values: [id(), id(), id()].into_iter().chain(value).collect(),
            holds: "TRUE".to_owned(),
            values: vec![],
        };
        match self {
            Self::NewestFirst | Self::OldestFirst | Self::NameAscending | Self::NameDescending => vec![],
            Self::LastContactNewest | Self::LastContactOldest => vec![
                own("customer_last_contacts", IS_ALONE, vec![]),
                summed("MAX(t.last_contact_at) AS last_contact_at", "customer_last_contacts", "", None),
            ],
            Self::RevenueHighest(currency) | Self::RevenueLowest(currency) => {
                let currency = Value::from(currency.to_string());
                let columns = format!(
                    "CAST(SUM(t.revenue_whole) AS BIGINT) + CAST(SUM(t.revenue_rest) AS BIGINT) / {THOUSAND} AS revenue_whole, \
                     CAST(SUM(t.revenue_rest) AS BIGINT) % {THOUSAND} AS revenue_rest"
                );
                vec![
                    own("customer_totals", &format!("k.currency = ? AND {IS_ALONE}"), vec![currency.clone()]),
                    summed(&columns, "customer_totals", " AND t.currency = ?", Some(currency)),
                ]
            }
        }
    }

    /// Finds the customers of the list, where they are not all.
    pub(super) fn condition(self, tenant: TenantId) -> Option<Condition> {
        let (table, and, values) = match self {
            Self::NewestFirst | Self::OldestFirst | Self::NameAscending | Self::NameDescending => return None,
            Self::LastContactNewest | Self::LastContactOldest => ("customer_last_contacts", "", vec![]),
            Self::RevenueHighest(currency) | Self::RevenueLowest(currency) => {
                ("customer_totals", " AND t.currency = ?", vec![Value::from(currency.to_string())])
            }
        };
        Some(Condition {
            holds: format!(
                "EXISTS (SELECT 1 FROM (SELECT c.customer_id AS id UNION ALL SELECT r.customer_id FROM customer_roots r \
                 WHERE r.tenant_id = c.tenant_id AND r.root_id = c.customer_id) p \
                 CROSS JOIN {table} t WHERE t.tenant_id = c.tenant_id AND t.customer_id = p.id{and})"
            ),
            find: format!(
                "SELECT COALESCE(r.root_id, t.customer_id) AS customer_id FROM {table} t \
                 LEFT JOIN customer_roots r ON r.tenant_id = t.tenant_id AND r.customer_id = t.customer_id \
                 WHERE t.tenant_id = ?{and}"
            ),
            find_values: std::iter::once(Value::from(tenant.0)).chain(values.iter().cloned()).collect(),
            values,
            holds_unindexed: None,
            ordered: false,
        })
    }
}

/// Micros of a thousand, of which `revenue_rest` is what is left.
const THOUSAND: &str = "1000000000";

/// A customer with its rank by revenue.
#[derive(Debug)]
pub(super) struct Ranked {
    whole: i64,
    rest: i64,
    pub row: CustomerRow,
}

impl Ranked {
    pub fn key(&self) -> Vec<Value> {
        vec![self.whole.into(), self.rest.into(), self.row.customer_id.into()]
    }
}

impl Row for Ranked {
    const COLUMNS: &'static [&'static str] = &{
        let mut columns = ["revenue_whole"; CustomerRow::COLUMNS.len() + 2];
        columns[1] = "revenue_rest";
        let mut at = 0;
        while at < CustomerRow::COLUMNS.len() {
            columns[at + 2] = CustomerRow::COLUMNS[at];
            at += 1;
        }
        columns
    };

    fn read(cells: &mut Cells<'_>) -> Result<Self, Error> {
        Ok(Self { whole: cells.take()?, rest: cells.take()?, row: CustomerRow::read(cells)? })
    }
}

#[cfg(test)]
mod tests;
