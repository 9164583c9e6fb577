//! SQL on two engines with one text: pools, values and rows for SQLite and PostgreSQL.
//!
//! Statements use `$1`, `$2` … on both engines. Values are always bound.

pub mod checkpointer;
mod session;

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::{Query, QueryAs};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, FromRow, PgPool, Postgres, Sqlite, SqlitePool};
use uuid::Uuid;

pub use session::Session;

/// Which database a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// The embedded default.
    Sqlite,
    /// PostgreSQL 15 or newer.
    Postgres,
}

/// A pool of connections to a store of read tables.
#[derive(Debug, Clone)]
pub enum Db {
    /// One SQLite file, or one in memory.
    Sqlite(SqlitePool),
    /// One schema of a PostgreSQL database, first in the connections' search path.
    Postgres(PgPool),
}

/// A value to bind.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text without NUL.
    Text(String),
    /// An id.
    Uuid(Uuid),
    /// Bytes, such as a position.
    Bytes(Vec<u8>),
    /// A moment.
    Time(DateTime<Utc>),
}

macro_rules! value_from {
    ($($from:ty => $variant:ident,)*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

value_from! {
    bool => Bool,
    i64 => Int,
    i32 => Int,
    u32 => Int,
    String => Text,
    &str => Text,
    Uuid => Uuid,
    Vec<u8> => Bytes,
    [u8; 16] => Bytes,
    DateTime<Utc> => Time,
}

impl From<crate::ids::Position> for Value {
    fn from(position: crate::ids::Position) -> Self {
        Self::Bytes(position.bytes().to_vec())
    }
}

/// A row type that both engines can fill: derive [`sqlx::FromRow`].
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

macro_rules! bind_all {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Bool(value) => query.bind(*value),
                Value::Int(value) => query.bind(*value),
                Value::Text(value) => query.bind(value.clone()),
                Value::Uuid(value) => query.bind(*value),
                Value::Bytes(value) => query.bind(value.clone()),
                Value::Time(value) => query.bind(*value),
            };
        }
        query
    }};
}

/// Binds values in order to a SQLite statement.
pub fn bind_sqlite<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    values: &[Value],
) -> Query<'q, Sqlite, SqliteArguments> {
    bind_all!(query, values)
}

/// Binds values in order to a PostgreSQL statement.
pub fn bind_postgres<'q>(
    query: Query<'q, Postgres, PgArguments>,
    values: &[Value],
) -> Query<'q, Postgres, PgArguments> {
    bind_all!(query, values)
}

fn bind_sqlite_as<'q, T>(
    query: QueryAs<'q, Sqlite, T, SqliteArguments>,
    values: &[Value],
) -> QueryAs<'q, Sqlite, T, SqliteArguments> {
    bind_all!(query, values)
}

fn bind_postgres_as<'q, T>(
    query: QueryAs<'q, Postgres, T, PgArguments>,
    values: &[Value],
) -> QueryAs<'q, Postgres, T, PgArguments> {
    bind_all!(query, values)
}

impl Db {
    /// Which database this is.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// All rows of a query. The text is one of ours, never input; input is bound.
    pub async fn fetch_all<T: Row>(&self, sql: &str, values: &[Value]) -> Result<Vec<T>, sqlx::Error> {
        match self {
            Self::Sqlite(pool) => bind_sqlite_as(sqlx::query_as(AssertSqlSafe(sql)), values).fetch_all(pool).await,
            Self::Postgres(pool) => bind_postgres_as(sqlx::query_as(AssertSqlSafe(sql)), values).fetch_all(pool).await,
        }
    }

    /// The first row of a query, if there is one.
    pub async fn fetch_optional<T: Row>(&self, sql: &str, values: &[Value]) -> Result<Option<T>, sqlx::Error> {
        match self {
            Self::Sqlite(pool) => bind_sqlite_as(sqlx::query_as(AssertSqlSafe(sql)), values).fetch_optional(pool).await,
            Self::Postgres(pool) => {
                bind_postgres_as(sqlx::query_as(AssertSqlSafe(sql)), values).fetch_optional(pool).await
            }
        }
    }

    /// Closes the pool once its connections are returned.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
