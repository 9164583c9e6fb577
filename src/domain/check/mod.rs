//! Checks of addresses at services that are paid for them: how many a service made in a day.

pub mod decide;
pub mod event;
pub mod state;
