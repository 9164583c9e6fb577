//! What time does to conversations: the snoozed ones open again, the idle ones resolve themselves.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::app::{App, AppError, Caller};
use crate::ids::TenantId;
use crate::processes::every::{Job, JobError};
use crate::queries::conversations::ConversationRow;
use crate::queries::{Db, QueryError, Readable, Reads, conversations, tenants};

/// The name in metrics.
const NAME: &str = "timers";
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
        let mut moved = self.elapse(conversations::due(&db, now, AT_ONCE).await?).await;
        for tenant in tenants::list(&db).await? {
            match self.resolve_idle(&db, tenant.tenant_id, now).await {
                Ok(resolved) => moved += resolved,
                Err(error) => {
                    let cause = std::error::Error::source(&error);
                    tracing::warn!(tenant = %tenant.tenant_id, %error, ?cause, "a tenant's timers are set aside");
                    self.app.health().set_aside(NAME, 1);
                }
            }
        }
        Ok(moved)
    }

    async fn resolve_idle(&self, db: &Db, tenant: TenantId, now: DateTime<Utc>) -> Result<usize, TimerError> {
        let minutes = self.app.policy(tenant).await?.auto_resolve_minutes;
        if minutes == 0 {
            return Ok(0);
        }
        let since = now - TimeDelta::minutes(i64::from(minutes));
        Ok(self.elapse(conversations::idle(db, tenant, since, AT_ONCE).await?).await)
    }

    /// The log has the last word: the read tables may not show yet that a conversation moved. One that cannot be moved
    /// does not keep the others.
    async fn elapse(&self, found: Readable<ConversationRow>) -> usize {
        let (mut moved, mut set_aside) = (0, found.set_aside);
        for row in found.rows {
            let caller = Caller::new(row.tenant_id, ACTOR);
            match self.app.elapse_conversation(&caller, row.customer_id, row.conversation_id).await {
                Ok(elapsed) => moved += usize::from(elapsed),
                Err(error) => {
                    let cause = std::error::Error::source(&error);
                    tracing::warn!(conversation_id = %row.conversation_id, %error, ?cause, "a conversation is set aside");
                    set_aside += 1;
                }
            }
        }
        self.app.health().set_aside(NAME, set_aside);
        moved
    }
}

#[async_trait]
impl Job for Timers {
    fn name(&self) -> &'static str {
        NAME
    }

    fn interval(&self) -> Duration {
        POLL_INTERVAL
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        Ok(self.move_due().await?)
    }
}
