//! Why a statement did not run, on either engine.

use rusqlite::ffi;

/// Why a statement did not run, or its rows were not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// PostgreSQL refused, failed, or cannot be reached.
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
    /// SQLite refused or failed.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A column does not hold what is read from it.
    #[error("column {column} cannot be read")]
    Column {
        /// Its name.
        column: String,
        /// What it holds instead.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Somebody's statement changes something, or is more than one.
    #[error("only queries are run, one at a time: SELECT, WITH or VALUES")]
    NotAQuery,
    /// The connections are closed.
    #[error("the connections are closed")]
    Closed,
}

impl Error {
    /// SQLite's primary result code, and what it says about it.
    #[must_use]
    pub fn sqlite(&self) -> Option<(i32, String)> {
        let Self::Sqlite(error) = self else { return None };
        let (ffi::Error { extended_code, .. }, message) = match error {
            rusqlite::Error::SqliteFailure(code, message) => (code, message.clone()),
            rusqlite::Error::SqlInputError { error, msg, .. } => (error, Some(msg.clone())),
            _ => return None,
        };
        Some((extended_code & 0xff, message.unwrap_or_else(|| error.to_string())))
    }

    /// PostgreSQL's code (SQLSTATE).
    #[must_use]
    pub fn postgres_code(&self) -> Option<String> {
        let Self::Postgres(sqlx::Error::Database(error)) = self else { return None };
        error.code().map(std::borrow::Cow::into_owned)
    }
}
