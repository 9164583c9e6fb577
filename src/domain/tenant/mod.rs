//! A tenant: its rules for sending, its brand, its API keys and its operators' decisions.

pub mod brand;
pub mod change_brand;
pub mod change_policy;
pub mod decide;
pub mod event;
pub mod policy;
pub mod state;
pub mod tracking;
