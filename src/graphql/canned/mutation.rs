//! Mutations on canned replies.

use async_graphql::{Context, Object, Result};

use super::object::{CannedReply, CannedReplyInput};
use crate::domain::canned::decide::{RemoveCannedReply, SavedCannedReply};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::payload::{answer, caller, payload, shows};
use crate::graphql::engine::principal::Permission;

payload! {
    /// The result of mutations on canned replies.
    CannedReplyPayload of complex: SavedCannedReply {
        /// The canned reply's code.
        code: String = |saved| Some(saved.code.clone()),
        /// The new revision; the next change must name it.
        revision: u32 = |saved| Some(saved.revision),
    }
}

shows! {
    CannedReplyPayload {
        /// The reply after this mutation, null if it was removed; waits for the read tables.
        reply: CannedReply = |ctx, payload| match &payload.code {
            Some(code) => CannedReply::load(ctx, code).await,
            None => Ok(None),
        },
    }
}

/// Mutations on canned replies.
#[derive(Default)]
pub struct CannedReplyMutations;

#[Object]
impl CannedReplyMutations {
    /// Creates a canned reply, or changes one: then `revision` is the one that was edited. Requires the role `ADMIN` or
    /// `MARKETER`.
    #[graphql(guard = "May(Permission::Author)")]
    async fn save_canned_reply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The reply with its code.")] input: CannedReplyInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CannedReplyPayload> {
        let outcome = Api::of(ctx)?.app.save_canned_reply(&caller(ctx, idempotency_key)?, input.into()).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Removes a canned reply. Messages sent with it are unaffected. Requires the role `ADMIN` or `MARKETER`.
    #[graphql(guard = "May(Permission::Author)")]
    async fn remove_canned_reply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The canned reply's code.")] code: String,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<CannedReplyPayload> {
        let command = RemoveCannedReply { code };
        let outcome = Api::of(ctx)?.app.remove_canned_reply(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }
}
