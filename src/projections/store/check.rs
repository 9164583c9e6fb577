//! Compares the live tables with what the log says they should be.

use tokio_util::sync::CancellationToken;

use super::compare::{TableComparison, compare};
use super::follower::Follower;
use super::generation::Generation;
use super::{ReadStore, new_id};
use crate::projections::error::{ProjectionError, database};
use crate::projections::tables::{self, Checkpoint};

impl ReadStore {
    /// Rebuilds all tables beside the live ones, up to where those stand, and compares them table by table. What was
    /// forgotten since is forgotten on both sides. `progress` receives the number of events applied.
    pub async fn check(&self, progress: impl Fn(u64) + Send + Sync) -> Result<Vec<TableComparison>, ProjectionError> {
        let live = self.live();
        let id = new_id(&self.0.ambient);
        let built = Generation::begin(&self.0.location, &id, &live.projections).await?;
        // On the list, so that a check that is killed leaves nothing behind that nobody would remove.
        self.0.catalog.add(&id, &format!("check of {}", live.id), self.0.ambient.now()).await?;
        let settled = self.build(&live, &built, &progress).await;
        built.retire().await;
        built.db.close().await;
        drop(built);
        let compared = match settled {
            Ok(fresh) => {
                let compared = self.compare_with(&live, &fresh, &progress).await;
                fresh.retire().await;
                fresh.db.close().await;
                compared
            }
            Err(error) => Err(error),
        };
        if Generation::remove(&self.0.location, &id).await? {
            self.0.catalog.remove(&id).await?;
        }
        compared
    }

    /// Most of the work is done before the snapshot, which should not be held for long.
    async fn build(
        &self,
        live: &Generation,
        built: &Generation,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Generation, ProjectionError> {
        let (stop, advanced) =
            (CancellationToken::new(), |checkpoint: Checkpoint| progress(checkpoint.position.counter()));
        self.follower(built, &stop, &advanced).advance(Some(live.look().await?.position)).await?;
        built.settle(&self.0.location).await
    }

    async fn compare_with(
        &self,
        live: &Generation,
        fresh: &Generation,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Vec<TableComparison>, ProjectionError> {
        let stop = CancellationToken::new();
        let advanced = |checkpoint: Checkpoint| progress(checkpoint.position.counter());
        let follower = self.follower(fresh, &stop, &advanced);
        let mut snapshot = live.db.session().await.map_err(database("be reached"))?;
        snapshot.begin_snapshot().await.map_err(database("take a snapshot"))?;
        let position = tables::checkpoint(&mut snapshot).await?.position;
        follower.advance(Some(position)).await?;
        let forgotten = self.forgotten_after(position).await?;
        if forgotten.is_empty() {
            let mut rebuilt = fresh.db.session().await.map_err(database("be reached"))?;
            let compared = compare(&mut snapshot, &mut rebuilt, &live.projections).await;
            snapshot.rollback().await.map_err(database("end a snapshot"))?;
            return compared;
        }
        snapshot.rollback().await.map_err(database("end a snapshot"))?;
        drop(snapshot);
        self.compare_purged(live, &follower).await
    }

    /// Somebody was forgotten after the live tables' position: both sides are purged first, the live one in a
    /// transaction that is taken back.
    async fn compare_purged(
        &self,
        live: &Generation,
        follower: &Follower<'_>,
    ) -> Result<Vec<TableComparison>, ProjectionError> {
        let fresh = follower.generation;
        let mut writer = live.writer.lock().await;
        writer.refresh();
        writer
            .tentatively(async |session, projections| {
                let position = tables::checkpoint(session).await?.position;
                follower.advance(Some(position)).await?;
                let forgotten = self.forgotten_after(position).await?;
                fresh.writer.lock().await.forget(&forgotten).await?;
                tables::purge(session, projections, &forgotten).await?;
                let mut rebuilt = fresh.db.session().await.map_err(database("be reached"))?;
                compare(session, &mut rebuilt, projections).await
            })
            .await
    }
}
