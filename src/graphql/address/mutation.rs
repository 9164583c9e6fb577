//! Mutations on addresses and suppressions.

use async_graphql::{Context, InputObject, Object, OneofObject, Result};

use super::object::CustomerAddress;
use super::suppression::Suppression;
use crate::domain::address::decide::{AddressRef, LiftSuppression, SuppressAddress};
use crate::domain::customer::decide::{AddAddress, AddressInput as DomainAddress, RemoveAddress};
use crate::domain::customer::event::Source;
use crate::graphql::customer::object::Customer;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::loaders::{OneCustomer, SuppressionsOf};
use crate::graphql::engine::payload::{answer, by, caller, payload, shows};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::words::{AddressKind, SuppressionReason};
use crate::ids::{AddressId, CustomerId, MessageId};

/// An address.
#[derive(InputObject)]
pub struct AddressInput {
    /// Whether it is a phone number, an email address or a device.
    kind: AddressKind,
    /// The address in any usual spelling; it is normalised.
    address: String,
    /// The country of a phone number without a country code, such as `GB`; absent: the tenant's default region.
    region: Option<String>,
    /// Such as `work`.
    label: Option<String>,
    /// True to make it the primary address of its kind; the first of a kind always is.
    #[graphql(default)]
    primary: bool,
}

impl From<AddressInput> for DomainAddress {
    fn from(input: AddressInput) -> Self {
        let AddressInput { kind, address, region, label, primary } = input;
        Self { kind: kind.into(), address, region, label, primary }
    }
}

/// An address of a customer.
pub struct AddressOf {
    customer_id: CustomerId,
    address_id: AddressId,
}

payload! {
    /// The result of mutations on an address.
    AddressPayload of complex: AddressOf {
        /// The address's id.
        address_id: Of<AddressId> = |of| Some(Of(of.address_id)),
        /// The customer's id.
        customer_id: Of<CustomerId> = |of| Some(Of(of.customer_id)),
    }
}

shows! {
    AddressPayload {
        /// The customer's address after this mutation, null if it was removed; waits for the read tables.
        address: CustomerAddress = |ctx, payload| {
            let Some(customer) = Self::of(ctx, payload).await? else { return Ok(None) };
            by!(payload.address_id, |id: Of<_>| CustomerAddress::load_from(ctx, customer, id.0, &Tables::Live))
        },
        /// The customer after this mutation; waits for the read tables.
        customer: Customer = |ctx, payload| by!(payload.customer_id, |id: Of<_>| Customer::load(ctx, id.0)),
    }
}

impl AddressPayload {
    /// The customer who has the address: of a merged one, the survivor.
    async fn of(ctx: &Context<'_>, payload: &Self) -> Result<Option<CustomerId>> {
        let Some(id) = payload.customer_id else { return Ok(None) };
        Ok(OneCustomer(id.0).load(Reading::of(ctx)?, &Tables::Live).await?.map(|row| row.customer_id))
    }
}

/// An address: by id, or as text in any usual spelling.
#[derive(OneofObject)]
pub enum AddressRefInput {
    /// By id.
    Known(KnownAddress),
    /// As text.
    Text(AddressText),
}

/// An address by its id.
#[derive(InputObject)]
pub struct KnownAddress {
    /// The id.
    id: Of<AddressId>,
    /// Whether it is a phone number, an email address or a device.
    kind: AddressKind,
}

/// An address as text.
#[derive(InputObject)]
pub struct AddressText {
    /// Whether it is a phone number, an email address or a device.
    kind: AddressKind,
    /// In any usual spelling.
    address: String,
}

impl From<AddressRefInput> for AddressRef {
    fn from(input: AddressRefInput) -> Self {
        match input {
            AddressRefInput::Known(known) => Self::Id { address_id: known.id.0, kind: known.kind.into() },
            AddressRefInput::Text(text) => Self::Text { kind: text.kind.into(), address: text.address },
        }
    }
}

/// What suppresses an address.
pub struct SuppressionOf {
    address_id: AddressId,
    reason: SuppressionReason,
}

payload! {
    /// The result of mutations on suppressions.
    SuppressionPayload of complex: SuppressionOf {
        /// The address's id.
        address_id: Of<AddressId> = |of| Some(Of(of.address_id)),
        /// The reason of the suppression.
        reason: SuppressionReason = |of| Some(of.reason),
    }
}

shows! {
    SuppressionPayload {
        /// The suppression after this mutation; waits for the read tables.
        suppression: Suppression = |ctx, payload| {
            let (Some(address), Some(reason)) = (payload.address_id, payload.reason) else { return Ok(None) };
            let rows = SuppressionsOf(address.0).load(Reading::of(ctx)?, &Tables::Live).await?;
            Ok(rows.into_iter().find(|row| row.reason == reason.into()).map(Suppression::new))
        },
    }
}

/// Mutations on addresses and suppressions.
#[derive(Default)]
pub struct AddressMutations;

#[Object]
impl AddressMutations {
    /// Adds an address, changes its label, or makes it primary.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn add_address(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(desc = "The address to add.")] address: AddressInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<AddressPayload> {
        let command = AddAddress { customer_id: customer_id.0, address: address.into() };
        let outcome = Api::of(ctx)?.app.add_address(&caller(ctx, idempotency_key)?, command).await;
        Ok(answer(ctx, outcome)?.map(|address_id| AddressOf { customer_id: customer_id.0, address_id }).into())
    }

    /// Removes an address.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn remove_address(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(desc = "The address's global id.")] address_id: Of<AddressId>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<AddressPayload> {
        let command = RemoveAddress { customer_id: customer_id.0, address_id: address_id.0 };
        let outcome = Api::of(ctx)?.app.remove_address(&caller(ctx, idempotency_key)?, command).await;
        Ok(answer(ctx, outcome)?.map(|address_id| AddressOf { customer_id: customer_id.0, address_id }).into())
    }

    /// Forbids sending to an address, for every customer who has it.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn suppress_address(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address, by its id or its text.")] address: AddressRefInput,
        #[graphql(desc = "Why nothing more may be sent there.")] reason: SuppressionReason,
        #[graphql(desc = "The message that led to it.")] message_id: Option<Of<MessageId>>,
        #[graphql(desc = "The customer it was learned from.")] customer_id: Option<Of<CustomerId>>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<SuppressionPayload> {
        let command = SuppressAddress {
            address: address.into(),
            reason: reason.into(),
            message_id: message_id.map(|id| id.0),
            customer_id: customer_id.map(|id| id.0),
            source: Source::Api,
        };
        let outcome = Api::of(ctx)?.app.suppress_address(&caller(ctx, idempotency_key)?, command).await;
        Ok(answer(ctx, outcome)?.map(|address_id| SuppressionOf { address_id, reason }).into())
    }

    /// Allows sending to an address again. Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn lift_suppression(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address, by its id or its text.")] address: AddressRefInput,
        #[graphql(desc = "The reason of the suppression to lift; an address may have several.")]
        reason: SuppressionReason,
        #[graphql(desc = "Why it may be used again. Stored in the clear, and shown to every role: no personal data.")]
        note: String,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<SuppressionPayload> {
        let command = LiftSuppression { address: address.into(), reason: reason.into(), note };
        let outcome = Api::of(ctx)?.app.lift_suppression(&caller(ctx, idempotency_key)?, command).await;
        Ok(answer(ctx, outcome)?.map(|address_id| SuppressionOf { address_id, reason }).into())
    }
}
