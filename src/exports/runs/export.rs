//! An export, as it is watched and listed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::refusal::Refusal;
use crate::exports::RowFormat;
use crate::exports::events::{EVENTS, Selection};
use crate::ids::TenantId;
use crate::ledger::Run;

/// How long a file is kept.
pub const KEPT: Duration = Duration::from_hours(7 * 24);

/// What is to be exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// A read model, by name, or [`EVENTS`].
    pub what: String,
    /// How its rows are written.
    pub format: RowFormat,
    /// Whether cells that begin as formulas are made harmless; of CSV only.
    pub spreadsheet: bool,
    /// Whether what identifies somebody is left out.
    #[serde(default)]
    pub without_personal: bool,
    /// Which events; of events only.
    #[serde(default)]
    pub events: Selection,
}

impl Wanted {
    /// What must not be asked for, if anything is.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.spreadsheet && self.format != RowFormat::Csv {
            return Err(Refusal::invalid("spreadsheet", "is for CSV only"));
        }
        if self.what != EVENTS {
            if self.events != Selection::default() {
                return Err(Refusal::invalid("events", "is for the export of events only"));
            }
            if self.without_personal && self.format == RowFormat::Jsonl {
                let message =
                    "of read models is for CSV and PARQUET, whose columns are those of the views for analysts";
                return Err(Refusal::invalid("withoutPersonalData", message));
            }
        } else if self.events.customer.is_some() && self.events.stream.is_some() {
            return Err(Refusal::invalid("events", "give customerId or stream, not both"));
        }
        Refusal::unless_bounded("since", self.events.recorded.since)?;
        Refusal::unless_bounded("until", self.events.recorded.until)
    }
}

/// Where an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// Behind others.
    Waiting,
    /// On its way.
    Running,
    /// The file can be downloaded.
    Done,
    /// There is no file.
    Failed,
}

/// Why there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportProblem {
    /// The tables could not be read, or the file not be written.
    Unavailable,
    /// The node was stopped.
    Interrupted,
    /// Somebody was forgotten since, who may be in it.
    SomebodyForgotten,
}

/// An export, as it is at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Its id.
    pub id: Uuid,
    /// Whose data it is.
    pub tenant: TenantId,
    /// Who asked for it.
    pub actor: String,
    /// What was asked for.
    pub wanted: Wanted,
    /// Where it is.
    pub state: ExportState,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Rows that were written so far.
    pub rows: u64,
    /// Rows that there were when it began; not known of events.
    pub total: Option<u64>,
    /// How far it is, in hundredths; nothing if that is not known.
    #[serde(default)]
    pub percent: Option<u8>,
    /// The size of the file, once it is complete.
    pub bytes: Option<u64>,
    /// Why there is no file.
    pub problem: Option<ExportProblem>,
}

impl Export {
    /// Until when the file is kept, if there is one.
    #[must_use]
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.ended_at.filter(|_| self.state == ExportState::Done).map(|ended| ended + KEPT)
    }

    /// The name under which it is saved.
    #[must_use]
    pub fn file_name(&self) -> String {
        let ending = match self.wanted.format {
            RowFormat::Csv => "csv",
            RowFormat::Jsonl => "jsonl",
            RowFormat::Parquet => "parquet",
        };
        format!("{}-{}.{ending}", self.wanted.what, self.asked_at.format("%Y-%m-%d"))
    }

    pub(super) fn fail(&mut self, problem: ExportProblem, now: DateTime<Utc>) {
        (self.state, self.problem) = (ExportState::Failed, Some(problem));
        self.ended_at = Some(self.ended_at.unwrap_or(now));
    }
}

impl Run for Export {
    fn id(&self) -> Uuid {
        self.id
    }

    fn tenant(&self) -> TenantId {
        self.tenant
    }

    fn has_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    fn interrupt(&mut self, now: DateTime<Utc>) {
        self.fail(ExportProblem::Interrupted, now);
    }
}
