//! Opens and clicks.

pub mod mutation;
