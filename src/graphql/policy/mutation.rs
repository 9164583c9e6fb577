//! Mutations on the rules for sending.

use async_graphql::{Context, Object, Result};

use super::object::{Policy, PolicyPatch};
use crate::domain::tenant::policy::Policy as DomainPolicy;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::payload::{answer, caller, payload};
use crate::graphql::engine::principal::Permission;

payload! {
    /// The result of `updatePolicy`.
    PolicyPayload: DomainPolicy {
        /// The rules that are in force from now on.
        policy: Policy = |policy| Some(policy.into()),
    }
}

/// Mutations on the rules for sending.
#[derive(Default)]
pub struct PolicyMutations;

#[Object]
impl PolicyMutations {
    /// Changes the tenant's rules for sending. They apply at once, also to waiting messages. Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn update_policy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The settings to change. An omitted one keeps its value, null restores the default.")] changes: PolicyPatch,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<PolicyPayload> {
        let outcome = Api::of(ctx)?.app.update_policy(&caller(ctx, idempotency_key)?, changes.into()).await;
        answer(ctx, outcome).map(Into::into)
    }
}
