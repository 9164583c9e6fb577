//! Of a SQLite log, one node runs the processes: it takes every call that is under way, and that it does not make itself, for
//! one that a crash interrupted. On a log in a database, nodes take turns ([`super::leases`]).

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::BootError;
use crate::config::{LogUrl, StoreUrl};

/// The right to run processes on a log, until it is dropped or its process ends, however that happens.
#[derive(Debug)]
pub(super) struct Sole {
    _file: Option<File>,
}

impl Sole {
    /// Takes the right.
    ///
    /// # Errors
    /// [`BootError::InUse`] if another node has it; [`BootError::Lock`] if the file that says so cannot be used.
    pub(super) fn take(log: &LogUrl) -> Result<Self, BootError> {
        let LogUrl::Sql(StoreUrl::Sqlite(log)) = log else { return Ok(Self { _file: None }) };
        let path = beside(log);
        let failed = |source| BootError::Lock { path: path.clone(), source };
        let file = options().open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(BootError::InUse { log: log.clone() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// Whether some process has the right to run processes on a SQLite log.
pub(super) fn is_taken(log: &Path) -> Result<bool, BootError> {
    let path = beside(log);
    let failed = |source| BootError::Lock { path: path.clone(), source };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    // Shared, so that two who look do not take each other for a server.
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// The lock's file; it stays when the lock ends, because removing it would let two nodes lock one each.
fn beside(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
