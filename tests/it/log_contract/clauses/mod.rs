//! The clauses, by what they are about.

pub(crate) mod appending;
pub(crate) mod preconditions;
pub(crate) mod reading;
pub(crate) mod repetition;
