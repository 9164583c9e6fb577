//! Rows of read models as files: what `commlog export` writes ([`ReadModel`], [`Output`]), and the exports that a
//! node carries out for the API ([`Exports`]).

mod output;
mod people;
mod rows;
mod runs;

pub use output::Output;
pub use rows::ReadModel;
pub use runs::{Export, ExportProblem, ExportState, Exports, KEPT, Ready, RunError, Wanted};

use serde::{Deserialize, Serialize};

use crate::queries::QueryError;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowFormat {
    /// One JSON object a line.
    Jsonl,
    /// A header, then a record a line.
    Csv,
}

/// Why rows are not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is no such table.
    #[error("{name:?} is not a read model; choose events or one of the tables {}", .known.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The tables that there are.
        known: Vec<String>,
    },
    /// A table cannot be read.
    #[error("cannot read the table {table}")]
    Table {
        /// Its name.
        table: String,
        /// What the database says.
        #[source]
        source: crate::sql::Error,
    },
    /// What belongs to the rows cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The database made something else than JSON.
    #[error("a row is not a JSON object")]
    Row(#[source] serde_json::Error),
    /// A row of a customer has no id.
    #[error("a row of a customer has no id")]
    NoId,
    /// The file, or whatever the rows go to, does not take them.
    #[error("cannot write the output")]
    Write(#[from] std::io::Error),
}
