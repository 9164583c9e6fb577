//! Delimited files as commands for the log: reading, mapping columns, parsing values; `commlog import`.

pub mod columns;
pub mod records;
pub mod source;
pub mod values;
