//! Addresses, and why nothing is sent to some of them.

pub mod mutation;
pub mod object;
pub mod query;
pub mod suppression;
pub mod validation;
