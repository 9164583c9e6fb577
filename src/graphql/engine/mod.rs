//! What every noun of the API stands on: how requests are admitted, executed and answered, and the types that their
//! fields share.

pub mod api;
pub mod completion;
pub mod connection;
pub mod document;
pub mod failure;
pub mod flat;
pub mod gateway;
pub mod guard;
pub mod id;
pub mod keys;
pub mod limits;
pub mod live;
pub mod loaders;
pub mod metrics;
pub mod money;
pub mod patch;
pub mod payload;
pub mod positions;
pub mod principal;
pub mod reading;
pub mod reports;
pub mod resume;
pub mod scalar;
pub mod validation;
pub mod words;
