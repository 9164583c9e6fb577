//! Campaigns: planned, started, and what they achieved.

pub mod achieved;
pub mod budget;
pub mod dry_run;
pub mod effects;
pub mod experiment;
pub mod metrics;
pub mod mutation;
pub mod object;
pub mod plan;
pub mod query;
pub mod subscription;
