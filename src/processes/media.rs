//! Fetches the files of inbound messages that lie at their provider, and collects what nobody refers to.
//!
//! Nothing is fetched while a callback is taken in: the message stands first, and what came of fetching is an event of
//! its own. Which URLs are fetched at all is the provider's to say; one that leads anywhere else never is.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use tokio::sync::watch;

use crate::accounts::Accounts;
use crate::app::{App, AppError, Caller, UNUSED_FOR};
use crate::domain::message::attachment::NO_ACCOUNT;
use crate::ids::Position;
use crate::ids::{AttachmentId, MessageId};
use crate::processes::every::{Job, JobError};
use crate::providers::MediaError;
use crate::queries::attachments::AttachmentRow;
use crate::queries::{QueryError, Reads, attachments};

/// The name in metrics.
const NAME: &str = "fetch_files";
/// The actor that its events name.
const ACTOR: &str = "process:media";
/// The pause between two runs when nothing happens.
const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// The pause after the read tables moved: a burst of batches is one run.
const SETTLE: Duration = Duration::from_millis(200);
/// The pause between two collections of what nobody refers to.
const COLLECT_INTERVAL: Duration = Duration::from_mins(30);
/// How many files are looked at in one run, and fetched at once.
const ROWS: usize = 500;
const AT_ONCE: usize = 4;
/// How often a file is asked for, and for how long: the first of the two bounds ends it.
const TRIES: u32 = 5;
const TRY_FOR: TimeDelta = TimeDelta::days(2);
/// The pause after the first try; it doubles each time.
const PAUSE: TimeDelta = TimeDelta::seconds(30);

/// Fetches files.
pub struct Media {
    app: App,
    reads: Reads,
    accounts: Accounts,
    applied: watch::Receiver<Position>,
    accounts_changed: watch::Receiver<()>,
    /// Files that could not be had so far: how many times they were asked for, and when next.
    waiting: HashMap<(AttachmentId, MessageId), (u32, DateTime<Utc>)>,
}

/// Why files could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum MediaFailure {
    /// Log or blob store did not answer.
    #[error("the log or the blob store did not respond")]
    App(#[from] AppError),
    /// The read tables did not answer.
    #[error("the read tables did not respond")]
    Query(#[from] QueryError),
}

impl Media {
    /// Over the messages of all tenants.
    #[must_use]
    pub fn new(app: App, reads: Reads, accounts: Accounts) -> Self {
        let applied = reads.applied();
        let accounts_changed = accounts.changed();
        Self { app, reads, accounts, applied, accounts_changed, waiting: HashMap::new() }
    }

    /// Fetches what is due. Returns how many files were fetched or given up.
    pub async fn fetch_due(&mut self) -> Result<usize, MediaFailure> {
        let now = self.app.ambient().now();
        if self.accounts_changed.has_changed().unwrap_or(false) {
            self.accounts_changed.mark_unchanged();
            // Perhaps with the settings that were missing.
            self.waiting.values_mut().for_each(|(_, next)| *next = now);
        }
        let db = self.reads.db();
        let remote = attachments::remote(&db, ROWS).await?;
        self.app.health().set_aside(NAME, remote.set_aside);
        let mut rows = remote.rows;
        // An account that did not exist, or could not be used, when a file was given up may be there now.
        for account in self.accounts.all() {
            let (Some(tenant), name) = (account.terms.tenant, account.name()) else { continue };
            let missed = attachments::missed_for_want_of_account(&db, tenant, &name, ROWS).await?;
            self.app.health().set_aside(NAME, missed.set_aside);
            rows.extend(missed.rows);
        }
        self.waiting.retain(|known, _| rows.iter().any(|row| id(row) == *known));
        let due: Vec<_> = rows
            .into_iter()
            .filter(|row| self.waiting.get(&id(row)).is_none_or(|(_, next)| *next <= now))
            .map(|row| (self.waiting.get(&id(&row)).map_or(0, |(tries, _)| *tries), row))
            .collect();
        let this = &*self;
        let ended: Vec<_> = futures::stream::iter(due)
            .map(|(tries, row)| async move { (id(&row), tries, this.settle(&row, tries, now).await) })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut settled = 0;
        for (id, tries, outcome) in ended {
            let is_settled = outcome.unwrap_or_else(|error| {
                let (attachment_id, _) = id;
                let cause = std::error::Error::source(&error);
                tracing::warn!(%attachment_id, %error, ?cause, "a file is set aside until the next attempt");
                self.app.health().set_aside(NAME, 1);
                false
            });
            if is_settled {
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
        let caller = Caller::new(row.tenant_id, ACTOR);
        let customer_id = row.customer_id;
        let version = row.version.cast_unsigned();
        // A forgotten customer has no files to be fetched.
        let Some(remote) = self.app.remote_file(&caller, customer_id, version).await? else { return Ok(true) };
        let name = row.provider.as_deref().zip(row.account.as_deref());
        let tenant = row.tenant_id;
        let account = name.and_then(|(provider, account)| self.accounts.by_name(tenant, provider, account));
        let fetched = match account {
            Some(account) => account.provider.fetch_media(&remote.url).await,
            None => Err(MediaError::Later(NO_ACCOUNT)),
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

fn id(row: &AttachmentRow) -> (AttachmentId, MessageId) {
    (row.attachment_id, row.message_id)
}

#[async_trait]
impl Job for Media {
    fn name(&self) -> &'static str {
        NAME
    }

    fn interval(&self) -> Duration {
        POLL_INTERVAL
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        self.applied.mark_unchanged();
        Ok(self.fetch_due().await?)
    }

    async fn woken(&mut self) {
        let (applied, accounts) = (self.applied.changed(), self.accounts_changed.changed());
        tokio::select! {
            Ok(()) = applied => {}
            Ok(()) = accounts => self.accounts_changed.mark_changed(),
            else => std::future::pending().await,
        }
        tokio::time::sleep(SETTLE).await;
    }
}

/// Removes uploads that no message refers to.
pub struct CollectFiles(pub App);

#[async_trait]
impl Job for CollectFiles {
    fn name(&self) -> &'static str {
        "collect_files"
    }

    fn interval(&self) -> Duration {
        COLLECT_INTERVAL
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        let before = self.0.ambient().now() - UNUSED_FOR;
        Ok(self.0.collect_files(before).await?)
    }
}
