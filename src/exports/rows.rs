//! Rows of a read model as lines. The database makes the JSON, so that any table of any projection can be exported.

use futures::TryStreamExt;
use serde_json::{Map, Value};

use super::{ExportError, LineFormat, Output, people};
use crate::ids::TenantId;
use crate::projections::Registry;
use crate::projections::source::Table;
use crate::sql::{Db, Engine, Value as SqlValue};

/// The table whose rows are completed, so that they can be imported again.
const CUSTOMERS: &str = "customers";

/// A table that can be exported.
#[derive(Debug, Clone)]
pub struct ReadModel {
    table: Table,
}

impl ReadModel {
    /// Finds a table by its name, or by the name of the projection whose first table it is.
    ///
    /// # Errors
    /// [`ExportError::Unknown`].
    pub fn find(registry: &Registry, name: &str) -> Result<Self, ExportError> {
        for source in registry.sources() {
            let named = source.tables().iter().find(|table| table.name == name);
            let of_projection = || source.tables().first().filter(|_| source.name == name);
            if let Some(table) = named.or_else(of_projection) {
                return Ok(Self::new(table));
            }
        }
        let tables = registry.sources().flat_map(|source| source.tables().iter().map(|table| table.name.clone()));
        Err(ExportError::Unknown { name: name.to_owned(), known: tables.collect() })
    }

    /// Those of which the projection files say what they hold, by name.
    #[must_use]
    pub fn documented(registry: &Registry) -> Vec<Self> {
        let tables = registry.sources().flat_map(|source| source.tables().iter());
        let mut all: Vec<Self> = tables.filter(|table| table.docs.is_some()).map(Self::new).collect();
        all.sort_by(|a, b| a.table.name.cmp(&b.table.name));
        all
    }

    fn new(table: &Table) -> Self {
        let mut table = table.clone();
        if table.name == CUSTOMERS {
            table.columns.retain(|(name, _)| !people::DERIVED.contains(&name.as_str()));
        }
        Self { table }
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.table.name
    }

    /// The question that the table answers; nothing if its file does not say.
    #[must_use]
    pub fn question(&self) -> Option<&str> {
        self.table.docs.as_ref().map(|docs| docs.question.as_str())
    }

    /// The columns that are written, in order.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let own = self.table.columns.iter().map(|(name, _)| name.clone());
        let more = people::COLUMNS.iter().filter(|_| self.is_of_people()).map(|name| (*name).to_owned());
        own.chain(more).collect()
    }

    fn is_of_people(&self) -> bool {
        self.table.name == CUSTOMERS
    }

    /// How many rows a tenant has.
    ///
    /// # Errors
    /// [`ExportError::Table`].
    pub async fn count(&self, db: &Db, tenant: TenantId) -> Result<u64, ExportError> {
        let sql = format!("SELECT CAST(COUNT(*) AS TEXT) FROM {} WHERE tenant_id = $1", self.table.name);
        let mut session = db.session().await.map_err(|error| self.unreadable(error))?;
        let mut rows = session.texts(&sql, &[tenant.0.into()], 1);
        let row = rows.try_next().await.map_err(|error| self.unreadable(error))?;
        Ok(row.into_iter().flatten().flatten().next().and_then(|count| count.parse().ok()).unwrap_or_default())
    }

    /// Writes a tenant's rows in the order of their primary key. `progress` receives the number of rows so far.
    ///
    /// # Errors
    /// What cannot be read or written.
    pub async fn write(
        &self,
        db: &Db,
        tenant: TenantId,
        format: LineFormat,
        out: &mut Output,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<(), ExportError> {
        let (columns, with_people) = (self.columns(), self.is_of_people());
        if format == LineFormat::Csv {
            out.record(&columns)?;
        }
        let sql = self.select(db.engine());
        let mut session = db.session().await.map_err(|error| self.unreadable(error))?;
        let values: [SqlValue; 1] = [tenant.0.into()];
        let mut rows = session.texts(&sql, &values, 1);
        let (mut page, mut written) = (Vec::new(), 0);
        let size = if with_people { people::AT_ONCE } else { 1 };
        loop {
            let row = rows.try_next().await.map_err(|error| self.unreadable(error))?;
            let is_last = row.is_none();
            page.extend(row.map(|row| row.into_iter().flatten().next().unwrap_or_default()));
            if page.len() < size && !is_last {
                continue;
            }
            let full = std::mem::take(&mut page);
            let full = if with_people { people::complete(db, tenant, &full).await? } else { full };
            for row in full {
                written += 1;
                match format {
                    LineFormat::Jsonl => out.line(&row)?,
                    LineFormat::Csv => out.record(&values_of(&row, &columns)?)?,
                }
            }
            progress(written);
            if is_last || out.is_closed() {
                return Ok(());
            }
        }
    }

    fn unreadable(&self, source: crate::sql::Error) -> ExportError {
        ExportError::Table { table: self.table.name.clone(), source }
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
        // Stored with as many digits as a time needs; written as PostgreSQL does it below.
        "TIMESTAMPTZ" => {
            let digits = format!("substr({column}, 21, max(length({column}) - 26, 0))");
            format!("substr({column}, 1, 19) || '.' || substr({digits} || '000000', 1, 6) || 'Z'")
        }
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

fn values_of(row: &str, columns: &[String]) -> Result<Vec<String>, ExportError> {
    let row: Map<String, Value> = serde_json::from_str(row).map_err(ExportError::Row)?;
    Ok(columns
        .iter()
        .map(|column| match row.get(column) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        })
        .collect())
}
