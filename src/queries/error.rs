use super::PageError;
use crate::sql;

/// Why a read gave no answer. Absence is no error: it is `Ok(None)` or an empty list.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The database failed; `reading` names the read model.
    #[error("could not read {reading}")]
    Database {
        /// The read model.
        reading: &'static str,
        /// The driver's error.
        #[source]
        source: sql::Error,
    },
    /// The page asked for does not exist.
    #[error(transparent)]
    Page(#[from] PageError),
}

impl QueryError {
    /// For `map_err`: names the read model.
    pub(super) fn reading(reading: &'static str) -> impl FnOnce(sql::Error) -> Self {
        move |source| Self::Database { reading, source }
    }
}
