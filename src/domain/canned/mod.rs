//! Canned replies: texts of the tenant's that agents answer with. Each has a stream of its own, named by its code, so that
//! editing one never waits for another.

pub mod decide;
pub mod event;
pub mod render;
pub mod state;

#[cfg(test)]
mod tests;
