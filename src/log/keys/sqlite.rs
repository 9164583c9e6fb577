//! The key store in a SQLite file of its own.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::copy::sqlite::bury;
use super::wrap::Wrapper;
use super::{KeyState, KeyStore, KeyStoreError, SecretBytes, SecretPlace, StoredSecret, Term, Tombstone, database};
use crate::clock::Ambient;
use crate::ids::{Position, SecretId, SubjectId, TenantId};
use crate::log::mark::{LogMark, StoredMark};
use crate::log::seal::{MasterKey, SubjectKey};
use crate::log::sql::sqlite::store::{self, Kind, StoreError};
use crate::log::sql::sqlite::system_id;

const KIND: Kind = Kind {
    application_id: i32::from_be_bytes(*b"clky"),
    migrations: &[
        include_str!("../../../migrations/sqlite/keys/0001_keys.sql"),
        include_str!("../../../migrations/sqlite/keys/0002_log_mark.sql"),
        include_str!("../../../migrations/sqlite/keys/0003_log_checkpoint.sql"),
        include_str!("../../../migrations/sqlite/keys/0004_leases.sql"),
    ],
};

/// A key store in a SQLite file.
pub struct SqliteKeyStore(Arc<Inner>);

pub(super) struct Inner {
    url: String,
    wrapper: Wrapper,
    ambient: Ambient,
    /// Tells the file from a copy of it.
    place: String,
    connection: Mutex<Connection>,
}

impl SqliteKeyStore {
    /// Opens the store at a path or `sqlite:` URL; makes it if there is none.
    ///
    /// # Errors
    /// [`KeyStoreError::WrongMasterKey`], or [`KeyStoreError::Foreign`] if the file is something else.
    pub async fn open(location: &str, master: &MasterKey, ambient: Ambient) -> Result<Self, KeyStoreError> {
        let path = store::path_of(location);
        let url = format!("sqlite:{}", path.display());
        let wrapper = Wrapper::new(master, ambient.clone());
        let opened = tokio::task::spawn_blocking(move || open(&path, url, wrapper, ambient)).await;
        opened.map_err(|_| KeyStoreError::Closed)?.map(|inner| Self(Arc::new(inner)))
    }

    /// Opens a store that must exist, for reading only; neither the file nor its folder need be writable.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_to_read(location: &str, master: &MasterKey, ambient: Ambient) -> Result<Self, KeyStoreError> {
        let path = store::path_of(location);
        let url = format!("sqlite:{}", path.display());
        let wrapper = Wrapper::new(master, ambient.clone());
        let opened = tokio::task::spawn_blocking(move || {
            let open = || -> Result<_, StoreError> {
                let connection = store::reading(&path, &KIND)?.open()?;
                let value: Vec<u8> = connection.query_row("SELECT check_value FROM master", [], |row| row.get(0))?;
                Ok((connection, value))
            };
            let (connection, value) = open().map_err(|error| store_error(&url, error))?;
            wrapper.check(&url, &value)?;
            Ok(Inner { url, wrapper, ambient, place: system_id(&path), connection: Mutex::new(connection) })
        });
        opened.await.map_err(|_| KeyStoreError::Closed)?.map(|inner| Self(Arc::new(inner)))
    }

    /// Its URL without credentials.
    pub(super) fn location(&self) -> &str {
        &self.0.url
    }

    pub(super) async fn run<T, F>(&self, doing: &'static str, work: F) -> Result<T, KeyStoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Inner, &mut Connection) -> Result<T, Failure> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        let work = tokio::task::spawn_blocking(move || {
            let mut connection = inner.connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&inner, &mut connection).map_err(|failure| match failure {
                Failure::Sqlite(error) => database(&inner.url, doing)(error),
                Failure::Store(error) => error,
            })
        });
        work.await.map_err(|_| KeyStoreError::Closed)?
    }
}

/// Why work on the file failed.
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    Store(KeyStoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<KeyStoreError> for Failure {
    fn from(error: KeyStoreError) -> Self {
        Self::Store(error)
    }
}

fn open(path: &Path, url: String, wrapper: Wrapper, ambient: Ambient) -> Result<Inner, KeyStoreError> {
    let connection = store::open(path, &KIND).map_err(|error| store_error(&url, error))?;
    restrict(path).map_err(database(&url, "be kept from other users"))?;
    let check = || -> Result<Vec<u8>, rusqlite::Error> {
        // What is deleted is overwritten: a destroyed key must not be found in a free page.
        connection.pragma_update(None, "secure_delete", true)?;
        connection.execute(
            "INSERT INTO master (only, check_value) VALUES (1, ?1) ON CONFLICT DO NOTHING",
            [wrapper.check_value()],
        )?;
        connection.query_row("SELECT check_value FROM master", [], |row| row.get(0))
    };
    let value = check().map_err(database(&url, "be opened"))?;
    wrapper.check(&url, &value)?;
    Ok(Inner { url, wrapper, ambient, place: system_id(path), connection: Mutex::new(connection) })
}

fn store_error(url: &str, error: StoreError) -> KeyStoreError {
    match error {
        StoreError::Foreign(reason) => KeyStoreError::Foreign { url: url.to_owned(), reason },
        StoreError::Locked => KeyStoreError::Locked { url: url.to_owned() },
        StoreError::Sqlite(error) => database(url, "be opened")(error),
    }
}

/// Only the owner may read the file.
#[cfg(unix)]
fn restrict(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn restrict(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

impl Inner {
    fn read(&self, connection: &Connection, subject: SubjectId) -> Result<Option<KeyState>, Failure> {
        let id = subject.0.as_bytes();
        let destroyed: bool = connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM tombstones WHERE subject_id = ?1)")?
            .query_row([id], |row| row.get(0))?;
        if destroyed {
            return Ok(Some(KeyState::Destroyed));
        }
        let wrapped: Option<Vec<u8>> = connection
            .prepare_cached("SELECT wrapped FROM subject_keys WHERE subject_id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        let key = wrapped.map(|wrapped| self.wrapper.unwrap(&self.url, subject, &wrapped)).transpose()?;
        Ok(key.map(KeyState::Live))
    }

    fn read_all(&self, connection: &Connection, subjects: &[SubjectId]) -> Result<Vec<Option<KeyState>>, Failure> {
        subjects.iter().map(|&subject| self.read(connection, subject)).collect()
    }

    fn log_mark(&self, connection: &Connection) -> Result<Option<StoredMark>, Failure> {
        let mut statement = connection.prepare_cached("SELECT epoch, position, hash, place FROM log_mark")?;
        let row = statement.query_row([], |row| {
            let place: String = row.get(3)?;
            let mark = (row.get(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?);
            Ok((mark, place == self.place))
        });
        let Some(((epoch, position, hash), is_at_home)) = row.optional()? else { return Ok(None) };
        let position = Position::try_from(position).map_err(database(&self.url, "read the mark of the log"))?;
        Ok(Some(StoredMark { mark: LogMark { epoch, position, hash }, is_at_home }))
    }

    fn create(&self, connection: &Connection, subject: SubjectId) -> Result<SubjectKey, Failure> {
        let (key, wrapped) = self.wrapper.create(subject);
        connection
            .prepare_cached("INSERT INTO subject_keys (subject_id, wrapped) VALUES (?1, ?2)")?
            .execute(params![subject.0.as_bytes(), wrapped])?;
        Ok(key)
    }
}

#[async_trait]
impl KeyStore for SqliteKeyStore {
    async fn get_or_create(&self, subjects: &[SubjectId]) -> Result<Vec<KeyState>, KeyStoreError> {
        let subjects = subjects.to_vec();
        self.run("make keys", move |inner, connection| {
            let found = inner.read_all(connection, &subjects)?;
            if found.iter().all(Option::is_some) {
                return Ok(found.into_iter().flatten().collect());
            }
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut states = Vec::with_capacity(subjects.len());
            for (&subject, found) in subjects.iter().zip(found) {
                // Between the first look and the lock, another process may have made or destroyed it.
                let state = match found {
                    Some(state) => Some(state),
                    None => inner.read(&transaction, subject)?,
                };
                states.push(match state {
                    Some(state) => state,
                    None => KeyState::Live(inner.create(&transaction, subject)?),
                });
            }
            transaction.commit()?;
            Ok(states)
        })
        .await
    }

    async fn get(&self, subjects: &[SubjectId]) -> Result<Vec<Option<KeyState>>, KeyStoreError> {
        let subjects = subjects.to_vec();
        self.run("read keys", move |inner, connection| inner.read_all(connection, &subjects)).await
    }

    async fn wrapped(&self, subjects: &[SubjectId]) -> Result<Vec<Vec<u8>>, KeyStoreError> {
        let subjects = subjects.to_vec();
        self.run("read keys", move |_, connection| {
            let mut statement = connection.prepare_cached("SELECT wrapped FROM subject_keys WHERE subject_id = ?1")?;
            let mut wrapped = Vec::with_capacity(subjects.len());
            for subject in &subjects {
                wrapped.extend(statement.query_row([subject.0.as_bytes()], |row| row.get(0)).optional()?);
            }
            Ok(wrapped)
        })
        .await
    }

    async fn destroy(&self, subject: SubjectId) -> Result<(), KeyStoreError> {
        self.run("destroy a key", move |inner, connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            bury(&transaction, &Tombstone { subject, destroyed_at: inner.ambient.now() })?;
            transaction.commit()?;
            empty_wal(connection)
        })
        .await
    }

    async fn destroyed_since(&self, mark: i64) -> Result<(i64, Vec<SubjectId>), KeyStoreError> {
        self.run("read tombstones", move |_, connection| {
            let mut statement =
                connection.prepare_cached("SELECT mark, subject_id FROM tombstones WHERE mark > ?1 ORDER BY mark")?;
            let mut rows = statement.query([mark])?;
            let (mut mark, mut subjects) = (mark, Vec::new());
            while let Some(row) = rows.next()? {
                mark = row.get(0)?;
                subjects.push(SubjectId(uuid::Uuid::from_bytes(row.get(1)?)));
            }
            Ok((mark, subjects))
        })
        .await
    }

    async fn keep_secrets(&self, secrets: &[(SecretPlace, SecretBytes)]) -> Result<(), KeyStoreError> {
        let secrets = secrets.to_vec();
        self.run("keep secrets", move |inner, connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let now = inner.ambient.now().timestamp_micros();
            for (place, secret) in &secrets {
                transaction.execute(
                    "INSERT INTO secrets (secret_id, tenant_id, sealed, stored_at) VALUES (?1, ?2, ?3, ?4)",
                    params![
                        place.id.0.as_bytes(),
                        place.tenant.0.as_bytes(),
                        inner.wrapper.seal_secret(place, secret),
                        now
                    ],
                )?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    async fn secrets(&self, places: &[SecretPlace]) -> Result<Vec<Option<SecretBytes>>, KeyStoreError> {
        let places = places.to_vec();
        self.run("read secrets", move |inner, connection| {
            let mut statement = connection.prepare_cached(
                "SELECT sealed FROM secrets WHERE secret_id = ?1 \
                 AND NOT EXISTS (SELECT 1 FROM tombstones WHERE subject_id = secret_id)",
            )?;
            let mut secrets = Vec::with_capacity(places.len());
            for place in &places {
                let sealed: Option<Vec<u8>> =
                    statement.query_row([place.id.0.as_bytes()], |row| row.get(0)).optional()?;
                let open = |sealed: Vec<u8>| inner.wrapper.open_secret(&inner.url, place, &sealed);
                secrets.push(sealed.map(open).transpose()?);
            }
            Ok(secrets)
        })
        .await
    }

    async fn secrets_of(&self, tenant: TenantId) -> Result<Vec<StoredSecret>, KeyStoreError> {
        self.run("list secrets", move |_, connection| {
            let mut statement = connection.prepare_cached(
                "SELECT secret_id, stored_at FROM secrets WHERE tenant_id = ?1 \
                 AND NOT EXISTS (SELECT 1 FROM tombstones WHERE subject_id = secret_id)",
            )?;
            let stored = statement.query_map([tenant.0.as_bytes()], |row| {
                Ok(StoredSecret::new(SecretId(uuid::Uuid::from_bytes(row.get(0)?)), row.get(1)?))
            })?;
            Ok(stored.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn destroy_secrets(&self, ids: &[SecretId]) -> Result<(), KeyStoreError> {
        let ids = ids.to_vec();
        self.run("destroy secrets", move |inner, connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for &id in &ids {
                bury(&transaction, &Tombstone::of_secret(id, inner.ambient.now()))?;
            }
            transaction.commit()?;
            empty_wal(connection)
        })
        .await
    }

    async fn log_mark(&self) -> Result<Option<StoredMark>, KeyStoreError> {
        self.run("read the mark of the log", |inner, connection| inner.log_mark(connection)).await
    }

    async fn advance_log_mark(&self, mark: LogMark, terms: &[Term]) -> Result<LogMark, KeyStoreError> {
        let terms = terms.to_vec();
        self.run("mark the log", move |inner, connection| {
            // A mark that is not later writes nothing, and costs no sync.
            connection
                .prepare_cached(
                    "INSERT INTO log_mark (only, epoch, position, hash, place) VALUES (1, ?1, ?2, ?3, ?4) \
                     ON CONFLICT (only) DO UPDATE SET epoch = excluded.epoch, position = excluded.position, \
                     hash = excluded.hash, place = excluded.place \
                     WHERE (excluded.epoch, excluded.position) > (epoch, position)",
                )?
                .execute(params![mark.epoch, mark.position.bytes(), mark.hash, inner.place])?;
            // The terms are looked at last: a later one cannot have begun before.
            for term in terms {
                let mut statement = connection.prepare_cached("SELECT term FROM leases WHERE name = ?1")?;
                if statement.query_row([&term.lease], |row| row.get(0)).optional()? != Some(term.number) {
                    return Err(KeyStoreError::Fenced { url: inner.url.clone(), term }.into());
                }
            }
            Ok(inner.log_mark(connection)?.map_or(mark, |stored| stored.mark))
        })
        .await
    }

    async fn kept_checkpoint(&self) -> Result<Option<String>, KeyStoreError> {
        self.run("read the checkpoint of the log", |_, connection| {
            Ok(connection.query_row("SELECT kept FROM log_checkpoint", [], |row| row.get(0)).optional()?)
        })
        .await
    }

    async fn keep_checkpoint(&self, text: &str) -> Result<(), KeyStoreError> {
        let text = text.to_owned();
        self.run("keep a checkpoint of the log", move |_, connection| {
            let sql = "INSERT INTO log_checkpoint (only, kept) VALUES (1, ?1) \
                       ON CONFLICT (only) DO UPDATE SET kept = excluded.kept";
            connection.execute(sql, [text])?;
            Ok(())
        })
        .await
    }

    fn url(&self) -> &str {
        &self.0.url
    }
}

/// The write-ahead log still holds the pages with what was destroyed, until it is emptied.
pub(super) fn empty_wal(connection: &Connection) -> Result<(), Failure> {
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}
