//! Lines that were not imported: counted by reason, and written to a file that can be corrected and imported. That is done
//! in a spreadsheet, so no cell begins as a formula; the import takes the apostrophes away again.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::files::cells::defused;
use crate::files::columns::REFUSED;
use crate::files::row::RefusedLine;

/// Collects refused lines.
pub struct RefusedLines {
    file: Option<(PathBuf, csv::Writer<File>)>,
    count: u64,
    /// How many lines by reason, with the first line's number.
    reasons: BTreeMap<String, (u64, u64)>,
}

/// The refused lines could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the refused lines to {}", path.display())]
pub struct WriteError {
    path: PathBuf,
    #[source]
    source: csv::Error,
}

/// Reasons that differ only in line numbers are counted together, so that the summary stays short.
const MAX_REASONS: usize = 1_000;

impl RefusedLines {
    /// Counts, and writes to `file` if there is one: line number and reason in front of the line's own columns.
    pub fn try_new(file: Option<&Path>, header: &[String]) -> Result<Self, WriteError> {
        let file = match file {
            None => None,
            Some(path) => {
                let failed = |source| WriteError { path: path.to_owned(), source };
                let mut writer = csv::WriterBuilder::new().flexible(true).from_path(path).map_err(failed)?;
                let columns = REFUSED.into_iter().chain(header.iter().map(String::as_str));
                writer.write_record(columns.map(|name| defused(name).into_owned())).map_err(failed)?;
                Some((path.to_owned(), writer))
            }
        };
        Ok(Self { file, count: 0, reasons: BTreeMap::new() })
    }

    /// Whether the lines' own values are needed.
    #[must_use]
    pub fn keeps_lines(&self) -> bool {
        self.file.is_some()
    }

    /// Takes a refused line.
    pub fn add(&mut self, line: &RefusedLine) -> Result<(), WriteError> {
        let number = line.raw.number;
        self.count(number, 1, &line.reason);
        if let Some((path, writer)) = &mut self.file {
            let number = number.to_string();
            let values = [number.as_str(), line.reason.as_str()];
            let cells = values.into_iter().chain(line.raw.fields.iter().map(String::as_str));
            writer
                .write_record(cells.map(|cell| defused(cell).into_owned()))
                .map_err(|source| WriteError { path: path.clone(), source })?;
        }
        Ok(())
    }

    /// Counts refused lines whose values were not kept.
    pub fn count(&mut self, first_line: u64, lines: u64, reason: &str) {
        self.count += lines;
        let known = self.reasons.contains_key(reason);
        let key = if known || self.reasons.len() < MAX_REASONS { reason } else { "other reasons" };
        self.reasons.entry(key.to_owned()).or_insert((0, first_line)).0 += lines;
    }

    /// How many lines were refused.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.count
    }

    /// The commonest reasons: how many lines, the first one's number, the reason.
    #[must_use]
    pub fn summary(&self, at_most: usize) -> Vec<(u64, u64, &str)> {
        let mut reasons: Vec<_> =
            self.reasons.iter().map(|(reason, (count, line))| (*count, *line, reason.as_str())).collect();
        reasons.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        reasons.truncate(at_most);
        reasons
    }

    /// Writes what is still in memory.
    pub fn finish(&mut self) -> Result<(), WriteError> {
        match &mut self.file {
            None => Ok(()),
            Some((path, writer)) => {
                writer.flush().map_err(|error| WriteError { path: path.clone(), source: error.into() })
            }
        }
    }
}
