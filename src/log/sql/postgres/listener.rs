//! Hears of other processes' appends.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::store::Location;
use crate::ids::Position;
use crate::sql::postgres::{bounded, on};

const CHANNEL: &str = "commlog_log";

/// How long to wait before a lost connection is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// How often the end of the log is read although nothing was heard: a connection that was lost without a word is as silent
/// as a log that nobody appends to.
const LOOK_AROUND: Duration = Duration::from_secs(5);

/// Announces ends of the log.
pub(super) struct Listener {
    location: Location,
    pool: PgPool,
    announce: watch::Sender<Position>,
    listener: PgListener,
    /// The last end that it told of.
    heard: u64,
}

impl Listener {
    /// Listens, then reads the end of the log: what is appended in between is heard.
    pub(super) async fn start(
        location: &Location,
        pool: &PgPool,
        announce: &watch::Sender<Position>,
    ) -> Result<Self, sqlx::Error> {
        let listener = listen(location).await?;
        let heard = read_end(pool, announce).await?;
        Ok(Self { location: location.clone(), pool: pool.clone(), announce: announce.clone(), listener, heard })
    }

    /// Announces ends of the log until it is closed.
    pub(super) async fn run(mut self, closing: CancellationToken) {
        let mut looks = tokio::time::interval_at(Instant::now() + LOOK_AROUND, LOOK_AROUND);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut end = self.heard;
        loop {
            let done = tokio::select! {
                () = closing.cancelled() => return,
                heard = self.listener.try_recv() => match heard {
                    Ok(Some(notification)) => {
                        if let Ok(heard) = notification.payload().parse() {
                            self.heard = self.heard.max(heard);
                            super::announce(&self.announce, heard);
                        }
                        Ok(())
                    }
                    // The connection was lost and restored: notifications in between were missed.
                    Ok(None) => self.read_end().await.map(drop),
                    Err(error) => Err(error),
                },
                _ = looks.tick() => self.look(&mut end).await,
            };
            if let Err(error) = done {
                tracing::warn!(%error, "the log's notifications are interrupted");
                tokio::select! {
                    () = closing.cancelled() => return,
                    () = tokio::time::sleep(PAUSE) => {}
                }
                if let Err(error) = self.read_end().await {
                    tracing::debug!(%error, "the log's end is not known yet");
                }
            }
        }
    }

    /// Listens over another connection if the last look found an end that was not heard of since.
    async fn look(&mut self, end: &mut u64) -> Result<(), sqlx::Error> {
        if self.heard < *end {
            tracing::warn!("the log's notifications are not heard; listening again");
            self.listener = listen(&self.location).await?;
        }
        *end = self.read_end_unheard().await?;
        Ok(())
    }

    async fn read_end_unheard(&self) -> Result<u64, sqlx::Error> {
        read_end(&self.pool, &self.announce).await
    }

    async fn read_end(&mut self) -> Result<(), sqlx::Error> {
        self.heard = self.heard.max(self.read_end_unheard().await?);
        Ok(())
    }
}

/// Over a pool of its own: what a lost connection leaves behind takes no place from others.
async fn listen(location: &Location) -> Result<PgListener, sqlx::Error> {
    let pool = location.pool(1);
    let mut listener = bounded(PgListener::connect_with(&pool)).await?;
    bounded(listener.listen(CHANNEL)).await?;
    Ok(listener)
}

async fn read_end(pool: &PgPool, announce: &watch::Sender<Position>) -> Result<u64, sqlx::Error> {
    let end: i64 =
        on(pool, async |connection| sqlx::query_scalar("SELECT position FROM log.head").fetch_one(connection).await)
            .await?;
    let end = end.try_into().unwrap_or_default();
    super::announce(announce, end);
    Ok(end)
}
