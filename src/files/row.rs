//! What the readers of all kinds of files have in common: settings, rows with the lines that they came from, refusals.

use crate::domain::value::{Channel, Currency};
use crate::files::columns::{Columns, MapError};
use crate::files::records::Record;
use crate::files::values::{DecimalMark, TimeReader};

/// How the values of a file are read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How times are written.
    pub times: TimeReader,
    /// How decimals are written.
    pub decimal_mark: DecimalMark,
    /// The currency of prices without one.
    pub currency: Option<Currency>,
    /// The channel of messages without one.
    pub channel: Option<Channel>,
    /// Whether rows without a customer go to the anonymous one.
    pub anonymous: bool,
    /// Customers without any id are numbered by their line, with this in front.
    pub number_rows: Option<String>,
}

/// Why a file's header is not enough for the import.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// A column is missing or ambiguous.
    #[error(transparent)]
    Map(#[from] MapError),
    /// Something is missing that neither a column nor an option gives.
    #[error("{what}; {advice}")]
    Incomplete {
        /// What is missing.
        what: &'static str,
        /// How to give it.
        advice: &'static str,
    },
}

/// A line of the file that is part of a row, kept to be written out should the row be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLine {
    /// Its number.
    pub number: u64,
    /// Its values as they were read.
    pub fields: Vec<String>,
}

impl From<Record> for RawLine {
    fn from(record: Record) -> Self {
        Self { number: record.line, fields: record.fields }
    }
}

/// A line that is not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedLine {
    /// The line.
    pub raw: RawLine,
    /// Why: one short sentence without the line's own values.
    pub reason: String,
}

/// What a reader makes of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Parsed<T> {
    /// A row for the log, with the lines that it was made of.
    Row(T, Vec<RawLine>),
    /// Lines that cannot be imported.
    Refused(Vec<RefusedLine>),
}

/// Turns records into rows. Pure: the same records give the same rows.
pub trait RowReader: Send {
    /// What `app` takes in.
    type Row: Send;

    /// Which column is read as what.
    fn columns(&self) -> &Columns;

    /// Takes the next record; may give a row at once, later, or never.
    fn push(&mut self, record: Record) -> Result<Option<Parsed<Self::Row>>, String>;
}

/// Puts the field's name before what is wrong with its value.
pub fn in_field<T>(field: &str, value: Result<T, String>) -> Result<T, String> {
    value.map_err(|reason| format!("{field} {reason}"))
}
