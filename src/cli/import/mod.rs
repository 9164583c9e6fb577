//! Delimited files as commands for the log: reading, mapping columns, parsing values; `commlog import`.

pub mod columns;
pub mod customers;
pub mod messages;
pub mod orders;
pub mod records;
pub mod row;
pub mod source;
pub mod values;
