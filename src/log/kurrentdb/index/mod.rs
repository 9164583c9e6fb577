//! What a node knows of the log, in a SQLite file of its own: the position of each event (its number in the order of `$all`, which
//! is the same for every node), heads of streams, ids of events, commands, epochs, snapshots. All but the snapshots is read out
//! of the log; a file that is lost, or belongs to another log, is made again by reading the log once.

mod apply;
mod lookup;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use uuid::Uuid;

use super::wire::Place;
use crate::log::plan::Known;
use crate::log::{EventHash, LogError, SealedAppend};
use crate::sql::{Error, SqliteOptions, SqlitePool};

pub(super) use apply::{Seen, SeenEvent, What};

const SCHEMA: &str = include_str!("../index.sql");

/// Marks the file as ours, and its version: another one is made anew.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"clki");
const VERSION: i32 = 1;

const CONNECTIONS: usize = 4;

/// A node's index; cheap to clone.
#[derive(Clone)]
pub(super) struct Index {
    pool: SqlitePool,
    url: String,
}

/// An event that the index knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub stream: crate::log::StreamId,
    pub version: u64,
    pub position: u64,
    pub place: Place,
}

impl Index {
    /// Opens the index of a log; makes it if there is none, or if it is that of another log.
    pub(super) async fn open(path: &Path, log_id: Uuid) -> Result<Self, LogError> {
        let url = format!("sqlite:{}", path.display());
        let fail = |error: Error| database(&url, "be opened", error);
        let path = path.to_owned();
        let prepared = tokio::task::spawn_blocking(move || prepare(&path, log_id).map(|()| path)).await;
        let path = prepared.map_err(|_| LogError::Closed)?.map_err(fail)?;
        let pool = SqlitePool::open(options(&path)).await.map_err(fail)?;
        Ok(Self { pool, url })
    }

    /// Forgets everything: what it was read from is no longer there.
    pub(super) async fn clear(&self) -> Result<(), LogError> {
        self.run("be cleared", |connection| {
            connection.execute_batch(
                "BEGIN IMMEDIATE; DELETE FROM streams; DELETE FROM events; DELETE FROM claims; DELETE FROM epochs; \
                 DELETE FROM snapshots; DELETE FROM meta WHERE name IN ('first_subject', 'loaded_epoch'); \
                 UPDATE meta SET value = 0 WHERE name IN ('commit', 'prepare'); COMMIT",
            )
        })
        .await
    }

    /// Up to where the log was read.
    pub(super) async fn reached(&self) -> Result<Place, LogError> {
        self.run("be read", apply::reached).await
    }

    /// Takes events that follow a place. False if another process that uses the file was faster: then nothing was done.
    pub(super) async fn apply(&self, after: Place, seen: Vec<Seen>, reached: Place) -> Result<bool, LogError> {
        self.run("be written", move |connection| apply::apply(connection, after, &seen, reached)).await
    }

    /// What it knows of a group of appends, but for the content of events that are there already.
    pub(super) async fn known(
        &self,
        calls: Arc<Vec<Vec<SealedAppend>>>,
    ) -> Result<(Known, Vec<(Uuid, Found)>), LogError> {
        self.run("be read", move |connection| lookup::known(connection, &calls)).await
    }

    /// Works with a connection. The work ends even when the caller lets go of it.
    pub(super) async fn run<T, F>(&self, doing: &'static str, work: F) -> Result<T, LogError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        let done = async { self.pool.connection().await?.run(move |connection| Ok(work(connection)?)).await };
        done.await.map_err(|error| database(&self.url, doing, error))
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

pub(super) use lookup::{
    at, claimed, claims_under, command_rows, count_claims, epochs, event, first_subject, head, heads, last_event,
    loaded_epoch, place_of, position_at, positions, streams_after, tenants,
};

fn database(url: &str, doing: &'static str, error: Error) -> LogError {
    match error {
        Error::Closed => LogError::Closed,
        error => LogError::Database { url: url.to_owned(), doing, source: Arc::new(error) },
    }
}

/// Nothing in it must survive a power cut; it must only never be torn.
fn options(path: &Path) -> SqliteOptions {
    SqliteOptions::writer(path, true)
        .connections(CONNECTIONS)
        .fixed_plans()
        .pragma("journal_mode", "WAL")
        .pragma("synchronous", "NORMAL")
        .pragma("cache_size", -16_384)
}

/// Makes the file what it must be. One at a time: another node that opens it meanwhile waits, and finds it made.
fn prepare(path: &Path, log_id: Uuid) -> Result<(), Error> {
    let turn = File::create(beside(path, ".lock")).and_then(|file| file.lock().map(|()| file));
    // Where the system has no locks, the nodes of a folder are to be started one after the other.
    let _turn = turn.map_err(|error| tracing::warn!(%error, path = %path.display(), "the index cannot be locked")).ok();
    Ok(make(path, log_id)?)
}

fn make(path: &Path, log_id: Uuid) -> Result<(), rusqlite::Error> {
    let fits = |connection: &Connection| -> Result<bool, rusqlite::Error> {
        let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        if (number("application_id")?, number("user_version")?) != (APPLICATION_ID, VERSION) {
            return Ok(false);
        }
        let of: Option<Vec<u8>> =
            connection.query_row("SELECT value FROM meta WHERE name = 'log_id'", [], |row| row.get(0)).optional()?;
        Ok(of.as_deref() == Some(log_id.as_bytes()))
    };
    match options(path).open().and_then(|connection| fits(&connection)) {
        Ok(true) => return Ok(()),
        Ok(false) => {}
        Err(error) if is_damage(&error) => {}
        // Somebody may be at work with it.
        Err(error) => return Err(error),
    }
    for suffix in ["", "-wal", "-shm"] {
        // What cannot be removed is met again below.
        _ = std::fs::remove_file(beside(path, suffix));
    }
    let connection = options(path).open()?;
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA}"))?;
    connection.execute("INSERT INTO meta (name, value) VALUES ('log_id', ?1)", params![log_id.as_bytes()])?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    connection.execute_batch("COMMIT")
}

/// A file whose name begins with the index's.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Whether a file is not a database, or not any more.
fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    number.try_into().unwrap_or_default()
}

/// A hash out of a column.
fn hash_of(bytes: &[u8]) -> EventHash {
    bytes.try_into().unwrap_or_default()
}
