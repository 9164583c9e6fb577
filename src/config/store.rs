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
            "kurrentdb" | "kurrentdb+discover" | "esdb" | "esdb+discover" => {
                Err("KurrentDB is not in this version: use sqlite: or postgres:".to_owned())
            }
            other => Err(format!("no backend has the scheme {other:?}: use sqlite: or postgres:")),
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
