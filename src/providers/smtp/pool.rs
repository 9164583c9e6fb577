//! Connections that are kept for the next message: signing in takes longer than sending.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::replies::{Cause, Failure, Stage};
use super::session::Session;

/// A connection that nothing was sent on for this long is closed: most servers wait for some minutes.
const IDLE: Duration = Duration::from_secs(60);
/// So many messages, and a connection is closed: servers count them, and some end one at a hundred.
const MOST: u32 = 90;
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// The connections of one account.
pub(super) struct Pool {
    idle: Mutex<Vec<Session>>,
    room: Semaphore,
}

/// Leave to have one connection.
pub(super) struct Place<'a> {
    pool: &'a Pool,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    /// For at most so many connections at once.
    pub(super) fn new(most: usize) -> Self {
        Self { idle: Mutex::default(), room: Semaphore::new(most) }
    }

    /// Waits for a place.
    pub(super) async fn place(&self, until: Instant) -> Result<Place<'_>, Failure> {
        match timeout_at(until, self.room.acquire()).await {
            Ok(Ok(permit)) => Ok(Place { pool: self, _permit: permit }),
            // It is never closed.
            Ok(Err(_)) | Err(_) => Err(Failure::new(Stage::Hello, Cause::Late)),
        }
    }
}

impl Place<'_> {
    /// The connection that was used last, if it is fresh; those that are not are closed.
    pub(super) fn idle(&self) -> Option<Session> {
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (fresh, old) = idle.drain(..).partition(|session: &Session| now.duration_since(session.used) < IDLE);
        *idle = fresh;
        let taken = idle.pop();
        drop(idle);
        let old: Vec<Session> = old;
        old.into_iter().for_each(close);
        taken
    }

    /// Keeps a connection for the next message.
    pub(super) fn keep(self, session: Session) {
        if session.carried >= MOST {
            close(session);
            return;
        }
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }
}

fn close(session: Session) {
    tokio::spawn(session.quit(Instant::now() + GOODBYE));
}
