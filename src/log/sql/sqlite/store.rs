//! Opening a SQLite file that is ours: recognised by its application id, brought to the newest schema.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::log::format::{self, FORMAT};
use crate::sql::{SqliteOptions, fix_plans};

/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// `PRAGMA user_version` is the store's format times this, plus the version of its schema.
const VERSIONS: i64 = 1000;

/// A kind of file: how it is recognised, and how it is created.
pub(in crate::log) struct Kind {
    /// `PRAGMA application_id`.
    pub application_id: i32,
    /// Statements that bring schema version n to n + 1.
    pub migrations: &'static [&'static str],
}

/// Why a file was not opened.
#[derive(Debug)]
pub(in crate::log) enum StoreError {
    Foreign(String),
    Locked,
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign("it is not a SQLite database".to_owned()),
            Some(ErrorCode::DatabaseCorrupt) => Self::Foreign("it is truncated or damaged".to_owned()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            _ => Self::Sqlite(error),
        }
    }
}

/// The path in a `sqlite:` URL, or the text itself as a path.
pub(in crate::log) fn path_of(location: &str) -> PathBuf {
    let path = location.strip_prefix("sqlite://").or_else(|| location.strip_prefix("sqlite:")).unwrap_or(location);
    PathBuf::from(path)
}

/// Opens for writing; makes the file, or its newer tables, where needed.
pub(in crate::log) fn open(path: &Path, kind: &Kind) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    check_kind(&connection, kind)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "recursive_triggers", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    migrate(&mut connection, kind)?;
    check_length(&connection, path)?;
    fix_plans(&connection)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// How to read a file that must exist, and be of the newest schema. Neither the file nor its folder need be writable.
pub(in crate::log) fn reading(path: &Path, kind: &Kind) -> Result<SqliteOptions, StoreError> {
    if !path.exists() {
        return Err(StoreError::Foreign("there is no such file".to_owned()));
    }
    let waits = length(&wal(path)) > 0;
    let is_writable = std::fs::metadata(path).is_ok_and(|metadata| !metadata.permissions().readonly());
    let try_options = |options: SqliteOptions| {
        let connection = options.open()?;
        match check_kind(&connection, kind)? {
            version if version == kind.migrations.len() => {}
            0 => return Err(StoreError::Foreign("it is empty".to_owned())),
            version => {
                return Err(StoreError::Foreign(format!(
                    "its schema has version {version}: a command that writes, such as `commlog serve`, brings it to version {}",
                    kind.migrations.len()
                )));
            }
        }
        check_length(&connection, path)?;
        Ok(options)
    };
    if is_writable {
        match try_options(SqliteOptions::reader(path)) {
            // A folder that cannot be written: what SQLite shares between processes has no place there.
            Err(StoreError::Sqlite(error)) if is_about_the_folder(&error) => {}
            done => return done,
        }
    }
    if waits {
        return Err(StoreError::Foreign(format!(
            "it cannot be written, and changes wait in {}: copy both files to where they can be written",
            wal(path).display()
        )));
    }
    let options = SqliteOptions::unchanging(path);
    try_options(options.ok_or_else(|| StoreError::Foreign("its path cannot be a URI".to_owned()))?)
}

fn is_about_the_folder(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

/// Refuses what is neither ours nor empty, before a byte of it is changed. Returns the schema version.
fn check_kind(connection: &Connection, kind: &Kind) -> Result<usize, StoreError> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (application_id, version) = (number("application_id")?, number("user_version")?);
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if (application_id, version, objects) == (0, 0, 0) {
        return Ok(0);
    }
    if application_id != i64::from(kind.application_id) {
        return Err(StoreError::Foreign("it is a SQLite database of another program".to_owned()));
    }
    // Format 1 wrote its schema's version alone.
    let format = if (1..VERSIONS).contains(&version) { 1 } else { version / VERSIONS };
    if format != i64::from(FORMAT) {
        return Err(StoreError::Foreign(format::refusal(u32::try_from(format).unwrap_or_default())));
    }
    match usize::try_from(version % VERSIONS) {
        Ok(version) if version <= kind.migrations.len() => Ok(version),
        _ => Err(StoreError::Foreign(format!(
            "its schema has version {}, and this program knows versions up to {}",
            version % VERSIONS,
            kind.migrations.len()
        ))),
    }
}

fn migrate(connection: &mut Connection, kind: &Kind) -> Result<(), StoreError> {
    if check_kind(connection, kind)? == kind.migrations.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let version = check_kind(&transaction, kind)?;
    for migration in &kind.migrations[version..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", kind.application_id)?;
    let version = i64::from(FORMAT) * VERSIONS + i64::try_from(kind.migrations.len()).unwrap_or(VERSIONS - 1);
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()?;
    Ok(())
}

/// A truncated file is found now, not when its lost pages are read. Pages that are only in the write-ahead log do not
/// count, so the check is made when that one is empty.
fn check_length(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    if length(&wal(path)) > 0 {
        return Ok(());
    }
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let expected = u64::try_from(number("page_count")? * number("page_size")?).unwrap_or_default();
    let actual = length(path);
    if actual < expected {
        let reason = format!("it is truncated: {actual} of {expected} bytes are left");
        return Err(StoreError::Foreign(reason));
    }
    Ok(())
}

/// The write-ahead log of a file.
fn wal(path: &Path) -> PathBuf {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    PathBuf::from(wal)
}

/// In bytes; 0 for a file that is not there.
fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}
