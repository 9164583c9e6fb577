//! Consent, and the pages on which customers give or withdraw it.

pub mod mutation;
pub mod object;
pub mod query;
