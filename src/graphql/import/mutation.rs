//! Mutations on imports.

use async_graphql::{Context, Object, Result};

use super::object::Import;
use crate::domain::import::decide::{UndoImport, UndoneImport};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{answer, by, caller, payload, shows};
use crate::graphql::engine::principal::Permission;
use crate::ids::ImportId;

payload! {
    /// The result of `undoImport`.
    UndoImportPayload of complex: UndoneImport {
        /// The import's id.
        import_id: Of<ImportId> = |undone| Some(Of(undone.import_id)),
        /// Facts that were retracted.
        retracted: i64 = |undone| i64::try_from(undone.retracted).ok(),
        /// Facts that were kept: opt-outs, and customers with later activity.
        kept: i64 = |undone| i64::try_from(undone.kept).ok(),
    }
}

shows! {
    UndoImportPayload {
        /// The import after this mutation; waits for the read tables.
        import: Import = |ctx, payload| by!(payload.import_id, |id: Of<_>| Import::load(ctx, id.0)),
    }
}

/// Mutations on imports.
#[derive(Default)]
pub struct ImportMutations;

#[Object]
impl ImportMutations {
    /// Undoes an import, its opt-outs too; what stood before stands again. The log keeps both.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn undo_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The import's global id.")] import_id: Of<ImportId>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<UndoImportPayload> {
        let command = UndoImport { import_id: import_id.0 };
        let outcome = Api::of(ctx)?.app.undo_import(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }
}
