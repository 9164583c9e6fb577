//! Callbacks that were kept because they could not be recorded as what they are.

pub mod object;
pub mod query;
