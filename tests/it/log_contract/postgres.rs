//! The contract on PostgreSQL.

use std::sync::Arc;

use async_trait::async_trait;
use commlog::clock::Ambient;
use commlog::log::keys::postgres::PostgresKeyStore;
use commlog::log::keys::{KeyStore, KeyStoreError};
use commlog::log::seal::MasterKey;
use commlog::log::sql::postgres::PostgresLog;
use commlog::log::{EventLog, LogError};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::log_contract::{Store, contract};
use crate::support::postgres::database;

contract!(PostgresStore);

pub(crate) struct PostgresStore {
    url: String,
    keys_url: String,
}

impl PostgresStore {
    pub(crate) async fn fresh() -> Self {
        Self { url: database().await, keys_url: database().await }
    }
}

async fn execute(url: &str, sql: &str) -> Result<(), String> {
    let mut connection = PgConnection::connect(url).await.map_err(|error| error.to_string())?;
    let executed = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
    executed.map(drop).map_err(|error| error.to_string())
}

#[async_trait]
impl Store for PostgresStore {
    fn url(&self) -> String {
        self.url.clone()
    }

    async fn log(&self, ambient: Ambient) -> Result<Arc<dyn EventLog>, LogError> {
        Ok(Arc::new(PostgresLog::connect(&self.url, ambient).await?))
    }

    async fn keys(&self, master: &MasterKey, ambient: Ambient) -> Result<Arc<dyn KeyStore>, KeyStoreError> {
        Ok(Arc::new(PostgresKeyStore::connect(&self.keys_url, master, ambient).await?))
    }

    async fn tamper(&self, sql: &str) -> Result<(), String> {
        execute(&self.url, &format!("SET search_path = log; {sql}")).await
    }

    async fn tamper_without_triggers(&self, sql: &str) -> Result<(), String> {
        let tables = ["meta", "epochs", "streams", "events", "commands", "head"];
        let off = tables.map(|table| format!("ALTER TABLE log.{table} DISABLE TRIGGER ALL;")).concat();
        let on = tables.map(|table| format!("ALTER TABLE log.{table} ENABLE ALWAYS TRIGGER append_only;")).concat();
        let forwards = "ALTER TABLE log.head ENABLE ALWAYS TRIGGER forwards_only;";
        let sql = format!("SET search_path = log; {off} {sql}; {on} {forwards}");
        execute(&self.url, &sql).await
    }

    async fn tamper_keys(&self, sql: &str) -> Result<(), String> {
        execute(&self.keys_url, &format!("SET search_path = keys; {sql}")).await
    }

    async fn raw(&self) -> Vec<u8> {
        let mut connection = PgConnection::connect(&self.url).await.expect("the test server answers");
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT convert_to(concat(e.*), 'UTF8') || e.data || e.hash || coalesce(e.personal, '') FROM log.events e",
        )
        .fetch_all(&mut connection)
        .await
        .expect("the events are dumped");
        rows.concat()
    }

    fn literal(&self, bytes: &[u8]) -> String {
        format!("'\\x{}'", hex::encode(bytes))
    }
    fn id_literal(&self, id: uuid::Uuid) -> String {
        format!("'{id}'")
    }

    fn without_uniqueness(&self) -> &'static str {
        "ALTER TABLE events DROP CONSTRAINT IF EXISTS events_by_stream;"
    }

    fn set_end(&self, position: u64) -> String {
        format!("UPDATE head SET position = {position}")
    }

    fn replacements(&self) -> Vec<String> {
        vec![
            "INSERT INTO events SELECT * FROM events WHERE position = 3 \
             ON CONFLICT (position) DO UPDATE SET actor = 'x'"
                .to_owned(),
            "MERGE INTO events e USING events f ON e.position = f.position WHEN MATCHED THEN UPDATE SET actor = 'x'"
                .to_owned(),
            "SET session_replication_role = replica; UPDATE events SET actor = 'x'".to_owned(),
        ]
    }

    fn truncations(&self) -> Vec<String> {
        ["TRUNCATE events", "TRUNCATE streams, events CASCADE", "TRUNCATE head", "DELETE FROM head"]
            .map(str::to_owned)
            .to_vec()
    }
}
