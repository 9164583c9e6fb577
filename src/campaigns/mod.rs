//! Campaigns over log and read tables: whom they go to, what they need to start, and what they would do.

pub mod attribution;
pub mod audience;
pub mod back_test;
pub mod business;
pub mod dry_run;
pub mod effects;
pub mod rates;
pub mod recipients;
pub mod service;
pub mod spending;

use crate::app::AppError;
use crate::queries::{QueryError, WaitError};

/// Why a campaign could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// The log did not answer.
    #[error("the log did not respond")]
    App(#[from] AppError),
    /// The read tables did not answer.
    #[error("the read tables did not respond")]
    Query(#[from] QueryError),
    /// The read tables do not show yet what was recorded.
    #[error("the read tables lag")]
    Wait(#[from] WaitError),
}
