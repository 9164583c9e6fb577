//! Why the projection engine did not do what it was asked.

use crate::ids::Position;
use crate::log::LogError;
use crate::projections::registry::RegistryError;
use crate::sql;

/// Why tables could not be created, advanced or compared.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The projection files are not usable.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A projection's statement does not run even on an empty batch.
    #[error("projection {projection}: a statement does not run: {statement}")]
    Statement {
        /// The projection's name.
        projection: String,
        /// The beginning of the statement.
        statement: String,
        /// The database's error.
        #[source]
        source: sql::Error,
    },
    /// Another writer advanced these tables since this one looked.
    #[error("another writer has advanced the read tables")]
    Fenced,
    /// The task that follows the log ended although nobody stopped it.
    #[error("the task that follows the log ended unexpectedly")]
    FollowerEnded,
    /// The read tables' database failed or refused; `doing` says what was tried.
    #[error("the read tables could not {doing}")]
    Database {
        /// What was tried, as a verb phrase.
        doing: &'static str,
        /// The driver's error.
        #[source]
        source: sql::Error,
    },
    /// The store is not one of ours, or damaged.
    #[error("{location} does not hold read tables of commlog: {reason}")]
    Foreign {
        /// The file or URL without credentials.
        location: String,
        /// What was found instead, in words.
        reason: String,
    },
    /// A file or folder could not be made, moved or removed.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: std::path::PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The log did not answer.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The tables stand before the position that was asked for and nothing moves them.
    #[error("the log ends at {head}, before {wanted}")]
    BeyondEnd {
        /// The position that was asked for.
        wanted: Position,
        /// The position of the log's last event.
        head: Position,
    },
    /// There is nothing parked of this projection and stream.
    #[error("nothing of this stream is parked for projection {projection}")]
    NotParked {
        /// The projection.
        projection: String,
    },
    /// The log lost events that it had: what this process knows of it no longer holds.
    #[error("the log was restored or replaced while it was in use; start again to rebuild the read tables")]
    LogReplaced,
    /// The work was asked to stop.
    #[error("stopped before the end")]
    Stopped,
}

/// Turns a driver's error into ours: `.map_err(database("commit a batch"))`.
pub(super) fn database<E: Into<sql::Error>>(doing: &'static str) -> impl Fn(E) -> ProjectionError {
    move |source| ProjectionError::Database { doing, source: source.into() }
}

/// Whether the statement failed because of what the events say, not because of the machine, the network or other
/// users: an event that always fails must not stop everything behind it.
pub(super) fn is_poison(error: &sql::Error) -> bool {
    match error {
        sql::Error::Postgres(sqlx::Error::Database(error)) => {
            // Data exceptions, constraint violations, type mismatches that only some values bring to light.
            let code = error.code().unwrap_or_default();
            ["21", "22", "23", "42"].iter().any(|class| code.starts_with(class)) || code == "54001"
        }
        sql::Error::Postgres(error) => matches!(error, sqlx::Error::Encode(_) | sqlx::Error::Decode(_)),
        // Primary result codes: ERROR (such as malformed JSON), TOOBIG, CONSTRAINT, MISMATCH, RANGE.
        sql::Error::Sqlite(_) => error.sqlite().is_some_and(|(code, _)| [1, 18, 19, 20, 25].contains(&code)),
        sql::Error::Column { .. } | sql::Error::NotAQuery | sql::Error::Closed => false,
    }
}

/// An error with all its causes, in one line for the log.
pub(super) fn chain(error: &ProjectionError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
