//! Reading connections: a few, opened when needed, used on threads where blocking is allowed.

use std::path::Path;

use rusqlite::Connection;

use crate::log::LogError;
use crate::sql::{self, SqliteOptions, SqlitePool};

/// How many reads run at the same time.
const CONNECTIONS: usize = 4;

/// Pages that a connection keeps. They serve one read only: SQLite lets go of them once another connection has committed.
const CACHE_KIB: i64 = 2_048;

/// Connections that only read; cheap to clone.
#[derive(Clone)]
pub(super) struct Readers {
    url: String,
    pool: SqlitePool,
}

/// How a connection that reads events is set up.
pub(super) fn options(options: SqliteOptions) -> SqliteOptions {
    options.connections(CONNECTIONS).statements(32).fixed_plans().pragma("cache_size", -CACHE_KIB)
}

impl Readers {
    pub(super) fn new(path: &Path, url: String) -> Self {
        Self::with(SqliteOptions::writer(path, false).pragma("query_only", "ON"), url)
    }

    /// With connections that are opened in a way of their own.
    pub(super) fn with(options: SqliteOptions, url: String) -> Self {
        Self { url, pool: SqlitePool::new(self::options(options)) }
    }

    /// Runs a read. It ends even when the caller lets go of it.
    pub(super) async fn read<T, F>(&self, doing: &'static str, read: F) -> Result<T, LogError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    {
        let database = |error| super::database(&self.url, doing, error);
        let read = async { self.pool.connection().await?.run(move |connection| Ok(read(connection))).await };
        match read.await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(ReadError::Log(error))) => Err(error),
            Ok(Err(ReadError::Sqlite(error))) | Err(sql::Error::Sqlite(error)) => Err(database(error)),
            Err(sql::Error::Closed | sql::Error::NotAQuery | sql::Error::Column { .. } | sql::Error::Postgres(_)) => {
                Err(LogError::Closed)
            }
        }
    }

    /// Lets running reads end, and refuses new ones.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Why a read failed: the database, or what was found in it.
#[derive(Debug)]
pub(super) enum ReadError {
    Sqlite(rusqlite::Error),
    Log(LogError),
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<LogError> for ReadError {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}
