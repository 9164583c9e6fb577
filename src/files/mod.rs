//! Delimited files as rows for imports. Pure but for reading the file itself: nothing here prints or knows the command
//! line, so that an upload reads files in the same way.

pub mod cells;
pub mod chunks;
pub mod columns;
pub mod consent;
pub mod customers;
pub mod exported;
pub mod fields;
pub mod groups;
pub mod identities;
pub mod messages;
pub mod numbers;
pub mod orders;
pub mod presets;
pub mod preview;
pub mod records;
pub mod refused;
pub mod results;
pub mod row;
pub mod source;
pub mod survey;
pub mod times;
pub mod values;
