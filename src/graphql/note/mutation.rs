//! Mutations on notes.

use async_graphql::{Context, Object, Result};

use crate::domain::customer::decide::{AddNote, PinNote};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{answer, by, caller, payload, shows};
use crate::graphql::engine::principal::Permission;
use crate::graphql::timeline::object::TimelineEntry;
use crate::ids::{ConversationId, CustomerId, NoteId};

payload! {
    /// The result of mutations on a note.
    NotePayload of complex: NoteId {
        /// The note's id.
        note_id: Of<NoteId> = |id| Some(Of(*id)),
    }
}

shows! {
    NotePayload {
        /// The note's entry in the timeline after this mutation; waits for the read tables.
        entry: TimelineEntry = |ctx, payload| by!(payload.note_id, |id: Of<_>| TimelineEntry::of_note(ctx, id.0)),
    }
}

/// Mutations on notes.
#[derive(Default)]
pub struct NoteMutations;

#[Object]
impl NoteMutations {
    /// Adds a private note.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn add_note(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(desc = "The text of the note.")] text: String,
        #[graphql(desc = "Whether the note stands on top of the timeline; by default not.", default)] pinned: bool,
        #[graphql(desc = "The conversation that it is about.")] conversation_id: Option<Of<ConversationId>>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<NotePayload> {
        let conversation_id = conversation_id.map(|id| id.0);
        let command = AddNote { customer_id: customer_id.0, conversation_id, text, pinned };
        let outcome = Api::of(ctx)?.app.add_note(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Pins a note to the top of the timeline, or unpins it.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn pin_note(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(desc = "The note's global id.")] note_id: Of<NoteId>,
        #[graphql(desc = "Whether the note stands on top of the timeline from now on.")] pinned: bool,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<NotePayload> {
        let command = PinNote { customer_id: customer_id.0, note_id: note_id.0, pinned };
        let outcome = Api::of(ctx)?.app.pin_note(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }
}
