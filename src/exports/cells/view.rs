//! A view's columns as typed cells, the same ones from either engine.

use chrono::DateTime;
use futures::TryStreamExt;

use super::{Cell, CellFile, Heading};
use crate::exports::ExportError;
use crate::ids::TenantId;
use crate::projections::views::{Column, ColumnKind, View};
use crate::sql::{Engine, Session, Texts, Value};

/// The columns of a view.
#[must_use]
pub fn headings(view: &View) -> Vec<Heading<'_>> {
    view.columns.iter().map(|column| Heading { name: &column.name, kind: column.kind }).collect()
}

/// How many rows of a view a tenant has.
///
/// # Errors
/// [`ExportError::Table`].
pub async fn count(session: &mut Session, view: &View, tenant: TenantId) -> Result<u64, ExportError> {
    let (engine, failed) = (session.engine(), |source| unreadable(view, source));
    let sql = format!("SELECT CAST(COUNT(*) AS TEXT) FROM ({}) AS v WHERE v.tenant_id = $1", view.over_live(engine));
    let values = [whose(tenant, engine)];
    let mut rows = session.texts(&sql, &values, 1);
    let row = rows.try_next().await.map_err(failed)?;
    Ok(row.into_iter().flatten().flatten().next().and_then(|count| count.parse().ok()).unwrap_or_default())
}

/// Writes a tenant's rows of a view, and ends the file. `progress` receives the number of rows so far; returns how many
/// there are.
///
/// # Errors
/// What cannot be read or written.
pub async fn write(
    session: &mut Session,
    view: &View,
    tenant: TenantId,
    mut file: CellFile,
    mut progress: impl FnMut(u64) + Send,
) -> Result<u64, ExportError> {
    let select = Select::new(view, session.engine());
    let values = [whose(tenant, session.engine())];
    let mut written = 0;
    let mut rows = session.texts(&select.sql, &values, select.width);
    while let Some(row) = rows.try_next().await.map_err(|source| unreadable(view, source))? {
        let cells = select
            .cells(&row)
            .map_err(|column| ExportError::Column { view: view.name.clone(), column: column.to_owned() })?;
        if file.add(cells) {
            file = file.write_group().await?;
        }
        written += 1;
        progress(written);
    }
    file.end().await?;
    Ok(written)
}

fn unreadable(view: &View, source: crate::sql::Error) -> ExportError {
    ExportError::Table { table: view.name.clone(), source }
}

/// Views show ids as text on SQLite.
fn whose(tenant: TenantId, engine: Engine) -> Value {
    match engine {
        Engine::Sqlite => Value::from(tenant.0.to_string()),
        Engine::Postgres => Value::from(tenant.0),
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
struct Select {
    /// With the tenant as `$1`.
    sql: String,
    /// The number of columns of the query.
    width: usize,
    cells: Vec<(String, Source)>,
}

impl Select {
    /// The query for a view over the generation that the connection reads.
    fn new(view: &View, engine: Engine) -> Self {
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
    fn cells(&self, row: &Texts) -> Result<Vec<Cell>, &str> {
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
    fn a_text_that_is_not_of_its_kind_is_no_cell() {
        let time = parse("2026-03-31T18:00:00.500000Z", ColumnKind::Time).expect("a time");
        assert_eq!(time.to_string(), "2026-03-31T18:00:00.500000Z");
        assert_eq!(parse("2", ColumnKind::Boolean), None);
    }
}
