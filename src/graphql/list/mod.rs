//! Lists of customers.

pub mod criteria;
pub mod mutation;
pub mod object;
pub mod query;
pub mod subscription;
