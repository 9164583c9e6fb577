//! What time does to conversations: the snoozed ones open again, the idle ones resolve themselves.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::app::{App, AppError, Caller};
use crate::processes::every::{Job, JobError};
use crate::queries::conversations::ConversationRow;
use crate::queries::{QueryError, Reads, conversations, tenants};

/// The actor that its events name.
const ACTOR: &str = "process:timers";
/// The pause between two runs: nobody minds a conversation that comes back so much later.
const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// How many conversations are moved in one run.
const AT_ONCE: usize = 1_000;

/// The process.
pub struct Timers {
    app: App,
    reads: Reads,
}

/// Why conversations could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum TimerError {
    /// The log did not answer.
    #[error("the log did not respond")]
    App(#[from] AppError),
    /// The read tables did not answer.
    #[error("the read tables did not respond")]
    Query(#[from] QueryError),
}

impl Timers {
    /// Over the conversations of all tenants.
    #[must_use]
    pub fn new(app: App, reads: Reads) -> Self {
        Self { app, reads }
    }

    /// Moves what is due. Returns how many conversations moved.
    pub async fn move_due(&self) -> Result<usize, TimerError> {
        let (db, now) = (self.reads.db(), self.app.ambient().now());
        let mut moved = self.elapse(conversations::due(&db, now, AT_ONCE).await?).await?;
        for tenant in tenants::list(&db).await? {
            let tenant = tenant.tenant_id;
            let minutes = self.app.policy(tenant).await?.auto_resolve_minutes;
            if minutes > 0 {
                let since = now - TimeDelta::minutes(i64::from(minutes));
                moved += self.elapse(conversations::idle(&db, tenant, since, AT_ONCE).await?).await?;
            }
        }
        Ok(moved)
    }

    /// The log has the last word: the read tables may not show yet that a conversation moved.
    async fn elapse(&self, rows: Vec<ConversationRow>) -> Result<usize, TimerError> {
        let mut moved = 0;
        for row in rows {
            let caller = Caller::new(row.tenant_id, ACTOR);
            let elapsed = self.app.elapse_conversation(&caller, row.customer_id, row.conversation_id).await?;
            moved += usize::from(elapsed);
        }
        Ok(moved)
    }
}

#[async_trait]
impl Job for Timers {
    fn name(&self) -> &'static str {
        "timers"
    }

    fn interval(&self) -> Duration {
        POLL_INTERVAL
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        Ok(self.move_due().await?)
    }
}
