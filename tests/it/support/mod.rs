//! What the integration tests share.

pub(crate) mod app;
pub(crate) mod doubles;
pub(crate) mod postgres;
