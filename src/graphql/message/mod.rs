//! Messages and their files.

pub mod attachment;
mod call;
pub mod explanation;
pub mod mutation;
pub mod object;
pub mod query;
pub mod received;
mod template;
