//! What keeps read tables from being advanced.

use crate::ids::Position;
use crate::log::LogError;
use crate::projections::error::{ProjectionError, chain};

/// Why read tables stand where they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hindrance {
    /// Up to where the log is applied; what comes next is not.
    pub after: Position,
    /// The error of the last attempt with its causes, in one line.
    pub cause: String,
    /// No later attempt can succeed: what the log holds cannot be read.
    pub is_lasting: bool,
}

impl Hindrance {
    pub(super) fn new(after: Position, error: &ProjectionError) -> Self {
        let is_lasting = matches!(error, ProjectionError::Log(LogError::Damaged { .. }));
        Self { after, cause: chain(error), is_lasting }
    }
}
