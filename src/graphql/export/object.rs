//! Exports, as they are watched.

use async_graphql::{Context, Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::exports;
use crate::exports::events::Selection;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::author::Author;
use crate::graphql::engine::guard::{principal, require};
use crate::graphql::engine::id::{ExportId, global};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::scalar::Long;

/// How rows are written.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "exports::RowFormat")]
pub enum ExportFormat {
    /// One JSON object a line.
    Jsonl,
    /// A header, then a record a line.
    Csv,
    /// By columns, with types, for DuckDB, pandas and others. Of read models, the columns are those of the views for analysts.
    Parquet,
}

/// Where an export is.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "exports::ExportState")]
pub enum ExportState {
    /// Behind others: one is made at a time.
    Waiting,
    /// On its way.
    Running,
    /// The file can be downloaded at `url`.
    Done,
    /// There is no file; `problem` says why.
    Failed,
}

/// Why there is no file.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "exports::ExportProblem")]
pub enum ExportProblem {
    /// The tables could not be read, or the file not be written.
    Unavailable,
    /// The server was stopped, or the export was.
    Interrupted,
    /// Somebody was forgotten since, who may have been in it: the file was removed.
    SomebodyForgotten,
}

/// Something that can be exported: the rows of a read model, or, as `events`, what the log holds. All of them count as
/// personal data, unless they are asked for without.
#[derive(SimpleObject, Debug, Clone)]
pub struct Exportable {
    /// The name.
    name: String,
    /// The question that its rows answer.
    question: Option<String>,
    /// The columns, in order, of CSV and JSON lines.
    columns: Vec<String>,
    /// The columns, in order, of Parquet.
    typed_columns: Vec<ExportColumn>,
}

/// A column of a Parquet file.
#[derive(SimpleObject, Debug, Clone)]
pub struct ExportColumn {
    /// The name.
    name: String,
    /// Whether it is left out of an export without personal data.
    is_personal: bool,
}

/// An export that this server carries out, or did within the last week.
#[derive(SimpleObject, Debug, Clone)]
pub struct Export {
    /// The global id.
    pub id: ID,
    /// The read model, or `events`.
    what: String,
    /// How its rows are written.
    format: ExportFormat,
    /// Whether cells that begin as formulas have an apostrophe in front, for spreadsheets.
    spreadsheet: bool,
    /// Whether what identifies somebody is left out.
    without_personal_data: bool,
    /// Whether only some events were asked for.
    is_selection: bool,
    /// Where it is.
    state: ExportState,
    /// Who asked for it.
    author: Author,
    /// When it was asked for.
    asked_at: DateTime<Utc>,
    /// When it ended.
    ended_at: Option<DateTime<Utc>>,
    /// Rows that were written so far.
    rows: i64,
    /// Rows that there were when it began; null of events, which are counted as they are found.
    total: Option<i64>,
    /// How far it is, in per cent; null while that is not known.
    percent: Option<i32>,
    /// The size of the file in bytes.
    bytes: Option<Long>,
    /// When the file is removed.
    expires_at: Option<DateTime<Utc>>,
    /// Where the file can be downloaded; each download is recorded as a read of personal data, unless there is none in it. Null
    /// unless there is a file.
    url: Option<String>,
    /// Why there is no file.
    problem: Option<ExportProblem>,
}

impl Export {
    /// An export that this server knows.
    pub fn load(ctx: &Context<'_>, id: ExportId) -> Result<Option<Self>> {
        require(ctx, Permission::Administer)?;
        let run = Api::of(ctx)?.exports.watch(principal(ctx)?.tenant, id.0);
        Ok(run.map(|run| run.borrow().clone().into()))
    }
}

impl From<exports::Export> for Export {
    fn from(export: exports::Export) -> Self {
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let expires_at = export.expires_at();
        Self {
            id: global(ExportId(export.id)),
            what: export.wanted.what,
            format: export.wanted.format.into(),
            spreadsheet: export.wanted.spreadsheet,
            without_personal_data: export.wanted.without_personal,
            is_selection: export.wanted.events != Selection::default(),
            state: export.state.into(),
            author: Author::new(export.actor),
            asked_at: export.asked_at,
            ended_at: export.ended_at,
            rows: count(export.rows),
            total: export.total.map(count),
            percent: export.percent.map(Into::into),
            bytes: export.bytes.map(count).map(Long),
            expires_at,
            url: expires_at.map(|_| format!("/exports/{}", export.id)),
            problem: export.problem.map(Into::into),
        }
    }
}

impl From<exports::Exportable> for Exportable {
    fn from(offered: exports::Exportable) -> Self {
        let exports::Exportable { name, question, columns, typed_columns } = offered;
        let typed = |column: exports::TypedColumn| ExportColumn { name: column.name, is_personal: column.is_personal };
        Self { name, question, columns, typed_columns: typed_columns.into_iter().map(typed).collect() }
    }
}
