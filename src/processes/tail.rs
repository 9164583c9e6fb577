//! Reading the log as it grows.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::app::{App, AppError, DispatchSignal, Interest, Signal};
use crate::ids::Position;

/// How many events are looked at in one read.
const PAGE: usize = 2_000;
/// How long to wait after the log did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads on from a position until `shutdown`. Waits while nobody takes what it found.
pub(super) fn follow(
    app: App,
    interest: Interest,
    from: Position,
    shutdown: CancellationToken,
) -> mpsc::Receiver<Vec<Signal>> {
    let (found, taker) = mpsc::channel(4);
    tokio::spawn(async move {
        let run = read_on(app, interest, from, found);
        shutdown.run_until_cancelled(run).await;
    });
    taker
}

async fn read_on(app: App, interest: Interest, mut after: Position, found: mpsc::Sender<Vec<Signal>>) {
    let mut grown = app.watch();
    loop {
        grown.mark_unchanged();
        match page(&app, interest, after).await {
            Ok((_, until)) if until == after => {
                if grown.changed().await.is_err() {
                    return;
                }
            }
            Ok((signals, until)) => {
                after = until;
                if !signals.is_empty() && found.send(signals).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, cause = ?std::error::Error::source(&error), "the log cannot be followed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// What the next events ask for, with what its dispatch looks at loaded.
async fn page(app: &App, interest: Interest, after: Position) -> Result<(Vec<Signal>, Position), AppError> {
    let (signals, until) = app.signals(interest, after, PAGE).await?;
    let ready = signals.iter().filter_map(|signal| match signal {
        Signal::Message { tenant, customer_id, message_id, stage: DispatchSignal::Ready, .. } => {
            Some((*tenant, *customer_id, *message_id))
        }
        _ => None,
    });
    app.warm_messages(&ready.collect::<Vec<_>>()).await?;
    Ok((signals, until))
}
