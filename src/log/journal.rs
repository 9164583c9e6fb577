//! Placeholder
pub struct Journal;
