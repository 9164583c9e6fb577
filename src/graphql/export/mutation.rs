//! Mutations on exports.

use async_graphql::{Context, InputObject, Object, Result};

use super::object::{Export, ExportFormat};
use crate::domain::refusal::Refusal;
use crate::exports;
use crate::exports::Wanted;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::guard::{May, principal};
use crate::graphql::engine::id::{ExportId, Of};
use crate::graphql::engine::payload::{Answer, caller, payload};
use crate::graphql::engine::principal::Permission;
use crate::graphql::log::object::EventFilterInput;
use crate::ledger::Begun;

/// What to export.
#[derive(InputObject)]
pub struct ExportInput {
    /// The name of something that `exportables` lists.
    what: String,
    /// Which events; of `events` only. Omitted: all.
    events: Option<EventFilterInput>,
    /// How its rows are written.
    format: ExportFormat,
    /// CSV that a spreadsheet can open without running anything: what begins as a formula does (=, +, -, @), a cell or a
    /// piece of it behind a semicolon, a tab or a line break, gets an apostrophe in front. The file begins with a byte
    /// order mark. Programs want the cells as they are.
    #[graphql(default)]
    spreadsheet: bool,
    /// Leaves out what identifies somebody: the personal part of events, the personal columns of read models. Ids stay, so
    /// that rows can be joined: this is pseudonymous, not anonymous. Of read models, `CSV` and `PARQUET` have it.
    #[graphql(default)]
    without_personal_data: bool,
}

impl From<ExportInput> for Wanted {
    fn from(input: ExportInput) -> Self {
        Self {
            what: input.what,
            format: input.format.into(),
            spreadsheet: input.spreadsheet,
            without_personal: input.without_personal_data,
            events: input.events.map(Into::into).unwrap_or_default(),
        }
    }
}

payload! {
    /// The result of `startExport` and `removeExport`.
    ExportPayload: exports::Export {
        /// The export; it goes on by itself. Of `removeExport`: what it was.
        export: Export = |export| Some(export.clone().into()),
    }
}

/// Mutations on exports.
#[derive(Default)]
pub struct ExportMutations;

#[Object]
impl ExportMutations {
    /// Writes events, or all rows of a read model, into a file to be downloaded, with everything that was recorded before.
    /// The export goes on by itself; `exportProgress` and `export` show it. The file is kept for a week, and, unless it is
    /// without personal data, removed as soon as a customer is forgotten.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn start_export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to export.")] input: ExportInput,
        #[graphql(
            desc = "Makes the mutation repeatable: the same key is the same export, as long as the server knows it."
        )]
        idempotency_key: Option<String>,
    ) -> Result<ExportPayload> {
        let begun = Api::of(ctx)?.exports.begin(&caller(ctx, idempotency_key)?, input.into()).await;
        let refused = |refusal: Refusal| Answer::refused(refusal.into());
        Ok(match begun {
            Ok(Begun::New(run)) => Answer { value: Some(run), position: None, repeated: false, refusal: None },
            Ok(Begun::Repeated(run)) => Answer { value: Some(run), position: None, repeated: true, refusal: None },
            Ok(Begun::KeyReused) => refused(Refusal::key_reused()),
            Ok(Begun::Full) => refused(Refusal::new("TOO_MANY_RUNS", "too many exports wait already")),
            Err(refusal) => refused(refusal),
        }
        .into())
    }

    /// Removes the file of an export, or stops the export if it has not ended.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn remove_export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The export's global id.")] id: Of<ExportId>,
        #[graphql(desc = "Makes the mutation repeatable, as every other one; removing twice is refused as unknown.")]
        idempotency_key: Option<String>,
    ) -> Result<ExportPayload> {
        let _ = idempotency_key;
        let api = Api::of(ctx)?;
        let removed = api.exports.remove(principal(ctx)?.tenant, id.0.0).await;
        Ok(match removed.map_err(|error| opaque(api.ambient(), &error))? {
            Some(run) => Answer { value: Some(run), position: None, repeated: false, refusal: None }.into(),
            None => Answer::refused(Refusal::new("EXPORT_UNKNOWN", "this server knows no such export").into()).into(),
        })
    }
}
