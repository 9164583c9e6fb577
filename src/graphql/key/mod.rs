//! API keys, and the key that a request is made with.

pub mod mutation;
pub mod object;
pub mod query;
