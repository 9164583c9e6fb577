//! Exports of read models.

pub mod mutation;
pub mod object;
pub mod query;
pub mod subscription;
