//! What acts on the world: dispatcher, callbacks, what is in doubt, erasures; over the configured accounts, or the
//! simulator.

use std::collections::BTreeSet;

use futures::future::{BoxFuture, OptionFuture};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::{BootError, Stores};
use crate::accounts::registry::AccountRegistry;
use crate::accounts::service::AccountService;
use crate::accounts::{Account, AccountSource, Accounts, Terms};
use crate::app::{Caller, Share};
use crate::config::{LogUrl, StoreUrl};
use crate::ids::Position;
use crate::intake::Intake;
use crate::processes::backlog::Backlog;
use crate::processes::campaigns::Runner;
use crate::processes::checkpoints::{PostCheckpoints, SignCheckpoints};
use crate::processes::dispatcher::{Dispatcher, DispatcherOptions};
use crate::processes::doubts::Doubts;
use crate::processes::every::{Job, JobMetrics, run_all};
use crate::processes::held::Held;
use crate::processes::hold::{Hold, signs_of_restore};
use crate::processes::kept_callbacks::{ExpireKept, RetryKept};
use crate::processes::lease::Tenure;
use crate::processes::lists::Evaluator;
use crate::processes::mailboxes::Mailboxes;
use crate::processes::media::{CollectFiles, Media};
use crate::processes::outlook::Outlook;
use crate::processes::supervisor::supervise;
use crate::processes::timers::Timers;
use crate::processes::{DISPATCHER, Processes};
use crate::projections::ReadStore;
use crate::providers::Callbacks;
use crate::providers::kit::client::{ClientOptions, HttpClient};
use crate::providers::simulator::{Simulator, SimulatorOptions};
use crate::queries::Reads;

/// The accounts of a node, and what the simulated one tells.
pub(super) struct NodeAccounts {
    /// Keeps them as the log has them.
    pub registry: AccountRegistry,
    /// What the simulator tells.
    pub callbacks: Vec<Callbacks>,
    /// What the configuration names reaches nobody.
    pub simulated: bool,
}

/// The configured accounts; without any, the simulator's, which serves every channel of the tenants that never had an
/// account. Those that administrators set up join them as soon as the registry runs.
pub(super) fn accounts(stores: &Stores, reads: &ReadStore) -> Result<NodeAccounts, BootError> {
    let (config, ambient) = (stores.config(), stores.ambient());
    let mut accounts = super::accounts::build(config, ambient)?;
    let (simulated, mut callbacks) = (accounts.is_empty(), vec![]);
    if simulated {
        let options = SimulatorOptions { seed: config.simulator_seed, ..SimulatorOptions::default() };
        let (simulator, told) = Simulator::new(options, ambient.clone());
        let terms = Terms { source: AccountSource::Simulator, ..Terms::default() };
        accounts.push(Account::new(simulator, None, terms));
        callbacks.push(told);
    }
    let build = super::accounts::builder(config, ambient);
    let accounts = Accounts::new(accounts);
    let table = accounts.clone();
    stores.app.know_limits(move |tenant, channel| table.limits(tenant, channel));
    let reads = Reads::new(reads.clone());
    let registry = AccountRegistry::new(stores.app.clone(), reads, accounts, build, config.tenant);
    Ok(NodeAccounts { registry, callbacks, simulated })
}

/// The account service over a node's accounts without its processes: for a command that does not stay to serve.
pub async fn account_service(stores: &Stores, reads: &ReadStore) -> Result<AccountService, BootError> {
    let registry = accounts(stores, reads)?.registry;
    registry.refresh_changed(BTreeSet::new()).await?;
    Ok(AccountService::new(stores.app.clone(), Reads::new(reads.clone()), registry))
}

/// What acts on the world, to be started whenever this node may.
pub(super) struct Actors {
    pub stores: Stores,
    pub reads: ReadStore,
    pub registry: AccountRegistry,
    /// What the configuration names reaches nobody.
    pub simulated: bool,
    pub intake: Intake,
    pub metrics: JobMetrics,
    /// The shares of dispatching that this node has; absent where the dispatcher is one of the processes.
    pub shares: Option<Held>,
    /// One share at a time gathers what is left to do: all that waits is in memory then.
    pub gathering: Mutex<()>,
}

impl Actors {
    /// Of the configured shares of dispatching, none.
    pub fn no_shares(&self) -> Held {
        let (config, ambient) = (self.stores.config(), self.stores.ambient());
        Held::none(config.dispatch_shares, self.registry.accounts().clone(), ambient.clone())
    }

    /// Dispatches a share for as long as this node has it. If that ends early, it is begun again.
    pub async fn dispatch(&self, share: Share, tenure: Tenure, stop: CancellationToken) {
        let Self { stores, reads, registry, shares: Some(held), gathering, .. } = self else { return };
        let one_more = held.begin();
        let start = || async {
            let backlog = {
                let _turn = gathering.lock().await;
                backlog(stores, reads).await?
            };
            let has_real_account = registry.load(backlog.accounts).await?;
            let options = DispatcherOptions { share, common: held.common(), ..self.options(has_real_account, &tenure) };
            let dispatcher = Dispatcher::new(stores.app.clone(), registry.accounts().clone(), options);
            dispatcher.run(backlog.position, backlog.messages, stop.clone()).await;
            Ok(())
        };
        let until_stopped = async {
            stop.cancelled().await;
            // What is under way may take its time, and another node has this part of the rates by then.
            drop(one_more);
        };
        futures::join!(supervise(DISPATCHER, stores.app.health(), &stop, start), until_stopped);
        if held.is_none() {
            crate::processes::stop_dispatching(&stores.app);
        }
    }

    fn options(&self, has_real_account: bool, tenure: &Tenure) -> DispatcherOptions {
        DispatcherOptions {
            // Of a SQLite log, nobody else can have made a call that lasts still.
            alone: matches!(self.stores.config().log, LogUrl::Sql(StoreUrl::Sqlite(_))),
            unattended: self.simulated && !has_real_account,
            tenure: tenure.clone(),
            ..DispatcherOptions::default()
        }
    }

    /// Runs them for as long as this node may act. If they cannot be started, they are tried again.
    pub async fn run(&self, tenure: Tenure, stop: CancellationToken) -> Result<(), BootError> {
        let start = || async {
            self.start(tenure.clone(), &stop).await?.await;
            Ok(())
        };
        supervise("processes", self.stores.app.health(), &stop, start).await;
        crate::processes::stand_by(&self.stores.app);
        if self.shares.as_ref().is_none_or(Held::is_none) {
            crate::processes::stop_dispatching(&self.stores.app);
        }
        Ok(())
    }

    /// Starts them on what the log and the read tables say now. What is returned ends once `stop` is cancelled and what was
    /// under way has ended.
    pub async fn start(&self, tenure: Tenure, stop: &CancellationToken) -> Result<BoxFuture<'static, ()>, BootError> {
        let Self { stores, reads, registry, intake, metrics, shares, .. } = self;
        let backlog = backlog(stores, reads).await?;
        let has_real_account = registry.load(backlog.accounts.clone()).await?;
        let accounts = registry.accounts().clone();
        let mut jobs = jobs(stores, reads, &accounts, intake);
        if let Some(url) = stores.config().checkpoint_url.clone() {
            let client = HttpClient::new(ClientOptions::default()).map_err(BootError::Client)?;
            let (keeper, app) = (stores.keeper().clone(), stores.app.clone());
            let signed = keeper.signed();
            jobs.push(Box::new(PostCheckpoints { keeper, client, url, app, signed, posted: None, failures: 0 }));
        }
        let options = self.options(has_real_account, &tenure);
        // Where no dispatcher of this node may look, the runner of campaigns has to hear of it all the same.
        let is_watched = shares.is_some() && !options.unattended;
        let dispatcher = shares.is_none().then_some(options);
        let processes = Processes::start(&stores.app, reads.applied(), backlog, accounts, vec![], dispatcher, stop);
        let evaluator = {
            let (app, reads, stop) = (stores.app.clone(), Reads::new(reads.clone()), stop.clone());
            async move {
                let start = || Evaluator::new(app.clone(), reads.clone()).during(tenure.clone()).run(&stop);
                supervise("lists", app.health(), &stop, start).await;
            }
        };
        let runner = {
            let (app, reads, stop) = (stores.app.clone(), Reads::new(reads.clone()), stop.clone());
            async move {
                let start = || Runner::new(app.clone(), reads.clone()).run(&stop);
                supervise("campaigns", app.health(), &stop, start).await;
            }
        };
        let watching =
            OptionFuture::from(is_watched.then(|| crate::processes::hold::watch(stores.app.clone(), stop.clone())));
        let running = run_all(jobs, metrics.clone(), stores.ambient().clone(), stop.clone());
        Ok(Box::pin(async move {
            futures::join!(processes.finish(), running, evaluator, runner, watching);
        }))
    }
}

/// What is done again and again.
fn jobs(stores: &Stores, reads: &ReadStore, accounts: &Accounts, intake: &Intake) -> Vec<Box<dyn Job>> {
    let (app, ambient) = (stores.app.clone(), stores.ambient().clone());
    let reads = Reads::new(reads.clone());
    vec![
        Box::new(RetryKept { intake: intake.clone(), ambient: ambient.clone() }),
        Box::new(ExpireKept { intake: intake.clone(), ambient }),
        Box::new(Doubts::new(app.clone(), reads.clone(), accounts.clone())),
        Box::new(Timers::new(app.clone(), reads.clone())),
        Box::new(Media::new(app.clone(), reads, accounts.clone())),
        Box::new(Mailboxes::new(app.health().clone(), intake.clone(), accounts.clone())),
        Box::new(CollectFiles(app.clone())),
        Box::new(SignCheckpoints { keeper: stores.keeper().clone(), app, signed: Position::START }),
    ]
}

/// Why messages of this log are not sent at the moment, as a server would see it; [`None`] if they are. Without read tables,
/// messages that have been due for long are not looked for.
pub async fn hold(stores: &Stores, reads: Option<&ReadStore>) -> Result<Option<Hold>, BootError> {
    let waiting = match reads {
        Some(reads) => backlog(stores, reads).await?.messages,
        None => Vec::new(),
    };
    Ok(signs_of_restore(&stores.app, &waiting).await?)
}

/// What goes out once nothing holds messages any more.
pub async fn outlook(stores: &Stores, reads: &ReadStore) -> Result<Outlook, BootError> {
    let registry = accounts(stores, reads)?.registry;
    registry.refresh_changed(BTreeSet::new()).await?;
    let waiting = backlog(stores, reads).await?.messages;
    Ok(Outlook::of(&waiting, registry.accounts(), stores.ambient().now()))
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
