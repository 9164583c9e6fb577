//! Files of typed cells, by columns (Parquet) or by records (CSV): rows of the views for analysts, and events.

mod parquet;
mod view;

use std::fmt;
use std::fs::File;
use std::io::BufWriter;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{ExportError, Output};
use crate::domain::value::money::decimal;
use crate::offload;
use crate::projections::views::ColumnKind;
pub use view::{count, headings, write};

/// How many rows are held until they are written together, and how many bytes of their texts.
const GROUP: (usize, usize) = (50_000, 16 * 1024 * 1024);

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// No value.
    Null,
    /// Text, an id, JSON or hex.
    Text(String),
    /// A whole number of 64 bits.
    Integer(i64),
    /// A whole number.
    Large(i128),
    /// A number in millionths.
    Decimal(i128),
    /// A truth value.
    Boolean(bool),
    /// A moment, in microseconds since 1970.
    Time(i64),
}

impl Cell {
    /// Roughly the bytes that it takes.
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            _ => 8,
        }
    }
}

impl fmt::Display for Cell {
    /// As CSV has it: no value is empty.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => number.fmt(f),
            Self::Large(number) => number.fmt(f),
            Self::Decimal(millionths) => f.write_str(&decimal(*millionths, 6)),
            Self::Boolean(truth) => truth.fmt(f),
            Self::Time(micros) => match DateTime::<Utc>::from_timestamp_micros(*micros) {
                Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true)),
                None => Err(fmt::Error),
            },
        }
    }
}

/// A column's name, and what its cells hold.
#[derive(Debug, Clone, Copy)]
pub struct Heading<'a> {
    /// The name.
    pub name: &'a str,
    /// What its cells hold.
    pub kind: ColumnKind,
}

/// A file of rows, which are gathered and written a group at a time.
pub struct CellFile {
    writer: Writer,
    group: Vec<Vec<Cell>>,
    /// The bytes of the group.
    bytes: usize,
}

enum Writer {
    /// A header, then a record a line.
    Csv(Output),
    /// By columns.
    Parquet(Box<parquet::Writer>),
}

impl CellFile {
    /// Records. With `spreadsheet`, no cell is taken for a formula.
    ///
    /// # Errors
    /// The header cannot be written.
    pub fn csv(file: File, headings: &[Heading<'_>], spreadsheet: bool) -> Result<Self, ExportError> {
        let mut out = Output::new(Box::new(BufWriter::new(file)), spreadsheet);
        let names: Vec<String> = headings.iter().map(|heading| heading.name.to_owned()).collect();
        out.record(&names)?;
        Ok(Self::new(Writer::Csv(out)))
    }

    /// Columns of rows of what `name` names.
    ///
    /// # Errors
    /// The beginning cannot be written.
    pub fn parquet(file: File, name: &str, headings: &[Heading<'_>]) -> Result<Self, ExportError> {
        Ok(Self::new(Writer::Parquet(Box::new(parquet::Writer::new(file, name, headings)?))))
    }

    const fn new(writer: Writer) -> Self {
        Self { writer, group: Vec::new(), bytes: 0 }
    }

    /// Adds a row, with a cell for each column. True if the group is to be written.
    #[must_use]
    pub fn add(&mut self, row: Vec<Cell>) -> bool {
        self.bytes += row.iter().map(Cell::size).sum::<usize>();
        self.group.push(row);
        self.group.len() >= GROUP.0 || self.bytes >= GROUP.1
    }

    /// Writes the rows that were added, off the threads that serve requests.
    ///
    /// # Errors
    /// The file does not take them.
    pub async fn write_group(self) -> Result<Self, ExportError> {
        offload::run(self.group.len(), move || self.written()).await
    }

    /// Writes what is left, and completes the file.
    ///
    /// # Errors
    /// The file does not take it.
    pub async fn end(self) -> Result<(), ExportError> {
        offload::run(self.group.len(), move || match self.written()?.writer {
            Writer::Csv(out) => Ok(out.finish()?),
            Writer::Parquet(writer) => Ok(writer.end()?),
        })
        .await
    }

    fn written(mut self) -> Result<Self, ExportError> {
        let group = std::mem::take(&mut self.group);
        match &mut self.writer {
            Writer::Csv(out) => {
                for row in &group {
                    let texts: Vec<String> = row.iter().map(ToString::to_string).collect();
                    out.record(&texts)?;
                }
            }
            Writer::Parquet(writer) => writer.write(&group)?,
        }
        self.bytes = 0;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_written_with_all_their_digits() {
        assert_eq!(Cell::Decimal(-35_750_001).to_string(), "-35.750001");
        assert_eq!(Cell::Decimal(-1).to_string(), "-0.000001");
        assert_eq!(Cell::Large(i128::from(i64::MAX) * 1_000).to_string(), "9223372036854775807000");
        assert_eq!(Cell::Null.to_string(), "");
    }
}
