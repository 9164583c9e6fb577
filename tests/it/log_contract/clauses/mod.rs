//! The clauses, by what they are about.

pub(crate) mod appending;
pub(crate) mod chain;
pub(crate) mod crashes;
pub(crate) mod leases;
pub(crate) mod preconditions;
pub(crate) mod reading;
pub(crate) mod repetition;
pub(crate) mod schema;
pub(crate) mod sealing;
