//! Shares the connections for queries between those who ask: whoever asks much waits for its own queries, not others for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::Error;

tokio::task_local! {
    /// The share that the queries of a task count towards. Those of a task without one, such as a process, wait for
    /// nothing but a connection.
    static CURRENT: Share;
}

/// The part of the connections that one caller's queries may use at once. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Share(Arc<[Arc<Semaphore>; 2]>);

/// A query's turn, until it is dropped.
pub(super) struct Turn {
    permits: Option<[OwnedSemaphorePermit; 2]>,
}

impl Share {
    /// Runs something whose queries count towards this share.
    pub async fn run<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// As [`Self::run`], for one step of something that is polled.
    pub fn step<T>(&self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.clone(), work)
    }

    /// The share of the task that asks, for work that it hands to another task.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }
}

/// Waits for the turn of a query.
pub(super) async fn turn() -> Turn {
    let Some(Share(levels)) = Share::current() else { return Turn { permits: None } };
    let [part, whole] = &*levels;
    // The narrower one first: a query that waits for it takes nothing from others.
    let (Ok(part), Ok(whole)) = (Arc::clone(part).acquire_owned().await, Arc::clone(whole).acquire_owned().await)
    else {
        return Turn { permits: None };
    };
    Turn { permits: Some([part, whole]) }
}

impl Turn {
    /// Runs a query that the server does not end when its caller lets go of it: its connection is in use until then, and the
    /// turn lasts as long.
    pub(super) async fn until_it_ends<T: Send + 'static>(
        self,
        query: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        if self.permits.is_none() {
            return Ok(query.await);
        }
        let running = tokio::spawn(async move {
            let done = query.await;
            drop(self);
            done
        });
        running.await.map_err(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Error::Closed,
        })
    }
}

/// Everybody's shares of a number of connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shares(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    part: usize,
    whole: usize,
    known: Mutex<HashMap<Uuid, Weak<Semaphore>>>,
}

impl Shares {
    /// Of so many connections, a whole (a tenant) may use half, and each of its parts (an API key) one less.
    #[must_use]
    pub fn new(connections: usize) -> Self {
        let whole = (connections / 2).max(1);
        Self(Arc::new(Inner { part: (whole - 1).max(1), whole, known: Mutex::default() }))
    }

    /// The share of a part of a whole.
    #[must_use]
    pub fn of(&self, whole: Uuid, part: Uuid) -> Share {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() > 1_000 {
            known.retain(|_, known| known.strong_count() > 0);
        }
        let mut semaphore = |id, permits| {
            let place = known.entry(id).or_default();
            place.upgrade().unwrap_or_else(|| {
                let new = Arc::new(Semaphore::new(permits));
                *place = Arc::downgrade(&new);
                new
            })
        };
        Share(Arc::new([semaphore(part, self.0.part), semaphore(whole, self.0.whole)]))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sql::{Db, SqliteOptions, SqlitePool};

    const ENDLESS: &str =
        "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT COUNT(*) AS n FROM c";

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    async fn one(db: &Db) -> Vec<(i64,)> {
        db.fetch_all("SELECT 1 AS n", &[]).await.expect("a row")
    }

    async fn used_up(share: &Semaphore) {
        while share.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_asks_much_waits_for_itself_and_nobody_else_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::Sqlite(SqlitePool::new(SqliteOptions::writer(&folder.path().join("t.db"), true).connections(6)));
        let shares = Shares::new(db.connections());
        let greedy: Vec<_> = (0..20)
            .map(|_| {
                let (share, db) = (shares.of(id(1), id(2)), db.clone());
                tokio::spawn(share.run(async move { db.fetch_all::<(i64,)>(ENDLESS, &[]).await }))
            })
            .collect();
        used_up(&shares.of(id(1), id(2)).0[0]).await;
        // So that a further query of the same key waits.
        let late = shares.of(id(1), id(2)).run(one(&db));
        tokio::time::timeout(Duration::from_millis(100), late).await.expect_err("it waits");
        for (tenant, key) in [(1, 3), (4, 5)] {
            assert_eq!(shares.of(id(tenant), id(key)).run(one(&db)).await, [(1,)]);
        }
        assert_eq!(one(&db).await, [(1,)], "work of our own");
        greedy.iter().for_each(tokio::task::JoinHandle::abort);
        assert_eq!(shares.of(id(1), id(2)).run(one(&db)).await, [(1,)]);
    }

    #[tokio::test]
    async fn two_keys_of_a_tenant_leave_others_half_of_the_connections() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::Sqlite(SqlitePool::new(SqliteOptions::writer(&folder.path().join("t.db"), true).connections(6)));
        let shares = Shares::new(db.connections());
        let greedy: Vec<_> = (0..20)
            .map(|number| {
                let (share, db) = (shares.of(id(1), id(10 + number % 5)), db.clone());
                tokio::spawn(share.run(async move { db.fetch_all::<(i64,)>(ENDLESS, &[]).await }))
            })
            .collect();
        used_up(&shares.of(id(1), id(10)).0[1]).await;
        let late = shares.of(id(1), id(99)).run(one(&db));
        tokio::time::timeout(Duration::from_millis(100), late).await.expect_err("the tenant's share is used up");
        assert_eq!(shares.of(id(4), id(5)).run(one(&db)).await, [(1,)]);
        greedy.iter().for_each(tokio::task::JoinHandle::abort);
    }
}
