//! The integration suite: one binary, one module per area.

mod api;
mod architecture;
mod log_contract;
mod projector;
mod support;
