//! The figures of one import, as its report prints them.

use std::collections::HashMap;

use crate::cli::failure::{Failure, Outcome};
use crate::domain::import::decide::ImportedChunk;
use crate::files::refused::RefusedLines;
use crate::files::row::{RawLine, RefusedLine};

/// What became of the file so far.
pub struct Totals {
    /// Rows that could be read.
    pub rows: u64,
    /// Events that were appended.
    pub appended: u64,
    /// Rows that the log knew already.
    pub already: u64,
    /// Rows that the log refused.
    pub refused_rows: u64,
    /// All refused lines.
    pub refused: RefusedLines,
}

impl Totals {
    /// Nothing yet.
    #[must_use]
    pub fn new(refused: RefusedLines) -> Self {
        Self { rows: 0, appended: 0, already: 0, refused_rows: 0, refused }
    }

    /// Rows that are in the log now.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.rows - self.refused_rows
    }

    /// Counts lines that were refused while reading.
    pub fn refuse(&mut self, lines: &[RefusedLine]) -> Outcome {
        lines.iter().try_for_each(|line| self.refused.add(line)).map_err(Failure::unavailable)
    }

    /// Counts what a use case made of a chunk.
    pub fn take(&mut self, taken: &ImportedChunk, mut raw: HashMap<u64, Vec<RawLine>>) -> Outcome {
        self.appended += taken.appended;
        self.already += taken.already;
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
