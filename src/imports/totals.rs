//! The figures of one import.

use std::collections::{BTreeMap, HashMap};

use crate::domain::import::decide::ImportedChunk;
use crate::files::refused::{RefusedLines, WriteError};
use crate::files::row::{LeftOut, RawLine, RefusedLine};

/// What became of the file so far.
pub struct Totals {
    /// Rows that could be read.
    pub rows: u64,
    /// Events that were appended.
    pub appended: u64,
    /// Rows that the log knew already.
    pub already: u64,
    /// Rows that the log knew otherwise and has as the file says now.
    pub corrected: u64,
    /// Customers who were registered.
    pub registered: u64,
    /// Ids that were assigned to customers who were found by an address.
    pub joined: u64,
    /// Opt-outs that were recorded.
    pub opt_outs: u64,
    /// Rows that the log refused.
    pub refused_rows: u64,
    /// All refused lines.
    pub refused: RefusedLines,
    left_out: BTreeMap<String, LeftOutCount>,
}

/// How many values were left out for one reason.
#[derive(Debug, Clone, Copy)]
pub struct LeftOutCount {
    /// How many.
    pub values: u64,
    /// The line of the first one.
    pub first_line: u64,
}

impl Totals {
    /// Nothing yet.
    #[must_use]
    pub fn new(refused: RefusedLines) -> Self {
        Self {
            rows: 0,
            appended: 0,
            already: 0,
            corrected: 0,
            registered: 0,
            joined: 0,
            opt_outs: 0,
            refused_rows: 0,
            refused,
            left_out: BTreeMap::new(),
        }
    }

    /// Rows that are in the log now.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.rows - self.refused_rows
    }

    /// Counts lines that were refused while reading.
    pub fn refuse(&mut self, lines: &[RefusedLine]) -> Result<(), WriteError> {
        lines.iter().try_for_each(|line| self.refused.add(line))
    }

    /// Counts values that were left out of rows that are imported.
    pub fn leave_out(&mut self, values: &[LeftOut]) {
        for LeftOut { line, reason } in values {
            let new = LeftOutCount { values: 0, first_line: *line };
            self.left_out.entry(reason.clone()).or_insert(new).values += 1;
        }
    }

    /// Why values were left out, and how often.
    pub fn left_out(&self) -> impl Iterator<Item = (&str, LeftOutCount)> {
        self.left_out.iter().map(|(reason, count)| (reason.as_str(), *count))
    }

    /// Counts what a use case made of a chunk.
    pub fn take(&mut self, taken: &ImportedChunk, mut raw: HashMap<u64, Vec<RawLine>>) -> Result<(), WriteError> {
        self.appended += taken.appended;
        self.already += taken.already;
        self.corrected += taken.corrected;
        self.registered += taken.registered;
        self.joined += taken.joined;
        self.opt_outs += taken.opt_outs;
        self.refused_rows += taken.refused.len() as u64;
        for row in &taken.refused {
            let reason = &row.refusal.message;
            match raw.remove(&row.line) {
                None => self.refused.count(row.line, row.file_lines, reason),
                Some(lines) => {
                    let lines: Vec<_> =
                        lines.into_iter().map(|raw| RefusedLine { raw, reason: reason.clone() }).collect();
                    self.refuse(&lines)?;
                }
            }
        }
        Ok(())
    }
}
