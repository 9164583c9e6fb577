//! The projector: follows the log, builds a new generation when the projections changed, and switches to it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::belonging;
use super::catalog::{Entry, State};
use super::follower::Follower;
use super::generation::Generation;
use super::location::Location;
use super::{Checkpoint, Inner, ReadStore, versions};
use crate::ids::Position;
use crate::projections::error::{ProjectionError, chain};

/// How often the catalog is looked at: another process may have switched or left something to remove.
pub(super) const CATALOG_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What a generation is followed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Readers use it.
    Live,
    /// It is to take over.
    Building,
    /// Readers use it, and it is empty until another one takes over: it is not advanced.
    Waiting,
    /// Readers of another version use it: it is advanced if no process of that version does.
    Beside,
}

/// A generation that is followed by a task of its own.
struct Following {
    generation: Arc<Generation>,
    task: JoinHandle<()>,
    stop: CancellationToken,
    role: Role,
}

impl Following {
    /// Ends the task between two batches.
    async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(generation = self.generation.id, %error, "the log follower stopped with an error");
        }
    }
}

/// Counts one that follows the tables, and announces how far they are, while it does.
pub(super) struct Running<'a>(&'a ReadStore);

impl<'a> Running<'a> {
    pub fn new(store: &'a ReadStore) -> Self {
        store.0.running.fetch_add(1, Ordering::Relaxed);
        Self(store)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ReadStore {
    /// Keeps the read tables up until `stop`. Several processes may run at once: the checkpoint lets only one of them write.
    ///
    /// # Errors
    /// If a new generation cannot be created, or the catalog does not answer at the start; or if the log was replaced by
    /// another one. Other failures are logged and survived.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), ProjectionError> {
        let running = Running::new(self);
        let (wanted, role) = self.wanted().await?;
        let mut building = wanted.map(|generation| self.start(generation, &stop, Role::Building));
        let mut live = self.start(self.live(), &stop, role);
        let mut beside = None;
        let mut ended = Ok(());
        let mut look = tokio::time::interval(CATALOG_POLL_INTERVAL);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.caught_up(building.as_ref(), &live) => {
                    if let Some(new) = building.take() {
                        live = self.switch(live, new, &stop).await;
                    }
                }
                _ = look.tick() => {
                    // Only a panic ends a follower that was not stopped: who runs the projector starts it again.
                    if live.task.is_finished() && !stop.is_cancelled() {
                        ended = Err(ProjectionError::FollowerEnded);
                        break;
                    }
                    if belonging::is_of(self.0.journal.backend().as_ref(), live.generation.checkpoint())
                        .await
                        .is_ok_and(|is_ours| !is_ours)
                    {
                        ended = Err(ProjectionError::LogReplaced);
                        break;
                    }
                    let (following, refreshed) = self.refresh(live, building.as_ref(), &stop).await;
                    live = following;
                    let refreshed = match refreshed {
                        Ok(()) => self.keep_other_version(&live, &mut beside, &stop).await,
                        failed => failed,
                    };
                    if let Err(error) = refreshed {
                        tracing::warn!(error = chain(&error), "the list of generations does not respond");
                    }
                }
            }
        }
        live.end().await;
        for other in building.into_iter().chain(beside) {
            other.end().await;
        }
        drop(running);
        ended
    }

    /// The generation to build if the live one was built from other projections, or is empty and the log is long; and
    /// what becomes of the live one.
    ///
    /// On PostgreSQL, one that was begun is resumed. On SQLite it may be damaged, and is removed.
    async fn wanted(&self) -> Result<(Option<Arc<Generation>>, Role), ProjectionError> {
        let entries = self.0.catalog.entries().await?;
        let ours = |state: State| {
            entries.iter().find(move |entry| entry.state == state && entry.fingerprint == self.0.fingerprint)
        };
        let live = self.live().look().await?;
        let head = self.0.journal.backend().head().await?.position;
        let empty = live.position == Position::START && head.counter() > self.0.limits.far;
        let has_own = ours(State::Live).is_some() || self.is_own(&entries, &self.live().id);
        if has_own && !empty {
            return Ok((None, Role::Live));
        }
        let begun = match (ours(State::Ready).or_else(|| ours(State::Building)), &self.0.location) {
            (Some(entry), Location::Database(_)) => {
                belonging::open_own(&self.0.location, &entry.id, self.0.journal.backend().as_ref()).await?
            }
            _ => None,
        };
        let generation = match begun {
            Some(generation) => generation,
            None => self.begin().await?,
        };
        let reason = if empty { "they are empty" } else { "the projections changed" };
        tracing::info!(generation = generation.id, reason, "building new read tables");
        Ok((Some(Arc::new(generation)), if empty { Role::Waiting } else { Role::Live }))
    }

    fn start(&self, generation: Arc<Generation>, stop: &CancellationToken, role: Role) -> Following {
        let stop = stop.child_token();
        // Of two that begin to write the same tables, one would be thrown out.
        let yields = role == Role::Beside || role == Role::Live && self.is_waiting_for_own();
        let task = tokio::spawn({
            let (store, generation, stop) = (self.clone(), generation.clone(), stop.clone());
            async move {
                let advanced = |checkpoint: Checkpoint| match role {
                    Role::Live => store.announce(checkpoint),
                    Role::Building => drop(store.0.built.send_replace(checkpoint.position)),
                    Role::Waiting | Role::Beside => {}
                };
                if role == Role::Waiting {
                    return stop.cancelled().await;
                }
                Follower { yields, ..store.follower(&generation, &stop, &advanced) }.follow().await;
            }
        });
        Following { generation, task, stop, role }
    }

    /// Lets a generation that has caught up take over. Readers of the old one finish undisturbed.
    async fn switch(&self, old: Following, new: Following, stop: &CancellationToken) -> Following {
        let (before, retired) = (old.generation.checkpoint().position, old.generation.clone());
        old.end().await;
        // The old one may have moved until its end; readers must not see the tables go back.
        let position = retired.look().await.unwrap_or_else(|_| retired.checkpoint()).position.max(before);
        reach(&new.generation, position, stop).await;
        let generation = new.generation.clone();
        new.end().await;
        if stop.is_cancelled() {
            return self.start(retired, stop, Role::Waiting);
        }
        match self.settle(&generation).await {
            Ok(generation) => {
                self.take_over(&generation).await;
                self.start(generation, stop, Role::Live)
            }
            Err(error) => {
                // The old one goes on; the next look at the catalog shows whether the switch happened after all.
                tracing::error!(
                    error = chain(&error),
                    generation = generation.id,
                    "the new read tables could not be put to use"
                );
                self.start(retired, stop, Role::Live)
            }
        }
    }

    pub(super) fn follower<'a>(
        &'a self,
        generation: &'a Generation,
        stop: &'a CancellationToken,
        advanced: &'a (dyn Fn(Checkpoint) + Send + Sync),
    ) -> Follower<'a> {
        let Inner { journal, location, limits, wanted, hindrance, .. } = &*self.0;
        Follower { journal, location, generation, limits: *limits, stop, yields: false, wanted, hindrance, advanced }
    }

    async fn settle(&self, built: &Generation) -> Result<Arc<Generation>, ProjectionError> {
        let generation = built.settle(&self.0.location).await?;
        self.put_to_use(&generation).await?;
        Ok(Arc::new(generation))
    }

    /// Makes tables that are ready live once no process of another version reads those that are; until then, keeps those up.
    async fn keep_other_version(
        &self,
        live: &Following,
        beside: &mut Option<Following>,
        stop: &CancellationToken,
    ) -> Result<(), ProjectionError> {
        let own = &live.generation.id;
        let is_ready = |entries: &[Entry]| entries.iter().any(|entry| entry.id == *own && entry.state == State::Ready);
        let mut entries = self.0.catalog.entries().await?;
        if is_ready(&entries) {
            self.put_to_use(&live.generation).await?;
            entries = self.0.catalog.entries().await?;
        }
        let other = versions::live(&entries).filter(|_| is_ready(&entries));
        if other.map(|entry| &entry.id) == beside.as_ref().map(|following| &following.generation.id) {
            return Ok(());
        }
        if let Some(before) = beside.take() {
            before.end().await;
        }
        if let Some(entry) = other {
            let generation = Generation::open(&self.0.location, &entry.id).await?;
            *beside = Some(self.start(Arc::new(generation), stop, Role::Beside));
        }
        Ok(())
    }

    /// Points readers to a generation.
    pub(super) async fn take_over(&self, generation: &Arc<Generation>) {
        let old = self.0.live.swap(generation.clone());
        self.0.waits_for_own.store(false, Ordering::Relaxed);
        self.announce(generation.checkpoint());
        old.retire().await;
        tracing::info!(generation = generation.id, "new read tables are live");
    }

    /// Follows another process's switch, and removes generations that nobody uses any more.
    async fn refresh(
        &self,
        live: Following,
        building: Option<&Following>,
        stop: &CancellationToken,
    ) -> (Following, Result<(), ProjectionError>) {
        let entries = match self.0.catalog.entries().await {
            Ok(entries) => entries,
            Err(error) => return (live, Err(error)),
        };
        let mut live = live;
        if let Err(error) = self.look_for_other_versions(&entries).await {
            return (live, Err(error));
        }
        if let Some(entry) = self.preferred(&entries, &live.generation.id) {
            match Generation::open(&self.0.location, &entry.id).await {
                Ok(generation) => {
                    let new = self.start(Arc::new(generation), stop, Role::Building);
                    let position = live.generation.checkpoint().position;
                    live.end().await;
                    reach(&new.generation, position, stop).await;
                    let generation = new.generation.clone();
                    new.end().await;
                    self.take_over(&generation).await;
                    live = self.start(generation, stop, Role::Live);
                }
                Err(error) => return (live, Err(error)),
            }
        }
        if self.0.catalog.is_behind() {
            // Views that still read the old tables would go with these.
            super::publish(&self.0.catalog, &live.generation, &self.0.projections).await;
            return (live, Ok(()));
        }
        let building = building.map(|following| following.generation.id.as_str());
        let swept = self.sweep(&entries, building).await;
        (live, swept)
    }

    /// Removes what is retired, and what was begun and given up, once nobody uses it.
    async fn sweep(&self, entries: &[Entry], building: Option<&str>) -> Result<(), ProjectionError> {
        for entry in entries.iter().filter(|entry| entry.state != State::Live && Some(&*entry.id) != building) {
            if Generation::remove(&self.0.location, &entry.id).await? {
                self.0.catalog.remove(&entry.id).await?;
                tracing::info!(generation = entry.id, "old read tables are removed");
            }
        }
        Ok(())
    }

    /// Builds a new generation from the log's first event on and makes it live. `progress` receives the number of
    /// events applied.
    pub async fn rebuild(&self, progress: impl Fn(u64) + Send + Sync) -> Result<(), ProjectionError> {
        let built = self.begin().await?;
        self.overtake(&built, &progress).await?;
        let generation = Arc::new(built.settle(&self.0.location).await?);
        // The projector of another process may have advanced the live tables in the meantime.
        self.overtake(&generation, &progress).await?;
        self.put_to_use(&generation).await?;
        if self.0.running.load(Ordering::Relaxed) == 0 {
            self.take_over(&generation).await;
            if !self.0.catalog.is_behind() {
                let entries = self.0.catalog.entries().await?;
                self.sweep(&entries, None).await?;
            }
        }
        Ok(())
    }

    /// Advances a generation to the log's end, and beyond the live one.
    async fn overtake(
        &self,
        generation: &Generation,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<(), ProjectionError> {
        let stop = CancellationToken::new();
        let advanced = |checkpoint: Checkpoint| progress(checkpoint.position.counter());
        let follower = self.follower(generation, &stop, &advanced);
        loop {
            let live = self.live().look().await?.position.max(self.0.journal.backend().head().await?.position);
            follower.advance(Some(live)).await?;
            if self.live().look().await?.position <= generation.checkpoint().position {
                return Ok(());
            }
        }
    }

    /// Ends when the generation that is built has come as far as the live one, or, if that is not advanced, as the log;
    /// never, if none is built.
    async fn caught_up(&self, building: Option<&Following>, live: &Following) {
        let Some(building) = building else { return std::future::pending().await };
        let end = self.0.journal.backend().watch();
        let target = || match live.role {
            Role::Waiting => *end.borrow(),
            Role::Live | Role::Building | Role::Beside => live.generation.checkpoint().position,
        };
        let mut progress = building.generation.progress();
        while progress.borrow_and_update().position < target() {
            if progress.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Waits until a followed generation has come to a position, or all is stopped.
async fn reach(generation: &Generation, position: Position, stop: &CancellationToken) {
    let mut progress = generation.progress();
    while progress.borrow_and_update().position < position && !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            changed = progress.changed() => if changed.is_err() { return },
        }
    }
}
