//! A file as it would be read.

use async_graphql::SimpleObject;

use super::run::{ImportProblem, count};
use crate::imports::{Column, Preview, PreviewRow};

/// A column of a file.
#[derive(SimpleObject, Debug, Clone)]
pub struct ImportColumn {
    /// Its name.
    name: String,
    /// The field that it is read as, in the words of a mapping, or what it says of consent; null: it is left out, or a problem
    /// stands before it.
    field: Option<String>,
    /// Its first values, at most 3. Personal.
    samples: Vec<String>,
}

/// A row as it is understood.
#[derive(SimpleObject, Debug, Clone)]
pub struct ImportPreviewRow {
    /// Its (first) line.
    line: i64,
    /// What it says, each value with its meaning; null: it is refused. Personal.
    text: Option<String>,
    /// Why it is refused.
    refusal: Option<String>,
}

/// How a file would be read. Nothing of it is recorded.
#[derive(SimpleObject, Debug, Clone)]
pub struct ImportPreview {
    /// The system that it was exported from, if it is known by its header.
    system: Option<String>,
    /// Its columns, in its order.
    columns: Vec<ImportColumn>,
    /// Lines, without the header; null: it could not be read to its end.
    lines: Option<i64>,
    /// The first line that is not UTF-8, and is read as Windows-1252.
    not_utf8_from: Option<i64>,
    /// The first rows, and the lines among them that are refused.
    rows: Vec<ImportPreviewRow>,
    /// What stands in the way, and has to be said first.
    problem: Option<ImportProblem>,
}

/// A field that a column can be read as.
#[derive(SimpleObject, Debug, Clone)]
pub struct ImportField {
    /// Its name, as mappings name it.
    name: String,
    /// What it holds.
    meaning: String,
}

impl ImportField {
    pub(super) fn new(name: &str, meaning: &str) -> Self {
        Self { name: name.to_owned(), meaning: meaning.to_owned() }
    }
}

impl From<Preview> for ImportPreview {
    fn from(preview: Preview) -> Self {
        let column = |Column { name, field, samples }| ImportColumn { name, field, samples };
        let row = |PreviewRow { line, text, refusal }| ImportPreviewRow { line: count(line), text, refusal };
        Self {
            system: preview.system.map(str::to_owned),
            columns: preview.columns.into_iter().map(column).collect(),
            lines: preview.lines.map(count),
            not_utf8_from: preview.not_utf8_from.map(count),
            rows: preview.rows.into_iter().map(row).collect(),
            problem: preview.problem.map(Into::into),
        }
    }
}
