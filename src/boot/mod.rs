//! The composition root: configuration → stores, use cases, processes, servers. The only module that names concrete
//! backends and providers.

mod accounts;
mod backups;
mod error;
mod leases;
mod loading;
pub mod master_key;
mod node;
mod process;
mod processes;
mod sign_in;
mod simulation;
mod sole;
mod traces;
mod validators;

use std::path::Path;
use std::sync::Arc;

pub use accounts::account_variables;
pub use backups::{find_master_key, open_sources, open_targets};
pub use error::BootError;
pub use loading::open_loader;
pub use node::{Node, Port, Running};
pub use process::keep_files_private;
pub use processes::{account_service, complete_erasures, hold, outlook, take_erasures_up};
pub use simulation::Simulation;
pub use traces::start_traces;
pub use validators::validation_service;

pub use crate::projections::{Hindrance, ReadStore, Survey};

use crate::app::App;
use crate::boot::master_key::MasterKeyError;
use crate::clock::Ambient;
use crate::config::{BlobsUrl, Config, LogUrl, StoreUrl};
use crate::domain::decision::Policy;
use crate::domain::upcasters;
use crate::log::blobs::folder::FolderBlobStore;
use crate::log::blobs::postgres::PostgresBlobStore;
use crate::log::blobs::{BlobStore, Blobs};
use crate::log::keeper::Keeper;
use crate::log::keys::KeyStore;
use crate::log::keys::postgres::PostgresKeyStore;
use crate::log::keys::sqlite::SqliteKeyStore;
use crate::log::kurrentdb::KurrentLog;
use crate::log::seal::MasterKey;
use crate::log::sql::postgres::PostgresLog;
use crate::log::sql::sqlite::SqliteLog;
use crate::log::upcast::Upcasters;
use crate::log::{EventLog, Journal};
use crate::projections::{ProjectionError, Registry};

/// The most threads for blocking work (files, cryptography over batches). More would only hold memory: work that waits
/// for a thread would otherwise wait for a processor or the disk.
const BLOCKING_THREADS: usize = 32;

/// The runtime of the process.
///
/// # Errors
/// If the system refuses threads.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build()
}

/// The log, its key store and the use cases over them. Cheap enough to clone.
#[derive(Clone)]
pub struct Stores {
    /// The log as the rest of commlog uses it.
    pub journal: Journal,
    /// The use cases.
    pub app: App,
    keeper: Keeper,
    ambient: Ambient,
    config: Config,
}

impl Stores {
    /// Opens log and key store, and creates them if they do not exist.
    pub async fn open(config: &Config, ambient: &Ambient) -> Result<Self, BootError> {
        let (log_exists, keys_exist) = (log_may_exist(&config.log), may_exist(&config.keys));
        if config.log.sql().is_some_and(is_file) && !keys_exist {
            return Err(BootError::KeyStoreMissing { log: config.log.to_string(), keys: config.keys.to_string() });
        }
        if !config.keys_with_log && shares_a_database(&config.log, &config.keys).await? {
            return Err(BootError::KeysWithLog { url: config.keys.to_string() });
        }
        match &config.log {
            LogUrl::Sql(StoreUrl::Sqlite(path)) => make_parents(path)?,
            // A database that does not answer is no reason to make keys.
            LogUrl::Sql(StoreUrl::Postgres(url)) => drop(PostgresLog::database_at(url).await?),
            LogUrl::Kurrent(url) => {
                KurrentLog::reach(url.address()).await?;
                make_parents(&config.log_index)?;
            }
        }
        make_folder(&config.keys)?;
        // The key store comes first: a log without its key store is an error; a key store without a log is left by a crash.
        let master = master_key::find_or_make(config, ambient)?;
        let keys = open_keys(config, &master, ambient).await?;
        let log = open_log(config, ambient).await?;
        tracing::debug!(log = %config.log, keys = %config.keys, new = !log_exists, "opened");
        let keeper = Keeper::new(log.clone(), keys.clone(), master);
        let journal = Journal::open(log, keys, Upcasters::new(upcasters()), ambient.clone()).await?;
        let policy = Policy {
            require_opt_in: config.require_opt_in,
            default_region: config.default_region.clone(),
            ..Policy::default()
        };
        let app = App::with_policy(journal.clone(), ambient.clone(), policy)
            .with_public_url(&config.public_url)
            .with_blobs(Blobs::new(open_blobs(&config.blobs).await?, journal.clone()));
        Ok(Self { journal, app, keeper, ambient: ambient.clone(), config: config.clone() })
    }

    /// Opens stores that must exist: commands that only read never create an empty log.
    pub async fn open_existing(config: &Config, ambient: &Ambient) -> Result<Self, BootError> {
        if log_may_exist(&config.log) {
            Self::open(config, ambient).await
        } else {
            Err(BootError::NoLog { url: config.log.to_string() })
        }
    }

    /// Opens stores that must exist, and changes nothing in them. Appends are refused, files of messages are not read.
    pub async fn open_to_read(config: &Config, ambient: &Ambient) -> Result<Self, BootError> {
        let log = open_existing_log(config, ambient).await?;
        if !may_exist(&config.keys) {
            return Err(BootError::KeyStoreMissing { log: config.log.to_string(), keys: config.keys.to_string() });
        }
        let master = master_key::find(config)?;
        let keys = read_keys(config, &master, ambient).await?;
        let keeper = Keeper::new(log.clone(), keys.clone(), master);
        let journal = Journal::open(log, keys, Upcasters::new(upcasters()), ambient.clone()).await?;
        let app = App::with_policy(journal.clone(), ambient.clone(), Policy::default());
        Ok(Self { journal, app, keeper, ambient: ambient.clone(), config: config.clone() })
    }

    /// The projection files: the embedded ones, and those of the configured folder.
    pub fn registry(&self) -> Result<Registry, BootError> {
        let builtin = Registry::builtin().map_err(ProjectionError::from)?;
        Ok(match &self.config.projections_dir {
            None => builtin,
            Some(folder) => Registry::load_dir(folder).map_err(ProjectionError::from)?,
        })
    }

    /// Opens the read tables. They may lag behind the log.
    pub async fn read_store(&self) -> Result<ReadStore, BootError> {
        make_folder(&self.config.read)?;
        Ok(ReadStore::open(&read_location(&self.config), self.journal.clone(), self.registry()?, self.ambient.clone())
            .await?)
    }

    /// The configuration that the stores were opened with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Clock and randomness.
    #[must_use]
    pub fn ambient(&self) -> &Ambient {
        &self.ambient
    }

    /// What signs checkpoints of the log.
    #[must_use]
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// Finishes accepted work and closes the log.
    pub async fn close(&self) {
        self.journal.backend().close().await;
    }
}

/// Opens only the log, which must exist, for reading; needs no keys, and changes nothing.
pub async fn open_existing_log(config: &Config, ambient: &Ambient) -> Result<Arc<dyn EventLog>, BootError> {
    if !log_may_exist(&config.log) {
        return Err(BootError::NoLog { url: config.log.to_string() });
    }
    Ok(match &config.log {
        LogUrl::Sql(StoreUrl::Sqlite(path)) => Arc::new(SqliteLog::open_to_read(&text(path)).await?),
        LogUrl::Sql(StoreUrl::Postgres(url)) => Arc::new(PostgresLog::connect_to_read(url, ambient.clone()).await?),
        LogUrl::Kurrent(url) => {
            make_parents(&config.log_index)?;
            Arc::new(KurrentLog::connect_to_read(url.address(), &config.log_index, ambient.clone()).await?)
        }
    })
}

/// The generations of read tables, looked at from outside; [`None`] if there are none.
pub async fn survey_read_tables(config: &Config, log: &dyn EventLog) -> Result<Option<Survey>, BootError> {
    Ok(ReadStore::survey(&read_location(config), log).await?)
}

/// Whether a server that sends, or another process that can, works with a log at the moment.
pub async fn who_else_writes(config: &Config) -> Result<OthersAtWork, BootError> {
    Ok(match &config.log {
        LogUrl::Sql(StoreUrl::Sqlite(path)) => OthersAtWork::Sender(sole::is_taken(path)?),
        LogUrl::Sql(StoreUrl::Postgres(url)) => OthersAtWork::Connections(PostgresLog::count_workers(url).await?),
        LogUrl::Kurrent(_) => OthersAtWork::Unknown,
    })
}

/// Who else works with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OthersAtWork {
    /// Whether a server sends from this SQLite log; there is one at most.
    Sender(bool),
    /// The number of connections to its database by processes that can write.
    Connections(u64),
    /// KurrentDB does not say who is connected.
    Unknown,
}

fn read_location(config: &Config) -> String {
    match &config.read {
        StoreUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        StoreUrl::Postgres(url) => url.clone(),
    }
}

/// What keeps the checkpoints of a log, if its key store and the master key are here; makes neither.
pub async fn open_existing_keeper(
    config: &Config,
    log: &Arc<dyn EventLog>,
    ambient: &Ambient,
) -> Result<Option<Keeper>, BootError> {
    if !may_exist(&config.keys) {
        return Ok(None);
    }
    let master = match master_key::find(config) {
        Ok(master) => master,
        Err(MasterKeyError::Missing { .. } | MasterKeyError::Ungiven { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let keys = read_keys(config, &master, ambient).await?;
    Ok(Some(Keeper::new(log.clone(), keys, master)))
}

async fn open_keys(config: &Config, master: &MasterKey, ambient: &Ambient) -> Result<Arc<dyn KeyStore>, BootError> {
    Ok(match &config.keys {
        StoreUrl::Sqlite(path) => Arc::new(SqliteKeyStore::open(&text(path), master, ambient.clone()).await?),
        StoreUrl::Postgres(url) => Arc::new(PostgresKeyStore::connect(url, master, ambient.clone()).await?),
    })
}

async fn read_keys(config: &Config, master: &MasterKey, ambient: &Ambient) -> Result<Arc<dyn KeyStore>, BootError> {
    Ok(match &config.keys {
        StoreUrl::Sqlite(path) => Arc::new(SqliteKeyStore::open_to_read(&text(path), master, ambient.clone()).await?),
        StoreUrl::Postgres(url) => Arc::new(PostgresKeyStore::connect_to_read(url, master, ambient.clone()).await?),
    })
}

async fn open_log(config: &Config, ambient: &Ambient) -> Result<Arc<dyn EventLog>, BootError> {
    Ok(match &config.log {
        LogUrl::Sql(StoreUrl::Sqlite(path)) => Arc::new(SqliteLog::open(&text(path), ambient.clone()).await?),
        LogUrl::Sql(StoreUrl::Postgres(url)) => Arc::new(PostgresLog::connect(url, ambient.clone()).await?),
        LogUrl::Kurrent(url) => Arc::new(KurrentLog::connect(url.address(), &config.log_index, ambient.clone()).await?),
    })
}

async fn open_blobs(url: &BlobsUrl) -> Result<Arc<dyn BlobStore>, BootError> {
    Ok(match url {
        BlobsUrl::Folder(path) => Arc::new(FolderBlobStore::open(path).await?),
        BlobsUrl::Postgres(url) => Arc::new(PostgresBlobStore::connect(url).await?),
    })
}

/// Whether a log and another store are in one database of PostgreSQL.
async fn shares_a_database(log: &LogUrl, other: &StoreUrl) -> Result<bool, BootError> {
    match log.sql() {
        Some(log) => is_same_database(log, other).await,
        None => Ok(false),
    }
}

/// Whether two stores are in one database of PostgreSQL, by whatever names it is reached.
async fn is_same_database(one: &StoreUrl, other: &StoreUrl) -> Result<bool, BootError> {
    let (StoreUrl::Postgres(one), StoreUrl::Postgres(other)) = (one, other) else { return Ok(false) };
    Ok(one == other || PostgresLog::database_at(one).await? == PostgresLog::database_at(other).await?)
}

/// Warns of read tables in the log's own database: a dump of all of it holds everybody's data in the clear.
async fn warn_of_shared_database(config: &Config) -> Result<(), BootError> {
    if shares_a_database(&config.log, &config.read).await? {
        tracing::warn!(
            url = %config.log,
            "log and read tables are in one database: a dump of all of it holds people in the clear, and whoever is forgotten \
             later stays in it. Give read_url another database, or dump only the schemas log and blobs (docs/backup.md)"
        );
    }
    Ok(())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn is_file(url: &StoreUrl) -> bool {
    matches!(url, StoreUrl::Sqlite(path) if path.is_file())
}

/// A database server has to be queried; a file only needs to exist.
fn may_exist(url: &StoreUrl) -> bool {
    match url {
        StoreUrl::Sqlite(path) => path.exists(),
        StoreUrl::Postgres(_) => true,
    }
}

/// As [`may_exist`]: a cluster has to be asked.
fn log_may_exist(log: &LogUrl) -> bool {
    log.sql().is_none_or(may_exist)
}

fn make_folder(url: &StoreUrl) -> Result<(), BootError> {
    match url {
        StoreUrl::Sqlite(path) => make_parents(path),
        StoreUrl::Postgres(_) => Ok(()),
    }
}

fn make_parents(path: &Path) -> Result<(), BootError> {
    match path.parent() {
        Some(folder) => {
            create_private_folders(folder).map_err(|source| BootError::Folder { path: folder.to_owned(), source })
        }
        None => Ok(()),
    }
}

/// Creates a folder and its parents for this user only: read tables hold personal data in the clear.
fn create_private_folders(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}
