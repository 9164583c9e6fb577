//! Opening a file for writing: the log's id and first epoch, and which file it is.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tokio::sync::watch;
use uuid::Uuid;

use super::store::StoreError;
use super::writer::Writer;
use super::{KIND, lookup, store, store_error};
use crate::clock::Ambient;
use crate::ids::Position;
use crate::log::LogError;
use crate::sql::checkpointer::{self, Checkpointer};

/// The writer of a log, which is made if there is none.
///
/// # Errors
/// [`LogError::Loading`] if it is not complete.
pub(super) fn writer(
    path: &Path,
    url: &str,
    ambient: Ambient,
    announce: watch::Sender<Position>,
) -> Result<Writer, LogError> {
    let connection = store::open(path, &KIND).map_err(|error| store_error(url, error))?;
    let fail = |error| store_error(url, StoreError::from(error));
    let system_id = system_id(path);
    tune(&connection).map_err(fail)?;
    begin(&connection, &ambient, &system_id).map_err(fail)?;
    if lookup::is_loading(&connection).map_err(fail)? {
        return Err(LogError::Loading { url: url.to_owned() });
    }
    let checkpointer = Checkpointer::start(path, "FULL");
    Writer::new(connection, url.to_owned(), system_id, ambient, announce, checkpointer).map_err(fail)
}

/// Sets a connection up that writes.
pub(super) fn tune(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "wal_autocheckpoint", checkpointer::WRITER_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", 160 * 1024 * 1024)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// Gives a new log its id and first epoch, both at once: one that has an id alone is being loaded.
fn begin(connection: &Connection, ambient: &Ambient, system_id: &str) -> Result<(), rusqlite::Error> {
    if lookup::log_id(connection)?.is_some() {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    if lookup::log_id(&transaction)?.is_none() {
        name(&transaction, ambient.uuid())?;
        transaction.execute(
            "INSERT INTO epochs (epoch, started_at, system_id) VALUES (1, ?1, ?2)",
            params![ambient.now().timestamp_micros(), system_id],
        )?;
    }
    transaction.commit()
}

/// Gives a log its id.
pub(super) fn name(connection: &Connection, log_id: Uuid) -> Result<(), rusqlite::Error> {
    let insert = "INSERT INTO meta (name, value) VALUES ('log_id', ?1)";
    connection.execute(insert, [log_id.as_bytes()]).map(drop)
}

/// Distinguishes a file from its copy: by its inode where the system has them. Device numbers may change at each start of a system.
pub(in crate::log) fn system_id(path: &Path) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if let Ok(metadata) = std::fs::metadata(path) {
            return format!("inode {}", metadata.ino());
        }
    }
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
