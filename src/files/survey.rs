//! The first pass over a file: its digest, its header, how much there is, where orders end. Nothing is imported before
//! the whole file was read once, so a damaged or cut-off file is refused as a whole.

use crate::domain::import::event::ImportKind;
use crate::files::columns::{Columns, MapError, Mapping, Seen};
use crate::files::groups::Groups;
use crate::files::identities::Identities;
use crate::files::numbers::{self, DecimalMark, NumberError, Numbers};
use crate::files::orders::{self, OrderEnds};
use crate::files::presets::{self, Preset};
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
    /// Ids that would join two people; empty for other kinds than customers.
    pub identities: Identities,
    /// The groups of a campaign, and who is in the file twice; empty for other kinds.
    pub groups: Groups,
    /// The system that the file was exported from.
    pub preset: Option<&'static Preset>,
    /// How its numbers are written.
    pub numbers: Numbers,
}

/// How the columns of a file are found.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What the file holds.
    pub kind: ImportKind,
    /// How its bytes become text.
    pub encoding: Encoding,
    /// What `--map` asks for.
    pub mappings: Vec<Mapping>,
    /// The system that it comes from, as `--from` names it; `none`: no system, only the columns' names; absent: the
    /// header shows it.
    pub from: Option<String>,
    /// What separates decimals; absent: the values show it.
    pub decimal_mark: Option<DecimalMark>,
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
    /// `--from` names a system that is not known.
    #[error("{name:?} is not a system whose {kind} are known; there are {names}, and none")]
    NoPreset {
        /// The name in `--from`.
        name: String,
        /// What the file holds.
        kind: ImportKind,
        /// Those that exist.
        names: String,
    },
    /// It cannot be known what its numbers mean.
    #[error(transparent)]
    Numbers(#[from] NumberError),
    /// The first line is not a header.
    #[error("the first line of {path} cannot be read: {reason}")]
    Header {
        /// The file.
        path: String,
        /// The reason, in words.
        reason: String,
    },
}

/// The most columns of a file: each is compared with the names of all fields and with all others.
const MOST_COLUMNS: usize = 2_000;

/// A file that is open behind its header.
pub(super) struct Opened {
    /// The records after the header.
    pub records: Records<Box<dyn std::io::BufRead + Send>>,
    /// The header.
    pub header: Record,
    /// How the file is written.
    pub dialect: Dialect,
}

/// Opens the file and reads its header. A first line `sep=;`, which Excel writes and reads, is skipped.
pub(super) fn open(source: &Source, encoding: Encoding) -> Result<Opened, SurveyError> {
    let encoding = source.encoding(encoding);
    let first = first_line(source, encoding)?;
    let named = separator(&first);
    let dialect = match named {
        Some(delimiter) => Dialect { delimiter, quoting: true },
        None if source.is_tsv() => Dialect::TSV,
        None => Dialect::of_csv_header(&first),
    };
    let mut records = Records::new(source.reader()?, dialect, encoding);
    if named.is_some() {
        records.skip_line().map_err(|error| source.broken(0, error))?;
    }
    let header = records.read().map_err(|error| source.broken(0, error))?;
    let header = header.ok_or_else(|| FileError::Empty { path: source.path().to_owned() })?;
    let count = header.fields.len();
    let too_many = (count > MOST_COLUMNS).then(|| format!("it names {count} columns; at most {MOST_COLUMNS} are read"));
    match header.malformed.clone().or(too_many) {
        None => Ok(Opened { records, header, dialect }),
        Some(reason) => Err(SurveyError::Header { path: source.path().display().to_string(), reason }),
    }
}

fn first_line(source: &Source, encoding: Encoding) -> Result<String, SurveyError> {
    let mut lines = Records::new(source.reader()?, Dialect { delimiter: 0, quoting: false }, encoding);
    let first = lines.read().map_err(|error| source.broken(0, error))?;
    Ok(first.map_or_else(String::new, |first| first.fields.concat()))
}

/// The beginning of a file, for people who say what its columns mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The names of the columns.
    pub header: Vec<String>,
    /// The values of the first lines.
    pub lines: Vec<Vec<String>>,
}

/// Reads the header and the first lines of a file.
pub fn head(source: &Source, encoding: Encoding, lines: usize) -> Result<Head, SurveyError> {
    let Opened { mut records, header, .. } = open(source, encoding)?;
    let mut head = Head { header: header.fields, lines: Vec::with_capacity(lines) };
    while head.lines.len() < lines {
        match records.read() {
            Ok(Some(record)) => head.lines.push(record.fields),
            Ok(None) => break,
            Err(error) => return Err(source.broken(records.lines_read(), error).into()),
        }
    }
    Ok(head)
}

/// The records of a file behind its header.
pub fn records(source: &Source, encoding: Encoding) -> Result<Records<Box<dyn std::io::BufRead + Send>>, SurveyError> {
    Ok(open(source, encoding)?.records)
}

/// The separator that a line `sep=;` names, with or without quotes around it.
fn separator(line: &str) -> Option<u8> {
    let line = line.trim_end_matches(['\r', '\n', ' ']).trim_matches('"');
    let (word, separator) = line.split_once('=')?;
    match separator.as_bytes() {
        [b'"' | b'\n' | b'\r'] => None,
        [byte] if word.eq_ignore_ascii_case("sep") && byte.is_ascii() => Some(*byte),
        _ => None,
    }
}

impl Survey {
    /// Reads the whole file once. `progress` receives the number of records read, every 10,000.
    pub fn take(source: &Source, reading: &Reading, mut progress: impl FnMut(u64)) -> Result<Self, SurveyError> {
        let kind = reading.kind;
        let digest = source.digest()?;
        let Opened { mut records, header, dialect } = open(source, reading.encoding)?;
        let preset = preset(reading, &header.fields)?;
        let columns = Columns::map(kind, &header.fields, preset, &reading.mappings)?;
        let (ends, identities, groups) = (OrderEnds::default(), Identities::default(), Groups::default());
        let numbers = Numbers::all(DecimalMark::Point);
        let mut survey =
            Self { digest, dialect, columns, records: 0, fallback: None, ends, identities, groups, preset, numbers };
        let (mut seen, mut seen_numbers) = (Seen::default(), numbers::Seen::default());
        let number_fields: Vec<_> =
            numbers::FIELDS.iter().copied().filter(|field| survey.columns.index(field).is_some()).collect();
        loop {
            let record = match records.read() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(error) => return Err(source.broken(records.lines_read(), error).into()),
            };
            survey.records += 1;
            if record.fallback && survey.fallback.is_none() {
                survey.fallback = Some(record.line);
            }
            seen.note(&survey.columns, &record.fields);
            for field in number_fields.iter().copied().filter(|_| record.malformed.is_none()) {
                if let Some(value) = survey.columns.value(field, &record.fields) {
                    seen_numbers.note(field, record.line, value);
                }
            }
            match kind {
                ImportKind::Orders => {
                    if let Some(reference) = orders::reference(&survey.columns, &record) {
                        survey.ends.note(reference, record.line);
                    }
                }
                ImportKind::Customers => survey.identities.note(&survey.columns, &record),
                ImportKind::Messages => {}
                ImportKind::CampaignResults => survey.groups.note(&survey.columns, &record),
            }
            if survey.records.is_multiple_of(10_000) {
                progress(survey.records);
            }
        }
        survey.identities.finish();
        survey.groups.finish();
        survey.columns.settle(&seen)?;
        survey.numbers = seen_numbers.settle(reading.decimal_mark)?;
        Ok(survey)
    }
}

fn preset(reading: &Reading, header: &[String]) -> Result<Option<&'static Preset>, SurveyError> {
    let kind = reading.kind;
    match reading.from.as_deref() {
        None => Ok(presets::detect(kind, header)),
        Some("none") => Ok(None),
        Some(name) => match presets::named(kind, name, header) {
            Some(preset) => Ok(Some(preset)),
            None => Err(SurveyError::NoPreset { name: name.to_owned(), kind, names: presets::names(kind).join(", ") }),
        },
    }
}
