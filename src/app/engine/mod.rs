//! What every use case runs on: loading, deciding and appending with retries; cached states; what is to be done about
//! what was appended.

pub(super) mod aggregate;
mod appending;
pub(super) mod deciding;
pub(super) mod error;
pub(super) mod feed;
pub(super) mod policies;
pub(super) mod share;
pub(super) mod states;
mod traced;
mod warming;

#[cfg(test)]
mod folds;
