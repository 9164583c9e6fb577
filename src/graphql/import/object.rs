//! Imports.

use async_graphql::{Context, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::engine::author::Author;
use crate::graphql::engine::connection::{connection, count_later};
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::id::global;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::words::{ImportKind, ImportState};
use crate::ids::ImportId;
use crate::queries::imports::ImportRow;
use crate::queries::{Page, imports};

connection!(
    /// Imports, newest first.
    ImportConnection,
    ImportEdge,
    Import
);

/// One run of an import: a batch that can be undone.
#[derive(SimpleObject, Clone)]
pub struct Import {
    /// The global id.
    pub id: ID,
    /// The kind of the file's contents.
    kind: ImportKind,
    /// The state of the import.
    state: ImportState,
    /// SHA-256 of the file's bytes, in hex.
    file_digest: String,
    /// The file's name without its folder. Personal.
    file_name: Option<String>,
    /// How often this file's import was undone before.
    run: i64,
    /// The actor that ran it.
    author: Author,
    /// When it began.
    started_at: DateTime<Utc>,
    /// When the file was completely read.
    completed_at: Option<DateTime<Utc>>,
    /// When it was undone.
    undone_at: Option<DateTime<Utc>>,
    /// Lines read, without the header.
    lines: Option<i64>,
    /// Events that were appended.
    appended: Option<i64>,
    /// Facts that were already in the log.
    already: Option<i64>,
    /// Lines that were refused.
    refused: Option<i64>,
    /// Facts that an undo retracted.
    retracted: Option<i64>,
    /// Facts that an undo kept.
    kept: Option<i64>,
}

impl Import {
    fn new(row: ImportRow, personal: bool) -> Self {
        Self {
            id: global(row.import_id),
            kind: row.kind.into(),
            state: row.state.into(),
            file_digest: row.file_digest,
            file_name: row.file_name.filter(|_| personal),
            run: row.run,
            author: Author::new(row.actor),
            started_at: row.started_at,
            completed_at: row.completed_at,
            undone_at: row.undone_at,
            lines: row.lines,
            appended: row.appended,
            already: row.already,
            refused: row.refused,
            retracted: row.retracted,
            kept: row.kept,
        }
    }

    /// One import.
    pub async fn load(ctx: &Context<'_>, id: ImportId) -> Result<Option<Self>> {
        let reading = Reading::of(ctx)?;
        let row = imports::by_id(&reading.api.reads.db(), reading.session.principal.tenant, id)
            .await
            .map_err(|error| reading.api.failed(&error))?;
        Ok(row.map(|row| Self::new(row, reading.personal())))
    }
}

/// A page of the tenant's imports.
pub async fn list(reading: Reading<'_>, page: &Page) -> Result<Boxed<ImportConnection>> {
    let tenant = reading.session.principal.tenant;
    let db = reading.api.reads.db();
    let slice = imports::list(&db, tenant, page).await.map_err(|error| reading.api.failed(&error))?;
    let api = reading.api.clone();
    let count = count_later(async move { imports::count(&db, tenant).await.map_err(|error| api.failed(&error)) });
    let personal = reading.personal();
    Ok(ImportConnection::new(slice, count, |row| Import::new(row, personal)))
}
