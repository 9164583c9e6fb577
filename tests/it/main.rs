//! The integration suite: one binary, one module per area.

mod api;
mod architecture;
mod cli;
mod commands;
mod log_contract;
mod projector;
mod providers;
mod read_models;
mod sending;
mod support;
