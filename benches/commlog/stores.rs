//! Where a section's stores are, and how they are opened.

use std::fmt;
use std::path::Path;

use commlog::app::{Caller, Done};
use commlog::boot::Stores;
use commlog::clock::Ambient;
use commlog::config::{Config, DEFAULT_TENANT};
use commlog::domain::tenant::decide::{IssueApiKey, IssuedApiKey};
use commlog::domain::tenant::event::Role;

use crate::{Engine, Result, postgres};

/// Stores of one engine. The log of the section `log` is read by later ones; `fresh` ones belong to a section alone.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Place {
    pub engine: Engine,
    /// A folder on the disk that is measured.
    pub folder: String,
    /// Databases: of the shared log and its keys, then of sections of their own.
    databases: Vec<(String, String)>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// The master key of all stores is so many bytes of it, in hex.
pub const MASTER_KEY: &str = "6b";

/// The sections that have stores of their own, after the shared ones.
#[derive(Debug, Clone, Copy)]
pub enum Own {
    Shared,
    Raw,
    Commands,
    Import,
    Sending,
    Lists,
    Campaign,
    Copy,
    RawCopy,
    KurrentDb,
    Nodes,
}

impl Place {
    pub fn parse(text: &str) -> std::result::Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    pub async fn prepare(engine: Engine, folder: &Path) -> Result<Self> {
        let mut databases = Vec::new();
        if engine == Engine::Postgres {
            // PostgreSQL's own defaults, fsync and autovacuum included.
            let _ = postgres::SETTINGS.set("-c listen_addresses=127.0.0.1 -c max_connections=200");
            for _ in 0..=Own::Nodes as usize {
                databases.push((postgres::database().await, postgres::database().await));
            }
        }
        let folder = folder.join(if engine == Engine::Sqlite { "sqlite" } else { "postgres" });
        std::fs::create_dir_all(&folder)?;
        Ok(Self { engine, folder: folder.to_string_lossy().into_owned(), databases })
    }

    /// Embedded stores beside these.
    pub fn embedded(&self) -> Result<Self> {
        let folder = format!("{}/embedded", self.folder);
        std::fs::create_dir_all(&folder)?;
        Ok(Self { engine: Engine::Sqlite, folder, databases: Vec::new() })
    }

    /// The configuration of stores.
    pub fn config(&self, own: Own) -> Result<Config> {
        let mut variables = vec![
            ("COMMLOG_DATA_DIR".to_owned(), format!("{}/{own:?}", self.folder)),
            ("COMMLOG_LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            ("COMMLOG_LOG_FILTER".to_owned(), "error".to_owned()),
            ("COMMLOG_MASTER_KEY".to_owned(), MASTER_KEY.repeat(32)),
        ];
        if let Some((log, keys)) = self.databases.get(own as usize) {
            variables.push(("COMMLOG_LOG_URL".to_owned(), log.clone()));
            variables.push(("COMMLOG_KEYS_URL".to_owned(), keys.clone()));
        }
        Ok(Config::from_parts(None, variables, &[])?)
    }

    /// Opens stores.
    pub async fn open(&self, own: Own) -> Result<Stores> {
        Ok(Stores::open(&self.config(own)?, &Ambient::system()).await?)
    }

    /// The database of stores, where there is one.
    pub fn database(&self, own: Own) -> Option<&str> {
        self.databases.get(own as usize).map(|(log, _)| log.as_str())
    }

    /// The key store's database, where there is one.
    pub fn keys(&self, own: Own) -> Option<&str> {
        self.databases.get(own as usize).map(|(_, keys)| keys.as_str())
    }
}

/// Whoever measures.
pub fn caller() -> Caller {
    Caller::new(DEFAULT_TENANT, "bench")
}

/// A key that may do everything.
pub async fn admin_key(stores: &Stores) -> Result<Done<IssuedApiKey>> {
    let key = IssueApiKey { personal: Some(true), ..IssueApiKey::of(Role::Admin, "bench") };
    Ok(stores.app.issue_api_key(&caller(), key).await?.into_result()?)
}
