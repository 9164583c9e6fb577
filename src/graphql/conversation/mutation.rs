//! Mutations on conversations.

use async_graphql::{Context, InputObject, MaybeUndefined, Object, Result};
use chrono::{DateTime, Utc};

use super::object::Conversation;
use crate::domain::conversation::decide::UpdateConversation;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::patch::patch;
use crate::graphql::engine::payload::{answer, by, caller, payload, shows};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Tables;
use crate::graphql::engine::words::{ConversationPriority, ConversationState};
use crate::ids::{ConversationId, CustomerId};

/// An agent's changes to a conversation: omitted fields are kept, null clears one.
#[derive(InputObject)]
pub struct ConversationPatch {
    /// The new state.
    state: Option<ConversationState>,
    /// Snoozed until this time; required with the state `SNOOZED` and not allowed otherwise.
    snoozed_until: Option<DateTime<Utc>>,
    /// The assigned agent.
    assignee: MaybeUndefined<String>,
    /// The team that replies.
    team: MaybeUndefined<String>,
    /// The new priority.
    priority: Option<ConversationPriority>,
    /// True to mark all its messages as seen.
    #[graphql(default)]
    mark_read: bool,
}

payload! {
    /// The result of `updateConversation`.
    ConversationPayload of complex: ConversationId {
        /// The conversation's id.
        conversation_id: Of<ConversationId> = |id| Some(Of(*id)),
    }
}

shows! {
    ConversationPayload {
        /// The conversation after this mutation; waits for the read tables.
        conversation: Conversation = |ctx, payload| by!(payload.conversation_id, |id: Of<_>| {
            Conversation::load_from(ctx, id.0, Tables::Live)
        }),
    }
}

/// Mutations on conversations.
#[derive(Default)]
pub struct ConversationMutations;

#[Object]
impl ConversationMutations {
    /// An agent's changes to a conversation.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn update_conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(desc = "The conversation's global id.")] conversation_id: Of<ConversationId>,
        #[graphql(desc = "The fields to change. An omitted field keeps its value, null clears it.")]
        changes: ConversationPatch,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<ConversationPayload> {
        let command = UpdateConversation {
            customer_id: customer_id.0,
            conversation_id: conversation_id.0,
            state: changes.state.map(Into::into),
            snoozed_until: changes.snoozed_until,
            assignee: patch(changes.assignee),
            team: patch(changes.team),
            priority: changes.priority.map(|priority| priority.word().to_owned()),
            mark_read: changes.mark_read,
        };
        let outcome = Api::of(ctx)?.app.update_conversation(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }
}
