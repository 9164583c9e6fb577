//! How the tenant appears to its customers.

pub mod mutation;
pub mod object;
pub mod query;
