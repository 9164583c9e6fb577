//! Exports, as they are watched.

use async_graphql::{Context, Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::exports;
use crate::exports::ReadModel;
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

/// Something that can be exported: the rows of a read model. All of them count as personal data.
#[derive(SimpleObject, Debug, Clone)]
pub struct Exportable {
    /// The name.
    name: String,
    /// The question that its rows answer.
    question: Option<String>,
    /// The columns, in order.
    columns: Vec<String>,
}

/// An export that this server carries out, or did within the last week.
#[derive(SimpleObject, Debug, Clone)]
pub struct Export {
    /// The global id.
    pub id: ID,
    /// The read model.
    what: String,
    /// How its rows are written.
    format: ExportFormat,
    /// Whether cells that begin as formulas have an apostrophe in front, for spreadsheets.
    spreadsheet: bool,
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
    /// Rows that there were when it began.
    total: Option<i64>,
    /// The size of the file in bytes.
    bytes: Option<Long>,
    /// When the file is removed.
    expires_at: Option<DateTime<Utc>>,
    /// Where the file can be downloaded; each download is recorded as a read of personal data. Null unless there is one.
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
            state: export.state.into(),
            author: Author::new(export.actor),
            asked_at: export.asked_at,
            ended_at: export.ended_at,
            rows: count(export.rows),
            total: export.total.map(count),
            bytes: export.bytes.map(count).map(Long),
            expires_at,
            url: expires_at.map(|_| format!("/exports/{}", export.id)),
            problem: export.problem.map(Into::into),
        }
    }
}

impl From<&ReadModel> for Exportable {
    fn from(model: &ReadModel) -> Self {
        Self { name: model.name().to_owned(), question: model.question().map(str::to_owned), columns: model.columns() }
    }
}
