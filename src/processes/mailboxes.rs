//! Looks into the mailboxes of accounts that nobody calls back: bounces and replies are taken in as if they had been posted.
//!
//! Each mailbox is looked into by a task of its own, so that a server that hangs keeps no other waiting. A mail is marked
//! once the log has it; what was not marked comes again, and the log refuses what it has.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio_util::task::AbortOnDropHandle;

use crate::accounts::{Account, Accounts};
use crate::app::Health;
use crate::intake::{Intake, IntakeError};
use crate::processes::every::{Job, JobError, chain};
use crate::providers::{Mailbox, MailboxError};

/// The name in metrics and of the remark.
pub(super) const NAME: &str = "mailboxes";
/// How often it is looked which mailbox is due.
const TICK: Duration = Duration::from_secs(1);
/// The longest pause after failures: servers lock out who fails too often.
const LONGEST_PAUSE: Duration = Duration::from_mins(30);

/// Looks into mailboxes.
pub struct Mailboxes {
    health: Health,
    intake: Intake,
    accounts: Accounts,
    known: HashMap<(String, String), Watched>,
}

/// Why a mailbox was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// Its server.
    #[error("a mailbox could not be read")]
    Mailbox(#[from] MailboxError),
    /// The log did not take a mail: it stays where it is, and comes again.
    #[error("a mail could not be stored")]
    Intake(#[from] IntakeError),
}

type Look = AbortOnDropHandle<Result<usize, LookError>>;

/// A mailbox, and when it is due.
struct Watched {
    look: Option<Look>,
    next: Instant,
    failures: u32,
}

impl Mailboxes {
    /// Over the accounts of all tenants.
    #[must_use]
    pub fn new(health: Health, intake: Intake, accounts: Accounts) -> Self {
        Self { health, intake, accounts, known: HashMap::new() }
    }

    /// Begins what is due, and hears of what has ended. Returns how many mails were taken in.
    async fn turn(&mut self, now: Instant) -> usize {
        let accounts = self.accounts.all();
        let with_mailbox: Vec<_> = accounts
            .into_iter()
            .filter_map(|account| Some((name(&account), account.provider.mailbox()?, account)))
            .collect();
        // Looking into the mailbox of an account that is gone ends.
        self.known.retain(|known, _| with_mailbox.iter().any(|(name, ..)| name == known));
        let mut done = 0;
        for (name, mailbox, account) in with_mailbox {
            let watched = self.known.entry(name).or_insert(Watched { look: None, next: now, failures: 0 });
            done += watched.settle(&account, mailbox.pause(), now).await;
            if watched.look.is_none() && watched.next <= now {
                let look = look(self.intake.clone(), account, mailbox);
                watched.look = Some(AbortOnDropHandle::new(tokio::spawn(look)));
            }
        }
        let failing = self.known.values().filter(|watched| watched.failures > 0).count();
        let remark =
            (failing > 0).then(|| format!("{failing} mailboxes cannot be read: bounces and replies wait in them"));
        self.health.remark(NAME, remark);
        done
    }
}

impl Watched {
    /// Hears of a look that has ended: how many mails it brought.
    async fn settle(&mut self, account: &Account, pause: Duration, now: Instant) -> usize {
        let Some(look) = self.look.take_if(|look| look.is_finished()) else { return 0 };
        let (provider, path) = account.webhook_path();
        match look.await {
            Ok(Ok(count)) => {
                (self.failures, self.next) = (0, now + pause);
                return count;
            }
            Ok(Err(error)) => {
                let error = chain(&error);
                tracing::warn!(provider, path, error, "a mailbox is looked into again later");
            }
            Err(error) => tracing::error!(provider, path, %error, "looking into a mailbox ended unexpectedly"),
        }
        self.failures = self.failures.saturating_add(1);
        self.next = now + (pause * (1 << self.failures.min(10))).min(LONGEST_PAUSE.max(pause));
        0
    }
}

fn name(account: &Account) -> (String, String) {
    let (provider, path) = account.webhook_path();
    (provider.to_owned(), path.to_owned())
}

/// Takes in all that a mailbox holds, mail by mail.
async fn look(intake: Intake, account: Arc<Account>, mailbox: Arc<dyn Mailbox>) -> Result<usize, LookError> {
    let mut open = mailbox.open().await?;
    let mut count = 0;
    while let Some(mail) = open.next().await? {
        intake.take_mail(&account, mail).await?;
        open.taken().await?;
        count += 1;
    }
    open.close().await;
    Ok(count)
}

#[async_trait]
impl Job for Mailboxes {
    fn name(&self) -> &'static str {
        NAME
    }

    fn interval(&self) -> Duration {
        TICK
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        Ok(self.turn(Instant::now()).await)
    }
}
