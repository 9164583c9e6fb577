//! The first pass over a file: its digest, its header, how much there is, where orders end. Nothing is imported before
//! the whole file was read once, so a damaged or cut-off file is refused as a whole.

use crate::domain::import::event::ImportKind;
use crate::files::columns::{Columns, MapError, Mapping};
use crate::files::orders::{self, OrderEnds};
use crate::files::records::{Dialect, Encoding, Record, Records};
use crate::files::source::{FileError, Source};

/// What is known of a file after its first reading.
pub struct Survey {
    /// SHA-256 of the file's bytes, in hex.
    pub digest: String,
    /// How values are separated.
    pub dialect: Dialect,
    /// Which column is read as what.
    pub columns: Columns,
    /// Lines with values, without the header.
    pub records: u64,
    /// The first line that is not UTF-8.
    pub fallback: Option<u64>,
    /// Where orders end; empty for other kinds.
    pub ends: OrderEnds,
}

/// Why the first reading failed.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its columns cannot be mapped.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The first line is not a header.
    #[error("the first line of {path} cannot be read: {reason}")]
    Header {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
}

/// A file that is open behind its header.
pub(super) struct Opened {
    /// The records after the header.
    pub records: Records<Box<dyn std::io::BufRead + Send>>,
    /// The header.
    pub header: Record,
    /// How the file is written.
    pub dialect: Dialect,
}

/// Opens the file and reads its header.
pub(super) fn open(source: &Source, encoding: Encoding) -> Result<Opened, SurveyError> {
    let dialect = dialect(source, encoding)?;
    let mut records = Records::new(source.reader()?, dialect, encoding);
    let header = records.read().map_err(|error| source.broken(0, error))?;
    let header = header.ok_or_else(|| FileError::Empty { path: source.path().to_owned() })?;
    match header.malformed {
        None => Ok(Opened { records, header, dialect }),
        Some(reason) => Err(SurveyError::Header { path: source.path().display().to_string(), reason }),
    }
}

fn dialect(source: &Source, encoding: Encoding) -> Result<Dialect, SurveyError> {
    if source.is_tsv() {
        return Ok(Dialect::TSV);
    }
    let mut lines = Records::new(source.reader()?, Dialect { delimiter: 0, quoting: false }, encoding);
    let header = lines.read().map_err(|error| source.broken(0, error))?;
    Ok(Dialect::of_csv_header(&header.map_or_else(String::new, |header| header.fields.concat())))
}

impl Survey {
    /// Reads the whole file once. `progress` receives the number of records read, every 10,000.
    pub fn take(
        source: &Source,
        kind: ImportKind,
        encoding: Encoding,
        mappings: &[Mapping],
        mut progress: impl FnMut(u64),
    ) -> Result<Self, SurveyError> {
        let digest = source.digest()?;
        let Opened { mut records, header, dialect } = open(source, encoding)?;
        let columns = Columns::map(kind, &header.fields, mappings)?;
        let mut survey = Self { digest, dialect, columns, records: 0, fallback: None, ends: OrderEnds::default() };
        loop {
            let record = match records.read() {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(survey),
                Err(error) => return Err(source.broken(records.lines_read(), error).into()),
            };
            survey.records += 1;
            if record.fallback && survey.fallback.is_none() {
                survey.fallback = Some(record.line);
            }
            if kind == ImportKind::Orders
                && let Some(reference) = orders::reference(&survey.columns, &record)
            {
                survey.ends.note(reference, record.line);
            }
            if survey.records.is_multiple_of(10_000) {
                progress(survey.records);
            }
        }
    }
}
