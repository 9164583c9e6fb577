//! Signs checkpoints while the log grows, reports a log that lacks what the last one covers, and posts them to where the
//! operators of the database cannot write.

use std::future::pending;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use url::Url;

use crate::app::App;
use crate::ids::Position;
use crate::log::chain::VerifyError;
use crate::log::checkpoint::CheckpointError;
use crate::log::keeper::Keeper;
use crate::processes::every::{Job, JobError, chain};
use crate::providers::kit::client::HttpClient;

/// So many events are signed before the interval has passed.
const EVENTS: u64 = 10_000;

/// How often a checkpoint is signed at least, and the longest pause before one that was not posted is tried again.
const INTERVAL: Duration = Duration::from_secs(60);

/// The shortest pause between two posts: a busy log is signed more often.
const POST_PAUSE: Duration = Duration::from_secs(10);

/// The part that reports.
pub(super) const PART: &str = "checkpoints";

/// The part that reports what does not keep the node from being ready.
pub(super) const POST_PART: &str = "checkpoint_url";

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
        INTERVAL
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        match self.keeper.advance().await {
            Ok(signed) => {
                self.app.health().works(PART);
                self.signed = signed.as_ref().map_or(self.signed, |checkpoint| checkpoint.position);
                Ok(usize::from(signed.is_some()))
            }
            Err(error) => {
                if is_about_the_log(&error) {
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

/// Whether a checkpoint was not signed because of what the log holds, and not because it did not respond.
fn is_about_the_log(error: &CheckpointError) -> bool {
    match error {
        CheckpointError::Forged
        | CheckpointError::Shortened { .. }
        | CheckpointError::Rewritten { .. }
        | CheckpointError::Other { .. }
        | CheckpointError::Changed { .. }
        | CheckpointError::Verify(VerifyError::Broken(_) | VerifyError::Incomplete(_)) => true,
        CheckpointError::Verify(VerifyError::Log(_)) => false,
    }
}

/// Posts the last checkpoint wherever the operators want it, until that succeeds or a newer one takes its place.
pub struct PostCheckpoints {
    /// Where it is kept.
    pub keeper: Keeper,
    /// How calls are made.
    pub client: HttpClient,
    /// Where it goes.
    pub url: Url,
    /// Where failures are reported.
    pub app: App,
    /// Each position that was signed.
    pub signed: watch::Receiver<Position>,
    /// The signature of the one that was posted last.
    pub posted: Option<[u8; 32]>,
    /// Failures in a row.
    pub failures: u32,
}

#[async_trait]
impl Job for PostCheckpoints {
    fn name(&self) -> &'static str {
        "post_checkpoints"
    }

    fn interval(&self) -> Duration {
        match self.failures {
            0 => INTERVAL,
            failures => Duration::from_secs(1 << failures.min(6)).min(INTERVAL),
        }
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        let Some(checkpoint) = self.keeper.last().await? else { return Ok(0) };
        if self.posted == Some(checkpoint.signature) {
            return Ok(0);
        }
        match self.client.post_json(self.url.clone(), checkpoint.to_string()).await {
            Ok(()) => {
                self.app.health().remark(POST_PART, None);
                self.failures = 0;
                self.posted = Some(checkpoint.signature);
                Ok(1)
            }
            Err(error) => {
                let why = format!("the last checkpoint was not posted to checkpoint_url: {}", chain(&error));
                self.app.health().remark(POST_PART, Some(why));
                self.failures = self.failures.saturating_add(1);
                Err(error.into())
            }
        }
    }

    async fn woken(&mut self) {
        if self.posted.is_some() {
            tokio::time::sleep(POST_PAUSE).await;
        }
        if self.signed.changed().await.is_err() {
            pending().await
        }
    }
}
