//! A run of an import, as those who watch it see it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Totals;
use super::preview::Problem;
use crate::domain::import::event::ImportKind;
use crate::ids::{ImportId, TenantId};

/// How many reasons are told, the commonest first.
const REASONS: usize = 100;

/// The id of a run.
pub type RunId = Uuid;

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Behind others.
    Waiting,
    /// On its way.
    Running,
    /// The whole file was read.
    Done,
    /// Somebody stopped it, or the server ended. What is in the log stands.
    Stopped,
    /// It cannot go on.
    Failed,
}

/// Why lines or values were left aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// In words.
    pub reason: String,
    /// How many.
    pub count: u64,
    /// The line of the first one.
    pub first_line: u64,
}

/// What became of the file so far. A dry run says what would.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Lines that were read, without the header.
    pub lines_read: u64,
    /// Customers, orders or messages that could be read.
    pub rows: u64,
    /// Those of them that are in the log now.
    pub taken: u64,
    /// Those that it knew already.
    pub already: u64,
    /// Those that it knew otherwise.
    pub corrected: u64,
    /// Events that were appended.
    pub appended: u64,
    /// New customers.
    pub registered: u64,
    /// Ids that were joined to customers who have the address already.
    pub joined: u64,
    /// Opt-outs that were recorded.
    pub opt_outs: u64,
    /// Lines that were refused.
    pub refused: u64,
    /// Why, the commonest reasons first.
    pub refusals: Vec<Reason>,
    /// Values that were left out of rows that are imported.
    pub left_out: Vec<Reason>,
}

/// A run, as it is at a moment.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Who began it.
    pub actor: String,
    /// What the file holds.
    pub kind: ImportKind,
    /// Whether nothing goes into the log.
    pub is_dry_run: bool,
    /// The file.
    pub file_id: Uuid,
    /// The file's name.
    pub file_name: String,
    /// Where it is.
    pub state: RunState,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The import, once it has begun.
    pub import_id: Option<ImportId>,
    /// Lines of the whole file, without the header, once they are counted.
    pub lines: Option<u64>,
    /// What became of it so far.
    pub figures: Figures,
    /// Why it failed.
    pub problem: Option<Problem>,
}

impl Figures {
    /// After so many lines.
    pub(super) fn of(totals: &Totals, lines_read: u64) -> Self {
        let refusals = totals.refused.summary(REASONS).into_iter().map(|(count, first_line, reason)| Reason {
            reason: reason.to_owned(),
            count,
            first_line,
        });
        let left_out = totals.left_out().take(REASONS).map(|(reason, counted)| Reason {
            reason: reason.to_owned(),
            count: counted.values,
            first_line: counted.first_line,
        });
        Self {
            lines_read,
            rows: totals.rows,
            taken: totals.taken(),
            already: totals.already,
            corrected: totals.corrected,
            appended: totals.appended,
            registered: totals.registered,
            joined: totals.joined,
            opt_outs: totals.opt_outs,
            refused: totals.refused.total(),
            refusals: refusals.collect(),
            left_out: left_out.collect(),
        }
    }
}
