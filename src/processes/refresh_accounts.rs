//! Follows what other nodes change about provider accounts.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;

use crate::accounts::AccountRegistry;
use crate::processes::every::{Job, JobError};

/// Reads which accounts changed.
pub struct RefreshAccounts(pub AccountRegistry);

#[async_trait]
impl Job for RefreshAccounts {
    fn name(&self) -> &'static str {
        "refresh_accounts"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        self.0.refresh_changed(BTreeSet::new()).await?;
        Ok(0)
    }
}
