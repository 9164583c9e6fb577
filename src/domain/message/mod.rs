//! Messages, in and out: their states are a lattice, so callbacks may arrive in any order.

pub mod attachment;
pub mod back_test;
pub mod decide;
pub mod dispatch;
pub mod event;
pub mod history;
pub mod lattice;
pub mod limits;
pub mod origin;
pub mod recipient;
pub mod reclass;
pub mod report;
pub mod retry;
pub mod routing;
pub mod rules;
pub mod state;
pub mod tracking;
pub mod upcast;

#[cfg(test)]
mod tests;
