//! Where read tables are: a folder with a SQLite file per generation, or a PostgreSQL database with a schema each.

use std::path::{Path, PathBuf};

use crate::projections::error::ProjectionError;
use crate::sql::Engine;

/// Begins the name of connections that say which tables are in use.
const READER: &str = "commlog reader";

/// A place for generations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder.
    Folder(PathBuf),
    /// A database.
    Database(Database),
}

/// A database with read tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    pub url: String,
    /// The name of connections that say which tables are in use ([`super::lease`]): it tells versions of commlog apart.
    pub reader: String,
}

impl Location {
    /// Reads `sqlite:FOLDER`, `postgres://…`, or a bare path of a folder.
    pub fn parse(text: &str) -> Self {
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            return Self::Database(Database { url: text.to_owned(), reader: READER.to_owned() });
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        Self::Folder(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
    }

    /// The same place, as read by the version of commlog that has these projections, by their fingerprint.
    pub fn read_by(self, fingerprint: &str) -> Self {
        match self {
            Self::Folder(_) => self,
            Self::Database(Database { url, .. }) => {
                let version = fingerprint.get(..16).unwrap_or(fingerprint);
                Self::Database(Database { url, reader: format!("{READER} {version}") })
            }
        }
    }

    /// Which engine runs there.
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Folder(_) => Engine::Sqlite,
            Self::Database(_) => Engine::Postgres,
        }
    }

    /// For messages: without credentials.
    pub fn display(&self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            Self::Database(Database { url, .. }) => match url::Url::parse(url) {
                Ok(url) => format!("{}{}", url.host_str().unwrap_or("postgres"), url.path()),
                Err(_) => "the PostgreSQL URL".to_owned(),
            },
        }
    }
}

/// The file of a generation in a folder.
pub fn file(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.db"))
}

/// The name that always leads to the live generation's file.
pub fn live_file(folder: &Path) -> PathBuf {
    folder.join("live.db")
}

/// The schema of a generation in a database.
pub fn schema(id: &str) -> String {
    format!("commlog_{id}")
}

/// Turns the system's error about a file into ours.
pub fn file_error(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ProjectionError {
    move |source| ProjectionError::File { doing, path: path.to_owned(), source }
}

/// Removes a file that may not be there.
pub fn remove_file(path: &Path) -> Result<(), ProjectionError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file_error("remove", path)(error)),
        _ => Ok(()),
    }
}

/// A SQLite file with what belongs to it.
pub fn remove_database(path: &Path) -> Result<(), ProjectionError> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        remove_file(Path::new(&name))?;
    }
    Ok(())
}
