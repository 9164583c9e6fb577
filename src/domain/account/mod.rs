//! Providers' accounts that administrators configure, and what operators say about accounts that files configure.
//!
//! All of a tenant's accounts share one stream of their own, so that names are unique and a reader has one place to
//! look. Secrets are not in it: events name them by the ids under which the key store keeps them.

pub mod decide;
pub mod event;
pub mod state;

#[cfg(test)]
mod tests;
