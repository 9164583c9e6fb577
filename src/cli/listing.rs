//! Lists: a table for people, a line of JSON for each row for scripts.

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use serde_json::Value;

use crate::cli::failure::Outcome;
use crate::cli::print;

/// The width at which a table cell is cut, in characters. A row's last cell and JSON are never cut.
const WIDEST: usize = 60;

/// The output format of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns, for people
    #[value(alias = "text")]
    Table,
    /// One JSON array of objects, with every field
    Json,
    /// One JSON object per line, with every field
    Jsonl,
}

/// The output format of a command that reports one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Sentences, for people
    #[value(alias = "table")]
    Text,
    /// One JSON object, on one line
    #[value(alias = "jsonl")]
    Json,
}

impl ReportFormat {
    /// Writes the result: sentences, or the object.
    pub fn line(self, sentences: impl std::fmt::Display, object: &Value) -> Outcome {
        match self {
            Self::Text => print::line(sentences),
            Self::Json => print::line(object),
        }
    }
}

/// A list as it is written to stdout.
pub struct Listing {
    format: Format,
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
    /// Number of objects of an array that were written.
    written: usize,
}

impl Listing {
    /// A list whose table shows these members of the rows.
    #[must_use]
    pub const fn new(format: Format, columns: &'static [&'static str]) -> Self {
        Self { format, columns, rows: Vec::new(), written: 0 }
    }

    /// Whether people read the output, so that notes may surround it.
    #[must_use]
    pub fn is_table(&self) -> bool {
        self.format == Format::Table
    }

    /// Adds a row: a JSON object.
    pub fn row(&mut self, row: &Value) -> Outcome {
        match self.format {
            Format::Jsonl => print::line(row),
            Format::Json => {
                self.written += 1;
                print::line(format_args!("{}{row}", if self.written == 1 { "[" } else { "," }))
            }
            Format::Table => {
                let last = self.columns.len().saturating_sub(1);
                let cells = self.columns.iter().enumerate();
                let cells = cells.map(|(number, column)| {
                    let text = cell(&row[*column]);
                    if number == last { text } else { cut(text) }
                });
                self.rows.push(cells.collect());
                Ok(())
            }
        }
    }

    /// Writes the table, or the note `none` if it has no rows.
    pub fn end(self, none: &str) -> Outcome {
        match self.format {
            Format::Jsonl => return Ok(()),
            Format::Json => return print::line(if self.written == 0 { "[]" } else { "]" }),
            Format::Table => {}
        }
        if self.rows.is_empty() {
            print::note(none);
            return Ok(());
        }
        let mut table = Table::new(self.columns.iter().map(|name| name.replace('_', " ").to_uppercase()).collect());
        self.rows.into_iter().try_for_each(|row| table.row(row))?;
        table.end()
    }
}

/// Columns for people. Their widths follow from the first rows; later ones are written as they come.
#[derive(Debug, Default)]
pub struct Table {
    /// The titles, and the rows that are not written yet.
    waiting: Vec<Vec<String>>,
    widths: Vec<usize>,
}

/// The number of rows that a table's widths follow from.
const MEASURED: usize = 1_000;

impl Table {
    /// A table with these titles.
    #[must_use]
    pub fn new(titles: Vec<String>) -> Self {
        Self { widths: vec![0; titles.len()], waiting: vec![titles] }
    }

    /// Adds a row of as many cells as there are titles. Control characters are shown as such.
    pub fn row(&mut self, cells: Vec<String>) -> Outcome {
        let row: Vec<String> = cells.into_iter().map(|cell| plain(&cell)).collect();
        if self.waiting.is_empty() {
            return self.line(&row);
        }
        self.waiting.push(row);
        if self.waiting.len() > MEASURED { self.flush() } else { Ok(()) }
    }

    /// Writes what is left.
    pub fn end(mut self) -> Outcome {
        self.flush()
    }

    fn flush(&mut self) -> Outcome {
        let rows = std::mem::take(&mut self.waiting);
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        rows.iter().try_for_each(|row| self.line(row))
    }

    fn line(&self, row: &[String]) -> Outcome {
        let cells: Vec<String> = row.iter().zip(&self.widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        print::line(cells.join("  ").trim_end())
    }
}

fn plain(text: &str) -> String {
    text.replace(char::is_control, "\u{FFFD}")
}

/// A value as a cell of one line. Control characters are shown as such: texts from outside must not steer a terminal.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return "-".to_owned(),
        Value::Bool(truth) => return if *truth { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{name}={}", cell(value)));
            members.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    };
    match text.parse::<DateTime<Utc>>() {
        Ok(time) => time.format("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => plain(&text),
    }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(WIDEST) {
        // The ellipsis shows that more follows.
        Some(_) => text.chars().take(WIDEST - 1).chain(['…']).collect(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_is_one_line_that_steers_no_terminal() {
        assert_eq!(cell(&json!(null)), "-");
        assert_eq!(cell(&json!(true)), "yes");
        assert_eq!(cell(&json!("2026-01-02T03:04:05.678Z")), "2026-01-02 03:04:05Z");
        assert_eq!(cell(&json!("a\u{1b}[31m\nb")), "a\u{FFFD}[31m\u{FFFD}b");
        assert_eq!(cell(&json!({ "state": "opted_out", "limit": 3, "of": null })), "limit=3 of=- state=opted_out");
    }

    #[test]
    fn a_long_cell_is_cut_between_characters() {
        assert_eq!(cut("é".repeat(100)).chars().count(), WIDEST);
        assert_eq!(cut("é".repeat(WIDEST)), "é".repeat(WIDEST));
    }
}
