//! Callbacks that could not be recorded as what they are: kept as they came, until they can be.

pub mod event;
pub mod state;
