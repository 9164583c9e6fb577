//! A customer's addresses.

use async_graphql::{Context, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::suppression::Suppression;
use super::validation::AddressValidation;
use crate::domain::value;
use crate::graphql::engine::flat::Flat;
use crate::graphql::engine::id::{Of, global_in};
use crate::graphql::engine::loaders::{AddressesOf, SuppressionsOf, ValidationOf};
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::words::AddressKind;
use crate::ids::{AddressId, CustomerId};
use crate::queries::customers::AddressRow;

/// One of a customer's addresses. Other customers with the same address have an object of their own, with the same
/// `addressId`.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub struct CustomerAddress {
    /// The global id: of this customer's entry; with `asOf`, as of that moment.
    pub id: ID,
    /// The address's id, which all customers with this address share; mutations take it.
    address_id: Of<AddressId>,
    /// The customer whose address it is.
    customer_id: Of<CustomerId>,
    /// Whether it is a phone number, an email address or a device.
    kind: AddressKind,
    /// True for the address of its kind that is used by default.
    primary: bool,
    /// The lower-case domain of an email address. Personal: it may be the name of a person.
    domain: Option<String>,
    /// When it was added to the customer.
    added_at: DateTime<Utc>,
    /// A phone number in E.164, or an email address. Personal.
    address: Option<String>,
    /// Such as `work`. Personal.
    label: Option<String>,
}

impl CustomerAddress {
    /// The type in global ids.
    pub const TYPE: &'static str = "CustomerAddress";

    /// An address as a key may see it.
    pub fn new(row: AddressRow, personal: bool, tables: &Tables) -> Self {
        let address = row.address.filter(|_| personal);
        let domain = address
            .as_deref()
            .filter(|_| row.kind == value::AddressKind::Email)
            .and_then(|mailbox| mailbox.rsplit_once('@'));
        Self {
            id: global_in(Self::TYPE, format_args!("{}:{}", row.customer_id, row.address_id), tables),
            address_id: Of(row.address_id),
            customer_id: Of(row.customer_id),
            kind: row.kind.into(),
            primary: row.is_primary,
            domain: domain.map(|(_, domain)| domain.to_owned()),
            added_at: row.added_at,
            address,
            label: row.label.filter(|_| personal),
        }
    }

    /// A customer's entry of an address out of given tables; absent if the customer does not have it.
    pub async fn load_from(
        ctx: &Context<'_>,
        customer: CustomerId,
        address: AddressId,
        tables: &Tables,
    ) -> Result<Option<Self>> {
        let reading = Reading::of(ctx)?;
        let rows = AddressesOf(customer).load(reading, tables).await?;
        let row = rows.into_iter().find(|row| row.address_id == address);
        Ok(row.map(|row| Self::new(row, reading.personal(), tables)))
    }

    /// As [`Self::load_from`], by what names it in its global id.
    pub async fn load_by_key(ctx: &Context<'_>, key: &str, tables: &Tables) -> Result<Option<Self>> {
        let ids = key.split_once(':').and_then(|(customer, address)| {
            Some((Uuid::try_parse(customer).ok()?.into(), Uuid::try_parse(address).ok()?.into()))
        });
        match ids {
            Some((customer, address)) => Self::load_from(ctx, customer, address, tables).await,
            None => Ok(None),
        }
    }
}

#[async_graphql::ComplexObject]
impl CustomerAddress {
    /// Its suppressions, including lifted ones. Always current, even with `asOf`.
    #[graphql(complexity = "1 + 2 * child_complexity")]
    async fn suppressions(&self, ctx: &Context<'_>) -> Result<Vec<Flat<Suppression>>> {
        let rows = SuppressionsOf(self.address_id.0).load(Reading::of(ctx)?, &Tables::Live).await?;
        Ok(rows.into_iter().map(|row| Flat(Suppression::new(row))).collect())
    }

    /// What the newest check found that is to be believed; null if it was never checked. Always current, even with `asOf`.
    async fn validation(&self, ctx: &Context<'_>) -> Result<Option<Flat<AddressValidation>>> {
        let reading = Reading::of(ctx)?;
        let row = ValidationOf(self.address_id.0).load(reading, &Tables::Live).await?;
        Ok(row.map(|row| Flat(AddressValidation::new(row, reading.personal()))))
    }
}
