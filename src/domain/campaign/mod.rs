//! Campaigns: one text for many customers, each of whom gets it once.
//!
//! A campaign's own stream has its plan and what colleagues decide about it. A second stream, of its run, has whom it goes to
//! and what became of each part of them, as the runner goes through them. What happens to a message stands with its customer.

pub mod attribution;
pub mod budget;
pub mod decide;
pub mod event;
pub mod experiment;
pub mod past;
pub mod plan;
pub mod run;
pub mod running;
pub mod schedule;
pub mod state;
pub mod winner;

#[cfg(test)]
mod tests;
