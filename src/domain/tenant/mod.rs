//! A tenant: its API keys and its operators' decisions.

pub mod decide;
pub mod event;
pub mod state;
