//! The SQL of a view, on each engine.

use super::{Column, ColumnKind, Origin, ROOTS, View};
use crate::sql::Engine;

/// A table in one schema, or in the only one.
fn qualified(schema: Option<&str>, table: &str) -> String {
    schema.map_or_else(|| table.to_owned(), |schema| format!("{schema}.{table}"))
}

impl View {
    /// The query that the view stands for, over the tables of a schema. `order` names columns that come first.
    pub(super) fn query(&self, engine: Engine, schema: Option<&str>, order: &[String]) -> String {
        let place = |column: &Column| order.iter().position(|name| *name == column.name).unwrap_or(usize::MAX);
        let mut columns: Vec<&Column> = self.columns.iter().collect();
        columns.sort_by_key(|column| place(column));
        let texts: Vec<String> =
            columns.iter().map(|column| format!("{} AS {}", column.expression(engine, schema), column.name)).collect();
        let query = format!("SELECT {} FROM {} AS t", texts.join(", "), qualified(schema, &self.table));
        match engine {
            // SQLite would take a plain query apart and join expressions over two tables row by row, without an index. It makes
            // an index over what is a union, and still passes conditions on to both sides of it.
            Engine::Sqlite => {
                format!("{query} UNION ALL SELECT {} WHERE 1 = 0", vec!["NULL"; columns.len()].join(", "))
            }
            Engine::Postgres => query,
        }
    }
}

impl Column {
    fn expression(&self, engine: Engine, schema: Option<&str>) -> String {
        match (&self.origin, engine) {
            (Origin::Column(name), Engine::Sqlite) => sqlite(self.kind, &format!("t.{name}")),
            (Origin::Column(name), Engine::Postgres) if self.kind == ColumnKind::Bytes => {
                format!("encode(t.{name}, 'hex')")
            }
            (Origin::Column(name) | Origin::Generated(name, _), Engine::Postgres) => format!("t.{name}"),
            (Origin::Generated(_, expression), Engine::Sqlite) => expression.clone(),
            (Origin::Person, _) => {
                let of = |column: &str| match engine {
                    Engine::Sqlite => sqlite(ColumnKind::Id, column),
                    Engine::Postgres => column.to_owned(),
                };
                let roots = qualified(schema, ROOTS);
                format!(
                    "COALESCE((SELECT {} FROM {roots} AS r WHERE r.tenant_id = t.tenant_id \
                     AND r.customer_id = t.customer_id), {})",
                    of("r.root_id"),
                    of("t.customer_id")
                )
            }
            (Origin::Divided(name, places), Engine::Sqlite) => format!("t.{name} / {}.0", 10_u64.pow(*places)),
            (Origin::Divided(name, places), Engine::Postgres) => {
                format!("(t.{name}::numeric / {})::numeric(38, 6)", 10_u64.pow(*places))
            }
            (Origin::Sum(thousands, rest), Engine::Sqlite) => format!("t.{thousands} * 1000000000 + t.{rest}"),
            (Origin::Sum(thousands, rest), Engine::Postgres) => {
                format!("(t.{thousands}::numeric * 1000000000 + t.{rest})::numeric(38, 0)")
            }
            (Origin::SumDivided(thousands, rest), Engine::Sqlite) => {
                format!("t.{thousands} * 1000.0 + t.{rest} / 1000000.0")
            }
            (Origin::SumDivided(thousands, rest), Engine::Postgres) => {
                format!("((t.{thousands}::numeric * 1000000000 + t.{rest}) / 1000000)::numeric(38, 6)")
            }
        }
    }
}

/// SQLite keeps ids as bytes, and times as texts of RFC 3339 with 0, 3 or 6 digits behind the second.
fn sqlite(kind: ColumnKind, column: &str) -> String {
    match kind {
        ColumnKind::Id => {
            let part = |from: usize, length: usize| format!("substr(lower(hex({column})), {from}, {length})");
            let parts = [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)].join(" || '-' || ");
            format!("CASE WHEN {column} IS NOT NULL THEN {parts} END")
        }
        ColumnKind::Time => format!(
            "substr({column}, 1, 19) || '.' || substr(CASE WHEN substr({column}, 20, 1) = '.' \
             THEN substr({column}, 21, length({column}) - 26) ELSE '' END || '000000', 1, 6) || 'Z'"
        ),
        ColumnKind::Bytes => format!("CASE WHEN {column} IS NOT NULL THEN lower(hex({column})) END"),
        ColumnKind::Text
        | ColumnKind::Integer
        | ColumnKind::LargeInteger
        | ColumnKind::Decimal
        | ColumnKind::Boolean
        | ColumnKind::Json => column.to_owned(),
    }
}
