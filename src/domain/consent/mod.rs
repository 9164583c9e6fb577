//! Consent per channel and topic, with its evidence; suppression of addresses.

pub mod choice;
pub mod decide;
pub mod event;
pub mod join;
pub mod keywords;
pub mod reach;
pub mod state;
pub mod token;
pub mod words;
