//! Rows of read models, views for analysts and events as files: what `commlog export` writes ([`ReadModel`], [`cells`],
//! [`events`]), and the exports that a node carries out for the API ([`Exports`]).

pub mod cells;
pub mod events;
mod exportable;
mod output;
mod people;
mod rows;
mod runs;

pub use cells::CellFile;
pub use exportable::{Exportable, TypedColumn};
pub use output::Output;
pub use rows::ReadModel;
pub use runs::{Export, ExportProblem, ExportState, Exports, KEPT, Ready, RunError, Wanted};

use serde::{Deserialize, Serialize};

use crate::app::AppError;
use crate::ids::Position;
use crate::log::LogError;
use crate::queries::QueryError;

/// How the rows of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowFormat {
    /// One JSON object a line.
    Jsonl,
    /// A header, then a record a line.
    Csv,
    /// By columns, with types.
    Parquet,
}

/// How rows are written as lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFormat {
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
    /// A view has something else than its columns say.
    #[error("{view}.{column} does not hold what it should")]
    Column {
        /// The view.
        view: String,
        /// Its column.
        column: String,
    },
    /// The log does not respond.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What belongs to a person is not known.
    #[error(transparent)]
    App(#[from] AppError),
    /// An event's payload is not JSON.
    #[error("event {id} at position {position} holds no JSON")]
    Event {
        /// Its id.
        id: String,
        /// Its position.
        position: Position,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The file, or whatever the rows go to, does not take them.
    #[error("cannot write the output")]
    Write(#[from] std::io::Error),
    /// The file of columns does not take them.
    #[error("cannot write the file of columns")]
    Parquet(#[from] parquet::errors::ParquetError),
}
