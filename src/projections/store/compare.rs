//! Compares two sets of read tables row by row, streaming both in the order of their primary keys.

use std::cmp::Ordering;
use std::fmt;

use futures::TryStreamExt;

use crate::projections::error::{ProjectionError, database};
use crate::projections::source::{Projection, Table};
use crate::sql::{Engine, Session, Texts};

/// The most differing rows reported per table.
const TOLD: usize = 5;

/// What the comparison of one table found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableComparison {
    /// The projection that the table belongs to.
    pub projection: String,
    /// The table.
    pub table: String,
    /// How many rows the live table holds.
    pub rows: u64,
    /// [`None`] if the tables are equal.
    pub difference: Option<Difference>,
}

/// How two tables differ. Names keys and columns, never values, which may be personal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// How many rows differ or stand on one side only.
    pub rows: u64,
    /// The first of them, in words.
    pub first: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows: {}", self.rows, self.first.join("; "))?;
        if self.rows > self.first.len() as u64 { write!(f, "; …") } else { Ok(()) }
    }
}

/// Compares every table of the projections.
pub async fn compare(
    live: &mut Session,
    rebuilt: &mut Session,
    projections: &[Projection],
) -> Result<Vec<TableComparison>, ProjectionError> {
    let mut compared = Vec::new();
    for projection in projections {
        for table in &projection.tables {
            let (rows, difference) = compare_table(live, rebuilt, table).await?;
            let difference = (difference.rows > 0).then_some(difference);
            let (projection, table) = (projection.name.clone(), table.name.clone());
            compared.push(TableComparison { projection, table, rows, difference });
        }
    }
    Ok(compared)
}

async fn compare_table(
    live: &mut Session,
    rebuilt: &mut Session,
    table: &Table,
) -> Result<(u64, Difference), ProjectionError> {
    let columns = columns(table);
    let sql = select(live.engine(), table, &columns);
    let width = columns.len();
    let (mut left, mut right) = (live.texts(&sql, &[], width), rebuilt.texts(&sql, &[], width));
    let doing = database("be compared");
    let (mut a, mut b) = (left.try_next().await.map_err(&doing)?, right.try_next().await.map_err(&doing)?);
    let (mut count, mut difference) = (0, Difference::default());
    loop {
        let order = match (&a, &b) {
            (None, None) => return Ok((count, difference)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => by_key(table, &columns, a, b),
        };
        let told = match (order, &a, &b) {
            (Ordering::Equal, Some(a), Some(b)) if a == b => None,
            (Ordering::Equal, Some(a), Some(b)) => Some((a, format!("differs in {}", differing(&columns, a, b)))),
            (Ordering::Less, Some(a), _) => Some((a, "should not be there".to_owned())),
            (Ordering::Greater, _, Some(b)) => Some((b, "is missing".to_owned())),
            _ => None,
        };
        if let Some((row, what)) = told {
            difference.rows += 1;
            if difference.first.len() < TOLD {
                difference.first.push(format!("{} {what}", key(table, row)));
            }
        }
        if order != Ordering::Greater {
            count += 1;
            a = left.try_next().await.map_err(&doing)?;
        }
        if order != Ordering::Less {
            b = right.try_next().await.map_err(&doing)?;
        }
    }
}

/// Name and type, the key's columns first.
fn columns(table: &Table) -> Vec<(&str, &str)> {
    let named = |name: &String| table.columns.iter().find(|(column, _)| column == name);
    let key = table.key.iter().filter_map(named);
    let rest = table.columns.iter().filter(|(name, _)| !table.key.contains(name));
    key.chain(rest).map(|(name, kind)| (name.as_str(), kind.as_str())).collect()
}

fn select(engine: Engine, table: &Table, columns: &[(&str, &str)]) -> String {
    let text = |(name, kind): &(&str, &str)| match (engine, *kind) {
        (Engine::Sqlite, "UUID" | "BYTES") => format!("CASE WHEN {name} IS NULL THEN NULL ELSE hex({name}) END"),
        _ => format!("CAST({name} AS TEXT)"),
    };
    let texts: Vec<String> = columns.iter().map(text).collect();
    format!("SELECT {} FROM {} ORDER BY {}", texts.join(", "), table.name, table.key.join(", "))
}

/// The order in which the database gives the rows.
fn by_key(table: &Table, columns: &[(&str, &str)], a: &Texts, b: &Texts) -> Ordering {
    let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<i64>().ok());
    (0..table.key.len())
        .map(|index| match columns[index].1 {
            "BIGINT" | "INTEGER" | "SMALLINT" | "INT" => number(&a[index]).cmp(&number(&b[index])),
            _ => a[index].cmp(&b[index]),
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn differing(columns: &[(&str, &str)], a: &Texts, b: &Texts) -> String {
    let names = columns.iter().zip(a.iter().zip(b)).filter(|(_, (a, b))| a != b).map(|((name, _), _)| *name);
    names.collect::<Vec<_>>().join(", ")
}

/// The key in words. Texts in keys may be personal (search tokens), so only ids, numbers and times are shown.
fn key(table: &Table, row: &Texts) -> String {
    let kind = |name: &String| table.columns.iter().find(|(column, _)| column == name).map_or("", |(_, kind)| kind);
    let parts = table.key.iter().zip(row).filter(|(name, _)| *name != "tenant_id" && kind(name) != "TEXT");
    let parts: Vec<String> =
        parts.map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("NULL"))).collect();
    if parts.is_empty() { "a row".to_owned() } else { parts.join(" ") }
}
