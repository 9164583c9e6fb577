//! Completes merges that a crash left half done: who was merged is taken over by who stands for it. Commands on either of
//! them do so as well; this is for when nobody asks.

use std::collections::VecDeque;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::{App, Caller, Interest, Signal};
use crate::ids::{CustomerId, Position, TenantId};
use crate::processes::tail;

/// How long to wait after the log did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs until `shutdown`. `open` is what earlier processes left.
pub async fn run(app: App, from: Position, open: Vec<(TenantId, CustomerId)>, shutdown: CancellationToken) {
    let mut signals = tail::follow(app.clone(), Interest::People, from, shutdown.clone());
    let mut open = VecDeque::from(open);
    let work = async {
        loop {
            while let Some(&(tenant, customer_id)) = open.front() {
                let caller = Caller::new(tenant, "process:merges");
                while let Err(error) = app.complete_merge(&caller, customer_id).await {
                    tracing::warn!(%customer_id, %error, "a merge could not be completed yet");
                    tokio::time::sleep(PAUSE).await;
                }
                open.pop_front();
            }
            let Some(found) = signals.recv().await else { return };
            for signal in found {
                if let Signal::Merged { tenant, customer_id } = signal {
                    open.push_back((tenant, customer_id));
                }
            }
        }
    };
    shutdown.run_until_cancelled(work).await;
}
