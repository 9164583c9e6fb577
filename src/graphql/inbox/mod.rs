//! The inbox: counts of conversations, a list of them, and which of them move.

pub mod changes;
pub mod object;
pub mod query;
pub mod subscription;
