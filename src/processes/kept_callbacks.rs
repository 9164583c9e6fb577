//! Callbacks that were kept: looked at again until their message is known, given up in the end.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::clock::Ambient;
use crate::intake::Intake;
use crate::processes::every::{Job, JobError};

/// For how long it is tried to find the message of a report.
const TRY_FOR: TimeDelta = TimeDelta::days(3);
/// When what nobody understands is given up: long enough for a better parser, and not for ever, since the person it is
/// about cannot be found when they ask to be forgotten.
const EXPIRES_AFTER: TimeDelta = TimeDelta::days(90);

/// Looks for the messages of reports that were kept, and has newer parsers look at everything that was kept.
pub struct RetryKept {
    /// What took them in.
    pub intake: Intake,
    /// The clock.
    pub ambient: Ambient,
}

#[async_trait]
impl Job for RetryKept {
    fn name(&self) -> &'static str {
        "retry_kept_callbacks"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(30)
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        let reviewed = self.intake.review_kept().await?;
        Ok(reviewed + self.intake.retry_kept(self.ambient.now() - TRY_FOR).await?)
    }
}

/// Gives up callbacks that nobody could make sense of.
pub struct ExpireKept {
    /// What took them in.
    pub intake: Intake,
    /// The clock.
    pub ambient: Ambient,
}

#[async_trait]
impl Job for ExpireKept {
    fn name(&self) -> &'static str {
        "expire_kept_callbacks"
    }

    fn interval(&self) -> Duration {
        Duration::from_mins(10)
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        Ok(self.intake.expire(self.ambient.now() - EXPIRES_AFTER).await?)
    }
}
