//! Throws away uploaded files that nobody imported, and exports that were kept long enough: they hold personal data in clear.

use std::time::Duration;

use async_trait::async_trait;

use super::every::{Job, JobError};
use crate::exports::Exports;
use crate::imports::Uploads;

/// The job, of a node that takes files and makes exports.
pub struct SweepFiles {
    /// The files that were uploaded to it.
    pub uploads: Uploads,
    /// The exports that it made.
    pub exports: Exports,
}

#[async_trait]
impl Job for SweepFiles {
    fn name(&self) -> &'static str {
        "sweep_files"
    }

    fn interval(&self) -> Duration {
        Duration::from_mins(10)
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        Ok(self.uploads.sweep().await? + self.exports.sweep().await?)
    }
}
