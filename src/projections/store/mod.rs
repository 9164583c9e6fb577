//! Where generations of read tables live, and who follows the log.

mod as_of;
mod belonging;
mod catalog;
mod check;
mod compare;
mod follower;
mod generation;
mod lease;
mod location;
pub(super) mod options;
mod replay;
mod run;
mod scrub;
mod standby;
mod statistics;
mod status;
mod survey;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};

pub use as_of::AsOf;
pub use compare::{Difference, TableComparison};
pub use follower::Limits;
pub use generation::Generation;
pub use status::ProjectionStatus;
pub use survey::{Survey, SurveyedGeneration};

use catalog::Catalog;
use location::Location;

use crate::clock::Ambient;
use crate::ids::Position;
use crate::log::Journal;
use crate::projections::error::{ProjectionError, chain};
use crate::projections::registry::{Registry, fingerprint};
use crate::projections::source::Projection;
use crate::projections::tables::{self, Checkpoint, History, Parked, ParkedStream};
use crate::projections::views::View;
use crate::sql::Db;

/// Why a read table did not come as far as a reader asked for.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// In this time it did not.
    #[error("the read tables have not reached position {wanted} in time; they stand at {applied}")]
    Late {
        /// The position that was asked for.
        wanted: Position,
        /// The position up to which the tables are applied.
        applied: Position,
    },
    /// Nobody will move the tables any more.
    #[error("the projector has stopped")]
    Stopped,
}

/// The read tables: the live generation for readers, and the projector that keeps it up. Cheap to clone.
#[derive(Clone)]
pub struct ReadStore(Arc<Inner>);

struct Inner {
    location: Location,
    catalog: Catalog,
    journal: Journal,
    registry: Registry,
    projections: Vec<Projection>,
    fingerprint: String,
    ambient: Ambient,
    limits: Limits,
    live: ArcSwap<Generation>,
    /// Where the log ended when tables of another log were discarded.
    rebuilt_at: Option<Position>,
    applied: watch::Sender<Position>,
    /// How far tables have come that are to take over.
    built: watch::Sender<Position>,
    /// Told when somebody waits for what is in the log already.
    wanted: Arc<Notify>,
    /// How many calls of `run` and `stand_by` are at work in this process.
    running: AtomicUsize,
}

impl ReadStore {
    /// Opens the read tables at a location (`sqlite:FOLDER` or `postgres://…`); makes empty ones if there are none.
    pub async fn open(
        location: &str,
        journal: Journal,
        registry: Registry,
        ambient: Ambient,
    ) -> Result<Self, ProjectionError> {
        Self::open_with(location, journal, registry, ambient, Limits::default()).await
    }

    /// As [`Self::open`], with other batch limits.
    pub async fn open_with(
        location: &str,
        journal: Journal,
        registry: Registry,
        ambient: Ambient,
        limits: Limits,
    ) -> Result<Self, ProjectionError> {
        let location = Location::parse(location);
        let catalog = Catalog::open(&location).await?;
        let projections = registry.compile(location.engine());
        let fingerprint = fingerprint(&projections);
        let log = journal.backend().clone();
        let old = catalog.live().await?.map(|entry| entry.id);
        let own = match &old {
            Some(id) => belonging::open_own(&location, id, log.as_ref()).await?,
            None => None,
        };
        let rebuilt_at = if old.is_some() && own.is_none() { Some(log.head().await?.position) } else { None };
        let live = match own {
            Some(live) => live,
            None => {
                let new = create(&location, &catalog, &projections, &fingerprint, &ambient).await?;
                // Another process may have done the same.
                let id = catalog.replace(old.as_deref(), &new.id, &new.views(&projections)).await?;
                if id == new.id { new } else { Generation::open(&location, &id).await? }
            }
        };
        publish(&catalog, &live, &projections).await;
        let applied = watch::Sender::new(live.checkpoint().position);
        Ok(Self(Arc::new(Inner {
            location,
            catalog,
            journal,
            registry,
            projections,
            fingerprint,
            ambient,
            limits,
            live: ArcSwap::from_pointee(live),
            rebuilt_at,
            applied,
            built: watch::Sender::new(Position::START),
            wanted: Arc::default(),
            running: AtomicUsize::new(0),
        })))
    }

    /// The generation that readers use now.
    #[must_use]
    pub fn live(&self) -> Arc<Generation> {
        self.0.live.load_full()
    }

    /// Whether the live tables cannot be advanced now: the last attempt failed.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.0.live.load().is_stuck()
    }

    /// The live tables, for one query or several that belong together.
    #[must_use]
    pub fn db(&self) -> Db {
        self.0.live.load().db.clone()
    }

    /// The live tables, for a process that asks many questions about the same rows one after the other.
    #[must_use]
    pub fn steady_db(&self) -> Db {
        self.0.live.load().steady.clone()
    }

    /// The views for analysts over the live tables.
    #[must_use]
    pub fn views(&self) -> Vec<View> {
        self.live().views(&self.0.projections)
    }

    /// The log that the tables follow.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.0.journal
    }

    /// Announces how far the live tables have come; never goes back.
    #[must_use]
    pub fn applied(&self) -> watch::Receiver<Position> {
        self.0.applied.subscribe()
    }

    /// Announces how far tables have come that are built to take over; after a switch it may go back.
    #[must_use]
    pub fn built(&self) -> watch::Receiver<Position> {
        self.0.built.subscribe()
    }

    /// As [`Self::wait_for`], for somebody who waits: the projector, if it runs in this process, does not rest meanwhile.
    pub async fn hurry_to(&self, position: Position, most: Duration) -> Result<(), WaitError> {
        if *self.0.applied.borrow() < position {
            self.0.wanted.notify_one();
        }
        self.wait_for(position, most).await
    }

    /// Waits until the live tables show what was appended up to a position.
    pub async fn wait_for(&self, position: Position, most: Duration) -> Result<(), WaitError> {
        let mut applied = self.applied();
        let reached = async {
            loop {
                if *applied.borrow_and_update() >= position {
                    return;
                }
                if self.0.running.load(Ordering::Relaxed) > 0 {
                    // The timeout only guards against a projector that stops in between.
                    let _ = tokio::time::timeout(Duration::from_secs(1), applied.changed()).await;
                } else {
                    // Another process moves the tables.
                    if let Ok(checkpoint) = self.live().look().await {
                        self.announce(checkpoint);
                    }
                    let _ = tokio::time::timeout(follower::POLL_INTERVAL, applied.changed()).await;
                }
            }
        };
        let late = |_| WaitError::Late { wanted: position, applied: *self.0.applied.borrow() };
        tokio::time::timeout(most, reached).await.map_err(late)
    }

    /// Waits until customers forgotten up to a position are in no read table and, as far as the database allows, in no
    /// file of theirs either.
    pub async fn wait_scrubbed(&self, position: Position, most: Duration) -> Result<(), WaitError> {
        let begun = tokio::time::Instant::now();
        self.wait_for(position, most).await?;
        let clean = async {
            loop {
                let live = self.live();
                let mut progress = live.progress();
                if !progress.borrow_and_update().unclean {
                    return;
                }
                if self.0.running.load(Ordering::Relaxed) == 0 {
                    // Another process cleans; an unreachable database shows as a time-out.
                    live.look().await.ok();
                }
                let _ = tokio::time::timeout(follower::POLL_INTERVAL, progress.changed()).await;
            }
        };
        let late = |_| WaitError::Late { wanted: position, applied: *self.0.applied.borrow() };
        tokio::time::timeout(most.saturating_sub(begun.elapsed()), clean).await.map_err(late)
    }

    /// What could not be applied to the live tables, in log order.
    pub async fn parked(&self) -> Result<Vec<Parked>, ProjectionError> {
        tables::parked(&self.live().db).await
    }

    /// Tries again what waits of a stream for a projection; returns how many events were applied. What still fails
    /// waits again. (To give an event up, append `ParkedEventSkipped`: the projector does the rest.)
    pub async fn retry(&self, parked: &ParkedStream) -> Result<usize, ProjectionError> {
        let live = self.live();
        let mut writer = live.writer.lock().await;
        writer.retry(parked, History::Journal(&self.0.journal)).await
    }

    /// Announces what the live tables show.
    fn announce(&self, checkpoint: Checkpoint) {
        self.0.applied.send_if_modified(|applied| {
            let forward = checkpoint.position > *applied;
            if forward {
                *applied = checkpoint.position;
            }
            forward
        });
    }

    /// An empty generation of the current projections, to be built.
    async fn begin(&self) -> Result<Generation, ProjectionError> {
        let Inner { location, catalog, projections, fingerprint, ambient, .. } = &*self.0;
        let generation = Generation::begin(location, &new_id(ambient), projections).await?;
        catalog.add(&generation.id, fingerprint, ambient.now()).await?;
        Ok(generation)
    }
}

/// Empty tables that are read from the start.
async fn create(
    location: &Location,
    catalog: &Catalog,
    projections: &[Projection],
    fingerprint: &str,
    ambient: &Ambient,
) -> Result<Generation, ProjectionError> {
    let generation = Generation::create(location, &new_id(ambient), projections).await?;
    catalog.add(&generation.id, fingerprint, ambient.now()).await?;
    Ok(generation)
}

/// Lets what analysts use follow the live generation. A failure is logged: the tables serve others than analysts.
async fn publish(catalog: &Catalog, live: &Generation, projections: &[Projection]) {
    let views = live.views(projections);
    let written = match live.write_views(&views).await {
        Ok(()) => catalog.publish(&live.id, &views).await,
        Err(error) => Err(error),
    };
    if let Err(error) = written {
        tracing::warn!(error = chain(&error), "the views for analysts are not up to date");
    }
}

fn new_id(ambient: &Ambient) -> String {
    format!("g{}", ambient.uuid().simple())
}
