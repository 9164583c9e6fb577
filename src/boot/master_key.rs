//! The master key: given, read from its file, or created together with a new key store.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::clock::Ambient;
use crate::config::{Config, MasterKeySource, StoreUrl};
use crate::log::seal::{MasterKey, ParseMasterKeyError};

/// Why there is no master key. Never contains the key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file is gone although keys were wrapped with it.
    #[error(
        "the master key file {} is missing, but the key store {store} was made with it: restore the file, or give the \
         key in COMMLOG_MASTER_KEY", path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The key store's URL.
        store: String,
    },
    /// A shared key store needs a configured master key.
    #[error(
        "the key store {store} is shared by all nodes, so its master key must be given: put 64 hex digits (openssl rand \
         -hex 32) into COMMLOG_MASTER_KEY or into {}", path.display()
    )]
    Ungiven {
        /// The file that could hold it.
        path: PathBuf,
        /// The key store's URL.
        store: String,
    },
    /// The file cannot be read or created.
    #[error("cannot {doing} the master key file {}", path.display())]
    File {
        /// `read` or `create`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The file contains something else.
    #[error("the file {} does not contain a master key", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The expected content.
        #[source]
        source: ParseMasterKeyError,
    },
}

/// Finds the master key, or creates one if key store and file are both new.
pub fn find_or_make(config: &Config, ambient: &Ambient) -> Result<MasterKey, MasterKeyError> {
    match (&config.master_key, &config.keys) {
        (MasterKeySource::File(path), StoreUrl::Sqlite(store)) if !path.exists() && !store.exists() => {
            make(path, ambient)
        }
        _ => find(config),
    }
}

/// Finds the master key, which must exist.
pub fn find(config: &Config) -> Result<MasterKey, MasterKeyError> {
    let path = match &config.master_key {
        MasterKeySource::Given(key) => return Ok(key.clone()),
        MasterKeySource::File(path) => path,
    };
    let store = config.keys.to_string();
    match (fs::read_to_string(path).map(Zeroizing::new), &config.keys) {
        (Ok(text), _) => text.parse().map_err(|source| MasterKeyError::Invalid { path: path.clone(), source }),
        (Err(error), StoreUrl::Sqlite(_)) if error.kind() == io::ErrorKind::NotFound => {
            Err(MasterKeyError::Missing { path: path.clone(), store })
        }
        (Err(error), StoreUrl::Postgres(_)) if error.kind() == io::ErrorKind::NotFound => {
            Err(MasterKeyError::Ungiven { path: path.clone(), store })
        }
        (Err(source), _) => Err(MasterKeyError::File { doing: "read", path: path.clone(), source }),
    }
}

fn make(path: &Path, ambient: &Ambient) -> Result<MasterKey, MasterKeyError> {
    let key = MasterKey::generate(ambient);
    let write = || -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = create_private(path)?;
        file.write_all(Zeroizing::new(key.to_hex() + "\n").as_bytes())?;
        // Keys that it wraps are durable before their first use, so it must be durable before them.
        file.sync_all()
    };
    write().map_err(|source| MasterKeyError::File { doing: "create", path: path.to_owned(), source })?;
    Ok(key)
}

/// Creates a file that only its owner may read. Fails if it exists.
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
