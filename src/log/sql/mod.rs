//! What backends in a SQL database share: a group of appends is decided purely (`plan`) and a backend only stores it.

mod heads;
pub(in crate::log) mod plan;
pub mod postgres;
pub mod sqlite;
