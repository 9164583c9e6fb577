//! What acts on the world because of what the log says: nothing else calls a provider, and a replay runs none of this.

pub mod backlog;
pub mod checkpoints;
pub mod dispatcher;
pub mod doubts;
pub mod erasure;
pub mod every;
pub mod hold;
pub mod kept_callbacks;
pub mod media;
pub mod merges;
pub mod refresh_accounts;
mod tail;
pub mod timers;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::accounts::Accounts;
use crate::app::App;
use crate::ids::Position;
use crate::intake::simulated;
use crate::processes::backlog::Backlog;
use crate::processes::dispatcher::{Dispatcher, DispatcherOptions};
use crate::providers::Callbacks;

/// All processes of a node.
pub struct Processes {
    tasks: JoinSet<()>,
}

impl Processes {
    /// Starts them. `applied` tells how far the read tables are; `backlog` what earlier processes left to do. They end
    /// when `shutdown` is cancelled, after finishing what is in flight.
    #[must_use]
    pub fn start(
        app: &App,
        applied: watch::Receiver<Position>,
        backlog: Backlog,
        accounts: Accounts,
        callbacks: Vec<Callbacks>,
        options: DispatcherOptions,
        shutdown: &CancellationToken,
    ) -> Self {
        let mut tasks = JoinSet::new();
        for callbacks in callbacks {
            tasks.spawn(simulated::run(app.clone(), callbacks, shutdown.clone()));
        }
        tasks.spawn(merges::run(app.clone(), backlog.position, backlog.merges, shutdown.clone()));
        tasks.spawn(erasure::run(app.clone(), applied, backlog.position, backlog.erasures, shutdown.clone()));
        let dispatcher = Dispatcher::new(app.clone(), accounts, options);
        tasks.spawn(dispatcher.run(backlog.position, backlog.messages, shutdown.clone()));
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
