//! SQL on two engines with one text: pools, values and rows for SQLite and PostgreSQL.
//!
//! Statements use `$1`, `$2` … on both engines. Values are always bound.
//!
//! SQLite is reached through `rusqlite`, PostgreSQL through `sqlx`: `sqlx` copies every column of every SQLite row and hands
//! rows over one at a time, so that a page of a timeline cost several times its SQL.

pub mod ask;
pub mod checkpointer;
mod error;
pub mod postgres;
mod row;
mod session;
mod share;
pub(crate) mod sqlite;

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Column, PgPool, Postgres, Row as _};
use uuid::Uuid;

use self::postgres::Held;
pub use error::Error;
pub(crate) use row::row;
pub use row::{Cell, Cells, Row, Salvaged};
pub use session::{Session, Texts};
pub use share::{Share, Shares};
pub(crate) use sqlite::fix_plans;
pub use sqlite::{SqliteOptions, SqlitePool};

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
}

/// A bound moment is compared with stored ones, all of which lie in the years 1 to 9999; both engines can express no
/// others, and a comparison with these two gives the same rows.
const TIMES: [DateTime<Utc>; 2] =
    match (DateTime::from_timestamp(-62_135_596_800, 0), DateTime::from_timestamp_micros(253_402_300_799_999_999)) {
        (Some(first), Some(last)) => [first, last],
        _ => panic!("two moments"),
    };

impl From<DateTime<Utc>> for Value {
    fn from(time: DateTime<Utc>) -> Self {
        let [first, last] = TIMES;
        Self::Time(time.clamp(first, last))
    }
}

impl<T: crate::ids::Newtype> From<T> for Value
where
    T::Raw: Into<Self>,
{
    fn from(value: T) -> Self {
        value.into_raw().into()
    }
}

impl From<crate::ids::Position> for Value {
    fn from(position: crate::ids::Position) -> Self {
        Self::Bytes(position.bytes().to_vec())
    }
}

/// Binds values in order to a PostgreSQL statement.
fn bind_postgres<'q>(
    mut query: Query<'q, Postgres, PgArguments>,
    values: &[Value],
) -> Query<'q, Postgres, PgArguments> {
    for value in values {
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
}

fn read_postgres<T: Row>(rows: &[PgRow]) -> Result<Vec<T>, Error> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let columns = first.columns();
    let place = |wanted: &&str| {
        let place = columns.iter().position(|column| column.name() == *wanted);
        place.ok_or_else(|| sqlx::Error::ColumnNotFound((*wanted).to_owned()))
    };
    let places: Vec<usize> = T::COLUMNS.iter().map(place).collect::<Result<_, _>>()?;
    rows.iter().map(|row| T::read(&mut Cells::postgres(row, &places))).collect()
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

    /// The most connections that its pool opens.
    #[must_use]
    pub fn connections(&self) -> usize {
        match self {
            Self::Sqlite(pool) => pool.connections(),
            Self::Postgres(pool) => usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX),
        }
    }

    /// All rows of a query. The text is one of ours, never input; input is bound.
    pub async fn fetch_all<T: Row>(&self, sql: &str, values: &[Value]) -> Result<Vec<T>, Error> {
        let turn = share::turn().await;
        let (sql, values) = (sql.to_owned(), values.to_vec());
        match self {
            Self::Sqlite(pool) => {
                pool.connection()
                    .await?
                    .read(move |connection| sqlite::fetch(connection, &sql, &values, usize::MAX))
                    .await
            }
            Self::Postgres(pool) => {
                let pool = pool.clone();
                let query = async move {
                    let mut held = Held::take(&pool).await?;
                    bind_postgres(sqlx::query(AssertSqlSafe(sql)), &values).fetch_all(&mut *held).await
                };
                read_postgres(&turn.until_it_ends(postgres::reading(query)).await??)
            }
        }
    }

    /// The first row of a query, if there is one.
    pub async fn fetch_optional<T: Row>(&self, sql: &str, values: &[Value]) -> Result<Option<T>, Error> {
        let turn = share::turn().await;
        let (sql, values) = (sql.to_owned(), values.to_vec());
        match self {
            Self::Sqlite(pool) => {
                let connection = pool.connection().await?;
                Ok(connection.read(move |connection| sqlite::fetch(connection, &sql, &values, 1)).await?.pop())
            }
            Self::Postgres(pool) => {
                let pool = pool.clone();
                let query = async move {
                    let mut held = Held::take(&pool).await?;
                    bind_postgres(sqlx::query(AssertSqlSafe(sql)), &values).fetch_optional(&mut *held).await
                };
                let row = turn.until_it_ends(postgres::reading(query)).await??;
                Ok(read_postgres(row.as_slice())?.pop())
            }
        }
    }

    /// The database as it is at one moment, for many questions one after the other. On SQLite they share a connection and its
    /// pages, which it would let go of at each commit of another one; on PostgreSQL, where the server keeps them, each sees
    /// what was committed before it. [`Snapshot::end`] ends it.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        Ok(Snapshot(match self {
            Self::Sqlite(pool) => Self::Sqlite(pool.snapshot().await?),
            Self::Postgres(pool) => Self::Postgres(pool.clone()),
        }))
    }

    /// Closes the pool once its connections are returned.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Of [`Db::snapshot`].
#[derive(Debug)]
pub struct Snapshot(Db);

impl Snapshot {
    /// What is asked.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.0
    }

    /// Lets go of the moment: as long as it is held, SQLite's write-ahead log cannot begin anew.
    pub async fn end(self) -> Result<(), Error> {
        match self.0 {
            Db::Sqlite(pool) => pool.end_snapshot().await,
            Db::Postgres(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn words(db: &Db) -> Vec<String> {
        let rows: Vec<(String,)> = db.fetch_all("SELECT word FROM t ORDER BY word", &[]).await.expect("rows");
        rows.into_iter().map(|row| row.0).collect()
    }

    #[tokio::test]
    async fn a_snapshot_is_of_one_moment_and_gives_its_connection_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.db");
        let options = SqliteOptions::writer(&file, true).pragma("journal_mode", "WAL");
        let writer = Db::Sqlite(SqlitePool::open(options).await.expect("it opens"));
        let mut session = writer.session().await.expect("a connection");
        session.run("CREATE TABLE t (word TEXT); INSERT INTO t VALUES ('a')").await.expect("a table");
        let reader = Db::Sqlite(SqlitePool::open(SqliteOptions::reader(&file)).await.expect("it opens"));
        for ends in [true, false] {
            let snapshot = reader.snapshot().await.expect("a moment");
            let before = words(snapshot.db()).await;
            session.run("INSERT INTO t VALUES ('b')").await.expect("a row goes in");
            assert_eq!(words(snapshot.db()).await, before, "the same for each question");
            if ends {
                snapshot.end().await.expect("it ends");
            } else {
                drop(snapshot);
            }
            // Whoever takes the only connection next sees what there is now.
            assert_eq!(words(&reader).await.len(), before.len() + 1, "ended: {ends}");
        }
    }
}
