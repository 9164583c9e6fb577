//! Canned replies: texts of the tenant's that agents answer with. Each has a stream of its own, named by its code, so that
//! editing one never waits for another. Revision numbers never restart, not even after a deletion: a message pins one text.
//! The texts hold no customer's data and are therefore not sealed; the messages made from them are.

pub mod decide;
pub mod event;
pub mod render;
pub mod state;

#[cfg(test)]
mod tests;
