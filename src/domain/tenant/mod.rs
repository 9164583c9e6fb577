//! A tenant: its rules for sending, its API keys and its operators' decisions.

pub mod change_policy;
pub mod decide;
pub mod event;
pub mod policy;
pub mod state;
pub mod tracking;
