//! The integration suite: one binary, one module per area.

// First: its macros are used by the others.
#[macro_use]
mod support;

mod analysts;
mod api;
mod architecture;
mod backups;
mod cli;
mod commands;
mod deploy;
mod fuzz;
mod house;
mod log_contract;
mod people;
mod projector;
mod providers;
mod read_models;
mod registries;
mod sending;
mod stored_names;
mod stories;
mod templates;
