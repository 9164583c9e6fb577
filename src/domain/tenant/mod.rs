//! A tenant: its API keys and its operators' decisions.

pub mod event;
