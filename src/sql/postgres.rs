//! What `sqlx` does not give its connections to PostgreSQL: an end to waiting, and an end to what was left half done.
//!
//! A server that fails over and a firewall that forgets a connection close nothing. The reply is then waited for without end
//! (sqlx#3540), by everybody who needs the connection. And a transaction whose owner is dropped while it begins stays open in
//! the pool (sqlx#4385, sqlx#4393): who gets the connection next works inside it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, Executor, PgConnection, PgPool, Postgres};
use tokio::runtime::Handle;

/// How long a connection that does nothing may take to respond.
const RESPONSE: Duration = Duration::from_secs(3);

/// How long a connection counts as alive that was used.
const FRESH: Duration = Duration::from_secs(1);

/// The time that a statement may take that reads or writes a bounded number of rows.
const BOUNDED: Duration = Duration::from_secs(30);

/// How long a query may run on the server: a little longer than the request that waits for it. (On SQLite a query is
/// interrupted when nobody waits for it any more.)
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(35);

/// How long its result may take.
const READING: Duration = Duration::from_secs(40);

/// After how long without an end the server is asked whether it is still at work.
const SILENCE: Duration = Duration::from_secs(5);

/// The pause before it is asked again: a result may just be on its way.
const AGAIN: Duration = Duration::from_secs(1);

/// How long the server may take to say whether it is at work.
const PATIENCE: Duration = Duration::from_secs(5);

/// What lets the server find out that we are gone, and give our locks back: the default is two hours.
pub const KEEPALIVE: [(&str, &str); 3] =
    [("tcp_keepalives_idle", "30"), ("tcp_keepalives_interval", "10"), ("tcp_keepalives_count", "3")];

/// How long a connection may do nothing within a transaction. Locks of a node that froze or lost its connection end with
/// this; a writer of read tables waits for the next events of the log in one.
pub const IDLE_TIMEOUT: &str = "10s";

/// A pool whose connections are given out only if they respond; [`Held`] takes them back only then.
#[must_use]
pub fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        // The pool's own test has no limit of time.
        .test_before_acquire(false)
        .before_acquire(|connection, known| {
            Box::pin(async move { if known.idle_for < FRESH { Ok(true) } else { responds(connection).await } })
        })
}

/// An error closes the connection without waiting for the server.
async fn responds(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    tokio::time::timeout(RESPONSE, connection.ping()).await.unwrap_or_else(|_| Err(lost())).map(|()| true)
}

fn lost() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the connection to the database was lost"))
}

/// Waits for something that reads or writes a bounded number of rows.
pub fn bounded<'w, T: 'w>(work: impl Future<Output = Result<T, sqlx::Error>> + Send + 'w) -> Work<'w, T> {
    limited(BOUNDED, work)
}

/// Runs such work on a connection of a pool.
pub async fn on<T>(
    pool: &PgPool,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
) -> Result<T, sqlx::Error> {
    // In a box, as all work is.
    let work = Box::pin(async { work(&mut *Held::take(pool).await?).await });
    tokio::time::timeout(BOUNDED, work).await.unwrap_or_else(|_| Err(lost()))
}

/// Work with a database. In a box: it is large, and stands deep within the futures of requests.
pub type Work<'w, T> = BoxFuture<'w, Result<T, sqlx::Error>>;

fn limited<'w, T: 'w>(most: Duration, work: impl Future<Output = Result<T, sqlx::Error>> + Send + 'w) -> Work<'w, T> {
    Box::pin(async move { tokio::time::timeout(most, work).await.unwrap_or_else(|_| Err(lost())) })
}

/// Waits for a query of a connection that has a `statement_timeout`, and a little longer than that.
pub fn reading<'w, T: 'w>(query: impl Future<Output = Result<T, sqlx::Error>> + Send + 'w) -> Work<'w, T> {
    limited(READING, query)
}

/// Whether a process works. One that was sent half a request is active, and waits for its client.
macro_rules! works {
    ($found:literal, $else:literal) => {
        concat!(
            "SELECT coalesce((SELECT ",
            $found,
            " FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2), ",
            $else,
            ")"
        )
    };
}
const WORKS: &str = works!("state NOT LIKE 'idle%' AND wait_event_type IS DISTINCT FROM 'Client'", "false");

/// The same; one that does not work is ended, with its transaction and its locks.
const WORKS_OR_ENDS: &str = works!(
    "CASE WHEN state NOT LIKE 'idle%' AND wait_event_type IS DISTINCT FROM 'Client' THEN true \
     ELSE NOT pg_terminate_backend(pid) END",
    "false"
);

/// The server's side of a connection, to ask about it over another one.
#[derive(Debug, Clone)]
pub struct Backend {
    options: Arc<PgConnectOptions>,
    process: i32,
    /// Tells it from a later one with its number.
    started: String,
}

impl Backend {
    /// The one that serves a connection.
    pub async fn of(connection: &mut PgConnection, options: Arc<PgConnectOptions>) -> Result<Self, sqlx::Error> {
        let sql = "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let (process, started) = bounded(sqlx::query_as(sql).fetch_one(connection)).await?;
        Ok(Self { options, process, started })
    }

    /// Waits for statements of the connection, however long the server works on them; an error if it does not.
    pub fn at_work<'w, T: Send + 'w>(
        &'w self,
        work: impl Future<Output = Result<T, sqlx::Error>> + Send + 'w,
    ) -> Work<'w, T> {
        Box::pin(self.watch(Box::pin(work)))
    }

    async fn watch<T>(&self, mut work: Work<'_, T>) -> Result<T, sqlx::Error> {
        loop {
            if let Ok(done) = tokio::time::timeout(SILENCE, &mut work).await {
                return done;
            }
            if self.works(WORKS).await {
                continue;
            }
            // Between two statements nothing is worked on either.
            if let Ok(done) = tokio::time::timeout(AGAIN, &mut work).await {
                return done;
            }
            if !self.works(WORKS_OR_ENDS).await {
                return Err(lost());
            }
        }
    }

    /// Whether the server has this process, and it executes something; true if the server is there and does not say.
    async fn works(&self, sql: &'static str) -> bool {
        let asked = async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            let asked = sqlx::query_scalar(sql).bind(self.process).bind(&self.started);
            let works: bool = asked.fetch_one(&mut connection).await?;
            connection.close().await.ok();
            Ok(works)
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(works)) => works,
            // Such as: no connection is left.
            Ok(Err(sqlx::Error::Database(_))) => true,
            Ok(Err(_)) | Err(_) => false,
        }
    }
}

/// A connection of a pool. While a transaction is open it does not go back: dropped then, it is closed.
#[derive(Debug)]
pub struct Held {
    connection: PoolConnection<Postgres>,
    is_open: bool,
}

impl Held {
    /// Takes a connection, waiting for one if all are taken.
    pub fn take(pool: &PgPool) -> Work<'static, Self> {
        let taken = pool.acquire();
        Box::pin(async move { Ok(Self { connection: taken.await?, is_open: false }) })
    }

    /// Takes a connection and begins a transaction.
    pub async fn begin_on(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let mut held = Self::take(pool).await?;
        bounded(held.begin()).await?;
        Ok(held)
    }

    /// Begins a transaction.
    pub async fn begin(&mut self) -> Result<(), sqlx::Error> {
        self.open("BEGIN").await
    }

    /// Begins a transaction that only reads, and sees what was committed before it.
    pub async fn begin_snapshot(&mut self) -> Result<(), sqlx::Error> {
        self.open("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    async fn open(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        // Before it is sent: nobody knows whether the server got it if this is dropped.
        self.is_open = true;
        self.connection.execute(sql).await.map(drop)
    }

    /// Makes the transaction's work permanent.
    pub async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.connection.execute("COMMIT").await?;
        self.is_open = false;
        Ok(())
    }

    /// Gives the transaction's work up.
    pub async fn rollback(&mut self) -> Result<(), sqlx::Error> {
        self.connection.execute("ROLLBACK").await?;
        self.is_open = false;
        Ok(())
    }
}

impl Deref for Held {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_open {
            self.connection.close_on_drop();
        } else if let Ok(runtime) = Handle::try_current() {
            // What does not respond in time is closed, and its place is free.
            runtime.spawn(tokio::time::timeout(RESPONSE, self.connection.return_to_pool()));
        }
    }
}
