//! Imports: batches of facts from files, which can be undone.

pub mod decide;
pub mod event;
pub mod owner;
pub mod recorded;
pub mod results;
pub mod rows;
pub mod state;
pub mod undo;

#[cfg(test)]
mod tests;
