//! Completes forgettings: keys destroyed, read tables purged, then `ErasureCompleted`.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::app::{App, AppError, Caller, Interest, Signal};
use crate::ids::{CustomerId, Position, TenantId};
use crate::processes::tail;

/// How long to wait after the log did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs until `shutdown`. `open` is what earlier processes left; `applied` tells how far the read tables are.
pub async fn run(
    app: App,
    mut applied: watch::Receiver<Position>,
    from: Position,
    open: Vec<(TenantId, CustomerId, Position)>,
    shutdown: CancellationToken,
) {
    let mut signals = tail::follow(app.clone(), Interest::People, from, shutdown.clone());
    let mut open: VecDeque<_> = open.into_iter().map(|(tenant, customer_id, _)| (tenant, customer_id)).collect();
    let work = async {
        while let Err(error) = app.destroy_names_of_forgotten_users().await {
            tracing::warn!(%error, "the names of forgotten users could not be destroyed yet");
            tokio::time::sleep(PAUSE).await;
        }
        loop {
            while let Some(&(tenant, customer_id)) = open.front() {
                let caller = Caller::new(tenant, "process:erasure");
                while let Err(error) = complete(&app, &caller, customer_id, &mut applied).await {
                    tracing::warn!(%customer_id, %error, "an erasure could not be completed yet");
                    tokio::time::sleep(PAUSE).await;
                }
                open.pop_front();
            }
            let Some(found) = signals.recv().await else { return };
            for signal in found {
                if let Signal::Forgotten { tenant, customer_id, .. } = signal {
                    open.push_back((tenant, customer_id));
                }
            }
        }
    };
    shutdown.run_until_cancelled(work).await;
}

/// Takes all steps of one forgetting, whichever of them were taken before.
async fn complete(
    app: &App,
    caller: &Caller,
    customer_id: CustomerId,
    applied: &mut watch::Receiver<Position>,
) -> Result<(), AppError> {
    // Everybody who is part of the person is forgotten first: the read tables have to show that too.
    let Some(until) = app.erase(caller, customer_id).await?.until else { return Ok(()) };
    if applied.wait_for(|applied| *applied >= until).await.is_err() {
        // The projector has ended: the next start goes on.
        return Ok(());
    }
    app.complete_erasure(caller, customer_id).await?;
    Ok(())
}
