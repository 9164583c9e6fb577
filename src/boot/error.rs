//! Why commlog does not start.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::app::AppError;
use crate::boot::master_key::MasterKeyError;
use crate::http::ServeError;
use crate::log::LogError;
use crate::log::blobs::BlobError;
use crate::log::keys::KeyStoreError;
use crate::log::load::LoadError;
use crate::processes::backlog::BacklogError;
use crate::projections::ProjectionError;
use crate::providers::kit::client::ClientError;
use crate::queries::QueryError;
use crate::traces::StartError;

/// Why a part of commlog cannot be opened or started; names the part and its location.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A place that a log is to be loaded into.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The key store.
    #[error(transparent)]
    Keys(#[from] KeyStoreError),
    /// The blob store.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The master key.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The read tables.
    #[error(transparent)]
    Projections(#[from] ProjectionError),
    /// A read from the read tables.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A use case that a command completes by itself.
    #[error(transparent)]
    App(#[from] AppError),
    /// The work that earlier processes left could not be collected.
    #[error(transparent)]
    Backlog(#[from] BacklogError),
    /// A log exists without the key store that sealed its personal data.
    #[error(
        "the log {log} exists, but its key store {keys} is missing: without it no personal data can be read or written. \
         Restore the key store, or name it in COMMLOG_KEYS_URL"
    )]
    KeyStoreMissing {
        /// The log's URL.
        log: String,
        /// The key store's URL.
        keys: String,
    },
    /// The key store would be in the log's dumps.
    #[error(
        "the key store {url} is in the log's own database: a dump of it would hold the keys beside what they seal, and forgotten \
         people could be read from it. Name another database in keys_url, or say keys_with_log = true if dumps leave the schema \
         keys out"
    )]
    KeysWithLog {
        /// The key store's URL.
        url: String,
    },
    /// The HTTP client for providers cannot be built.
    #[error("providers cannot be called over HTTP")]
    Client(#[source] ClientError),
    /// Spans cannot be exported.
    #[error(transparent)]
    Traces(#[from] StartError),
    /// A setting of a provider account is wrong.
    #[error("account {name} of {provider} in {origin}: {setting} {reason}")]
    Account {
        /// The provider.
        provider: String,
        /// The account.
        name: String,
        /// The file or variable.
        origin: String,
        /// The setting's name.
        setting: Cow<'static, str>,
        /// The valid values.
        reason: Cow<'static, str>,
    },
    /// A setting of a service that checks addresses is wrong.
    #[error("validator {service} in {origin}: {setting} {reason}")]
    Validator {
        /// The service.
        service: String,
        /// The file or variable.
        origin: String,
        /// The setting's name.
        setting: Cow<'static, str>,
        /// The valid values.
        reason: Cow<'static, str>,
    },
    /// A command that only reads found nothing to read.
    #[error(
        "there is no log at {url}: name it in COMMLOG_LOG_URL or COMMLOG_DATA_DIR, or begin with `commlog demo`, `commlog serve` or `commlog import`"
    )]
    NoLog {
        /// The log's URL.
        url: String,
    },
    /// A folder cannot be created.
    #[error("cannot create the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The server stopped serving.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A part of the node panicked; standard error shows where.
    #[error("a part of this node failed")]
    Panicked(#[source] tokio::task::JoinError),
    /// Another node runs processes on the same SQLite log.
    #[error(
        "another server already sends from {}: stop it first, or start this one with --roles api,projector. Several \
         servers that send need a log in PostgreSQL",
        log.display()
    )]
    InUse {
        /// The log's file.
        log: PathBuf,
    },
    /// Whether another node runs processes cannot be found out.
    #[error("{} cannot be locked", path.display())]
    Lock {
        /// The file that is locked.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The port is taken.
    #[error("{address} is in use by another program: choose another address in COMMLOG_LISTEN")]
    PortInUse {
        /// The configured address.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
}
