//! Lists of customers: static ones that colleagues keep, and smart ones whose members meet criteria.
//!
//! Who meets the criteria is found by a process, for it depends on other customers' streams and on the time; the list's
//! stream has its outcome: who entered and left. The members therefore follow from the log alone, and a rebuild evaluates
//! nothing.

pub mod criteria;
pub mod decide;
pub mod event;
pub mod state;

#[cfg(test)]
mod tests;
