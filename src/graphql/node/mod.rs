//! Objects by their global id.

pub mod query;
