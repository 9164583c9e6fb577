//! A file as it would be read, for people who look at it before anything is imported.

use super::{Plan, PlanError, Rows, Uploaded};
use crate::files::chunks::ChunkError;
use crate::files::columns::MapError;
use crate::files::numbers::NumberError;
use crate::files::preview::Preview as Shown;
use crate::files::row::{HeaderError, Parsed, RowReader};
use crate::files::source::{FileError, Source};
use crate::files::survey::{self, SurveyError};

/// How many values of each column are shown.
const SAMPLES: usize = 3;

/// What stands in the way of an import, as people may know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A code: `UNCLEAR_CONSENT`, `COLUMN_MISSING` …
    pub code: &'static str,
    /// In words.
    pub message: String,
    /// The columns that it is about.
    pub columns: Vec<String>,
}

/// A column of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The field that it is read as, in the words of a mapping, or what it says of consent; nothing: it is left out, or that is
    /// not known yet.
    pub field: Option<String>,
    /// Its first values.
    pub samples: Vec<String>,
}

/// A row as it is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewRow {
    /// Its (first) line.
    pub line: u64,
    /// What it says, each value with its meaning.
    pub text: Option<String>,
    /// Why it is refused.
    pub refusal: Option<String>,
}

/// How a file would be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// The system that it was exported from.
    pub system: Option<&'static str>,
    /// Its columns, in its order.
    pub columns: Vec<Column>,
    /// Lines, without the header, if the file could be read to its end.
    pub lines: Option<u64>,
    /// The first line that is not UTF-8.
    pub not_utf8_from: Option<u64>,
    /// The first rows.
    pub rows: Vec<PreviewRow>,
    /// What stands in the way.
    pub problem: Option<Problem>,
}

impl Problem {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), columns: vec![] }
    }

    /// Of a file that is no text that can be read.
    pub(super) fn of_file(error: &FileError) -> Self {
        match error {
            FileError::NotText { found, advice, .. } => Self::new("NOT_TEXT", format!("the file is {found}: {advice}")),
            FileError::Empty { .. } => {
                Self::new("FILE_EMPTY", "the file is empty: the first line must name the columns")
            }
            FileError::DamagedGzip { line, .. } => {
                Self::new("FILE_DAMAGED", format!("the file is not a complete gzip file (after line {line})"))
            }
            FileError::Unreadable { .. } => Self::new("UNAVAILABLE", "the file cannot be read; upload it again"),
        }
    }

    /// Of a file that cannot be read as planned.
    pub(super) fn of(error: &PlanError) -> Self {
        match error {
            PlanError::Survey(error) => Self::of_survey(error),
            PlanError::Format(error) => Self::new("TIME_FORMAT", error.to_string()),
            PlanError::Columns(HeaderError::Map(error)) => Self::of_columns(error),
            PlanError::Columns(HeaderError::Groups(error)) => Self::new("GROUPS", error.to_string()),
            PlanError::Columns(HeaderError::Incomplete { what, .. }) => Self::new("COLUMN_MISSING", *what),
            PlanError::Results => Self::new("KIND_UNSUPPORTED", error.to_string()),
        }
    }

    fn of_survey(error: &SurveyError) -> Self {
        match error {
            SurveyError::File(error) => Self::of_file(error),
            SurveyError::Map(error) => Self::of_columns(error),
            SurveyError::NoPreset { .. } => Self::new("SYSTEM_UNKNOWN", error.to_string()),
            SurveyError::Numbers(NumberError::Either { field, line, value }) => Self::new(
                "DECIMAL_UNCLEAR",
                format!("{field} is {value} in line {line}: say whether decimals follow a point or a comma"),
            ),
            SurveyError::Numbers(NumberError::Both { field, point_line, point, comma_line, comma }) => Self::new(
                "DECIMAL_UNCLEAR",
                format!(
                    "{field} is {point} in line {point_line} and {comma} in line {comma_line}: say which is right; the \
                     others are refused"
                ),
            ),
            SurveyError::Header { reason, .. } => {
                Self::new("HEADER_UNREADABLE", format!("the first line cannot be read: {reason}"))
            }
        }
    }

    fn of_columns(error: &MapError) -> Self {
        let (code, message, columns) = match error {
            MapError::NoColumn { column, .. } => {
                ("COLUMN_UNKNOWN", format!("the file has no column {column:?}"), vec![])
            }
            MapError::NoField { field, fields } => {
                ("FIELD_UNKNOWN", format!("{field:?} is no field of this import; there are {fields}"), vec![])
            }
            MapError::Twice { field, first, second } => {
                let message = format!("{first:?} and {second:?} both hold the field {field}: choose one");
                ("FIELD_TWICE", message, vec![first.clone(), second.clone()])
            }
            MapError::Missing { field, meaning, .. } => {
                ("COLUMN_MISSING", format!("no column holds the field {field} ({meaning})"), vec![])
            }
            MapError::UnclearConsent { unclear, .. } => {
                let message = "these columns may be about consent: say what each means. An opt-out that is overlooked is a \
                               message to someone who refused it";
                ("UNCLEAR_CONSENT", message.to_owned(), unclear.clone())
            }
        };
        Self { code, message, columns }
    }

    pub(super) fn of_chunk(error: &ChunkError) -> Self {
        match error {
            ChunkError::File(error) => Self::of_survey(error),
            ChunkError::Unsorted(reason) => Self::new("LINES_UNSORTED", reason.clone()),
        }
    }
}

/// Reads the file once, and the first rows of it again.
pub(super) fn preview(file: &Uploaded, plan: &Plan, most: usize) -> Preview {
    let mut shown = Preview::default();
    let source = match file.source() {
        Ok(source) => source,
        Err(error) => return Preview { problem: Some(Problem::of_file(&error)), ..shown },
    };
    let head = match survey::head(&source, plan.encoding, SAMPLES) {
        Ok(head) => head,
        Err(error) => return Preview { problem: Some(Problem::of_survey(&error)), ..shown },
    };
    let samples = |at: usize| head.lines.iter().filter_map(move |line| line.get(at)).cloned().collect();
    let columns = head.header.iter().enumerate();
    shown.columns =
        columns.map(|(at, name)| Column { name: name.trim().to_owned(), field: None, samples: samples(at) }).collect();
    if let Err(error) = understood(&source, plan, most, &mut shown) {
        shown.problem = Some(Problem::of(&error));
    }
    shown
}

fn understood(source: &Source, plan: &Plan, most: usize, shown: &mut Preview) -> Result<(), PlanError> {
    let survey = plan.survey(source, |_| {})?;
    let settings = plan.settings(&survey)?;
    shown.system = survey.preset.map(|preset| preset.title);
    (shown.lines, shown.not_utf8_from) = (Some(survey.records), survey.fallback);
    for (column, (name, field)) in shown.columns.iter_mut().zip(survey.columns.readings()) {
        (column.name, column.field) = (name.to_owned(), field);
    }
    let rows = match Rows::try_new(plan, survey, settings)? {
        Rows::Customers(reader) => first(source, plan, reader, most),
        Rows::Orders(reader) => first(source, plan, reader, most),
        Rows::Messages(reader) => first(source, plan, reader, most),
    };
    match rows {
        Ok(rows) => shown.rows = rows,
        Err(error) => shown.problem = Some(Problem::of_chunk(&error)),
    }
    Ok(())
}

/// The first rows that are complete, and the lines among them that are refused.
fn first<R: RowReader>(source: &Source, plan: &Plan, mut reader: R, most: usize) -> Result<Vec<PreviewRow>, ChunkError>
where
    R::Row: Shown,
{
    let mut records = survey::records(source, plan.encoding)?;
    let mut rows = vec![];
    while rows.len() < most {
        let record = records.read().map_err(|error| SurveyError::from(source.broken(records.lines_read(), error)))?;
        let Some(record) = record else { break };
        let line = record.line;
        match reader.push(record).map_err(ChunkError::Unsorted)? {
            Some(Parsed::Row { row, .. }) => {
                rows.push(PreviewRow { line, text: Some(row.preview()), refusal: None });
            }
            Some(Parsed::Refused(lines)) => rows.extend(lines.into_iter().map(|refused| PreviewRow {
                line: refused.raw.number,
                text: None,
                refusal: Some(refused.reason),
            })),
            None => {}
        }
    }
    rows.truncate(most);
    Ok(rows)
}
