//! Says that a generation is in use, to every process: what is leased is not removed.
//!
//! A shared lock on a file beside the generation's, or a shared advisory lock of PostgreSQL. The lease lives as long as
//! a pool of connections to the generation, so a generation goes only when its last reader has let go.

use std::fs::File;
use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::Mutex;

use super::location::{Location, file_error, remove_file};
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
            Location::Database(url) => {
                let mut connection = connect(url).await?;
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
            Location::Database(url) => {
                let mut connection = connect(url).await?;
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

async fn connect(url: &str) -> Result<PgConnection, ProjectionError> {
    PgConnection::connect_with(&options::postgres(url, "public")?).await.map_err(database("be reached"))
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
        Location::Database(url) => {
            let mut connection = connect(url).await?;
            let key = key(id);
            let sql = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 \
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                       AND (classid::bigint << 32 | objid::bigint) = $1)";
            let taken = sqlx::query_scalar(sql).bind(key).fetch_one(&mut connection).await;
            taken.map_err(database("be leased"))
        }
    }
}
