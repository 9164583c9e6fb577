//! Runs of imports that the server carries out, and the files that they read.

use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::object::Import;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::author::Author;
use crate::graphql::engine::failure::bad_argument;
use crate::graphql::engine::guard::{principal, require};
use crate::graphql::engine::id::{ImportRunId, global};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::words::ImportKind;
use crate::ids::ImportId;
use crate::imports::{Figures, Problem, Reason, Run, Uploaded};

/// Where a run is.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::imports::RunState")]
pub enum ImportRunState {
    /// Behind others: one file is imported at a time.
    Waiting,
    /// On its way.
    Running,
    /// The whole file was read.
    Done,
    /// Somebody stopped it, or the server ended. What is in the log stands; the same file goes on from there.
    Stopped,
    /// It cannot go on; `problem` says why.
    Failed,
}

/// A file that was uploaded. It is kept until it is imported, at most a day.
#[derive(SimpleObject, Debug, Clone)]
pub struct ImportFile {
    /// The file's id.
    id: ID,
    /// Its name, without folders. Personal.
    name: String,
    /// Its size.
    bytes: i64,
    /// When it was complete.
    uploaded_at: DateTime<Utc>,
}

/// Why lines were refused, or values left out.
#[derive(SimpleObject, Debug, Clone)]
pub struct ImportReason {
    /// In words.
    reason: String,
    /// How many.
    count: i64,
    /// The line of the first one.
    first_line: i64,
}

/// What stands in the way of an import.
#[derive(SimpleObject, Debug, Clone)]
pub struct ImportProblem {
    /// A code: `UNCLEAR_CONSENT`, `COLUMN_MISSING`, `DECIMAL_UNCLEAR` …
    code: String,
    /// In words.
    message: String,
    /// The columns that it is about.
    columns: Vec<String>,
}

/// What became of a file so far; of a dry run: what would become of it.
#[derive(SimpleObject, Debug, Clone)]
pub struct ImportFigures {
    /// Lines that were read, without the header.
    lines_read: i64,
    /// Customers, orders or messages that could be read.
    rows: i64,
    /// Those of them that are in the log now.
    taken: i64,
    /// Those that it knew already.
    already: i64,
    /// Those that it knew otherwise.
    corrected: i64,
    /// Events that were appended.
    appended: i64,
    /// New customers.
    registered: i64,
    /// Ids that were joined to customers who have the address already.
    joined: i64,
    /// Opt-outs that were recorded.
    opt_outs: i64,
    /// Lines that were refused.
    refused: i64,
    /// Why, the commonest reasons first, at most 100.
    refusals: Vec<ImportReason>,
    /// Values that were left out of rows that are imported, at most 100 reasons.
    left_out: Vec<ImportReason>,
}

/// A run of an import that this server carries out, or did lately.
#[derive(SimpleObject, Debug, Clone)]
#[graphql(complex)]
pub struct ImportRun {
    /// The global id.
    pub id: ID,
    /// What the file holds.
    kind: ImportKind,
    /// Whether nothing goes into the log.
    is_dry_run: bool,
    /// The file's id.
    file_id: ID,
    /// The file's name. Personal.
    file_name: String,
    /// Where it is.
    state: ImportRunState,
    /// Who began it.
    author: Author,
    /// When it was asked for.
    asked_at: DateTime<Utc>,
    /// When it ended.
    ended_at: Option<DateTime<Utc>>,
    /// Lines of the whole file, without the header, once they are counted.
    lines: Option<i64>,
    /// What became of it so far.
    figures: ImportFigures,
    /// Why it failed.
    problem: Option<ImportProblem>,
    /// Where the refused lines can be downloaded, as CSV, once it has ended; null: there are none.
    refused_url: Option<String>,
    #[graphql(skip)]
    import_id: Option<ImportId>,
}

#[ComplexObject]
impl ImportRun {
    /// The import's global id, once it has begun; null for a dry run.
    async fn import_id(&self) -> Option<ID> {
        self.import_id.map(global)
    }

    /// The import, once the read tables show it; null for a dry run.
    #[graphql(complexity = "5 + child_complexity")]
    async fn import(&self, ctx: &Context<'_>) -> Result<Option<Import>> {
        match self.import_id {
            Some(id) => Import::load(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl ImportRun {
    /// A run that this server knows.
    pub fn load(ctx: &Context<'_>, id: ImportRunId) -> Result<Option<Self>> {
        require(ctx, Permission::Administer)?;
        let run = Api::of(ctx)?.imports.watch(principal(ctx)?.tenant, id.0);
        Ok(run.map(|run| run.borrow().clone().into()))
    }
}

impl From<Run> for ImportRun {
    fn from(run: Run) -> Self {
        let has_refused = run.ended_at.is_some() && run.figures.refused > 0;
        Self {
            id: global(ImportRunId(run.id)),
            kind: run.kind.into(),
            is_dry_run: run.is_dry_run,
            file_id: run.file_id.to_string().into(),
            file_name: run.file_name,
            state: run.state.into(),
            author: Author::new(run.actor),
            asked_at: run.asked_at,
            ended_at: run.ended_at,
            lines: run.lines.map(count),
            figures: run.figures.into(),
            problem: run.problem.map(Into::into),
            refused_url: has_refused.then(|| format!("/import-runs/{}/refused.csv", run.id)),
            import_id: run.import_id,
        }
    }
}

impl From<Uploaded> for ImportFile {
    fn from(file: Uploaded) -> Self {
        let Uploaded { id, name, bytes, uploaded_at, .. } = file;
        Self { id: id.to_string().into(), name, bytes: count(bytes), uploaded_at }
    }
}

impl From<Reason> for ImportReason {
    fn from(reason: Reason) -> Self {
        Self { count: count(reason.count), first_line: count(reason.first_line), reason: reason.reason }
    }
}

impl From<Problem> for ImportProblem {
    fn from(problem: Problem) -> Self {
        Self { code: problem.code.to_owned(), message: problem.message, columns: problem.columns }
    }
}

impl From<Figures> for ImportFigures {
    fn from(figures: Figures) -> Self {
        Self {
            lines_read: count(figures.lines_read),
            rows: count(figures.rows),
            taken: count(figures.taken),
            already: count(figures.already),
            corrected: count(figures.corrected),
            appended: count(figures.appended),
            registered: count(figures.registered),
            joined: count(figures.joined),
            opt_outs: count(figures.opt_outs),
            refused: count(figures.refused),
            refusals: figures.refusals.into_iter().map(Into::into).collect(),
            left_out: figures.left_out.into_iter().map(Into::into).collect(),
        }
    }
}

/// No file has more lines than this can say.
pub(super) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The id of a file.
pub(super) fn id(argument: &'static str, id: &ID) -> Result<Uuid> {
    id.parse().map_err(|_| bad_argument(argument, "is not such an id"))
}
