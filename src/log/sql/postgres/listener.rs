//! Hears of other processes' appends.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ids::Position;

const CHANNEL: &str = "commlog_log";

/// How long to wait before a lost connection is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens, then reads the end of the log: what is appended in between is heard.
pub(super) async fn start(pool: &PgPool, announce: &watch::Sender<Position>) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    read_end(pool, announce).await?;
    Ok(listener)
}

/// Announces ends of the log until it is closed.
pub(super) async fn run(
    mut listener: PgListener,
    pool: PgPool,
    announce: watch::Sender<Position>,
    closing: CancellationToken,
) {
    loop {
        let heard = tokio::select! {
            () = closing.cancelled() => return,
            heard = listener.try_recv() => heard,
        };
        let trouble = match heard {
            Ok(Some(notification)) => {
                if let Ok(end) = notification.payload().parse() {
                    super::announce(&announce, end);
                }
                continue;
            }
            // The connection was lost and restored: notifications in between were missed.
            Ok(None) => read_end(&pool, &announce).await.err(),
            Err(error) => Some(error),
        };
        if let Some(error) = trouble {
            tracing::warn!(%error, "the log's notifications are interrupted");
            tokio::select! {
                () = closing.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
            if let Err(error) = read_end(&pool, &announce).await {
                tracing::debug!(%error, "the log's end is not known yet");
            }
        }
    }
}

async fn read_end(pool: &PgPool, announce: &watch::Sender<Position>) -> Result<(), sqlx::Error> {
    let end: i64 = sqlx::query_scalar("SELECT position FROM log.head").fetch_one(pool).await?;
    super::announce(announce, end.try_into().unwrap_or_default());
    Ok(())
}
