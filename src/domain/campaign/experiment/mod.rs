//! Experiments of campaigns: who gets which variant, and which variant is the better one.
//!
//! Everything here is a pure function of its arguments. People are assigned by a hash, so no list of assignments is kept
//! and nobody changes sides. Counts come from the log; what is estimated or decided follows from them alone.

pub mod decide;
pub mod level;
pub mod means;
pub mod proportions;
pub mod shares;

mod normal;

#[cfg(test)]
mod tests;
