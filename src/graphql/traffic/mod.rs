//! What came and went over time.

pub mod object;
pub mod query;
