//! Templates.

pub mod content;
pub mod mutation;
pub mod object;
pub mod preview;
pub mod query;
