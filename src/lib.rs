//! commlog: an event-sourced communication log for a CRM. The modules, in reading order:

pub mod clock;
pub mod ids;

pub mod domain;
pub mod log;
pub mod sql;

pub mod app;
pub mod projections;
pub mod queries;

pub mod processes;
pub mod providers;

pub mod graphql;
pub mod http;

// LEAD: boot, cli (and main.rs) rejoin main as soon as projections::ReadStore and the PostgreSQL log are merged; branch `cli`
// keeps these three lines active.
// pub mod boot;
// pub mod cli;
pub mod config;
