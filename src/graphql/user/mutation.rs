//! Mutations on the users whom API keys act for.

use async_graphql::{Context, Object, Result};

use crate::domain::tenant::decide::ForgetUser;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::payload::{answer, caller, payload};
use crate::graphql::engine::principal::Permission;

payload! {
    /// The result of `forgetUser`.
    ForgetUserPayload: String {
        /// The front end's id of the user.
        user_id: String = |id| Some(id.clone()),
    }
}

/// Mutations on users.
#[derive(Default)]
pub struct UserMutations;

#[Object]
impl UserMutations {
    /// Forgets the name of a user whom an API key acted for: destroys the key that seals it, so that the name in the log cannot
    /// be read any more, and purges the read tables. What the user did stays, under the id alone, and a name that a front end
    /// still sends is no longer kept. Cannot be undone.
    /// Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn forget_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The front end's id of the user, as `author { id }` shows it.")] user_id: String,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<ForgetUserPayload> {
        let outcome = Api::of(ctx)?.app.forget_user(&caller(ctx, idempotency_key)?, ForgetUser { user_id }).await;
        answer(ctx, outcome).map(Into::into)
    }
}
