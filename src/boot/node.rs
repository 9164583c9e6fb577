//! A running node: the parts that its roles require, started and stopped together.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::processes::Actors;
use super::sole::Sole;
use super::{BootError, Stores, leases, process};
use crate::accounts::service::AccountService;
use crate::app::Health;
use crate::exports::Exports;
use crate::graphql::{Gateway, Limits, Metrics, Work};
use crate::http;
use crate::http::session::Sessions;
use crate::imports::{Runs, Uploads};
use crate::intake::{Intake, simulated};
use crate::processes::every::{Job, JobMetrics, run_all};
use crate::processes::lease::{LeaseMetrics, Tenure};
use crate::processes::refresh_accounts::RefreshAccounts;
use crate::processes::supervisor::supervise;
use crate::processes::sweep_files::SweepFiles;
use crate::projections::{ProjectionError, ReadStore};
use crate::queries::Reads;
use crate::traces;
use crate::verification::Verifications;

/// Starts the parts of a node.
pub struct Node;

/// The port of a node that will start.
#[derive(Debug)]
pub struct Port(TcpListener);

impl Port {
    /// Takes the configured port. It comes before the stores: a node that cannot be reached leaves no stores behind.
    ///
    /// # Errors
    /// [`BootError::Listen`] and the like, if somebody else has it.
    pub async fn take(listen: SocketAddr) -> Result<Self, BootError> {
        Ok(Self(bind(listen).await?))
    }
}

/// A running node.
pub struct Running {
    address: SocketAddr,
    reads: ReadStore,
    stores: Stores,
    intake: Intake,
    stop: CancellationToken,
    parts: JoinSet<Result<(), BootError>>,
    /// Held until everything has ended.
    _sole: Option<Sole>,
}

impl Node {
    /// Takes the configured port, and starts as [`Self::start_at`] does.
    pub async fn start(stores: Stores, stop: CancellationToken) -> Result<Running, BootError> {
        let port = Port::take(stores.config().listen).await?;
        Self::start_at(port, stores, stop).await
    }

    /// Starts the parts that the configured roles require. Returns once the read tables are open; `stop` ends everything.
    pub async fn start_at(port: Port, stores: Stores, stop: CancellationToken) -> Result<Running, BootError> {
        let Port(listener) = port;
        let roles = stores.config().roles;
        let address = listener.local_addr().unwrap_or(stores.config().listen);
        let sole = if roles.processes { Some(Sole::take(&stores.config().log)?) } else { None };
        super::warn_of_shared_database(stores.config()).await?;
        let reads = stores.read_store().await?;
        let mut parts = JoinSet::new();
        let lease_metrics = LeaseMetrics::default();
        start_projector(&stores, &reads, address, &lease_metrics, &stop, &mut parts).await?;
        let accounts = super::processes::accounts(&stores, &reads)?;
        let (queries, registry) = (Reads::new(reads.clone()), accounts.registry.clone());
        let running = registry.accounts().clone();
        let job_metrics = JobMetrics::default();
        let metrics = Metrics::new(|registered| {
            running.metrics().register(registered);
            job_metrics.register(registered);
            lease_metrics.register(registered);
            stores.app.health().register(registered);
            process::register(registered);
            traces::register(registered);
        });
        let intake = Intake::new(stores.app.clone(), queries.clone(), running, stores.config().tenant);
        let service = AccountService::new(stores.app.clone(), queries.clone(), registry.clone());
        let validations = super::validation_service(&stores)?;
        let data = &stores.config().data_dir;
        let uploads = Uploads::new(data.join("uploads"), stores.ambient().clone());
        let (tables, folder) = (stores.registry()?, data.join("exports"));
        let exports = Exports::new(stores.app.clone(), queries.clone(), &tables, folder, stop.clone());
        let verifications = Verifications::new(
            stores.keeper().clone(),
            stores.ambient().clone(),
            data.join("verifications.json"),
            stop.clone(),
        );
        if roles.processes {
            let actors = Actors {
                stores: stores.clone(),
                reads: reads.clone(),
                registry: accounts.registry,
                simulated: accounts.simulated,
                intake: intake.clone(),
                metrics: job_metrics.clone(),
                shares: None,
                gathering: Mutex::default(),
            };
            for callbacks in accounts.callbacks {
                let (run, stop) = (simulated::run(stores.app.clone(), callbacks, stop.clone()), stop.clone());
                parts.spawn(async move {
                    run.await;
                    // A part that ends before ends the node.
                    stop.cancelled().await;
                    Ok(())
                });
            }
            start_actors(actors, address, &lease_metrics, &stop, &mut parts).await?;
        }
        if roles.api || roles.processes {
            // Before the port accepts calls: a webhook of an account not yet loaded would be refused.
            registry.refresh_changed(BTreeSet::new()).await?;
            let mut jobs: Vec<Box<dyn Job>> =
                vec![Box::new(RefreshAccounts::new(stores.app.clone(), queries.clone(), registry))];
            if roles.api {
                jobs.push(Box::new(SweepFiles { uploads: uploads.clone(), exports: exports.clone() }));
            }
            let running = run_all(jobs, job_metrics, stores.ambient().clone(), stop.clone());
            parts.spawn(async move {
                running.await;
                Ok(())
            });
        }
        let limits = Limits { connections: process::connections(Limits::default().connections), ..Limits::default() };
        let imports = Runs::new(stores.app.clone(), uploads, stop.clone());
        let work = Work { imports, exports, verifications };
        let gateway = Gateway::new(stores.app.clone(), queries, service, validations, work, limits, metrics);
        let issuer = super::sign_in::issuer(stores.config(), stores.ambient())?;
        let sessions = Sessions::new(gateway.clone(), issuer, stores.config().tenant);
        let (served, stopped) = (intake.clone(), stop.clone());
        let origins = stores.config().cors_origins.clone();
        parts.spawn(async move {
            // Every node is probed and scraped, whatever it does.
            match roles.api {
                true => http::serve(listener, sessions, served, &origins, stopped).await?,
                false => http::serve_monitoring(listener, gateway, stopped).await?,
            }
            Ok(())
        });
        tracing::info!(%address, %roles, log = %stores.config().log, "started");
        Ok(Running { address, reads, stores, intake, stop, parts, _sole: sole })
    }
}

impl Running {
    /// The address of the API, or of health and metrics alone; the system chooses the port if the configured one is 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The log and the use cases.
    #[must_use]
    pub fn stores(&self) -> &Stores {
        &self.stores
    }

    /// The read tables.
    #[must_use]
    pub fn reads(&self) -> &ReadStore {
        &self.reads
    }

    /// The intake of webhooks.
    #[must_use]
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Waits until the node is stopped or one of its parts fails.
    pub async fn wait(&mut self) -> Result<(), BootError> {
        tokio::select! {
            () = self.stop.cancelled() => Ok(()),
            ended = self.parts.join_next() => ended.map_or(Ok(()), flatten),
        }
    }

    /// Stops all parts once accepted work is finished, and closes the stores.
    pub async fn finish(mut self) -> Result<(), BootError> {
        self.stop.cancel();
        let mut first = Ok(());
        while let Some(ended) = self.parts.join_next().await {
            first = first.and(flatten(ended));
        }
        self.stores.close().await;
        traces::finish().await;
        first
    }
}

fn flatten(ended: Result<Result<(), BootError>, JoinError>) -> Result<(), BootError> {
    ended.unwrap_or_else(|error| Err(BootError::Panicked(error)))
}

async fn bind(address: SocketAddr) -> Result<TcpListener, BootError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => BootError::PortInUse { address },
        _ => BootError::Listen { address, source },
    })
}

/// Starts what acts on the world: at once, or whenever this node has the lease.
async fn start_actors(
    mut actors: Actors,
    address: SocketAddr,
    metrics: &LeaseMetrics,
    stop: &CancellationToken,
    parts: &mut JoinSet<Result<(), BootError>>,
) -> Result<(), BootError> {
    let Some(candidate) = leases::processes(&actors.stores, address, metrics) else {
        let running = actors.start(Tenure::sole(), stop).await?;
        metrics.has_part(leases::PROCESSES, actors.stores.ambient().now());
        parts.spawn(async move {
            running.await;
            Ok(())
        });
        return Ok(());
    };
    let spread = leases::dispatch(&actors.stores, address, metrics);
    actors.shares = spread.as_ref().map(|_| actors.no_shares());
    let actors = Arc::new(actors);
    if let Some(spread) = spread {
        let (actors, stop) = (Arc::clone(&actors), stop.clone());
        parts.spawn(async move {
            let dispatch = |share, tenure, stop| {
                let actors = Arc::clone(&actors);
                async move { actors.dispatch(share, tenure, stop).await }
            };
            spread.run(&stop, dispatch).await;
            Ok(())
        });
    }
    let stop = stop.clone();
    parts.spawn(async move {
        let idle = |stop: CancellationToken| async move {
            stop.cancelled().await;
            Ok(())
        };
        candidate.run(&stop, idle, |tenure, stop| actors.run(tenure, stop)).await
    });
    Ok(())
}

/// Starts what writes the read tables, where and whenever this node does; otherwise it follows what another one writes.
async fn start_projector(
    stores: &Stores,
    reads: &ReadStore,
    address: SocketAddr,
    metrics: &LeaseMetrics,
    stop: &CancellationToken,
    parts: &mut JoinSet<Result<(), BootError>>,
) -> Result<(), BootError> {
    let (reads, stop, health) = (reads.clone(), stop.clone(), stores.app.health().clone());
    if !stores.config().roles.projector {
        parts.spawn(follow(reads, stop));
        return Ok(());
    }
    match leases::projector(stores, &reads, address, metrics).await? {
        None => {
            metrics.has_part(leases::PROJECTOR, stores.ambient().now());
            parts.spawn(keep_projecting(reads, stop, health))
        }
        Some(candidate) => parts.spawn(async move {
            let project = |_: Tenure, stop| keep_projecting(reads.clone(), stop, health.clone());
            candidate.run(&stop, |stop| follow(reads.clone(), stop), project).await
        }),
    };
    Ok(())
}

/// Follows what another process writes.
async fn follow(reads: ReadStore, stop: CancellationToken) -> Result<(), BootError> {
    Ok(reads.stand_by(stop).await?)
}

/// Keeps the projector running. Only a log that was replaced ends it: what this process knows of the log no longer holds.
async fn keep_projecting(reads: ReadStore, stop: CancellationToken, health: Health) -> Result<(), BootError> {
    let (ends, replaced) = (stop.child_token(), OnceLock::new());
    let project = || async {
        match reads.run(stop.clone()).await {
            Err(error @ ProjectionError::LogReplaced) => {
                // The first one is enough.
                let _ = replaced.set(error);
                ends.cancel();
                Ok(())
            }
            other => Ok(other?),
        }
    };
    supervise("projector", &health, &ends, project).await;
    replaced.into_inner().map_or(Ok(()), |error| Err(error.into()))
}
