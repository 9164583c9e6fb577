//! Signs checkpoints while the log grows, and reports a log that lacks what the last one covers.

use std::future::pending;
use std::time::Duration;

use async_trait::async_trait;

use crate::app::App;
use crate::ids::Position;
use crate::log::checkpoint::CheckpointError;
use crate::log::keeper::Keeper;
use crate::processes::every::{Job, JobError};

/// So many events are signed before the interval has passed.
const EVENTS: u64 = 10_000;

/// The part that reports.
const PART: &str = "checkpoints";

/// Signs at intervals, and when many events have come.
pub struct SignCheckpoints {
    /// What signs.
    pub keeper: Keeper,
    /// Where a log that lost events is reported.
    pub app: App,
    /// The end that was signed last.
    pub signed: Position,
}

#[async_trait]
impl Job for SignCheckpoints {
    fn name(&self) -> &'static str {
        "sign_checkpoints"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        match self.keeper.advance().await {
            Ok(signed) => {
                self.app.health().works(PART);
                self.signed = signed.as_ref().map_or(self.signed, |checkpoint| checkpoint.position);
                Ok(usize::from(signed.is_some()))
            }
            Err(error) => {
                if let CheckpointError::Shortened { .. } | CheckpointError::Rewritten { .. } | CheckpointError::Forged =
                    error
                {
                    let why =
                        format!("{error} (see `commlog verify`; `commlog confirm-dispatch` accepts a restored log)");
                    self.app.health().fails(PART, why);
                }
                Err(error.into())
            }
        }
    }

    async fn woken(&mut self) {
        let until = self.signed.counter().saturating_add(EVENTS);
        if self.keeper.watch().wait_for(|end| end.counter() >= until).await.is_err() {
            pending().await
        }
    }
}
