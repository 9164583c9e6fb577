//! The integration suite: one binary, one module per area.

mod log_contract;
mod support;
