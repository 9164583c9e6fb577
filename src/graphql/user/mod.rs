//! Users whom API keys act for.

pub mod mutation;
