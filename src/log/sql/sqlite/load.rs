//! Loading a log into a SQLite file: a transaction for each portion, on a thread where blocking is allowed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::{KIND, SqliteLog, StoreError, database, lookup, open, rows, store, store_error};
use crate::ids::Position;
use crate::log::cover::{CommandRecord, Origin};
use crate::log::load::{Continued, LoadError, LogLoader, Portion, Standing, check_origin, continue_with};
use crate::log::plan::Stand;
use crate::log::sql::heads::Heads;
use crate::log::{EventLog, LogError, StreamHead, StreamId};

/// A SQLite file that a log is loaded into.
pub struct SqliteLoader {
    path: PathBuf,
    store: Arc<Mutex<Store>>,
}

/// The connection, and what is known without asking it.
struct Store {
    connection: Connection,
    url: String,
    log_id: Uuid,
    heads: Heads,
    /// `PRAGMA data_version`: moves when another connection commits.
    data_version: i64,
}

impl SqliteLoader {
    /// Opens the file at a path or `sqlite:` URL for the log with this id; makes it if there is none.
    ///
    /// # Errors
    /// [`LoadError::Occupied`] or [`LoadError::Other`] if it holds something else; as [`SqliteLog::open`].
    pub async fn open(location: &str, log_id: Uuid) -> Result<Self, LoadError> {
        let path = store::path_of(location);
        let url = format!("sqlite:{}", path.display());
        let opened = {
            let path = path.clone();
            tokio::task::spawn_blocking(move || {
                let connection = store::open(&path, &KIND).map_err(|error| store_error(&url, error))?;
                open::tune(&connection).map_err(|error| store_error(&url, StoreError::from(error)))?;
                let store = Store { connection, url, log_id, heads: Heads::default(), data_version: -1 };
                store.claim().map(|()| store)
            })
        };
        let store = opened.await.map_err(|_| LogError::Closed)??;
        Ok(Self { path, store: Arc::new(Mutex::new(store)) })
    }

    async fn work<T, F>(&self, work: F) -> Result<T, LoadError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Store) -> Result<T, LoadError> + Send + 'static,
    {
        let store = Arc::clone(&self.store);
        let done = tokio::task::spawn_blocking(move || work(&mut store.lock().unwrap_or_else(PoisonError::into_inner)));
        done.await.map_err(|_| LogError::Closed)?
    }
}

#[async_trait]
impl LogLoader for SqliteLoader {
    async fn loaded(&self) -> Result<Position, LoadError> {
        self.work(|store| {
            let end = end(&store.connection).map_err(|error| store.failed("read its end", error))?;
            Ok(Position::from_counter(end))
        })
        .await
    }

    async fn load(&self, portion: Portion) -> Result<(), LoadError> {
        self.work(move |store| store.load(&portion)).await
    }

    async fn log(&self) -> Result<Arc<dyn EventLog>, LoadError> {
        Ok(Arc::new(SqliteLog::open_as_it_is(self.path.clone()).await?))
    }

    async fn finish(&self, origin: &Origin) -> Result<(), LoadError> {
        let origin = origin.clone();
        self.work(move |store| store.finish(&origin)).await
    }
}

impl Store {
    fn failed(&self, doing: &'static str, error: rusqlite::Error) -> LoadError {
        database(&self.url, doing, error).into()
    }

    fn begin(&self, doing: &'static str) -> Result<Transaction<'_>, LoadError> {
        Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
            .map_err(|error| self.failed(doing, error))
    }

    /// Makes the file that of this log, unless it holds another one.
    fn claim(&self) -> Result<(), LoadError> {
        let doing = "be taken for a load";
        let transaction = self.begin(doing)?;
        self.check_state(doing)?;
        let is_new = lookup::log_id(&transaction).map_err(|error| self.failed(doing, error))?.is_none();
        if is_new {
            open::name(&transaction, self.log_id).map_err(|error| self.failed(doing, error))?;
        }
        transaction.commit().map_err(|error| self.failed(doing, error))
    }

    /// Refuses a file that holds another log, or a complete one.
    fn check_state(&self, doing: &'static str) -> Result<(), LoadError> {
        let failed = |error| self.failed(doing, error);
        let Some(found) = lookup::log_id(&self.connection).map_err(failed)? else { return Ok(()) };
        let url = self.url.clone();
        if !lookup::is_loading(&self.connection).map_err(failed)? {
            let end = Position::from_counter(end(&self.connection).map_err(failed)?);
            return Err(LoadError::Occupied { url, log_id: found, end });
        }
        if found == self.log_id { Ok(()) } else { Err(LoadError::Other { url, expected: self.log_id, found }) }
    }

    fn load(&mut self, portion: &Portion) -> Result<(), LoadError> {
        self.notice_others().map_err(|error| self.failed("be loaded", error))?;
        let stands = self.append(portion)?;
        for (stream, stand) in stands {
            self.heads.set(stream, stand);
        }
        Ok(())
    }

    /// Forgets where streams stand if another process wrote meanwhile.
    fn notice_others(&mut self) -> Result<(), rusqlite::Error> {
        let version: i64 = self.connection.query_row("PRAGMA data_version", [], |row| row.get(0))?;
        if version != self.data_version {
            self.heads.clear();
            self.data_version = version;
        }
        Ok(())
    }

    /// Appends a portion; where its streams stand afterwards.
    fn append(&mut self, portion: &Portion) -> Result<HashMap<StreamId, Stand>, LoadError> {
        let (doing, url) = ("load events", self.url.clone());
        let failed = |error| LoadError::from(database(&url, doing, error));
        let mut stands = HashMap::new();
        let heads = &mut self.heads;
        let transaction =
            Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate).map_err(failed)?;
        for stream in portion.streams() {
            let stand = match heads.get(&stream) {
                Some(stand) => Some(stand),
                None => lookup::stand(&transaction, &stream).map_err(failed)?,
            };
            stands.extend(stand.map(|stand| (stream, stand)));
        }
        let standing = standing(&transaction, &stands).map_err(failed)?;
        let continued = continue_with(&standing, portion)?;
        number(&transaction, &continued, &mut stands).map_err(failed)?;
        store_portion(&transaction, portion, &continued, &stands).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(stands)
    }

    fn finish(&self, origin: &Origin) -> Result<(), LoadError> {
        check_origin(self.log_id, origin)?;
        let doing = "complete it";
        let transaction = self.begin(doing)?;
        self.check_state(doing)?;
        write_epochs(&transaction, origin).map_err(|error| self.failed(doing, error))?;
        transaction.commit().map_err(|error| self.failed(doing, error))
    }
}

/// The position of the last event.
fn end(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let end: i64 = connection.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0))?;
    Ok(end.try_into().unwrap_or_default())
}

/// Where the log stands, and those of its streams that are known. While times are in order, the last one is the latest.
fn standing(connection: &Connection, stands: &HashMap<StreamId, Stand>) -> Result<Standing, rusqlite::Error> {
    let last = connection
        .prepare_cached("SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let (position, recorded_at) = last.unwrap_or_default();
    let head = |stand: &Stand| StreamHead { version: stand.version, hash: stand.hash };
    Ok(Standing {
        position: Position::from_counter(position.try_into().unwrap_or_default()),
        recorded_at: rows::time(recorded_at),
        heads: stands.iter().map(|(stream, stand)| (*stream, head(stand))).collect(),
    })
}

/// Gives new streams their numbers, and moves all that move.
fn number(
    connection: &Connection,
    continued: &Continued,
    stands: &mut HashMap<StreamId, Stand>,
) -> Result<(), rusqlite::Error> {
    let last: i64 =
        connection.prepare_cached("SELECT coalesce(max(stream), 0) FROM streams")?.query_row([], |row| row.get(0))?;
    for (number, stream) in (last + 1..).zip(&continued.opened) {
        rows::insert_stream(connection, number, stream)?;
        stands.insert(*stream, Stand { number, version: 0, hash: Default::default() });
    }
    for (stream, head) in &continued.heads {
        if let Some(stand) = stands.get_mut(stream) {
            (stand.version, stand.hash) = (head.version, head.hash);
        }
    }
    Ok(())
}

fn store_portion(
    connection: &Connection,
    portion: &Portion,
    continued: &Continued,
    stands: &HashMap<StreamId, Stand>,
) -> Result<(), rusqlite::Error> {
    let number = |stream: &StreamId| stands.get(stream).map(|stand| stand.number);
    rows::insert_stored(connection, &portion.events, number)?;
    for CommandRecord { command, ordinal, fingerprint, stream, first_version, last_version, position } in
        &portion.commands
    {
        connection.prepare_cached(rows::INSERT_COMMAND)?.execute(params![
            command.0.0.as_bytes(),
            command.1.0.as_bytes(),
            rows::signed(*ordinal),
            fingerprint,
            number(stream),
            rows::signed(*first_version),
            rows::signed(*last_version),
            rows::signed(position.counter()),
        ])?;
    }
    if !continued.orders_times {
        let mark = "INSERT INTO meta (name, value) VALUES ('unordered_times', 1) ON CONFLICT DO NOTHING";
        connection.execute(mark, [])?;
    }
    Ok(())
}

fn write_epochs(connection: &Connection, origin: &Origin) -> Result<(), rusqlite::Error> {
    for epoch in &origin.epochs {
        connection.execute(
            "INSERT INTO epochs (epoch, started_at, system_id) VALUES (?1, ?2, ?3)",
            params![rows::signed(epoch.number), epoch.started_at.timestamp_micros(), epoch.system_id],
        )?;
    }
    let mark = "INSERT INTO meta (name, value) SELECT 'loaded_epoch', max(epoch) FROM epochs";
    connection.execute(mark, []).map(drop)
}
