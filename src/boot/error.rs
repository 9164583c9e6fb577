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
use crate::processes::backlog::BacklogError;
use crate::projections::ProjectionError;
use crate::providers::kit::client::ClientError;
use crate::queries::QueryError;

/// Why a part of commlog cannot be opened or started. Names what, and where it is.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
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
    /// What earlier processes left to do could not be gathered.
    #[error(transparent)]
    Backlog(#[from] BacklogError),
    /// A log stands without the key store that its personal data was sealed with.
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
    /// No provider can be called.
    #[error("providers cannot be called over HTTP")]
    Client(#[source] ClientError),
    /// A provider account is not usable as it is configured.
    #[error("account {name} of {provider} in {origin}: {setting} {reason}")]
    Account {
        /// The provider.
        provider: String,
        /// The account.
        name: String,
        /// The file or variable.
        origin: String,
        /// Which setting.
        setting: Cow<'static, str>,
        /// What it must be.
        reason: Cow<'static, str>,
    },
    /// A command that only reads found nothing to read.
    #[error(
        "there is no log at {url}: name it in COMMLOG_LOG_URL or COMMLOG_DATA_DIR, or start with commlog demo, serve or import"
    )]
    NoLog {
        /// The log's URL.
        url: String,
    },
    /// A folder cannot be made.
    #[error("cannot make the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server stopped serving.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A part of the node ended by a fault of its own; standard error tells where.
    #[error("a part of this node failed")]
    Panicked(#[source] tokio::task::JoinError),
    /// The port is taken.
    #[error("{address} is in use by another program: choose another address in COMMLOG_LISTEN")]
    PortInUse {
        /// Where commlog would have listened.
        address: SocketAddr,
    },
    /// Nobody can listen there.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where commlog would have listened.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}
