//! Says that a generation is in use, to every process: what is leased is not removed.
//!
//! A shared lock on a file beside the generation's, or a shared advisory lock of PostgreSQL. The lease lives as long as
//! a pool of connections to the generation, so a generation goes only when its last reader has let go.

use std::fs::File;
use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::Mutex;

use super::location::{Database, Location, file_error, remove_file};
use super::options;
use crate::projections::error::{ProjectionError, database};

/// Held by those who use a generation.
#[derive(Debug)]
pub struct Lease {
    _lock: Lock,
}

#[derive(Debug)]
enum Lock {
    File(#[expect(dead_code, reason = "closing it ends the lock")] File),
    Session(Mutex<PgConnection>),
}

/// The right to remove a generation: nobody leases it, and nobody can.
pub struct Removal(Lock);

impl Lease {
    /// Joins those who use a generation.
    pub async fn take(location: &Location, id: &str) -> Result<Self, ProjectionError> {
        let lock = match location {
            Location::Folder(folder) => {
                let path = folder.join(format!("{id}.lock"));
                let file = open(&path)?;
                file.lock_shared().map_err(file_error("lock", &path))?;
                Lock::File(file)
            }
            Location::Database(Database { url, reader }) => {
                let mut connection = connect(url, reader).await?;
                let sql = format!("SELECT pg_advisory_lock_shared({})", key(id));
                let locked = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
                locked.map_err(database("be leased"))?;
                Lock::Session(Mutex::new(connection))
            }
        };
        Ok(Self { _lock: lock })
    }
}

impl Removal {
    /// [`None`] while somebody uses the generation.
    pub async fn try_take(location: &Location, id: &str) -> Result<Option<Self>, ProjectionError> {
        match location {
            Location::Folder(folder) => {
                let path = folder.join(format!("{id}.lock"));
                let file = open(&path)?;
                match file.try_lock() {
                    Ok(()) => Ok(Some(Self(Lock::File(file)))),
                    Err(std::fs::TryLockError::WouldBlock) => Ok(None),
                    Err(std::fs::TryLockError::Error(error)) => Err(file_error("lock", &path)(error)),
                }
            }
            Location::Database(Database { url, reader }) => {
                let mut connection = connect(url, reader).await?;
                let sql = format!("SELECT pg_try_advisory_lock({})", key(id));
                let locked: Result<bool, _> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await;
                let locked = locked.map_err(database("be leased"))?;
                Ok(locked.then(|| Self(Lock::Session(Mutex::new(connection)))))
            }
        }
    }

    /// Ends the lock of a generation that is gone.
    pub async fn finish(self, location: &Location, id: &str) -> Result<(), ProjectionError> {
        match (self.0, location) {
            (Lock::Session(connection), _) => connection.into_inner().close().await.map_err(database("be released")),
            (Lock::File(_), Location::Folder(folder)) => remove_file(&folder.join(format!("{id}.lock"))),
            (Lock::File(_), Location::Database(_)) => Ok(()),
        }
    }
}

fn open(path: &Path) -> Result<File, ProjectionError> {
    File::options().create(true).truncate(false).write(true).open(path).map_err(file_error("open", path))
}

async fn connect(url: &str, name: &str) -> Result<PgConnection, ProjectionError> {
    let options = options::postgres(url, "public")?.application_name(name);
    PgConnection::connect_with(&options).await.map_err(database("be reached"))
}

/// A lock number from the id's last digits, which are random.
fn key(id: &str) -> i64 {
    let digits = &id[id.len().saturating_sub(15)..];
    i64::from_str_radix(digits, 16).unwrap_or(0)
}

/// Whether a process uses a generation.
pub async fn is_taken(location: &Location, id: &str) -> Result<bool, ProjectionError> {
    match location {
        Location::Folder(folder) => {
            let path = folder.join(format!("{id}.lock"));
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(file_error("open", &path)(error)),
            };
            match file.try_lock() {
                Ok(()) => Ok(false),
                Err(std::fs::TryLockError::WouldBlock) => Ok(true),
                Err(std::fs::TryLockError::Error(error)) => Err(file_error("lock", &path)(error)),
            }
        }
        Location::Database(at) => is_leased(at, id, None).await,
    }
}

/// Whether a process of another version of commlog uses a generation. Files are not looked at: nodes that read the same ones are
/// on one machine, and are replaced together.
pub async fn is_taken_by_another_version(location: &Location, id: &str) -> Result<bool, ProjectionError> {
    match location {
        Location::Folder(_) => Ok(false),
        Location::Database(at) => is_leased(at, id, Some(&at.reader)).await,
    }
}

/// Whether a generation in a database is leased by a connection that has not this name.
async fn is_leased(at: &Database, id: &str, besides: Option<&str>) -> Result<bool, ProjectionError> {
    let mut connection = connect(&at.url, &at.reader).await?;
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
               WHERE l.locktype = 'advisory' AND l.objsubid = 1 \
               AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
               AND (l.classid::bigint << 32 | l.objid::bigint) = $1 \
               AND ($2::text IS NULL OR a.application_name IS DISTINCT FROM $2))";
    let taken = sqlx::query_scalar(sql).bind(key(id)).bind(besides).fetch_one(&mut connection).await;
    taken.map_err(database("be leased"))
}
