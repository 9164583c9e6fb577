//! Mutations on customers.

use async_graphql::{Context, InputObject, MaybeUndefined, Object, Result};

use super::object::Customer;
use crate::domain::customer::decide::{ChangeProfile, ForgetCustomer, ProfileInput, ProfilePatch, RegisterCustomer};
use crate::domain::customer::event::Source;
use crate::domain::customer::merge::MergeCustomers;
use crate::graphql::address::mutation::AddressInput;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::patch::patch;
use crate::graphql::engine::payload::{answer, by, caller, payload, shows};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::scalar::{Attributes, Long};
use crate::ids::CustomerId;

/// A customer's profile and addresses.
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
    /// The lead score, on a scale of your choice.
    lead_score: Option<Long>,
    /// Industry.
    industry: Option<String>,
    /// BCP 47, such as `en-GB`.
    locale: Option<String>,
    /// IANA name, such as `Europe/London`.
    time_zone: Option<String>,
    /// When the customer likes to be written to, by their own clock: such as `18:00-21:00` or `mon-fri 09:00-18:00`.
    preferred_hours: Option<String>,
    /// The tags, in any order.
    #[graphql(default)]
    tags: Vec<String>,
    /// Free attributes by name.
    attributes: Option<Attributes>,
    /// Where the customer can be reached.
    #[graphql(default)]
    addresses: Vec<AddressInput>,
}

/// Changes to a customer's profile: omitted fields are kept, null clears one.
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
    /// When the customer likes to be written to, such as `mon-fri 09:00-18:00`.
    preferred_hours: MaybeUndefined<String>,
    /// Replaces all tags, before `addTags` and `removeTags`.
    tags: Option<Vec<String>>,
    /// Tags to add.
    #[graphql(default)]
    add_tags: Vec<String>,
    /// Tags to remove.
    #[graphql(default)]
    remove_tags: Vec<String>,
    /// Free attributes to set; a null removes one.
    attributes: Option<Attributes>,
}

impl From<CustomerPatch> for ProfilePatch {
    fn from(input: CustomerPatch) -> Self {
        Self {
            name: patch(input.name),
            external_id: crate::domain::customer::decide::Patch::Keep,
            territory: patch(input.territory),
            account_type: patch(input.account_type),
            priority: patch(input.priority),
            owner: patch(input.owner),
            lead_score: patch(input.lead_score.map_value(|score| score.0)),
            industry: patch(input.industry),
            locale: patch(input.locale),
            time_zone: patch(input.time_zone),
            preferred_hours: patch(input.preferred_hours),
            tags: input.tags,
            add_tags: input.add_tags,
            remove_tags: input.remove_tags,
            attributes: input.attributes.unwrap_or_default().0,
        }
    }
}

/// The two customers to merge.
#[derive(InputObject)]
pub struct MergeCustomersInput {
    /// The customer that is merged. Its id still works and stands for the survivor.
    from: Of<CustomerId>,
    /// The survivor; the id of an already merged customer means its survivor.
    into: Of<CustomerId>,
}

payload! {
    /// The result of mutations on a customer.
    CustomerPayload of complex: CustomerId {
        /// The customer's id.
        customer_id: Of<CustomerId> = |id| Some(Of(*id)),
    }
}

shows! {
    CustomerPayload {
        /// The customer after this mutation; waits for the read tables.
        customer: Customer = |ctx, payload| by!(payload.customer_id, |id: Of<_>| Customer::load(ctx, id.0)),
    }
}

/// Mutations on customers.
#[derive(Default)]
pub struct CustomerMutations;

#[Object]
impl CustomerMutations {
    /// Registers a customer. Requires permission to record.
    #[graphql(guard = "May(Permission::Record)")]
    async fn register_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The profile and the addresses.")] input: CustomerInput,
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
            preferred_hours: input.preferred_hours,
            tags: input.tags,
            attributes: input.attributes.unwrap_or_default().0,
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
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(desc = "The fields to change. An omitted field keeps its value, null clears it.")]
        changes: CustomerPatch,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CustomerPayload> {
        let command =
            ChangeProfile { customer_id: customer_id.0, patch: changes.into(), source: Source::Api, import_id: None };
        let outcome = Api::of(ctx)?.app.change_profile(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Merges two records of one person. All records are then shown as the survivor's, which keeps its profile and
    /// takes over the other's addresses. Consents are joined; the stricter one applies. Cannot be undone.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn merge_customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The two customers, and which of them survives.")] input: MergeCustomersInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CustomerPayload> {
        let command = MergeCustomers { from: input.from.0, into: input.into.0 };
        let outcome = Api::of(ctx)?.app.merge_customers(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Forgets a customer for good, with all records merged into the same person: destroys the keys that seal the
    /// person's data and purges the read tables. Cannot be undone. Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn forget_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(desc = "The reason, such as `request`, `retention`; must not contain personal data.")] reason: String,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CustomerPayload> {
        let command = ForgetCustomer { customer_id: customer_id.0, reason };
        let outcome = Api::of(ctx)?.app.forget_customer(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }
}
