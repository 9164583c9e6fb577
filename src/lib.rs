//! commlog: an event-sourced communication log for a CRM. The modules, in reading order:

#![recursion_limit = "256"]

pub mod clock;
pub mod ids;
mod offload;
pub mod traces;

pub mod domain;
pub mod files;
pub mod log;
pub mod rendering;
pub mod sql;

pub mod app;
pub mod projections;
pub mod queries;

pub mod accounts;
pub mod backup;
pub mod campaigns;
pub mod exports;
pub mod imports;
pub mod intake;
pub mod ledger;
pub mod processes;
pub mod providers;
pub mod verification;

pub mod graphql;
pub mod http;

pub mod boot;
pub mod cli;
pub mod config;

/// SQLite's own allocations go through it too.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
