//! The events of the log: the audit.

pub mod audit;
pub mod object;
pub mod query;
