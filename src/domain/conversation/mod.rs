//! Conversations: open, pending, snoozed or resolved, with priority and assignee.

pub mod decide;
pub mod event;
pub mod state;

#[cfg(test)]
mod tests;
