//! Mutations on conversations.

use async_graphql::{Context, InputObject, MaybeUndefined, Object, Result};
use chrono::{DateTime, Utc};

use crate::domain::conversation::decide::UpdateConversation;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::patch::patch;
use crate::graphql::engine::payload::{answer, caller, payload};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::words::ConversationState;
use crate::ids::{ConversationId, CustomerId};

/// An agent's changes to a conversation: a field that is left out stays as it is, null clears it.
#[derive(InputObject)]
pub struct ConversationPatch {
    /// Where it stands from now on.
    state: Option<ConversationState>,
    /// Until when it is set aside; only and always with the state `SNOOZED`.
    snoozed_until: Option<DateTime<Utc>>,
    /// Who answers.
    assignee: MaybeUndefined<String>,
    /// Which team answers.
    team: MaybeUndefined<String>,
    /// `low`, `normal`, `high` or `urgent`.
    priority: Option<String>,
    /// True if an agent has seen all its messages.
    #[graphql(default)]
    mark_read: bool,
}

payload! {
    /// The answer to `updateConversation`.
    ConversationPayload: ConversationId {
        /// Which conversation.
        conversation_id: Of<ConversationId> = |id| Some(Of(*id)),
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
        customer_id: Of<CustomerId>,
        conversation_id: Of<ConversationId>,
        changes: ConversationPatch,
        idempotency_key: Option<String>,
    ) -> Result<ConversationPayload> {
        let command = UpdateConversation {
            customer_id: customer_id.0,
            conversation_id: conversation_id.0,
            state: changes.state.map(Into::into),
            snoozed_until: changes.snoozed_until,
            assignee: patch(changes.assignee),
            team: patch(changes.team),
            priority: changes.priority,
            mark_read: changes.mark_read,
        };
        let outcome = Api::of(ctx)?.app.update_conversation(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }
}
