//! The events of the log: the audit, and the log's verification.

pub mod audit;
pub mod object;
pub mod query;
pub mod verification;
