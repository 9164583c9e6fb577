//! Canned replies.

pub mod mutation;
pub mod object;
pub mod query;
