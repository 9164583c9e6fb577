//! Read tables that another process writes: how far they are, and which ones they are.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::belonging;
use super::follower;
use super::generation::Generation;
use super::run::{CATALOG_POLL_INTERVAL, Running};
use super::{Inner, ReadStore};
use crate::projections::error::{ProjectionError, chain};

/// The longest pause between two looks at tables that stand still although events wait.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How long tables that take over may take to come as far as those that are read.
const SWITCH: Duration = Duration::from_secs(2);

impl ReadStore {
    /// Announces how far other processes have brought the read tables, and switches to those that they make live, until `stop`.
    /// Who waits for a position, and subscriptions, hear of it as they do where the projector runs.
    ///
    /// # Errors
    /// [`ProjectionError::LogReplaced`]. Other failures are logged and survived.
    pub async fn stand_by(&self, stop: CancellationToken) -> Result<(), ProjectionError> {
        let _running = Running::new(self);
        // What kept this process from advancing them is not its matter any more.
        self.live().set_stuck(false);
        let mut end = self.0.journal.backend().watch();
        let mut look = tokio::time::interval(CATALOG_POLL_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pause = follower::POLL_INTERVAL;
        loop {
            let before = self.live().checkpoint().position;
            let is_behind = before < *end.borrow_and_update();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = look.tick() => self.follow_switch().await?,
                changed = end.changed(), if !is_behind => {
                    if changed.is_err() {
                        // The log is closed: the process is shutting down.
                        stop.cancelled().await;
                    }
                    pause = follower::POLL_INTERVAL;
                    continue;
                }
                () = tokio::time::sleep(pause), if is_behind => {}
            }
            let live = self.live();
            if let Ok(checkpoint) = live.look().await {
                self.announce(checkpoint);
            }
            let has_moved = live.checkpoint().position > before;
            pause = if has_moved { follower::POLL_INTERVAL } else { (pause * 2).min(LONGEST_PAUSE) };
        }
    }

    /// Switches to the tables that another process built for this version, or made live.
    async fn follow_switch(&self) -> Result<(), ProjectionError> {
        let Inner { catalog, location, journal, .. } = &*self.0;
        let live = self.live();
        if belonging::is_of(journal.backend().as_ref(), live.checkpoint()).await.is_ok_and(|is_ours| !is_ours) {
            return Err(ProjectionError::LogReplaced);
        }
        let switched = async {
            let entries = catalog.entries().await?;
            self.look_for_other_versions(&entries).await?;
            let Some(entry) = self.preferred(&entries, &live.id) else { return Ok(()) };
            let generation = Generation::open(location, &entry.id).await?;
            // Readers must not see the tables go back. If this takes long, the next look tries again.
            let seen = live.look().await?.position;
            let reached = tokio::time::timeout(SWITCH, async {
                while generation.look().await?.position < seen {
                    tokio::time::sleep(follower::POLL_INTERVAL).await;
                }
                Ok::<_, ProjectionError>(())
            });
            if let Ok(reached) = reached.await {
                reached?;
                self.take_over(&generation.into()).await;
            }
            Ok::<_, ProjectionError>(())
        };
        if let Err(error) = switched.await {
            tracing::warn!(error = chain(&error), "the list of generations does not respond");
        }
        Ok(())
    }
}
