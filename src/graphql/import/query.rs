//! Queries of imports.

use async_graphql::{Context, ID, Object, Result};

use super::input::ImportInput;
use super::object::{Import, ImportConnection, list};
use super::preview::{ImportField, ImportPreview};
use super::run::{ImportFile, ImportRun, id};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::connection::{page, page_cost};
use crate::graphql::engine::failure::{bad_argument, field_refused, opaque};
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::guard::{May, principal};
use crate::graphql::engine::id::{ImportRunId, Of};
use crate::graphql::engine::payload::caller;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;
use crate::graphql::engine::words::ImportKind;
use crate::ids::ImportId;

/// Queries of imports.
#[derive(Default)]
pub struct ImportQueries;

#[Object]
impl ImportQueries {
    /// One import; null if it does not exist.
    #[graphql(guard = "May(Permission::Read)")]
    async fn import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The import's global id.")] id: Of<ImportId>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Option<Import>> {
        Reading::of(ctx)?.api.wait_for(wait_for).await?;
        Import::load(ctx, id.0).await
    }

    /// Imports, newest first.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    async fn imports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<ImportConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        list(reading, &page).await
    }

    /// A file that was uploaded; null if it was imported since, or is older than a day.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn import_file(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "The file's id, as `POST /import-files` returned it.")] file_id: ID,
    ) -> Result<Option<ImportFile>> {
        let (api, tenant) = (Api::of(ctx)?, principal(ctx)?.tenant);
        let found = api.imports.uploads().find(tenant, id("id", &file_id)?).await;
        Ok(found.map_err(|error| opaque(api.ambient(), &error))?.map(Into::into))
    }

    /// The fields that columns can be read as; beside them there are `attribute.NAME` and `ignore`.
    #[graphql(guard = "May(Permission::Read)")]
    async fn import_fields(&self, #[graphql(desc = "What the file holds.")] kind: ImportKind) -> Vec<ImportField> {
        crate::imports::fields_of(kind.into())
            .into_iter()
            .map(|(name, meaning)| ImportField::new(name, meaning))
            .collect()
    }

    /// How a file would be read: its columns, and its first rows as they are understood. Nothing is recorded.
    #[graphql(guard = "May(Permission::Administer)", complexity = "100 + child_complexity")]
    async fn preview_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file, and how it is read.")] input: ImportInput,
        #[graphql(desc = "How many rows: 1 to 200.", default = 20)] first: i32,
    ) -> Result<ImportPreview> {
        let rows = usize::try_from(first).ok().filter(|rows| (1..=200).contains(rows));
        let rows = rows.ok_or_else(|| bad_argument("first", "must be 1 to 200"))?;
        let api = Api::of(ctx)?;
        let refused = |refusal: crate::domain::refusal::Refusal| field_refused(refusal.code, refusal.message);
        let (file_id, plan) = input.plan()?.map_err(refused)?;
        let preview = api.imports.preview(&caller(ctx, None)?, plan, file_id, rows).await;
        let preview = preview.map_err(|error| opaque(api.ambient(), &error))?;
        preview.map(Into::into).map_err(refused)
    }

    /// A run of an import that this server knows: those that have not ended, and the last 100 that have.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn import_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The run's global id.")] id: Of<ImportRunId>,
    ) -> Result<Option<ImportRun>> {
        ImportRun::load(ctx, id.0)
    }

    /// The runs of imports that this server knows, newest first.
    #[graphql(guard = "May(Permission::Administer)", complexity = "20 * child_complexity")]
    async fn import_runs(&self, ctx: &Context<'_>) -> Result<Vec<ImportRun>> {
        let runs = Api::of(ctx)?.imports.list(principal(ctx)?.tenant);
        Ok(runs.into_iter().map(Into::into).collect())
    }
}
