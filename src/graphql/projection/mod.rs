//! How far the read tables are.

pub mod mutation;
pub mod object;
pub mod projector;
pub mod query;
pub mod subscription;
