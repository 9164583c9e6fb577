//! Imports.

pub mod input;
pub mod mutation;
pub mod object;
pub mod preview;
pub mod query;
pub mod run;
pub mod subscription;
