//! Fetches the files of inbound messages that lie at their provider, and collects what nobody refers to.
//!
//! Nothing is fetched while a callback is taken in: the message stands first, and what came of fetching is an event of
//! its own. Which URLs are fetched at all is the provider's to say; one that leads anywhere else never is.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::accounts::Accounts;
use crate::app::{App, AppError, Caller, UNUSED_FOR};
use crate::ids::TenantId;
use crate::providers::MediaError;
use crate::queries::attachments::AttachmentRow;
use crate::queries::{QueryError, Reads, attachments};

/// Who acts.
const ACTOR: &str = "process:media";
/// How often it is looked for files when nothing happens.
const LOOK: Duration = Duration::from_secs(10);
/// How long after the read tables moved it is looked for new ones.
const SETTLE: Duration = Duration::from_millis(200);
/// How often it is looked for what nobody refers to.
const COLLECT: Duration = Duration::from_mins(30);
/// How many files are looked at in one look, and fetched at once.
const ROWS: usize = 500;
const AT_ONCE: usize = 4;
/// How often a file is asked for, and for how long: whatever comes first ends it.
const TRIES: u32 = 5;
const TRY_FOR: TimeDelta = TimeDelta::days(2);
/// The pause after the first try; it doubles each time.
const PAUSE: TimeDelta = TimeDelta::seconds(30);

/// The process.
pub struct Media {
    app: App,
    reads: Reads,
    accounts: Accounts,
    /// Files that could not be had so far: how often they were asked for, and when next.
    waiting: HashMap<(uuid::Uuid, uuid::Uuid), (u32, DateTime<Utc>)>,
}

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
pub enum MediaFailure {
    /// Log or blob store did not answer.
    #[error("the log or the blob store did not answer")]
    App(#[from] AppError),
    /// The read tables did not answer.
    #[error("the read tables did not answer")]
    Query(#[from] QueryError),
}

impl Media {
    /// Over the messages of all tenants.
    #[must_use]
    pub fn new(app: App, reads: Reads, accounts: Accounts) -> Self {
        Self { app, reads, accounts, waiting: HashMap::new() }
    }

    /// Looks whenever the read tables move, and every now and then, until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(LOOK);
        let mut collect = tokio::time::interval(COLLECT);
        for interval in [&mut tick, &mut collect] {
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        }
        let mut applied = self.reads.applied();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = tick.tick() => {}
                // A burst of batches is one look.
                Ok(()) = applied.changed() => tokio::time::sleep(SETTLE).await,
                _ = collect.tick() => {
                    let before = self.app.ambient().now() - UNUSED_FOR;
                    if let Err(error) = self.app.collect_files(before).await {
                        tracing::warn!(%error, cause = ?std::error::Error::source(&error), "files could not be collected");
                    }
                    continue;
                }
            }
            if let Err(error) = self.look().await {
                tracing::warn!(%error, cause = ?std::error::Error::source(&error), "files at providers could not be looked at");
            }
        }
    }

    /// Looks once; how many files were fetched or given up.
    pub async fn look(&mut self) -> Result<usize, MediaFailure> {
        let now = self.app.ambient().now();
        let rows = attachments::remote(&self.reads.db(), ROWS).await?;
        self.waiting.retain(|known, _| rows.iter().any(|row| id(row) == *known));
        let due: Vec<_> = rows
            .into_iter()
            .filter(|row| self.waiting.get(&id(row)).is_none_or(|(_, next)| *next <= now))
            .map(|row| (self.waiting.get(&id(&row)).map_or(0, |(tries, _)| *tries), row))
            .collect();
        let this = &*self;
        let mut ended: Vec<_> = futures::stream::iter(due)
            .map(|(tries, row)| async move { (id(&row), tries, this.settle(&row, tries, now).await) })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut settled = 0;
        for (id, tries, outcome) in ended.drain(..) {
            if outcome? {
                settled += 1;
                // Until the read tables show it.
                self.waiting.insert(id, (0, now + PAUSE));
            } else {
                self.waiting.insert(id, (tries + 1, now + PAUSE * (1 << tries.min(10))));
            }
        }
        Ok(settled)
    }

    /// Fetches one file; false if it is to be tried again.
    async fn settle(&self, row: &AttachmentRow, tries: u32, now: DateTime<Utc>) -> Result<bool, MediaFailure> {
        let caller = Caller::new(TenantId(row.tenant_id), ACTOR);
        let customer_id = row.customer_id.into();
        let version = row.version.cast_unsigned();
        // Whoever was forgotten has no files to be fetched any more.
        let Some(remote) = self.app.remote_file(&caller, customer_id, version).await? else { return Ok(true) };
        let name = row.provider.as_deref().zip(row.account.as_deref());
        let tenant = TenantId(row.tenant_id);
        let account = name.and_then(|(provider, account)| self.accounts.by_name(tenant, provider, account));
        let fetched = match account {
            Some(account) => account.provider.fetch_media(&remote.url).await,
            None => Err(MediaError::Later("no_account")),
        };
        let reason = match fetched {
            Ok(content) => {
                self.app.file_fetched(&caller, customer_id, remote, &content).await?;
                return Ok(true);
            }
            Err(MediaError::Never(reason)) => reason,
            Err(MediaError::Later(reason)) if tries + 1 >= TRIES || row.noted_at + TRY_FOR < now => reason,
            Err(MediaError::Later(_)) => return Ok(false),
        };
        tracing::info!(attachment_id = %remote.attachment_id, reason, "a file is not fetched");
        self.app.file_missed(&caller, customer_id, remote, reason).await?;
        Ok(true)
    }
}

fn id(row: &AttachmentRow) -> (uuid::Uuid, uuid::Uuid) {
    (row.attachment_id, row.message_id)
}
