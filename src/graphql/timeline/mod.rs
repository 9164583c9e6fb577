//! The timeline of a customer.

pub mod changes;
pub mod object;
pub mod query;
pub mod subscription;
