//! Throws away uploaded files that nobody imported: they hold personal data in clear.

use std::time::Duration;

use async_trait::async_trait;

use super::every::{Job, JobError};
use crate::imports::Uploads;

/// The job, of a node that takes files.
pub struct SweepUploads(Uploads);

impl SweepUploads {
    /// Over the files of this node.
    #[must_use]
    pub const fn new(uploads: Uploads) -> Self {
        Self(uploads)
    }
}

#[async_trait]
impl Job for SweepUploads {
    fn name(&self) -> &'static str {
        "sweep_uploads"
    }

    fn interval(&self) -> Duration {
        Duration::from_mins(10)
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        Ok(self.0.sweep().await?)
    }
}
