//! Reading connections: a few, opened when needed, used on threads where blocking is allowed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::store;
use crate::log::LogError;

/// How many reads run at the same time.
const CONNECTIONS: usize = 4;

/// A pool of connections that only read; cheap to clone.
#[derive(Clone)]
pub(super) struct Readers(Arc<Inner>);

struct Inner {
    path: PathBuf,
    url: String,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf, url: String) -> Self {
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        Self(Arc::new(Inner { path, url, idle: Mutex::default(), permits }))
    }

    /// Runs a read. It ends even when the caller lets go of it.
    pub(super) async fn read<T, F>(&self, doing: &'static str, read: F) -> Result<T, LogError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    {
        let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(|_| LogError::Closed)?;
        let inner = Arc::clone(&self.0);
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let connection = inner.take().map_err(|error| inner.error(doing, error.into()))?;
            let result = read(&connection);
            inner.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            result.map_err(|error| inner.error(doing, error))
        });
        match reading.await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(LogError::Closed),
            },
        }
    }

    /// Lets running reads end, and refuses new ones.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.0.permits.acquire_many(u32::try_from(CONNECTIONS).unwrap_or(1)).await {
            self.0.permits.close();
            drop(all);
        }
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Inner {
    fn take(&self) -> Result<Connection, rusqlite::Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| store::open_reader(&self.path), Ok)
    }

    fn error(&self, doing: &'static str, error: ReadError) -> LogError {
        match error {
            ReadError::Sqlite(error) => super::database(&self.url, doing, error),
            ReadError::Log(error) => error,
        }
    }
}

/// Why a read failed: the database, or what was found in it.
#[derive(Debug)]
pub(super) enum ReadError {
    Sqlite(rusqlite::Error),
    Log(LogError),
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<LogError> for ReadError {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}
