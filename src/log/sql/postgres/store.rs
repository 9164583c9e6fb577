//! Connecting to a PostgreSQL database and bringing one of our schemas to its newest version.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::log::format::{self, FORMAT};
use crate::sql;

/// How long a connection may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// The name of connections that write, in `pg_stat_activity`.
const WORKER: &str = "commlog";

/// The name of connections that only read for a while.
const ONLOOKER: &str = "commlog (reads only)";

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
        let options = options.application_name(WORKER).options(sql::postgres::KEEPALIVE).options([
            ("idle_in_transaction_session_timeout", sql::postgres::IDLE_TIMEOUT),
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

    /// For connections that cannot change anything; they go by a name of their own.
    pub(in crate::log) fn into_reading(self) -> Self {
        let options = self.options.application_name(ONLOOKER).options([("default_transaction_read_only", "on")]);
        Self { options, ..self }
    }

    pub(in crate::log) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        tokio::time::timeout(PATIENCE, PgConnection::connect_with(&self.options))
            .await
            .unwrap_or_else(|elapsed| Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed))))
    }

    pub(in crate::log) fn pool(&self, connections: u32) -> PgPool {
        sql::postgres::pool(connections).acquire_timeout(PATIENCE).connect_lazy_with(self.options.clone())
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
    let newest = kind.migrations.len();
    let version = version(&mut transaction, kind).await?;
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

/// The version of a schema; 0 if there is none.
async fn version(connection: &mut PgConnection, kind: &Kind) -> Result<usize, StoreError> {
    let comment: Option<Option<String>> =
        sqlx::query_scalar("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1")
            .bind(kind.schema)
            .fetch_optional(connection)
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
    Ok(version)
}

/// Makes sure that the schema is there, in its newest version, and changes nothing.
pub(in crate::log) async fn check(connection: &mut PgConnection, kind: &Kind) -> Result<(), StoreError> {
    match version(connection, kind).await? {
        0 => Err(StoreError::Foreign(format!("there is no schema {}", kind.schema))),
        version if version < kind.migrations.len() => Err(StoreError::Foreign(format!(
            "its schema {} has version {version}: a command that writes, such as `commlog serve`, brings it to version {}",
            kind.schema,
            kind.migrations.len()
        ))),
        _ => Ok(()),
    }
}

/// The number of connections to a log's database through which commlog could write, by any process.
pub(super) async fn count_workers(location: &Location) -> Result<u64, sqlx::Error> {
    let mut connection = location.clone().into_reading().connect().await?;
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
    )
    .bind(WORKER)
    .fetch_one(&mut connection)
    .await?;
    Ok(count.try_into().unwrap_or_default())
}
