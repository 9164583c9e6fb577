//! Restoring a backup must not send again what was sent after it was made: a dispatcher that finds signs of a restored or
//! copied log waits until an operator has confirmed it (`commlog confirm-dispatch`), which starts a new epoch.
//!
//! A log in another place holds everything. Messages that have been due for long hold only those of their own tenant: one
//! tenant's message that no account serves must not keep the others' from being sent.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::app::{App, AppError, DispatchSignal};
use crate::ids::TenantId;
use crate::processes::backlog::Waiting;

/// A send that has been due for longer says that the log stood still, or was set back.
const OVERDUE: TimeDelta = TimeDelta::hours(1);

/// Polling whether an operator has confirmed the log.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The part that reports a hold.
const PART: &str = "dispatch";

/// What is not dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// Nothing: the log stands in another place than where its epoch was started.
    Copied,
    /// Messages of these tenants, of which so many have been due for more than an hour, and since before any operator's
    /// confirmation.
    Overdue(BTreeMap<TenantId, usize>),
}

/// Whether a log with this backlog looks like a restored or copied one, to all or to some tenants.
pub async fn signs_of_restore(app: &App, backlog: &[Waiting]) -> Result<Option<Hold>, AppError> {
    let epoch = app.epoch().await?;
    if epoch.is_copy {
        return Ok(Some(Hold::Copied));
    }
    let limit = app.ambient().now() - OVERDUE;
    let mut overdue = BTreeMap::new();
    for waiting in
        backlog.iter().filter(|waiting| due(waiting).is_some_and(|due| due < limit && due > epoch.started_at))
    {
        *overdue.entry(waiting.tenant).or_default() += 1;
    }
    Ok((!overdue.is_empty()).then_some(Hold::Overdue(overdue)))
}

/// When a message should have gone out at the latest.
fn due(waiting: &Waiting) -> Option<DateTime<Utc>> {
    match waiting.stage {
        DispatchSignal::Ready => waiting.since,
        DispatchSignal::Due(at) => Some(at),
        DispatchSignal::Dispatching | DispatchSignal::Settled => None,
    }
}

/// Returns the tenants whose messages still wait for a confirmation once others may be dispatched, with the number of their
/// overdue messages; [`None`] if `shutdown` came first.
pub async fn wait_until_confirmed(
    app: &App,
    backlog: &[Waiting],
    shutdown: &CancellationToken,
) -> Option<BTreeMap<TenantId, usize>> {
    let mut is_reported = false;
    loop {
        match signs_of_restore(app, backlog).await {
            Ok(Some(Hold::Copied)) => {
                if !is_reported {
                    tracing::warn!(
                        "nothing is sent: the log may be a restored or copied one. If nobody else sends from it, \
                         `commlog confirm-dispatch` lets this one send"
                    );
                }
                is_reported = true;
                app.health().fails(PART, "nothing is sent: the log may be a copy (see `commlog confirm-dispatch`)");
            }
            Ok(hold) => {
                if is_reported {
                    tracing::info!("an operator confirmed the log: messages are sent");
                }
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
