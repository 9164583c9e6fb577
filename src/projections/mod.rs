//! Read models: SQL files (`projections/*.sql`) that turn the log into tables, and the engine that runs them.
//!
//! Nothing else writes a read table. [`source`] says what a file may contain and lists the macros.

mod error;
pub mod registry;
mod scratch;
pub mod source;
mod staging;
mod store;
mod tables;
pub mod views;

pub use error::ProjectionError;
pub use registry::{Registry, RegistryError};
pub use scratch::Scratch;
pub use store::{
    AsOf, Difference, Generation, Hindrance, Limits, ProjectionStatus, ReadStore, Survey, SurveyedGeneration,
    TableComparison, WaitError,
};
pub use tables::{Parked, ParkedStream};
