//! One connection of a pool: what a writer works with, since staging relations and transactions belong to it.

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Postgres, Sqlite};

use super::{Db, Engine, Row, Value, bind_postgres, bind_postgres_as, bind_sqlite, bind_sqlite_as};

/// A connection with an open transaction, or none.
#[derive(Debug)]
pub enum Session {
    /// To a SQLite file or memory.
    Sqlite(PoolConnection<Sqlite>),
    /// To a PostgreSQL database.
    Postgres(PoolConnection<Postgres>),
}

impl Db {
    /// Takes a connection of the pool for itself.
    pub async fn session(&self) -> Result<Session, sqlx::Error> {
        match self {
            Self::Sqlite(pool) => Ok(Session::Sqlite(pool.acquire().await?)),
            Self::Postgres(pool) => Ok(Session::Postgres(pool.acquire().await?)),
        }
    }
}

impl Session {
    /// Which database this is.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs statements, separated by `;`, without values and without keeping their plans.
    pub async fn run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let text = sqlx::raw_sql(AssertSqlSafe(sql));
        match self {
            Self::Sqlite(connection) => text.execute(&mut **connection).await.map(drop),
            Self::Postgres(connection) => text.execute(&mut **connection).await.map(drop),
        }
    }

    /// Runs a statement, keeps it prepared, and returns how many rows it wrote.
    pub async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, sqlx::Error> {
        match self {
            Self::Sqlite(connection) => {
                let query = bind_sqlite(sqlx::query(AssertSqlSafe(sql)), values);
                query.execute(&mut **connection).await.map(|result| result.rows_affected())
            }
            Self::Postgres(connection) => {
                let query = bind_postgres(sqlx::query(AssertSqlSafe(sql)), values);
                query.execute(&mut **connection).await.map(|result| result.rows_affected())
            }
        }
    }

    /// All rows of a query.
    pub async fn fetch_all<T: Row>(&mut self, sql: &str, values: &[Value]) -> Result<Vec<T>, sqlx::Error> {
        match self {
            Self::Sqlite(connection) => {
                bind_sqlite_as(sqlx::query_as(AssertSqlSafe(sql)), values).fetch_all(&mut **connection).await
            }
            Self::Postgres(connection) => {
                bind_postgres_as(sqlx::query_as(AssertSqlSafe(sql)), values).fetch_all(&mut **connection).await
            }
        }
    }

    /// Begins a transaction that may write: SQLite takes its write lock at once instead of failing later.
    pub async fn begin(&mut self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(_) => self.run("BEGIN IMMEDIATE").await,
            Self::Postgres(_) => self.run("BEGIN").await,
        }
    }

    /// Makes the transaction's work permanent.
    pub async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.run("COMMIT").await
    }

    /// Gives the transaction's work up.
    pub async fn rollback(&mut self) -> Result<(), sqlx::Error> {
        self.run("ROLLBACK").await
    }
}
