//! Provider accounts.

pub mod mutation;
pub mod object;
pub mod provider;
pub mod query;
