//! Connections to one SQLite database. SQLite blocks, so all work runs on threads where that is allowed.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::SecondsFormat;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSql, ToSqlOutput};
use rusqlite::{CachedStatement, Connection, OpenFlags, Statement};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Cells, Error, Row, Value};

/// How connections are set up.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// [`None`] for a database in memory.
    file: Option<PathBuf>,
    flags: OpenFlags,
    pragmas: Vec<(&'static str, String)>,
    statements: usize,
    fixed_plans: bool,
    most: usize,
}

/// How long a statement waits for a lock of another connection.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

impl SqliteOptions {
    /// Reads and writes a file; makes it if it may.
    #[must_use]
    pub fn writer(file: &Path, create: bool) -> Self {
        let create = if create { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
        Self::new(Some(file), OpenFlags::SQLITE_OPEN_READ_WRITE | create)
    }

    /// Only reads a file.
    #[must_use]
    pub fn reader(file: &Path) -> Self {
        Self::new(Some(file), OpenFlags::SQLITE_OPEN_READ_ONLY).pragma("query_only", "ON")
    }

    /// As [`Self::reader`], also for a file that must not or cannot be written, as in a copy that is kept as evidence: it is read as
    /// one that nothing changes, without a lock and without any file beside it.
    #[must_use]
    pub fn witness(file: &Path) -> Self {
        let is_writable = std::fs::metadata(file).is_ok_and(|metadata| !metadata.permissions().readonly());
        if is_writable { Self::reader(file) } else { Self::unchanging(file).unwrap_or_else(|| Self::reader(file)) }
    }

    /// Only reads a file that nobody writes. What waits in a write-ahead log is not seen. [`None`] if its path cannot be a URI.
    #[must_use]
    pub fn unchanging(file: &Path) -> Option<Self> {
        let mut uri = url::Url::from_file_path(std::path::absolute(file).ok()?).ok()?;
        uri.set_query(Some("immutable=1"));
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        Some(Self::new(Some(Path::new(uri.as_str())), flags).pragma("query_only", "ON"))
    }

    /// A database in memory, gone with its pool.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::new(None, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
    }

    fn new(file: Option<&Path>, flags: OpenFlags) -> Self {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self {
            file: file.map(Path::to_owned),
            flags,
            pragmas: Vec::new(),
            statements: 100,
            fixed_plans: false,
            most: 1,
        }
    }

    /// Sets a pragma of every connection, after those that were set before.
    #[must_use]
    pub fn pragma(mut self, name: &'static str, value: impl ToString) -> Self {
        self.pragmas.push((name, value.to_string()));
        self
    }

    /// How many statements a connection keeps prepared.
    #[must_use]
    pub const fn statements(mut self, statements: usize) -> Self {
        self.statements = statements;
        self
    }

    /// Plans do not depend on what is bound; see `fix_plans`.
    #[must_use]
    pub const fn fixed_plans(mut self) -> Self {
        self.fixed_plans = true;
        self
    }

    /// How many connections there are at most; one, unless this says otherwise.
    #[must_use]
    pub const fn connections(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    pub(crate) fn open(&self) -> Result<Connection, rusqlite::Error> {
        let connection = match &self.file {
            Some(file) => Connection::open_with_flags(file, self.flags)?,
            None => Connection::open_in_memory_with_flags(self.flags)?,
        };
        connection.busy_timeout(BUSY_TIMEOUT)?;
        for (name, value) in &self.pragmas {
            connection.pragma_update(None, name, value)?;
        }
        if self.fixed_plans {
            fix_plans(&connection)?;
        }
        connection.set_prepared_statement_cache_capacity(self.statements);
        Ok(connection)
    }
}

/// Keeps SQLite from planning by what is bound. Otherwise a statement that compares a column of a partial index's condition
/// is prepared again for each value, which takes longer than a look-up.
///
/// # Errors
/// Those of the connection.
pub(crate) fn fix_plans(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// A few connections to one database, opened when they are needed; cheap to clone.
#[derive(Debug, Clone)]
pub struct SqlitePool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: SqliteOptions,
    idle: Mutex<Vec<Shared>>,
    permits: Arc<Semaphore>,
    /// The only connection is in a transaction that outlasts whoever it is lent to.
    is_snapshot: bool,
    /// Kept as long as there is a clone of the pool.
    _kept: Option<Arc<dyn Any + Send + Sync>>,
}

/// A connection may still be at work for somebody who no longer waits for it: who is next waits for the lock.
type Shared = Arc<Mutex<Connection>>;

impl SqlitePool {
    /// Opens nothing yet.
    #[must_use]
    pub fn new(options: SqliteOptions) -> Self {
        Self::keeping(options, None)
    }

    /// As [`Self::new`]; `kept` is dropped with the last clone of the pool.
    #[must_use]
    pub fn keeping(options: SqliteOptions, kept: Option<Arc<dyn Any + Send + Sync>>) -> Self {
        let permits = Arc::new(Semaphore::new(options.most));
        Self(Arc::new(Inner { options, idle: Mutex::default(), permits, is_snapshot: false, _kept: kept }))
    }

    /// One of the connections in a transaction that only reads, as a pool of its own. The connection is given back with the
    /// last clone of that pool; whoever takes it next ends the transaction, if [`Self::end_snapshot`] did not.
    pub(super) async fn snapshot(&self) -> Result<Self, Error> {
        let lent = self.connection().await?;
        lent.run(|connection| Ok(connection.execute_batch("BEGIN")?)).await?;
        let options = self.0.options.clone().connections(1);
        let idle = Mutex::new(vec![Arc::clone(&lent.connection)]);
        let permits = Arc::new(Semaphore::new(1));
        Ok(Self(Arc::new(Inner { options, idle, permits, is_snapshot: true, _kept: Some(Arc::new(lent)) })))
    }

    /// Ends the transaction of a snapshot.
    pub(super) async fn end_snapshot(self) -> Result<(), Error> {
        self.connection().await?.run(|connection| Ok(connection.execute_batch("ROLLBACK")?)).await
    }

    /// As [`Self::new`], and opens a first connection.
    ///
    /// # Errors
    /// If the file cannot be opened, or is no database.
    pub async fn open(options: SqliteOptions) -> Result<Self, Error> {
        let pool = Self::new(options);
        pool.connection().await?.run(|_| Ok(())).await?;
        Ok(pool)
    }

    /// The most connections that are opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.options.most
    }

    /// Takes a connection for itself, waiting for one if all are taken.
    pub(crate) async fn connection(&self) -> Result<Lent, Error> {
        let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(|_| Error::Closed)?;
        let permit = Arc::new(permit);
        let home = Arc::clone(&self.0);
        let idle = lock(&home.idle).pop();
        if let Some(connection) = idle {
            let lent = Lent { connection, home, permit };
            if !self.0.is_snapshot {
                lent.clean().await?;
            }
            return Ok(lent);
        }
        let opened = {
            let pool = Arc::clone(&home);
            blocking(move || Ok(pool.options.open()?)).await?
        };
        Ok(Lent { connection: Arc::new(Mutex::new(opened)), home, permit })
    }

    /// Waits until all connections are given back, and closes them.
    pub async fn close(&self) {
        if let Ok(all) = self.0.permits.acquire_many(u32::try_from(self.0.options.most).unwrap_or(1)).await {
            self.0.permits.close();
            drop(all);
        }
        lock(&self.0.idle).clear();
    }
}

/// A connection that goes back to its pool when this is dropped.
#[derive(Debug)]
pub struct Lent {
    connection: Shared,
    home: Arc<Inner>,
    /// Ends when the connection was given back and its last work has ended: closing the pool waits for both.
    permit: Arc<OwnedSemaphorePermit>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        lock(&self.home.idle).push(Arc::clone(&self.connection));
    }
}

/// Ends a query when it is dropped, whether the query has begun or not.
struct Waited(Arc<AtomicBool>);

impl Drop for Waited {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// After how many of its virtual machine's steps SQLite looks whether anybody still waits: a few microseconds.
const STEPS: i32 = 4_096;

impl Lent {
    /// Works with the connection. The work ends even when the caller lets go of it.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let (connection, permit) = (Arc::clone(&self.connection), Arc::clone(&self.permit));
        blocking(move || {
            let done = work(&lock(&connection));
            drop(connection);
            drop(permit);
            done
        })
        .await
    }

    /// As [`Self::run`], for work that is of no use to anybody once the caller has let go of it: it is interrupted then.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let waited = Waited(Arc::default());
        let is_left = Arc::clone(&waited.0);
        self.run(move |connection| {
            let look = Arc::clone(&is_left);
            connection.progress_handler(STEPS, Some(move || look.load(Ordering::Relaxed)))?;
            let done = if is_left.load(Ordering::Relaxed) { Err(Error::Closed) } else { work(connection) };
            connection.progress_handler(0, None::<fn() -> bool>)?;
            done
        })
        .await
    }

    /// Takes back what somebody left who went away in the middle of a transaction.
    async fn clean(&self) -> Result<(), Error> {
        if self.connection.try_lock().is_ok_and(|connection| connection.is_autocommit()) {
            return Ok(());
        }
        self.run(|connection| {
            if !connection.is_autocommit() {
                connection.execute_batch("ROLLBACK")?;
            }
            Ok(())
        })
        .await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::Closed),
        },
    }
}

/// All rows of a query, or the first ones.
pub(super) fn fetch<T: Row>(
    connection: &Connection,
    sql: &str,
    values: &[Value],
    most: usize,
) -> Result<Vec<T>, Error> {
    let mut statement = bound(connection, sql, values)?;
    let places: Vec<usize> =
        T::COLUMNS.iter().map(|column| statement.column_index(column)).collect::<Result<_, _>>()?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while found.len() < most
        && let Some(row) = rows.next()?
    {
        found.push(T::read(&mut Cells::sqlite(row, &places))?);
    }
    Ok(found)
}

/// Runs a statement, and returns how many rows it wrote.
pub(super) fn execute(connection: &Connection, sql: &str, values: &[Value]) -> Result<u64, Error> {
    Ok(bound(connection, sql, values)?.raw_execute()? as u64)
}

/// A prepared statement with its values.
pub(super) fn bound<'c>(connection: &'c Connection, sql: &str, values: &[Value]) -> Result<CachedStatement<'c>, Error> {
    // A text holds no values: those are bound.
    tracing::trace!(sql);
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, values)?;
    Ok(statement)
}

/// SQLite takes `$2` for a name, numbered where it first stands.
fn bind(statement: &mut Statement<'_>, values: &[Value]) -> Result<(), Error> {
    let wanted = statement.parameter_count();
    for index in 1..=wanted {
        let name = statement.parameter_name(index).and_then(|name| name.get(1..));
        let number = name.map_or(Some(index), |name| name.parse().ok());
        let value = number.and_then(|number: usize| values.get(number.checked_sub(1)?));
        let value = value.ok_or(rusqlite::Error::InvalidParameterCount(values.len(), wanted))?;
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Bool(value) => value.to_sql(),
            Self::Int(value) => value.to_sql(),
            Self::Text(value) => value.to_sql(),
            Self::Uuid(value) => Ok(value.as_bytes().as_slice().into()),
            Self::Bytes(value) => value.to_sql(),
            Self::Time(value) => Ok(time(*value).into()),
        }
    }
}

/// As texts of which the earlier one is the lesser one.
pub(crate) fn time(time: chrono::DateTime<chrono::Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;
    use crate::sql::Db;

    async fn db() -> Db {
        let db = Db::Sqlite(SqlitePool::open(SqliteOptions::in_memory()).await.expect("memory opens"));
        let mut session = db.session().await.expect("a connection");
        session.run("CREATE TABLE t (n BIGINT, word TEXT)").await.expect("a table");
        drop(session);
        db
    }

    async fn words(db: &Db) -> Vec<(i64, String)> {
        db.fetch_all("SELECT n, word FROM t ORDER BY n", &[]).await.expect("rows")
    }

    #[tokio::test]
    async fn values_are_bound_by_their_number_wherever_it_stands() {
        let db = db().await;
        let mut session = db.session().await.expect("a connection");
        let sql = "INSERT INTO t (word, n) VALUES ($2, $1), ($2 || $3, $1 + 1)";
        let values = [Value::Int(1), "a".into(), "b".into()];
        assert_eq!(session.execute(sql, &values).await.expect("rows go in"), 2);
        drop(session);
        assert_eq!(words(&db).await, [(1, "a".to_owned()), (2, "ab".to_owned())]);
        let too_few = db.fetch_all::<(i64,)>("SELECT n FROM t WHERE n = $2", &[Value::Int(1)]).await;
        assert!(matches!(too_few, Err(Error::Sqlite(rusqlite::Error::InvalidParameterCount(1, 1)))), "{too_few:?}");
    }

    #[tokio::test]
    async fn a_transaction_that_was_left_open_is_taken_back() {
        let db = db().await;
        let mut session = db.session().await.expect("a connection");
        session.begin().await.expect("begins");
        session.run("INSERT INTO t VALUES (1, 'a')").await.expect("a row goes in");
        drop(session);
        assert_eq!(words(&db).await, []);
    }

    #[tokio::test]
    async fn a_query_that_nobody_waits_for_any_more_is_interrupted() {
        let db = db().await;
        let endless = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT COUNT(*) AS n FROM c";
        let waiting = db.fetch_all::<(i64,)>(endless, &[]);
        tokio::time::timeout(std::time::Duration::from_millis(50), waiting).await.expect_err("it never ends");
        // The only connection is free again, and undisturbed. One that was left before it began never does.
        assert_eq!(words(&db).await, []);
        let Db::Sqlite(pool) = &db else { panic!("SQLite") };
        let lent = pool.connection().await.expect("a connection");
        let ((holds, held), (release, released)) = (tokio::sync::oneshot::channel(), std::sync::mpsc::channel::<()>());
        let (began, begins) = std::sync::mpsc::channel();
        let busy = lent.run(move |_| Ok((holds.send(()), released.recv())));
        let left = async {
            held.await.expect("the connection is in use");
            let reading = lent.read(move |_| Ok(began.send(())));
            tokio::time::timeout(std::time::Duration::from_millis(50), reading).await.expect_err("it waits");
            drop(release);
        };
        tokio::join!(busy, left).0.expect("it works").0.expect("somebody listens");
        assert!(begins.recv().is_err(), "it never began");
    }

    #[tokio::test]
    async fn a_column_that_holds_something_else_is_named() {
        let db = db().await;
        let text = db.fetch_all::<(i64, i64)>("SELECT 1 AS one, 'x' AS letter", &[]).await;
        assert!(matches!(&text, Err(Error::Column { column, .. }) if column == "letter"), "{text:?}");
        let null = db.fetch_all::<(String,)>("SELECT NULL AS absent", &[]).await;
        assert!(matches!(&null, Err(Error::Column { column, .. }) if column == "absent"), "{null:?}");
    }

    #[tokio::test]
    async fn rows_are_streamed_and_the_rest_is_left_when_nobody_listens() {
        let db = db().await;
        let mut session = db.session().await.expect("a connection");
        let sql = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < $1) SELECT n || '' FROM c";
        let all: Vec<_> = session.texts(sql, &[Value::Int(1_000)], 1).try_collect().await.expect("rows");
        assert_eq!((all.len(), all[999].as_slice()), (1_000, &[Some("1000".to_owned())][..]));
        let first = session.texts(sql, &[Value::Int(i64::MAX)], 1).try_next().await.expect("a row");
        assert_eq!(first, Some(vec![Some("1".to_owned())]));
        let failed = session.texts("SELECT nothing", &[], 1).try_next().await;
        assert!(failed.is_err());
    }
}
