//! Messages and their files.

pub mod attachment;
pub mod mutation;
pub mod object;
pub mod query;
pub mod received;
mod template;
