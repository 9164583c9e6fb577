//! What acts on the world: dispatcher, callbacks, erasures; with the simulator as the provider.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{BootError, Stores};
use crate::app::Caller;
use crate::processes::Processes;
use crate::processes::accounts::{Account, Accounts, Terms};
use crate::processes::backlog::Backlog;
use crate::processes::dispatcher::DispatcherOptions;
use crate::projections::ReadStore;
use crate::providers::simulator::{Simulator, SimulatorOptions};
use crate::queries::Reads;

/// Starts the processes of a node.
pub(super) async fn start(
    stores: &Stores,
    reads: &ReadStore,
    stop: &CancellationToken,
    parts: &mut JoinSet<Result<(), BootError>>,
) -> Result<(), BootError> {
    let backlog = backlog(stores, reads).await?;
    let options = SimulatorOptions { seed: stores.config().simulator_seed, ..SimulatorOptions::default() };
    let (simulator, callbacks) = Simulator::new(options, stores.ambient().clone());
    let processes = Processes::start(
        &stores.app,
        reads.applied(),
        backlog,
        Accounts::new(vec![Account::new(simulator, None, Terms::default())]),
        vec![callbacks],
        // The simulator reaches nobody.
        DispatcherOptions { unattended: true, ..DispatcherOptions::default() },
        stop,
    );
    parts.spawn(async move {
        processes.finish().await;
        Ok(())
    });
    Ok(())
}

/// Completes the erasures that are open, once the read tables show them: for a command that does not stay to serve.
pub async fn complete_erasures(stores: &Stores, reads: &ReadStore) -> Result<(), BootError> {
    for (tenant, customer, _) in backlog(stores, reads).await?.erasures {
        stores.app.complete_erasure(&Caller::new(tenant, "process:erasure"), customer).await?;
    }
    Ok(())
}

async fn backlog(stores: &Stores, reads: &ReadStore) -> Result<Backlog, BootError> {
    Ok(Backlog::from_tables(&stores.app, &Reads::new(reads.clone())).await?)
}
