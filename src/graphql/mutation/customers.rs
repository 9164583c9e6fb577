//! Mutations on customers, their addresses and notes.

use async_graphql::{ComplexObject, Context, InputObject, MaybeUndefined, Object, Result};

use super::payload::{answer, caller, payload};
use crate::domain::customer::decide::{
    AddAddress, AddNote, AddressInput as DomainAddress, ChangeProfile, ForgetCustomer, Patch, PinNote, ProfileInput,
    ProfilePatch, RegisterCustomer, RemoveAddress,
};
use crate::domain::customer::event::Source;
use crate::graphql::Api;
use crate::graphql::guard::May;
use crate::graphql::id::Of;
use crate::graphql::model::customer::Customer;
use crate::graphql::model::enums::AddressKind;
use crate::graphql::principal::Permission;
use crate::graphql::scalar::{Attributes, Long};
use crate::ids::{AddressId, ConversationId, CustomerId, NoteId};

/// What is known of a customer.
#[derive(InputObject)]
pub struct CustomerInput {
    /// The full name.
    name: Option<String>,
    /// The id in another system; unique per tenant.
    external_id: Option<String>,
    /// Sales territory.
    territory: Option<String>,
    /// Such as `retail`, `wholesale`.
    account_type: Option<String>,
    /// Such as `high`, `normal`.
    priority: Option<String>,
    /// The user who looks after this customer.
    owner: Option<String>,
    /// Any scale that you use.
    lead_score: Option<Long>,
    /// Industry.
    industry: Option<String>,
    /// BCP 47, such as `en-GB`.
    locale: Option<String>,
    /// IANA name, such as `Europe/London`.
    time_zone: Option<String>,
    /// In any order.
    #[graphql(default)]
    tags: Vec<String>,
    /// Free attributes by name.
    #[graphql(default)]
    attributes: Attributes,
    /// Where the customer can be reached.
    #[graphql(default)]
    addresses: Vec<AddressInput>,
}

/// An address.
#[derive(InputObject)]
pub struct AddressInput {
    /// What it is.
    kind: AddressKind,
    /// In any usual spelling; it is normalised.
    address: String,
    /// Such as `work`.
    label: Option<String>,
    /// True to make it the primary one of its kind; the first of a kind always is.
    #[graphql(default)]
    primary: bool,
}

impl From<AddressInput> for DomainAddress {
    fn from(input: AddressInput) -> Self {
        Self { kind: input.kind.into(), address: input.address, label: input.label, primary: input.primary }
    }
}

/// Changes to a customer's profile: a field that is left out stays as it is, null clears it.
#[derive(InputObject)]
pub struct CustomerPatch {
    /// The full name.
    name: MaybeUndefined<String>,
    /// Sales territory.
    territory: MaybeUndefined<String>,
    /// Account type.
    account_type: MaybeUndefined<String>,
    /// Priority.
    priority: MaybeUndefined<String>,
    /// The user who looks after this customer.
    owner: MaybeUndefined<String>,
    /// Lead score.
    lead_score: MaybeUndefined<Long>,
    /// Industry.
    industry: MaybeUndefined<String>,
    /// BCP 47.
    locale: MaybeUndefined<String>,
    /// IANA name.
    time_zone: MaybeUndefined<String>,
    /// Replaces all tags, before `addTags` and `removeTags`.
    tags: Option<Vec<String>>,
    /// Tags to add.
    #[graphql(default)]
    add_tags: Vec<String>,
    /// Tags to remove.
    #[graphql(default)]
    remove_tags: Vec<String>,
    /// Free attributes to set; a null removes one.
    #[graphql(default)]
    attributes: Attributes,
}

fn patch<T, U>(field: MaybeUndefined<T>, convert: impl FnOnce(T) -> U) -> Patch<U> {
    match field {
        MaybeUndefined::Undefined => Patch::Keep,
        MaybeUndefined::Null => Patch::Clear,
        MaybeUndefined::Value(value) => Patch::Set(convert(value)),
    }
}

pub(super) fn text_patch(field: MaybeUndefined<String>) -> Patch<String> {
    patch(field, |text| text)
}

impl From<CustomerPatch> for ProfilePatch {
    fn from(input: CustomerPatch) -> Self {
        Self {
            name: text_patch(input.name),
            territory: text_patch(input.territory),
            account_type: text_patch(input.account_type),
            priority: text_patch(input.priority),
            owner: text_patch(input.owner),
            lead_score: patch(input.lead_score, |score| score.0),
            industry: text_patch(input.industry),
            locale: text_patch(input.locale),
            time_zone: text_patch(input.time_zone),
            tags: input.tags,
            add_tags: input.add_tags,
            remove_tags: input.remove_tags,
            attributes: input.attributes.0,
        }
    }
}

payload! {
    /// The answer to mutations on a customer.
    CustomerPayload of complex: CustomerId {
        /// Which customer.
        customer_id: Of<CustomerId> = |id| Some(Of(*id)),
    }
}

#[ComplexObject]
impl CustomerPayload {
    /// The customer as it is after this mutation: waits until the read tables show it.
    #[graphql(guard = "May(Permission::Read)")]
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        let (Some(id), Some(position)) = (&self.customer_id, self.position) else { return Ok(None) };
        Api::of(ctx)?.wait_for(Some(position)).await?;
        Customer::load(ctx, id.0).await
    }
}

payload! {
    /// The answer to mutations on an address.
    AddressPayload: AddressId {
        /// Which address.
        address_id: Of<AddressId> = |id| Some(Of(*id)),
    }
}

payload! {
    /// The answer to mutations on a note.
    NotePayload: NoteId {
        /// Which note.
        note_id: Of<NoteId> = |id| Some(Of(*id)),
    }
}

/// Mutations on customers.
#[derive(Default)]
pub struct CustomerMutations;

#[Object]
impl CustomerMutations {
    /// Registers a customer. Needs the permission to record.
    #[graphql(guard = "May(Permission::Record)")]
    async fn register_customer(
        &self,
        ctx: &Context<'_>,
        input: CustomerInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CustomerPayload> {
        let profile = ProfileInput {
            name: input.name,
            external_id: input.external_id,
            territory: input.territory,
            account_type: input.account_type,
            priority: input.priority,
            owner: input.owner,
            lead_score: input.lead_score.map(|score| score.0),
            industry: input.industry,
            locale: input.locale,
            time_zone: input.time_zone,
            tags: input.tags,
            attributes: input.attributes.0,
        };
        let addresses = input.addresses.into_iter().map(Into::into).collect();
        let command = RegisterCustomer { profile, addresses, source: Source::Api };
        let outcome = Api::of(ctx)?.app.register_customer(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Changes a customer's profile.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn change_customer(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        changes: CustomerPatch,
        idempotency_key: Option<String>,
    ) -> Result<CustomerPayload> {
        let command =
            ChangeProfile { customer_id: customer_id.0, patch: changes.into(), source: Source::Api, import_id: None };
        let outcome = Api::of(ctx)?.app.change_profile(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Adds an address, or changes its label, or makes it primary.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn add_address(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        address: AddressInput,
        idempotency_key: Option<String>,
    ) -> Result<AddressPayload> {
        let command = AddAddress { customer_id: customer_id.0, address: address.into() };
        let outcome = Api::of(ctx)?.app.add_address(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Removes an address.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn remove_address(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        address_id: Of<AddressId>,
        idempotency_key: Option<String>,
    ) -> Result<AddressPayload> {
        let command = RemoveAddress { customer_id: customer_id.0, address_id: address_id.0 };
        let outcome = Api::of(ctx)?.app.remove_address(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Adds a private note.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn add_note(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        text: String,
        #[graphql(default)] pinned: bool,
        #[graphql(desc = "The conversation that it is about.")] conversation_id: Option<Of<ConversationId>>,
        idempotency_key: Option<String>,
    ) -> Result<NotePayload> {
        let conversation_id = conversation_id.map(|id| id.0);
        let command = AddNote { customer_id: customer_id.0, conversation_id, text, pinned };
        let outcome = Api::of(ctx)?.app.add_note(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Pins a note to the top of the timeline, or releases it.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn pin_note(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        note_id: Of<NoteId>,
        pinned: bool,
        idempotency_key: Option<String>,
    ) -> Result<NotePayload> {
        let command = PinNote { customer_id: customer_id.0, note_id: note_id.0, pinned };
        let outcome = Api::of(ctx)?.app.pin_note(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Forgets a customer for good: the key that seals the person's data is destroyed, and read tables are purged.
    /// Cannot be taken back. Needs the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn forget_customer(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        #[graphql(desc = "Such as `request`, `retention`; no personal data.")] reason: String,
        idempotency_key: Option<String>,
    ) -> Result<CustomerPayload> {
        let command = ForgetCustomer { customer_id: customer_id.0, reason };
        let outcome = Api::of(ctx)?.app.forget_customer(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }
}
