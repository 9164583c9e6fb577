//! The rules for sending.

pub mod back_test;
pub mod mutation;
pub mod object;
pub mod query;
pub mod tracking;
