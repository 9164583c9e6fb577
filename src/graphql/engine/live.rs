//! Follows the read tables for subscriptions.

use std::time::Duration;

use futures::stream::{self, Stream};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::ids::Position;

/// The shortest interval between two counter updates.
pub const COUNTERS_PACE: Duration = Duration::from_millis(500);

/// What is watched: at once, and after every change, until it has ended.
pub fn until_ended<R: Clone + Send + Sync + 'static>(
    mut watched: watch::Receiver<R>,
    has_ended: impl Fn(&R) -> bool + Copy + Send + 'static,
) -> impl Stream<Item = R> + Send {
    watched.mark_changed();
    stream::unfold(Some(watched), move |watched| async move {
        let mut watched = watched?;
        watched.changed().await.ok()?;
        let now = watched.borrow_and_update().clone();
        let rest = (!has_ended(&now)).then_some(watched);
        Some((now, rest))
    })
}

/// Ticks at once, and then whenever the read tables move, but no faster than its pace.
pub struct Live {
    applied: watch::Receiver<Position>,
    log: Option<watch::Receiver<Position>>,
    pace: Duration,
    last: Option<Instant>,
}

impl Live {
    /// Follows applied positions.
    #[must_use]
    pub const fn new(applied: watch::Receiver<Position>, pace: Duration) -> Self {
        Self { applied, log: None, pace, last: None }
    }

    /// Follows the log's end too.
    #[must_use]
    pub fn with_log(mut self, log: watch::Receiver<Position>) -> Self {
        self.log = Some(log);
        self
    }

    /// The position that the read tables show now.
    pub fn shown(&mut self) -> Position {
        *self.applied.borrow_and_update()
    }

    /// The position that the read tables show; [`None`] when the projector has stopped.
    pub async fn next(&mut self) -> Option<Position> {
        if let Some(last) = self.last {
            tokio::time::sleep_until(last + self.pace).await;
            match &mut self.log {
                None => self.applied.changed().await.ok()?,
                Some(log) => tokio::select! {
                    moved = self.applied.changed() => moved.ok()?,
                    moved = log.changed() => moved.ok()?,
                },
            }
        }
        self.last = Some(Instant::now());
        Some(*self.applied.borrow_and_update())
    }
}
