//! Store URLs: the scheme chooses the backend.

use std::fmt;
use std::path::PathBuf;

/// Where a store is. Displays without credentials.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file, or for read tables a folder.
    Sqlite(PathBuf),
    /// A `postgres://` URL.
    Postgres(String),
}

/// Where the log is. Displays without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogUrl {
    /// In a SQL database.
    Sql(StoreUrl),
    /// In KurrentDB.
    Kurrent(KurrentUrl),
}

/// An address of a KurrentDB server or cluster. Displays without credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct KurrentUrl(String);

/// The schemes of such addresses, the earlier ones included.
const KURRENT: [&str; 4] = ["kurrentdb", "kurrentdb+discover", "esdb", "esdb+discover"];

impl LogUrl {
    /// Reads what [`StoreUrl::parse`] does, and `kurrentdb://…` or `kurrentdb+discover://…`, also as `esdb`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some((scheme, rest)) if KURRENT.contains(&scheme) => match rest.is_empty() {
                true => Err("names no host: kurrentdb://user:password@host:port".to_owned()),
                false => Ok(Self::Kurrent(KurrentUrl(text.to_owned()))),
            },
            _ => StoreUrl::parse(text).map(Self::Sql),
        }
    }

    /// The SQL database; [`None`] if it is in none.
    #[must_use]
    pub fn sql(&self) -> Option<&StoreUrl> {
        match self {
            Self::Sql(url) => Some(url),
            Self::Kurrent(_) => None,
        }
    }
}

impl KurrentUrl {
    /// The whole address, with credentials.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0
    }
}

impl StoreUrl {
    /// Reads `sqlite:PATH`, `sqlite://PATH`, `postgres://…` or `postgresql://…`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once(':').ok_or("must begin with a scheme: sqlite: or postgres:")?;
        match scheme {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                match path.split_once('?') {
                    Some(_) => Err("options after ? are not understood here".to_owned()),
                    None if path.is_empty() => Err("names no file: sqlite:PATH".to_owned()),
                    None if path == ":memory:" => Err("a store in memory would lose the log: name a file".to_owned()),
                    None => Ok(Self::Sqlite(path.into())),
                }
            }
            "postgres" | "postgresql" => match url::Url::parse(text) {
                Ok(url) if url.host_str().is_some() || url.query_pairs().any(|(key, _)| key == "host") => {
                    Ok(Self::Postgres(text.to_owned()))
                }
                Ok(_) => Err("names no host: postgres://user:password@host:port/database".to_owned()),
                Err(error) => Err(format!("is not a valid URL ({error})")),
            },
            kurrent if KURRENT.contains(&kurrent) => {
                Err("KurrentDB keeps only the log: use sqlite: or postgres: here".to_owned())
            }
            other => Err(format!("no backend has the scheme {other:?}: use sqlite: or postgres:")),
        }
    }
}

/// Where the blob store is. Its messages name it without credentials.
#[derive(Clone, PartialEq, Eq)]
pub enum BlobsUrl {
    /// A folder.
    Folder(PathBuf),
    /// A `postgres://` URL.
    Postgres(String),
}

impl BlobsUrl {
    /// Reads `file:FOLDER`, `file:///FOLDER`, `postgres://…` or `postgresql://…`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix("file:") {
            Some(rest) => match rest.strip_prefix("//").unwrap_or(rest) {
                "" => Err("names no folder: file:FOLDER".to_owned()),
                path => Ok(Self::Folder(path.into())),
            },
            None => match StoreUrl::parse(text) {
                Ok(StoreUrl::Postgres(url)) => Ok(Self::Postgres(url)),
                Ok(StoreUrl::Sqlite(_)) => Err("blobs are not kept in SQLite: use file: or postgres:".to_owned()),
                Err(_) if !text.starts_with("postgres") => Err("must be file:FOLDER or postgres://…".to_owned()),
                Err(reason) => Err(reason),
            },
        }
    }
}

impl fmt::Debug for BlobsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "BlobsUrl(file:{})", path.display()),
            Self::Postgres(url) => write!(f, "BlobsUrl({})", StoreUrl::Postgres(url.clone())),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(text) => match url::Url::parse(text) {
                Ok(url) => {
                    write!(f, "postgres://{}", url.host_str().unwrap_or_default())?;
                    if let Some(port) = url.port() {
                        write!(f, ":{port}")?;
                    }
                    f.write_str(url.path())
                }
                Err(_) => f.write_str("postgres:…"),
            },
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

impl fmt::Display for LogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(url) => url.fmt(f),
            Self::Kurrent(url) => url.fmt(f),
        }
    }
}

impl fmt::Display for KurrentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split('?').next().unwrap_or_default().split_once("://") {
            Some((scheme, rest)) => {
                write!(f, "{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, hosts)| hosts))
            }
            None => f.write_str("kurrentdb:…"),
        }
    }
}

impl fmt::Debug for KurrentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KurrentUrl({self})")
    }
}
