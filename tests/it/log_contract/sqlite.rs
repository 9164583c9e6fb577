//! The contract on SQLite.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use commlog::clock::Ambient;
use commlog::log::keys::sqlite::SqliteKeyStore;
use commlog::log::keys::{KeyStore, KeyStoreError};
use commlog::log::seal::MasterKey;
use commlog::log::sql::sqlite::SqliteLog;
use commlog::log::{EventLog, LogError};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::log_contract::{Store, contract};

contract!(SqliteStore);

pub(crate) struct SqliteStore(TempDir);

impl SqliteStore {
    pub(crate) async fn fresh() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn execute(&self, file: &str, sql: &str) -> Result<(), String> {
        // As the sqlite3 shell opens it: without recursive_triggers.
        let connection = Connection::open(self.path(file)).map_err(|error| error.to_string())?;
        connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(|error| error.to_string())?;
        connection.execute_batch(sql).map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn url(&self) -> String {
        format!("sqlite:{}", self.path("log.db").display())
    }

    async fn log(&self, ambient: Ambient) -> Result<Arc<dyn EventLog>, LogError> {
        Ok(Arc::new(SqliteLog::open(&self.url(), ambient).await?))
    }

    async fn keys(&self, master: &MasterKey, ambient: Ambient) -> Result<Arc<dyn KeyStore>, KeyStoreError> {
        let url = format!("sqlite:{}", self.path("keys.db").display());
        Ok(Arc::new(SqliteKeyStore::open(&url, master, ambient).await?))
    }

    async fn tamper(&self, sql: &str) -> Result<(), String> {
        self.execute("log.db", sql)
    }

    async fn tamper_without_triggers(&self, sql: &str) -> Result<(), String> {
        let connection = Connection::open(self.path("log.db")).map_err(|error| error.to_string())?;
        let triggers: String = connection
            .query_row(
                "SELECT group_concat('DROP TRIGGER ' || name, ';') FROM sqlite_schema WHERE type = 'trigger'",
                [],
                |row| row.get(0),
            )
            .map_err(|error| error.to_string())?;
        let restore: String = connection
            .query_row("SELECT group_concat(sql, ';') FROM sqlite_schema WHERE type = 'trigger'", [], |row| row.get(0))
            .map_err(|error| error.to_string())?;
        drop(connection);
        self.execute("log.db", &format!("BEGIN; {triggers}; {sql}; {restore}; COMMIT"))
    }

    async fn tamper_keys(&self, sql: &str) -> Result<(), String> {
        self.execute("keys.db", sql)
    }

    async fn raw(&self) -> Vec<u8> {
        let read = |file| std::fs::read(self.path(file)).unwrap_or_default();
        [read("log.db"), read("log.db-wal")].concat()
    }

    fn literal(&self, bytes: &[u8]) -> String {
        format!("X'{}'", hex::encode(bytes))
    }
    fn id_literal(&self, id: uuid::Uuid) -> String {
        self.literal(id.as_bytes())
    }

    fn without_uniqueness(&self) -> &'static str {
        "DROP INDEX IF EXISTS events_by_stream;"
    }

    fn set_end(&self, _position: u64) -> String {
        "SELECT 'the end is where the last event is'".to_owned()
    }

    fn replacements(&self) -> Vec<String> {
        let columns = "event_id, type, schema_version, occurred_at, recorded_at, actor, command_id, correlation_id, \
             causation_id, subject_id, epoch, hash, data, personal";
        let copy = |position: &str, version: &str, from: &str| {
            format!(
                "INSERT OR REPLACE INTO events (position, stream, version, {columns}) \
                 SELECT {position}, stream, {version}, {from} FROM events WHERE position = 3"
            )
        };
        let fresh = columns.replace("event_id", "randomblob(16)");
        vec![
            copy("3", "version", columns),
            copy("3", "99", &fresh),
            copy("13", "version", &fresh),
            copy("13", "99", columns),
            "REPLACE INTO events SELECT * FROM events WHERE position = 3".to_owned(),
            "UPDATE OR REPLACE events SET position = 4 WHERE position = 3".to_owned(),
            "INSERT INTO events SELECT * FROM events WHERE position = 3 ON CONFLICT DO UPDATE SET actor = 'x'"
                .to_owned(),
            "INSERT INTO events SELECT * FROM events WHERE true ON CONFLICT DO NOTHING".to_owned(),
        ]
    }

    fn truncations(&self) -> Vec<String> {
        vec!["DELETE FROM events WHERE true".to_owned()]
    }
}
