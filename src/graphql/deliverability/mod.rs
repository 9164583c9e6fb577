//! How messages arrive, by sending domain and provider.

pub mod object;
pub mod query;
