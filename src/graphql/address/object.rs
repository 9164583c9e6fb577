//! A customer's addresses.

use async_graphql::{Context, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::suppression::Suppression;
use crate::graphql::engine::flat::Flat;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::loaders::SuppressionsOf;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::words::AddressKind;
use crate::ids::AddressId;
use crate::queries::customers::AddressRow;

/// One of a customer's addresses.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub struct Address {
    /// The global id; shared by all customers with this address.
    id: Of<AddressId>,
    /// The kind.
    kind: AddressKind,
    /// True for the address of its kind that is used by default.
    primary: bool,
    /// The lower-case domain of a mailbox.
    domain: Option<String>,
    /// When it was added to the customer.
    added_at: DateTime<Utc>,
    /// E.164, or a mailbox. Personal.
    address: Option<String>,
    /// Such as `work`. Personal.
    label: Option<String>,
}

impl Address {
    /// An address as a key may see it.
    pub fn new(row: AddressRow, personal: bool) -> Self {
        Self {
            id: Of(row.address_id),
            kind: row.kind.into(),
            primary: row.is_primary,
            domain: row.domain,
            added_at: row.added_at,
            address: row.address.filter(|_| personal),
            label: row.label.filter(|_| personal),
        }
    }
}

#[async_graphql::ComplexObject]
impl Address {
    /// Its suppressions, including lifted ones. Always current, even with `asOf`.
    #[graphql(complexity = "1 + 2 * child_complexity")]
    async fn suppressions(&self, ctx: &Context<'_>) -> Result<Vec<Flat<Suppression>>> {
        let rows = SuppressionsOf(self.id.0).load(Reading::of(ctx)?, &Tables::Live).await?;
        Ok(rows.into_iter().map(|row| Flat(Suppression::new(row))).collect())
    }
}
