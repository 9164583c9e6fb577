//! Customers.

pub mod mutation;
pub mod object;
pub mod query;
