//! Completes forgettings: keys destroyed, read tables purged, then `ErasureCompleted`.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Caller, Signal};
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
    let mut signals = tail::follow(app.clone(), from, shutdown.clone());
    let mut open = VecDeque::from(open);
    let work = async {
        loop {
            while let Some(&(tenant, customer_id, position)) = open.front() {
                if applied.wait_for(|applied| *applied >= position).await.is_err() {
                    return;
                }
                complete(&app, tenant, customer_id).await;
                open.pop_front();
            }
            let Some(found) = signals.recv().await else { return };
            for signal in found {
                if let Signal::Forgotten { tenant, customer_id, position } = signal {
                    open.push_back((tenant, customer_id, position));
                }
            }
        }
    };
    shutdown.run_until_cancelled(work).await;
}

async fn complete(app: &App, tenant: TenantId, customer_id: CustomerId) {
    let caller = Caller::new(tenant, "process:erasure");
    loop {
        match app.complete_erasure(&caller, customer_id).await {
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%customer_id, %error, "an erasure could not be completed yet");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
