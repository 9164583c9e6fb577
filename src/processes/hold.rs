//! Restoring a backup must not send again what was sent after it was made: a dispatcher that finds signs of a restored or
//! copied log waits until an operator has confirmed it (`commlog confirm-dispatch`), which starts a new epoch.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::app::{App, AppError, DispatchSignal};
use crate::processes::backlog::Waiting;

/// A send that has been due for longer says that the log stood still, or was set back.
const OVERDUE: TimeDelta = TimeDelta::hours(1);

/// Polling whether an operator has confirmed the log.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Why nothing is dispatched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The log stands in another place than where its epoch was started.
    Copied,
    /// So many sends have been due for more than an hour, and since before any operator's confirmation.
    Overdue(usize),
}

/// Whether a log with this backlog looks like a restored or copied one.
pub async fn signs_of_restore(app: &App, backlog: &[Waiting]) -> Result<Option<Hold>, AppError> {
    let epoch = app.epoch().await?;
    if epoch.is_copy {
        return Ok(Some(Hold::Copied));
    }
    let limit = app.ambient().now() - OVERDUE;
    let overdue = |waiting: &&Waiting| due(waiting).is_some_and(|due| due < limit && due > epoch.started_at);
    let overdue = backlog.iter().filter(overdue).count();
    Ok((overdue > 0).then_some(Hold::Overdue(overdue)))
}

/// When a message should have gone out at the latest.
fn due(waiting: &Waiting) -> Option<DateTime<Utc>> {
    match waiting.stage {
        DispatchSignal::Ready => waiting.since,
        DispatchSignal::Due(at) => Some(at),
        DispatchSignal::Dispatching | DispatchSignal::Settled => None,
    }
}

/// Returns true once messages may be dispatched; false if `shutdown` came first.
pub async fn wait_until_confirmed(app: &App, backlog: &[Waiting], shutdown: &CancellationToken) -> bool {
    let mut told = None;
    loop {
        match signs_of_restore(app, backlog).await {
            Ok(None) => {
                if told.is_some() {
                    tracing::info!("an operator confirmed the log: messages are sent");
                }
                return true;
            }
            Ok(hold) if hold == told => {}
            Ok(hold) => {
                tracing::warn!(
                    ?hold,
                    "nothing is sent: the log may be a restored or copied one. If nobody else sends from it, \
                     `commlog confirm-dispatch` lets this one send"
                );
                told = hold;
            }
            Err(error) => tracing::warn!(%error, "cannot yet tell whether messages may be sent"),
        }
        tokio::select! {
            () = shutdown.cancelled() => return false,
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
    }
}
