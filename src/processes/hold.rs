//! Restoring a backup must not send again what was sent after it was made: a dispatcher that finds signs of a restored or
//! copied log waits until an operator has confirmed it (`commlog confirm-dispatch`), which starts a new epoch.
//!
//! The log is recognised by its content: the key store has marked an event that it must contain (`log::mark`). A log
//! without that event holds everything; so does one in another place, unless the mark proves it, and one that was loaded
//! out of another log or a backup. Messages that have been due for long hold only those of their own tenant: they are the
//! only sign of a machine that was set back as a whole, but one tenant's message that no account serves must not keep the
//! others' from being sent.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::accounts::{Account, AccountSource};
use crate::app::{App, AppError, DispatchSignal, Ticket};
use crate::ids::{Position, TenantId};
use crate::log::keys::KeyStoreError;
use crate::log::mark::{LogStanding, MarkError};
use crate::processes::backlog::Waiting;
use crate::processes::lease::Tenure;

/// A send that has been due for longer says that the log stood still, or was set back.
pub(super) const OVERDUE: TimeDelta = TimeDelta::hours(1);

/// Polling interval: whether the log still is the marked one, and whether an operator has confirmed it.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How often a mark is tried, with pauses from 100 ms that double: 13 seconds together.
const MARK_ATTEMPTS: u32 = 8;

/// The part that reports a hold.
pub(super) const PART: &str = "dispatch";

/// What is not dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// Everything: the log lacks the marked event at this position. It was restored from a backup, cut short or replaced.
    Restored(Position),
    /// Everything: log and key store stand in another place than where the epoch was started, or the log was loaded.
    Copied,
    /// Messages of these tenants, of which so many have been due for more than an hour, and since before any operator's
    /// confirmation.
    Overdue(BTreeMap<TenantId, usize>),
}

/// Whether a log with this backlog looks like a restored or copied one, to all or to some tenants.
pub async fn signs_of_restore(app: &App, backlog: &[Waiting]) -> Result<Option<Hold>, AppError> {
    let is_proved = match app.standing().await? {
        LogStanding::Missing(mark) => return Ok(Some(Hold::Restored(mark.position))),
        LogStanding::Contained { is_at_home } => is_at_home,
        LogStanding::Unmarked => false,
    };
    let epoch = app.epoch().await?;
    if epoch.is_loaded || epoch.is_copy && !is_proved {
        return Ok(Some(Hold::Copied));
    }
    // Age counts even then: a machine that was set back as a whole has the old mark with the old log.
    let now = app.ambient().now();
    let mut overdue = BTreeMap::new();
    for waiting in backlog
        .iter()
        .filter(|waiting| is_overdue(waiting, now) && due(waiting).is_some_and(|due| due > epoch.started_at))
    {
        *overdue.entry(waiting.tenant).or_default() += 1;
    }
    Ok((!overdue.is_empty()).then_some(Hold::Overdue(overdue)))
}

/// Whether a message should have gone out more than an hour ago.
pub(super) fn is_overdue(waiting: &Waiting, now: DateTime<Utc>) -> bool {
    due(waiting).is_some_and(|due| due < now - OVERDUE)
}

/// When a message should have gone out at the latest.
pub(super) fn due(waiting: &Waiting) -> Option<DateTime<Utc>> {
    match waiting.stage {
        DispatchSignal::Ready => waiting.since,
        DispatchSignal::Due(at) => Some(at),
        DispatchSignal::Dispatching | DispatchSignal::Settled => None,
    }
}

/// Says until `shutdown` whether the log may send, where the dispatchers run on other nodes: campaigns heed it.
pub async fn watch(app: App, shutdown: CancellationToken) {
    while wait_until_confirmed(&app, &[], &shutdown).await.is_some() {
        // A look that finds nothing held does not notice the shutdown.
        if shutdown.run_until_cancelled(tokio::time::sleep(POLL_INTERVAL)).await.is_none() {
            return;
        }
    }
}

/// Returns the tenants whose messages still wait for a confirmation once others may be dispatched, with the number of their
/// overdue messages; [`None`] if `shutdown` came while everything was held.
pub async fn wait_until_confirmed(
    app: &App,
    backlog: &[Waiting],
    shutdown: &CancellationToken,
) -> Option<BTreeMap<TenantId, usize>> {
    let mut is_reported = false;
    loop {
        match signs_of_restore(app, backlog).await {
            Ok(Some(hold @ (Hold::Copied | Hold::Restored(_)))) => {
                if !is_reported {
                    tracing::warn!(
                        ?hold,
                        "nothing is sent, because messages may have been sent that this log does not know of: it was \
                         restored, replaced or copied. If no other server sends from it or from its original, \
                         `commlog confirm-dispatch` lets this one send"
                    );
                }
                is_reported = true;
                app.set_held(true);
                app.health()
                    .fails(PART, "nothing is sent: the log was restored or copied (see `commlog confirm-dispatch`)");
            }
            Ok(hold) => {
                if is_reported {
                    tracing::info!("an operator confirmed the log: messages are sent");
                }
                app.set_held(false);
                app.health().works(PART);
                let Some(Hold::Overdue(tenants)) = hold else { return Some(BTreeMap::new()) };
                report(&tenants);
                app.health().hold_tenants(tenants.len());
                return Some(tenants);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot yet tell whether messages may be sent");
                app.health().fails(PART, "nothing is sent: the log does not respond");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return None,
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
    }
}

fn report(tenants: &BTreeMap<TenantId, usize>) {
    for (tenant, overdue) in tenants {
        tracing::warn!(
            %tenant, overdue,
            "this tenant's messages are not sent: some have been due for more than an hour, so the log may be a restored \
             one. If no other copy sent them, `commlog confirm-dispatch` lets them go out"
        );
    }
}

/// Completes once an operator has confirmed the log after `backlog` was gathered.
pub(super) async fn confirmed(app: &App, backlog: &[Waiting]) {
    loop {
        match signs_of_restore(app, backlog).await {
            Ok(None) => break,
            Ok(Some(_)) => {}
            Err(error) => tracing::warn!(%error, "cannot yet tell whether held messages may be sent"),
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    tracing::info!("an operator confirmed the log: held messages are sent");
    app.health().hold_tenants(0);
}

/// Marks a dispatch before its provider is called; false if nothing may be called, as when another node sends by now. Simulated
/// messages reach nobody, and need no mark.
pub(super) async fn permit(app: &App, account: &Account, ticket: &Ticket, tenure: &Tenure) -> bool {
    if account.terms.source == AccountSource::Simulator {
        return true;
    }
    let message_id = ticket.attempt.key.message_id;
    let mut pause = Duration::from_millis(100);
    for _ in 1..MARK_ATTEMPTS {
        match app.mark_dispatch(ticket, tenure.term()).await {
            Ok(()) => return true,
            Err(MarkError::Missing(position)) => {
                tracing::error!(%message_id, %position, "a message is not sent: the log was restored or replaced");
                app.set_held(true);
                return false;
            }
            Err(MarkError::Keys(error @ KeyStoreError::Fenced { .. })) => {
                tracing::warn!(%message_id, %error, "a message is left to the node that sends now");
                return false;
            }
            Err(error @ (MarkError::Log(_) | MarkError::Keys(_))) => {
                tracing::warn!(%message_id, %error, "a message waits: its dispatch cannot be marked in the key store");
            }
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    app.mark_dispatch(ticket, tenure.term()).await.is_ok()
}
