//! Mutations on lists.

use async_graphql::{Context, Object, Result};

use super::criteria::{CriteriaInput, read};
use super::object::List;
use crate::campaigns::service::users_of_list;
use crate::domain::list::decide::{ChangeMembers, ChangedList, CreateList, DeleteList, UpdateList};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{Answer, answer, by, caller, payload, shows};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::ids::{CustomerId, ListId};

payload! {
    /// The result of mutations on a list.
    ListPayload of complex: ChangedList {
        /// The list's id.
        list_id: Of<ListId> = |changed| Some(Of(changed.list_id)),
    }
}

shows! {
    ListPayload {
        /// The list after this mutation, null if it was deleted; waits for the read tables, not for the evaluation of criteria.
        list: List = |ctx, payload| by!(payload.list_id, |id: Of<_>| List::load(ctx, id.0)),
    }
}

/// Mutations on lists.
#[derive(Default)]
pub struct ListMutations;

#[Object]
impl ListMutations {
    /// Creates a list: a smart one with criteria, a static one without. Requires the role `ADMIN` or `MARKETER`.
    #[graphql(guard = "May(Permission::Author)")]
    async fn create_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The name.")] name: String,
        #[graphql(desc = "The criteria for members; without them, the list is static.")] criteria: Option<
            CriteriaInput,
        >,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<ListPayload> {
        let reading = Reading::of(ctx)?;
        let criteria = match criteria.as_ref().map(|criteria| read(reading, criteria)).transpose()?.transpose() {
            Ok(criteria) => criteria,
            Err(refusal) => return Ok(Answer::refused(refusal.into()).into()),
        };
        let api = Api::of(ctx)?;
        let command = CreateList { list_id: ListId(api.ambient().uuid()), name, criteria };
        answer(ctx, api.app.create_list(&caller(ctx, idempotency_key)?, command).await).map(Into::into)
    }

    /// Changes a list's name or criteria. With new criteria, the members stay until the list was evaluated. Requires the role
    /// `ADMIN` or `MARKETER`.
    #[graphql(guard = "May(Permission::Author)")]
    async fn update_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The list's global id.")] list_id: Of<ListId>,
        #[graphql(desc = "Another name.")] name: Option<String>,
        #[graphql(desc = "Other criteria.")] criteria: Option<CriteriaInput>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<ListPayload> {
        let reading = Reading::of(ctx)?;
        let criteria = match criteria.as_ref().map(|criteria| read(reading, criteria)).transpose()?.transpose() {
            Ok(criteria) => criteria,
            Err(refusal) => return Ok(Answer::refused(refusal.into()).into()),
        };
        let command = UpdateList { name, criteria };
        let outcome = Api::of(ctx)?.app.update_list(&caller(ctx, idempotency_key)?, list_id.0, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Deletes a list that no other list and no campaign that has not ended asks for. Requires the role `ADMIN` or `MARKETER`.
    #[graphql(guard = "May(Permission::Author)")]
    async fn delete_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The list's global id.")] list_id: Of<ListId>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<ListPayload> {
        let reading = Reading::of(ctx)?;
        let users = users_of_list(&reading.api.reads.db(), reading.session.principal.tenant, list_id.0).await;
        let command = DeleteList { used_by: users.map_err(|error| reading.api.failed(&error))? };
        let outcome = reading.api.app.delete_list(&caller(ctx, idempotency_key)?, list_id.0, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Adds customers to a static list, at most 1,000; those who are members already stay. Requires the role `ADMIN` or `MARKETER`.
    #[graphql(guard = "May(Permission::Author)")]
    async fn add_list_members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The list's global id.")] list_id: Of<ListId>,
        #[graphql(desc = "The customers' global ids; the survivor is added for a merged customer.")] customer_ids: Vec<
            Of<CustomerId>,
        >,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<ListPayload> {
        change_members(ctx, list_id.0, true, customer_ids, idempotency_key).await
    }

    /// Removes customers from a static list, at most 1,000. Requires the role `ADMIN` or `MARKETER`.
    #[graphql(guard = "May(Permission::Author)")]
    async fn remove_list_members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The list's global id.")] list_id: Of<ListId>,
        #[graphql(desc = "The customers' global ids.")] customer_ids: Vec<Of<CustomerId>>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<ListPayload> {
        change_members(ctx, list_id.0, false, customer_ids, idempotency_key).await
    }
}

async fn change_members(
    ctx: &Context<'_>,
    list_id: ListId,
    enter: bool,
    customers: Vec<Of<CustomerId>>,
    idempotency_key: Option<String>,
) -> Result<ListPayload> {
    let members = customers.into_iter().map(|id| id.0).collect();
    let command = ChangeMembers { enter, members };
    let outcome = Api::of(ctx)?.app.change_list_members(&caller(ctx, idempotency_key)?, list_id, command).await;
    answer(ctx, outcome).map(Into::into)
}
