//! Provider accounts.

pub mod mutation;
pub mod object;
pub mod query;
