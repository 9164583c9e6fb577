//! Mutations on imports.

use async_graphql::{Context, Object, Result};

use super::input::ImportInput;
use super::object::Import;
use super::run::ImportRun;
use crate::domain::import::decide::{UndoImport, UndoneImport};
use crate::domain::refusal::Refusal;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::guard::{May, principal};
use crate::graphql::engine::id::{ImportRunId, Of};
use crate::graphql::engine::payload::{Answer, answer, by, caller, payload, shows};
use crate::graphql::engine::principal::Permission;
use crate::ids::ImportId;
use crate::imports::{Begun, Run};

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

payload! {
    /// The result of `startImport`, `dryRunImport` and `stopImportRun`. What the run appends is told by the run.
    ImportRunPayload: Run {
        /// The run; it goes on by itself.
        run: ImportRun = |run| Some(run.clone().into()),
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

    /// Imports an uploaded file. The run goes on by itself; `importProgress` and `importRun` show it.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn start_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file, and how it is read.")] input: ImportInput,
        #[graphql(
            desc = "Makes the mutation repeatable: the same key is the same run, as long as the server knows it."
        )]
        idempotency_key: Option<String>,
    ) -> Result<ImportRunPayload> {
        begin(ctx, input, idempotency_key, false).await
    }

    /// Does everything that `startImport` does but write to the log; the run's figures say what would become of the file.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn dry_run_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file, and how it is read.")] input: ImportInput,
        #[graphql(
            desc = "Makes the mutation repeatable: the same key is the same run, as long as the server knows it."
        )]
        idempotency_key: Option<String>,
    ) -> Result<ImportRunPayload> {
        begin(ctx, input, idempotency_key, true).await
    }

    /// Stops a run behind the rows that it is at. What is in the log stands; the same file goes on from there.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn stop_import_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The run's global id.")] run_id: Of<ImportRunId>,
        #[graphql(desc = "Makes the mutation repeatable, as every other one; stopping twice is stopping once.")]
        idempotency_key: Option<String>,
    ) -> Result<ImportRunPayload> {
        let _ = idempotency_key;
        let (imports, tenant, id) = (&Api::of(ctx)?.imports, principal(ctx)?.tenant, run_id.0.0);
        let run = if imports.stop(tenant, id) { imports.watch(tenant, id) } else { None };
        let stopped = run.map(|run| Begun { run: run.borrow().clone(), repeated: false });
        Ok(told(stopped.ok_or_else(|| Refusal::new("RUN_UNKNOWN", "this server knows no such run"))))
    }
}

async fn begin(
    ctx: &Context<'_>,
    input: ImportInput,
    idempotency_key: Option<String>,
    is_dry_run: bool,
) -> Result<ImportRunPayload> {
    let api = Api::of(ctx)?;
    let (file_id, plan) = match input.plan()? {
        Ok(planned) => planned,
        Err(refusal) => return Ok(told(Err(refusal))),
    };
    let begun = api.imports.begin(&caller(ctx, idempotency_key)?, plan, file_id, is_dry_run).await;
    Ok(told(begun.map_err(|error| opaque(api.ambient(), &error))?))
}

fn told(begun: std::result::Result<Begun, Refusal>) -> ImportRunPayload {
    match begun {
        Ok(Begun { run, repeated }) => Answer { value: Some(run), position: None, repeated, refusal: None }.into(),
        Err(refusal) => Answer::refused(refusal.into()).into(),
    }
}
