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
    /// The global id; customers who share an address share it.
    id: Of<AddressId>,
    /// What it is.
    kind: AddressKind,
    /// The one of its kind that is used unless another is asked for.
    primary: bool,
    /// Of mailboxes, the lower-case domain.
    domain: Option<String>,
    /// When the customer got it.
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
    /// Why nothing is sent to it, lifted suppressions too. Always as of now.
    #[graphql(complexity = "1 + 2 * child_complexity")]
    async fn suppressions(&self, ctx: &Context<'_>) -> Result<Vec<Flat<Suppression>>> {
        let rows = SuppressionsOf(self.id.0).load(Reading::of(ctx)?, &Tables::Live).await?;
        Ok(rows.into_iter().map(|row| Flat(Suppression::new(row))).collect())
    }
}
