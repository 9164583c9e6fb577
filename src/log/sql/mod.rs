//! Logs in a SQL database. A group of appends is decided purely (`log::plan`), and a backend only stores it.

mod heads;
pub mod postgres;
pub mod sqlite;
