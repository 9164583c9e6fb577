//! What time does to conversations: the snoozed ones open again, the idle ones resolve themselves.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::app::{App, AppError, Caller};
use crate::ids::TenantId;
use crate::queries::conversations::ConversationRow;
use crate::queries::{QueryError, Reads, conversations, tenants};

/// Who acts.
const ACTOR: &str = "process:timers";
/// How often it is looked: nobody minds a conversation that comes back so much later.
const LOOK: Duration = Duration::from_secs(10);
/// How many conversations are moved in one look.
const AT_ONCE: usize = 1_000;

/// The process.
pub struct Timers {
    app: App,
    reads: Reads,
}

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
pub enum TimerError {
    /// The log did not answer.
    #[error("the log did not answer")]
    App(#[from] AppError),
    /// The read tables did not answer.
    #[error("the read tables did not answer")]
    Query(#[from] QueryError),
}

impl Timers {
    /// Over the conversations of all tenants.
    #[must_use]
    pub fn new(app: App, reads: Reads) -> Self {
        Self { app, reads }
    }

    /// Looks every now and then until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = tick.tick() => {}
            }
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "timers of conversations could not be looked at");
            }
        }
    }

    /// Looks once; how many conversations moved.
    pub async fn look(&self) -> Result<usize, TimerError> {
        let (db, now) = (self.reads.db(), self.app.ambient().now());
        let mut moved = self.elapse(conversations::due(&db, now, AT_ONCE).await?).await?;
        for tenant in tenants::list(&db).await? {
            let tenant = TenantId(tenant.tenant_id);
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
            let caller = Caller::new(TenantId(row.tenant_id), ACTOR);
            let elapsed =
                self.app.elapse_conversation(&caller, row.customer_id.into(), row.conversation_id.into()).await?;
            moved += usize::from(elapsed);
        }
        Ok(moved)
    }
}
