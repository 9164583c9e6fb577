//! Views for analysts over the read tables, made of what the projection files say of them.
//!
//! The tables' own form serves the API: ids are bytes on SQLite, times are texts of varying length, and a table may change its
//! name or columns. A view `v_TABLE` has ids as text, times of fixed length, amounts beside their micros, and `person_id` beside
//! each `customer_id`. It has no personal data: `v_TABLE_personal` has all columns.
//!
//! The views' text for SQLite is also SQL of `DuckDB`, which runs it itself when it attaches the file.

mod glossary;
mod publish;
mod select;

use std::collections::BTreeMap;

pub(super) use publish::{publish_postgres, write_sqlite};

use super::registry::Registry;
use super::source::{Docs, Projection, Source, Table};
use crate::sql::Engine;

/// The PostgreSQL schema of the views without personal data.
pub const SCHEMA: &str = "commlog_live";

/// The PostgreSQL schema of the views with personal data.
pub const PERSONAL_SCHEMA: &str = "commlog_live_personal";

/// Which merged customer belongs to which person.
const ROOTS: &str = "customer_roots";

/// What a column of a view holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// A UUID, as text with dashes in small letters.
    Id,
    /// Text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A whole number that may be larger.
    LargeInteger,
    /// A number with up to six decimal places.
    Decimal,
    /// True or false.
    Boolean,
    /// A moment, in UTC.
    Time,
    /// A JSON document.
    Json,
    /// Bytes, in hex.
    Bytes,
}

impl ColumnKind {
    fn of(declared: &str) -> Self {
        match declared.to_ascii_uppercase().as_str() {
            "UUID" => Self::Id,
            "TIMESTAMPTZ" => Self::Time,
            "BIGINT" | "INTEGER" | "INT" | "SMALLINT" => Self::Integer,
            "BOOLEAN" => Self::Boolean,
            "JSONB" => Self::Json,
            "BYTES" => Self::Bytes,
            _ => Self::Text,
        }
    }

    /// The word for it in documentation.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Text => "text",
            Self::Integer | Self::LargeInteger => "integer",
            Self::Decimal => "decimal",
            Self::Boolean => "boolean",
            Self::Time => "time",
            Self::Json => "json",
            Self::Bytes => "hex",
        }
    }
}

/// How a view's column follows from the table's.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    /// The column itself.
    Column(String),
    /// A generated column, and its expression: `DuckDB` does not see such columns of SQLite.
    Generated(String, String),
    /// The survivor of the customer of `customer_id`.
    Person,
    /// A column divided by a power of ten.
    Divided(String, u32),
    /// A sum of amounts in micros, kept as their whole thousands (of units) and what is left of them.
    Sum(String, String),
    /// The same, in units.
    SumDivided(String, String),
}

/// A column of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Meaning and unit; empty if the projection file says nothing.
    pub meaning: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether it is left out of the view without personal data.
    pub is_personal: bool,
    origin: Origin,
}

impl Column {
    /// Of a decimal: the column of whole numbers that it stands beside, and how many millionths one of them is.
    #[must_use]
    pub fn exact(&self) -> Option<(&str, i128)> {
        match &self.origin {
            Origin::Divided(name, places) => Some((name, 10_i128.pow(6 - (*places).min(6)))),
            Origin::SumDivided(_, rest) => Some((rest, 1)),
            Origin::Column(_) | Origin::Generated(..) | Origin::Person | Origin::Sum(..) => None,
        }
    }
}

/// A view over one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// `v_` and the table's name, with `_personal` behind it if it holds personal data.
    pub name: String,
    /// The table.
    pub table: String,
    /// The question that it answers, and what a row is.
    pub question: String,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// Whether some of the columns are personal data.
    pub is_personal: bool,
}

impl View {
    /// The query that the view stands for, over the tables of the generation that a connection reads.
    #[must_use]
    pub fn over_live(&self, engine: Engine) -> String {
        self.query(engine, None, &[])
    }

    /// The columns of the table that it shows, in whatever form.
    pub fn table_columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().flat_map(|column| match &column.origin {
            Origin::Column(name) | Origin::Divided(name, _) | Origin::Generated(name, _) => vec![name.as_str()],
            Origin::Sum(thousands, rest) | Origin::SumDivided(thousands, rest) => {
                vec![thousands.as_str(), rest.as_str()]
            }
            Origin::Person => Vec::new(),
        })
    }
}

/// The views of the tables that a registry's files document.
#[must_use]
pub fn of_registry(registry: &Registry) -> Vec<View> {
    let tables: Vec<&Table> = registry.sources().flat_map(Source::tables).collect();
    of_tables(&tables, &tables)
}

/// The views of the tables that projections make.
pub(super) fn of_projections(projections: &[Projection]) -> Vec<View> {
    let tables = tables(projections);
    of_tables(&tables, &tables)
}

/// The tables that projections make.
pub(super) fn tables(projections: &[Projection]) -> Vec<&Table> {
    projections.iter().flat_map(|projection| &projection.tables).collect()
}

/// The views of tables as they are, by what others, of the same names, say about them. A column of which nothing is said
/// counts as personal data.
pub(super) fn of_tables(tables: &[&Table], documented: &[&Table]) -> Vec<View> {
    let docs: BTreeMap<&str, &Docs> =
        documented.iter().filter_map(|table| Some((table.name.as_str(), table.docs.as_ref()?))).collect();
    let knows_persons = tables.iter().any(|table| table.name == ROOTS);
    let mut views = Vec::new();
    for table in tables {
        let Some(docs) = docs.get(table.name.as_str()) else { continue };
        let all = columns(table, docs, knows_persons && table.name != ROOTS);
        let plain: Vec<Column> = all.iter().filter(|column| !column.is_personal).cloned().collect();
        let has_personal = plain.len() < all.len();
        let view = |name: String, columns, is_personal| View {
            name,
            table: table.name.clone(),
            question: docs.question.clone(),
            columns,
            is_personal,
        };
        views.push(view(format!("v_{}", table.name), plain, false));
        if has_personal {
            views.push(view(format!("v_{}_personal", table.name), all, true));
        }
    }
    views
}

fn columns(table: &Table, docs: &Docs, knows_persons: bool) -> Vec<Column> {
    let declared = |name: &str| table.columns.iter().any(|(column, _)| column == name);
    let mut columns: Vec<Column> = Vec::new();
    for (name, kind) in &table.columns {
        let said = docs.columns.get(name);
        let meaning = said.map(|doc| doc.meaning.as_str()).or_else(|| glossary::meaning(name));
        let is_personal = said.map_or(meaning.is_none(), |doc| doc.is_personal);
        let column = |name: &str, meaning: &str, kind, origin| Column {
            name: name.to_owned(),
            meaning: meaning.to_owned(),
            kind,
            is_personal,
            origin,
        };
        let (kind, meaning) = (ColumnKind::of(kind), meaning.unwrap_or_default());
        let part = |suffix: &str| name.strip_suffix(suffix).filter(|_| kind == ColumnKind::Integer);
        // Thousands are part of the column of micros.
        let is_part = part("_thousands").is_some_and(|stem| declared(&format!("{stem}_micros")));
        if is_part || said.is_some_and(|doc| doc.is_internal) {
            continue;
        }
        if let Some(stem) = part("_micros") {
            let thousands = format!("{stem}_thousands");
            let in_units = meaning.replace("in micros of", "in units of");
            let (large, whole, divided) = if declared(&thousands) {
                let (sum, divided) =
                    (Origin::Sum(thousands.clone(), name.clone()), Origin::SumDivided(thousands, name.clone()));
                (ColumnKind::LargeInteger, sum, divided)
            } else {
                (ColumnKind::Integer, Origin::Column(name.clone()), Origin::Divided(name.clone(), 6))
            };
            columns.push(column(name, meaning, large, whole));
            columns.push(column(stem, &in_units, ColumnKind::Decimal, divided));
        } else if let Some(stem) = part("_milli") {
            columns.push(column(name, meaning, kind, Origin::Column(name.clone())));
            let meaning = meaning.replace("in thousandths", &format!("in units ({name} / 1000)"));
            columns.push(column(stem, &meaning, ColumnKind::Decimal, Origin::Divided(name.clone(), 3)));
        } else {
            let origin = match docs.generated.get(name) {
                Some(expression) => Origin::Generated(name.clone(), expression.clone()),
                None => Origin::Column(name.clone()),
            };
            columns.push(column(name, meaning, kind, origin));
            if name == "customer_id" && kind == ColumnKind::Id && knows_persons {
                columns.push(column("person_id", glossary::PERSON, ColumnKind::Id, Origin::Person));
            }
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_the_built_in_views_says_what_it_means() {
        let views = of_registry(&Registry::builtin().expect("the files are valid"));
        let mute: Vec<String> = views
            .iter()
            .flat_map(|view| view.columns.iter().map(move |column| (view, column)))
            .filter(|(_, column)| column.meaning.is_empty())
            .map(|(view, column)| format!("{}.{}", view.table, column.name))
            .collect();
        assert_eq!(mute, Vec::<String>::new(), "write a comment behind the column in projections/*.sql");
    }

    #[test]
    fn what_forgetting_empties_and_what_is_sealed_is_personal() {
        let registry = Registry::builtin().expect("the files are valid");
        for projection in registry.compile(Engine::Sqlite) {
            let views = of_projections(std::slice::from_ref(&projection));
            for sql in &projection.forget {
                let Some((table, rest)) = sql.strip_prefix("UPDATE ").and_then(|rest| rest.split_once(" SET ")) else {
                    continue;
                };
                let set = rest.split(" WHERE ").next().unwrap_or_default();
                for column in set.split(", ").filter_map(|set| set.strip_suffix(" = NULL")) {
                    let shown = views.iter().filter(|view| view.table == table && !view.is_personal);
                    let mut shown = shown.flat_map(|view| &view.columns);
                    assert!(!shown.any(|shown| shown.name == column), "{table}.{column} needs `-- personal:`");
                }
            }
        }
    }

    #[test]
    fn amounts_stand_beside_their_micros_and_persons_beside_customers() {
        let views = of_registry(&Registry::builtin().expect("the files are valid"));
        let names = |view: &str| {
            let view = views.iter().find(|found| found.name == view).expect("the view exists");
            view.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>()
        };
        let totals = names("v_customer_totals");
        assert_eq!(totals[..6], ["tenant_id", "customer_id", "person_id", "currency", "revenue_micros", "revenue"]);
        assert!(!totals.iter().any(|name| name.contains("thousands") || name.contains("whole")), "{totals:?}");
        assert!(names("v_activity_lines").ends_with(&["unit_price_micros".to_owned(), "unit_price".to_owned()]));
        assert!(!names("v_customers").contains(&"name".to_owned()));
        assert!(names("v_customers_personal").contains(&"name".to_owned()));
    }

    #[test]
    fn a_column_of_which_nothing_is_said_is_personal() {
        let text = "-- projection: p\n-- question: q?\n-- events: NoteAdded\n-- scope: tenant\n-- version: 1\n\
            -- section: tables\n-- view: What?\nCREATE TABLE p (\n    tenant_id UUID NOT NULL,\n    secret TEXT,\n    \
            said TEXT, -- what was said\n    PRIMARY KEY (tenant_id)\n);\n-- section: apply\n";
        let views = of_registry(&Registry::from_texts([("p.sql", text)]).expect("the file is valid"));
        let names: Vec<(&str, usize)> = views.iter().map(|view| (view.name.as_str(), view.columns.len())).collect();
        assert_eq!(names, [("v_p", 2), ("v_p_personal", 3)]);
    }
}
