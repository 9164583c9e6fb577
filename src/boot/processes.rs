//! What acts on the world: dispatcher, callbacks, what is in doubt, erasures; over the configured accounts, or the
//! simulator.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{BootError, Stores};
use crate::app::Caller;
use crate::processes::Processes;
use crate::processes::accounts::{Account, Accounts, Terms};
use crate::processes::backlog::Backlog;
use crate::processes::dispatcher::DispatcherOptions;
use crate::processes::doubts::Doubts;
use crate::processes::timers::Timers;
use crate::processes::webhooks::Intake;
use crate::projections::ReadStore;
use crate::providers::Callbacks;
use crate::providers::simulator::{Simulator, SimulatorOptions};
use crate::queries::Reads;

/// The accounts of a node, and what the simulated one tells.
pub(super) struct NodeAccounts {
    pub accounts: Accounts,
    callbacks: Vec<Callbacks>,
    /// Nothing reaches anybody.
    simulated: bool,
}

/// The configured accounts; without any, the simulator's, which serves every channel of every tenant.
pub(super) fn accounts(stores: &Stores) -> Result<NodeAccounts, BootError> {
    let configured = super::accounts::build(stores.config(), stores.ambient())?;
    if !configured.is_empty() {
        return Ok(NodeAccounts { accounts: Accounts::new(configured), callbacks: vec![], simulated: false });
    }
    let options = SimulatorOptions { seed: stores.config().simulator_seed, ..SimulatorOptions::default() };
    let (simulator, callbacks) = Simulator::new(options, stores.ambient().clone());
    let account = Account::new(simulator, None, Terms::default());
    Ok(NodeAccounts { accounts: Accounts::new(vec![account]), callbacks: vec![callbacks], simulated: true })
}

/// Starts the processes of a node.
pub(super) async fn start(
    stores: &Stores,
    reads: &ReadStore,
    accounts: NodeAccounts,
    intake: Intake,
    stop: &CancellationToken,
    parts: &mut JoinSet<Result<(), BootError>>,
) -> Result<(), BootError> {
    let backlog = backlog(stores, reads).await?;
    let NodeAccounts { accounts, callbacks, simulated } = accounts;
    let doubts = Doubts::new(stores.app.clone(), Reads::new(reads.clone()), accounts.clone());
    let options = DispatcherOptions { unattended: simulated, ..DispatcherOptions::default() };
    let processes = Processes::start(&stores.app, reads.applied(), backlog, accounts, callbacks, options, stop);
    let timers = Timers::new(stores.app.clone(), Reads::new(reads.clone()));
    let (again, doubting, timing) = (stop.clone(), stop.clone(), stop.clone());
    parts.spawn(async move {
        futures::join!(processes.finish(), intake.run(again), doubts.run(doubting), timers.run(timing));
        Ok(())
    });
    Ok(())
}

/// Takes those steps of open erasures that do not wait for the read tables: for a command that does not stay to serve.
pub async fn take_erasures_up(stores: &Stores, reads: &ReadStore) -> Result<(), BootError> {
    for (tenant, customer, _) in backlog(stores, reads).await?.erasures {
        stores.app.erase(&Caller::new(tenant, "process:erasure"), customer).await?;
    }
    Ok(())
}

/// Completes the erasures that were taken up, once the read tables show them.
pub async fn complete_erasures(stores: &Stores, reads: &ReadStore) -> Result<(), BootError> {
    for (tenant, customer, _) in backlog(stores, reads).await?.erasures {
        stores.app.complete_erasure(&Caller::new(tenant, "process:erasure"), customer).await?;
    }
    Ok(())
}

async fn backlog(stores: &Stores, reads: &ReadStore) -> Result<Backlog, BootError> {
    Ok(Backlog::from_tables(&stores.app, &Reads::new(reads.clone())).await?)
}
