//! The integration suite: one binary, one module per area.

mod architecture;
mod commands;
mod log_contract;
mod support;
