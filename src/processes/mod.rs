//! What acts on the world because of what the log says: nothing else calls a provider, and a replay runs none of this.

pub mod backlog;
pub mod campaigns;
pub mod checkpoints;
mod choosing;
mod content;
pub mod dispatcher;
pub mod doubts;
pub mod erasure;
pub mod every;
mod gone;
pub mod held;
pub mod hold;
pub mod kept_callbacks;
pub mod lease;
pub mod lists;
pub mod mailboxes;
pub mod media;
pub mod merges;
pub mod outlook;
pub mod refresh_accounts;
pub mod spread;
pub mod supervisor;
pub mod sweep_files;
mod tail;
pub mod timers;
mod traced;
mod tracking;
mod work;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::accounts::Accounts;
use crate::app::App;
use crate::ids::Position;
use crate::intake::simulated;
use crate::processes::backlog::Backlog;
use crate::processes::dispatcher::{Dispatcher, DispatcherOptions};
use crate::processes::supervisor::supervise;
use crate::providers::Callbacks;

/// The part that hands messages to providers.
pub const DISPATCHER: &str = "dispatcher";

/// All processes of a node.
pub struct Processes {
    tasks: JoinSet<()>,
}

impl Processes {
    /// Starts them. `applied` tells how far the read tables are; `backlog` what earlier processes left to do; without options for
    /// it, the dispatcher runs elsewhere. They end when `shutdown` is cancelled, after finishing what is in flight.
    #[must_use]
    pub fn start(
        app: &App,
        applied: watch::Receiver<Position>,
        backlog: Backlog,
        accounts: Accounts,
        callbacks: Vec<Callbacks>,
        dispatcher: Option<DispatcherOptions>,
        shutdown: &CancellationToken,
    ) -> Self {
        let mut tasks = JoinSet::new();
        for callbacks in callbacks {
            tasks.spawn(simulated::run(app.clone(), callbacks, shutdown.clone()));
        }
        let Backlog { position, messages, erasures, merges, .. } = backlog;
        let left = Backlog { position, merges, ..Backlog::default() };
        tasks.spawn(keep("merges", app.clone(), left, shutdown.clone(), |app, left, shutdown| {
            merges::run(app, left.position, left.merges, shutdown).boxed()
        }));
        let left = Backlog { position, erasures, ..Backlog::default() };
        tasks.spawn(keep("erasures", app.clone(), left, shutdown.clone(), move |app, left, shutdown| {
            erasure::run(app, applied.clone(), left.position, left.erasures, shutdown).boxed()
        }));
        if let Some(options) = dispatcher {
            let left = Backlog { position, messages, ..Backlog::default() };
            tasks.spawn(keep(DISPATCHER, app.clone(), left, shutdown.clone(), move |app, left, shutdown| {
                let dispatcher = Dispatcher::new(app, accounts.clone(), options.clone());
                dispatcher.run(left.position, left.messages, shutdown).boxed()
            }));
        }
        Self { tasks }
    }

    /// Waits until all have ended.
    pub async fn finish(mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a process ended unexpectedly");
            }
        }
    }
}

/// This node does not dispatch any more: another one says now what keeps messages from being sent.
pub fn stop_dispatching(app: &App) {
    app.set_held(false);
    app.health().hold_tenants(0);
    app.health().works(hold::PART);
}

/// This node does nothing any more of what acts beside the dispatcher.
pub fn stand_by(app: &App) {
    app.health().works(checkpoints::PART);
    for part in [mailboxes::NAME, checkpoints::POST_PART] {
        app.health().remark(part, None);
    }
}

/// Keeps a process running. It begins with what earlier processes left; if it stops, with what the log says is left then.
async fn keep<R>(part: &'static str, app: App, left: Backlog, shutdown: CancellationToken, run: R)
where
    R: Fn(App, Backlog, CancellationToken) -> BoxFuture<'static, ()>,
{
    let (mut left, run, app, shutdown) = (Some(left), &run, &app, &shutdown);
    let start = || {
        let left = left.take();
        async move {
            let left = match left {
                Some(left) => left,
                None => Backlog::from_log(app).await?,
            };
            run(app.clone(), left, shutdown.clone()).await;
            Ok(())
        }
    };
    supervise(part, app.health(), shutdown, start).await;
}
