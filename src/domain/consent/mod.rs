//! Consent per channel and topic, with its evidence.

pub mod choice;
pub mod decide;
pub mod event;
pub mod join;
pub mod keywords;
pub mod state;
pub mod token;
