//! Rows of a read model as lines. The database makes the JSON, so that any table of any projection can be exported.

use futures::TryStreamExt;
use serde_json::{Map, Value};

use super::{ExportArgs, Format, Output, people};
use crate::app::Caller;
use crate::boot::{ReadStore, Stores};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::progress;
use crate::projections::source::Table;
use crate::sql::Engine;

/// The table whose rows are completed, so that they can be imported again.
const CUSTOMERS: &str = "customers";

/// A table that can be exported.
pub(super) struct ReadModel {
    table: Table,
}

impl ReadModel {
    /// Finds a table by its name, or by the name of the projection whose first table it is.
    pub(super) fn find(stores: &Stores, args: &ExportArgs) -> Outcome<Self> {
        if args.since.is_some() || args.until.is_some() || !args.types.is_empty() {
            return Err(Failure::usage(
                "--since, --until and --type choose events; a read model is exported as it stands",
            ));
        }
        let registry = stores.registry()?;
        let mut names = Vec::new();
        for source in registry.sources() {
            names.extend(source.tables().iter().map(|table| table.name.clone()));
            let named = source.tables().iter().find(|table| table.name == args.what);
            let of_projection = || source.tables().first().filter(|_| source.name == args.what);
            if let Some(table) = named.or_else(of_projection) {
                let mut table = table.clone();
                if table.name == CUSTOMERS {
                    table.columns.retain(|(name, _)| !people::DERIVED.contains(&name.as_str()));
                }
                return Ok(Self { table });
            }
        }
        Err(Failure::usage(format!(
            "{:?} is not a read model; choose events or one of the tables {}",
            args.what,
            names.join(", ")
        )))
    }

    /// Writes a tenant's rows in the order of their primary key.
    pub(super) async fn write(&self, reads: &ReadStore, caller: &Caller, format: Format, out: &mut Output) -> Outcome {
        let db = reads.db();
        let mut columns: Vec<String> = self.table.columns.iter().map(|(name, _)| name.clone()).collect();
        let with_people = self.table.name == CUSTOMERS;
        if with_people {
            columns.extend(people::COLUMNS.map(str::to_owned));
        }
        if format == Format::Csv {
            out.record(&columns)?;
        }
        let sql = self.select(db.engine());
        let failed =
            |error| Failure::doing(Exit::Unavailable, format!("cannot read the table {}", self.table.name), error);
        let mut session = db.session().await.map_err(failed)?;
        let mut rows = session.texts(&sql, &[caller.tenant.0.into()], 1);
        let bar = progress::counter("rows");
        let mut page = Vec::new();
        let size = if with_people { people::AT_ONCE } else { 1 };
        loop {
            let row = rows.try_next().await.map_err(failed)?;
            let is_last = row.is_none();
            page.extend(row.map(|row| row.into_iter().flatten().next().unwrap_or_default()));
            if page.len() < size && !is_last {
                continue;
            }
            let full = std::mem::take(&mut page);
            let full = if with_people { people::complete(&db, caller, &full).await? } else { full };
            for row in full {
                bar.inc(1);
                match format {
                    Format::Jsonl => out.line(&row)?,
                    Format::Csv | Format::Parquet => out.record(&values(&row, &columns)?)?,
                }
            }
            if is_last || out.closed {
                break;
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn select(&self, engine: Engine) -> String {
        let Table { name, columns, key, .. } = &self.table;
        let order = key.join(", ");
        match engine {
            Engine::Sqlite => {
                let members: Vec<String> =
                    columns.iter().map(|(column, kind)| format!("'{column}', {}", sqlite_json(column, kind))).collect();
                let members = members.join(", ");
                format!("SELECT json_object({members}) FROM {name} WHERE tenant_id = $1 ORDER BY {order}")
            }
            Engine::Postgres => {
                let members: Vec<String> = columns
                    .iter()
                    .map(|(column, kind)| format!("{} AS {column}", postgres_json(column, kind)))
                    .collect();
                let members = members.join(", ");
                format!(
                    "SELECT (SELECT row_to_json(j)::text FROM (SELECT {members}) j) FROM {name} WHERE tenant_id = $1 \
                     ORDER BY {order}"
                )
            }
        }
    }
}

/// SQLite keeps ids as bytes and truth values as numbers.
fn sqlite_json(column: &str, kind: &str) -> String {
    match kind.to_uppercase().as_str() {
        "UUID" => {
            let part = |from: usize, length: usize| format!("substr(lower(hex({column})), {from}, {length})");
            let parts = [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)].join(" || '-' || ");
            format!("CASE WHEN {column} IS NOT NULL THEN {parts} END")
        }
        "BOOLEAN" => format!("json(CASE WHEN {column} THEN 'true' WHEN NOT {column} THEN 'false' ELSE 'null' END)"),
        "JSONB" => format!("json({column})"),
        "BYTES" => format!("CASE WHEN {column} IS NOT NULL THEN lower(hex({column})) END"),
        _ => column.to_owned(),
    }
}

fn postgres_json(column: &str, kind: &str) -> String {
    match kind.to_uppercase().as_str() {
        "BYTES" => format!("encode({column}, 'hex')"),
        "TIMESTAMPTZ" => format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"),
        _ => column.to_owned(),
    }
}

fn values(row: &str, columns: &[String]) -> Outcome<Vec<String>> {
    let row: Map<String, Value> = serde_json::from_str(row)
        .map_err(|error| Failure::doing(Exit::Internal, "a row is not a JSON object", error))?;
    Ok(columns
        .iter()
        .map(|column| match row.get(column) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        })
        .collect())
}
