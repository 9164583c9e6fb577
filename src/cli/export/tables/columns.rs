//! A view's columns as typed cells, the same ones from either engine.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::domain::value::money::decimal;
use crate::projections::views::{Column, ColumnKind, View};
use crate::sql::{Engine, Texts};

/// A value of a view.
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
    pub fn size(&self) -> usize {
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

/// Where a cell comes from.
enum Source {
    /// The text at this place.
    Text(usize, ColumnKind),
    /// The whole number at this place, times this.
    Scaled(usize, i128),
}

/// A query for the columns of a view as texts.
pub struct Select {
    /// With the tenant as `$1`.
    pub sql: String,
    /// The number of columns of the query.
    pub width: usize,
    cells: Vec<(String, Source)>,
}

impl Select {
    /// The query for a view over the generation that the connection reads.
    pub fn new(view: &View, engine: Engine) -> Self {
        let (mut texts, mut cells) = (Vec::new(), Vec::<(String, Source)>::new());
        for column in &view.columns {
            let source = match column.exact() {
                // Decimals follow from the whole numbers that they stand beside: SQLite would round them.
                Some((whole, scale)) => {
                    let place = view.columns.iter().filter(|other| other.exact().is_none());
                    let place = place.take_while(|other| other.name != whole).count();
                    Source::Scaled(place, scale)
                }
                None => {
                    texts.push(text(column, engine));
                    Source::Text(texts.len() - 1, column.kind)
                }
            };
            cells.push((column.name.clone(), source));
        }
        let sql = format!("SELECT {} FROM ({}) AS v WHERE v.tenant_id = $1", texts.join(", "), view.over_live(engine));
        Self { sql, width: texts.len(), cells }
    }

    /// A row's cells; the name of a column whose text is not of its kind.
    pub fn cells(&self, row: &Texts) -> Result<Vec<Cell>, &str> {
        let cell = |(name, source): &'_ (String, Source)| match source {
            Source::Text(place, kind) => match row.get(*place).and_then(Option::as_deref) {
                None => Ok(Cell::Null),
                Some(text) => parse(text, *kind).ok_or(name.len()),
            },
            Source::Scaled(place, scale) => match row.get(*place).and_then(Option::as_deref) {
                None => Ok(Cell::Null),
                Some(text) => {
                    let whole = text.parse::<i128>().ok().and_then(|whole| whole.checked_mul(*scale));
                    whole.map(Cell::Decimal).ok_or(name.len())
                }
            },
        };
        let mut cells = Vec::with_capacity(self.cells.len());
        for source in &self.cells {
            cells.push(cell(source).map_err(|_| source.0.as_str())?);
        }
        Ok(cells)
    }
}

fn text(column: &Column, engine: Engine) -> String {
    let name = format!("v.{}", column.name);
    match (column.kind, engine) {
        (ColumnKind::Time, Engine::Postgres) => {
            format!("to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        }
        _ => format!("CAST({name} AS TEXT)"),
    }
}

fn parse(text: &str, kind: ColumnKind) -> Option<Cell> {
    match kind {
        ColumnKind::Id | ColumnKind::Text | ColumnKind::Json | ColumnKind::Bytes => Some(Cell::Text(text.to_owned())),
        ColumnKind::Integer => text.parse().ok().map(Cell::Integer),
        ColumnKind::LargeInteger => text.parse().ok().map(Cell::Large),
        ColumnKind::Boolean => match text {
            "1" | "true" => Some(Cell::Boolean(true)),
            "0" | "false" => Some(Cell::Boolean(false)),
            _ => None,
        },
        ColumnKind::Time => DateTime::parse_from_rfc3339(text).ok().map(|time| Cell::Time(time.timestamp_micros())),
        // It is derived, not read.
        ColumnKind::Decimal => None,
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
        let time = parse("2026-03-31T18:00:00.500000Z", ColumnKind::Time).expect("a time");
        assert_eq!(time.to_string(), "2026-03-31T18:00:00.500000Z");
        assert_eq!(parse("2", ColumnKind::Boolean), None);
    }
}
