//! Connecting to a PostgreSQL database and bringing one of our schemas to its newest version.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::log::format::{self, FORMAT};

/// How long a connection may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A kind of store: a schema of its own.
pub(in crate::log) struct Kind {
    pub schema: &'static str,
    /// Statements that bring schema version n to n + 1.
    pub migrations: &'static [&'static str],
}

/// Why a database was not opened.
#[derive(Debug)]
pub(in crate::log) enum StoreError {
    Foreign(String),
    Sqlx(sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Sqlx(error)
    }
}

/// Where a store is, and the form of its URL that may be shown.
#[derive(Debug, Clone)]
pub(in crate::log) struct Location {
    pub options: PgConnectOptions,
    /// Without credentials.
    pub url: String,
}

impl Location {
    pub(in crate::log) fn parse(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse()?;
        let database = options.get_database().unwrap_or_default();
        let url = format!("postgres://{}:{}/{database}", options.get_host(), options.get_port());
        // The server's messages are in errors already; plain notices are noise.
        // Everything that is read stands in the order of an index, and little of it is wanted at a time. Without
        // statistics, as in a log just filled, a page would be sorted out of all events behind it.
        let options = options.application_name("commlog").options([
            ("client_min_messages", "warning"),
            ("jit", "off"),
            ("enable_bitmapscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("enable_seqscan", "off"),
            ("enable_sort", "off"),
        ]);
        Ok(Self { options, url })
    }

    pub(in crate::log) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        tokio::time::timeout(PATIENCE, PgConnection::connect_with(&self.options))
            .await
            .unwrap_or_else(|elapsed| Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed))))
    }

    pub(in crate::log) fn pool(&self, connections: u32) -> PgPool {
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(self.options.clone())
    }
}

/// Reads the comment that marks a schema as ours: its format and version. Format 1 did not say its number.
fn read_mark(comment: &str) -> Option<(u32, usize)> {
    let (name, version) = comment.split_once(", schema version ")?;
    let format = match name.strip_prefix("commlog format ") {
        Some(format) => format.parse().ok()?,
        None if name == "commlog" => 1,
        None => return None,
    };
    Some((format, version.parse().ok()?))
}

/// Makes the schema, or its newer parts, where needed. Processes that start together wait for each other.
pub(in crate::log) async fn migrate(connection: &mut PgConnection, kind: &Kind) -> Result<(), StoreError> {
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('commlog ' || $1, 0))")
        .bind(kind.schema)
        .execute(&mut *transaction)
        .await?;
    let comment: Option<Option<String>> =
        sqlx::query_scalar("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1")
            .bind(kind.schema)
            .fetch_optional(&mut *transaction)
            .await?;
    let newest = kind.migrations.len();
    let version = match comment {
        None => 0,
        Some(comment) => match comment.as_deref().and_then(read_mark) {
            Some((FORMAT, version)) => version,
            Some((other, _)) => return Err(StoreError::Foreign(format::refusal(other))),
            None => return Err(StoreError::Foreign(format!("its schema {} is of another program", kind.schema))),
        },
    };
    if version > newest {
        return Err(StoreError::Foreign(format!(
            "its schema {} has version {version}, and this program knows versions up to {newest}",
            kind.schema
        )));
    }
    if version < newest {
        for migration in kind.migrations[version..].iter().copied() {
            transaction.execute(sqlx::raw_sql(migration)).await?;
        }
        let mark = format!("COMMENT ON SCHEMA {} IS 'commlog format {FORMAT}, schema version {newest}'", kind.schema);
        transaction.execute(AssertSqlSafe(mark)).await?;
    }
    transaction.commit().await?;
    Ok(())
}
