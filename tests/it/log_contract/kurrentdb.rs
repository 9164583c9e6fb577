//! The contract on KurrentDB: on a server if `COMMLOG_TEST_KURRENTDB_URL` gives its address, else on the double, as each of the
//! versions that differ; and what only this backend must stand.

mod faults;
mod reported;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use commlog::clock::Ambient;
use commlog::log::keys::sqlite::SqliteKeyStore;
use commlog::log::keys::{KeyStore, KeyStoreError};
use commlog::log::kurrentdb::KurrentLog;
use commlog::log::seal::MasterKey;
use commlog::log::{EventLog, LogError};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::log_contract::{Store, everywhere, under_one_lock};
use crate::support::doubles::kurrentdb::{KurrentDouble, Version};
use crate::support::setting;

/// A log on a server or a double, with an index for each opening: each is a node of its own.
pub(crate) struct KurrentStore {
    folder: TempDir,
    address: String,
    double: Option<KurrentDouble>,
    openings: AtomicU32,
}

impl KurrentStore {
    async fn on(version: Version) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (address, double) = match setting("COMMLOG_TEST_KURRENTDB_URL") {
            Some(address) => {
                let name = format!("test{}", Ambient::system().uuid().simple());
                let sign = if address.contains('?') { '&' } else { '?' };
                (format!("{address}{sign}log={name}"), None)
            }
            None => {
                let double = KurrentDouble::start(version).await;
                (double.address(), Some(double))
            }
        };
        Self { folder, address, double, openings: AtomicU32::new(0) }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }
}

#[async_trait]
impl Store for KurrentStore {
    fn url(&self) -> String {
        format!("{}#{}", self.address, self.folder.path().display())
    }

    async fn log(&self, ambient: Ambient) -> Result<Arc<dyn EventLog>, LogError> {
        let index = self.path(&format!("index-{}.db", self.openings.fetch_add(1, Ordering::SeqCst)));
        Ok(Arc::new(KurrentLog::connect(&self.address, &index, ambient).await?))
    }

    async fn keys(&self, master: &MasterKey, ambient: Ambient) -> Result<Arc<dyn KeyStore>, KeyStoreError> {
        let url = format!("sqlite:{}", self.path("keys.db").display());
        Ok(Arc::new(SqliteKeyStore::open(&url, master, ambient).await?))
    }

    async fn tamper(&self, _sql: &str) -> Result<(), String> {
        Err("KurrentDB has no SQL".to_owned())
    }

    async fn tamper_without_triggers(&self, sql: &str) -> Result<(), String> {
        self.tamper(sql).await
    }

    async fn tamper_keys(&self, sql: &str) -> Result<(), String> {
        let connection = Connection::open(self.path("keys.db")).map_err(|error| error.to_string())?;
        connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(|error| error.to_string())?;
        connection.execute_batch(sql).map_err(|error| error.to_string())
    }

    async fn raw(&self) -> Vec<u8> {
        let files = ["index-0.db", "index-0.db-wal"].map(|file| std::fs::read(self.path(file)).unwrap_or_default());
        let events = match &self.double {
            Some(double) => double.store().dump(),
            None => {
                let log = self.log(Ambient::system()).await.expect("the log opens");
                let all = log.read_all(commlog::ids::Position::START, commlog::log::ReadLimit::NONE).await;
                format!("{:?}", all.expect("is read")).into_bytes()
            }
        };
        [files.concat(), events].concat()
    }

    fn literal(&self, bytes: &[u8]) -> String {
        format!("X'{}'", hex::encode(bytes))
    }

    fn id_literal(&self, id: uuid::Uuid) -> String {
        self.literal(id.as_bytes())
    }

    fn without_uniqueness(&self) -> &'static str {
        ""
    }

    fn set_end(&self, _position: u64) -> String {
        String::new()
    }

    fn replacements(&self) -> Vec<String> {
        Vec::new()
    }

    fn truncations(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Appends to several streams and checks others, all or nothing.
mod records {
    use super::{KurrentStore, Version, everywhere, under_one_lock};

    enum Records {}

    impl Records {
        async fn fresh() -> KurrentStore {
            KurrentStore::on(Version::Records).await
        }
    }

    everywhere!(Records);
    under_one_lock!(Records);
}

/// Appends to several streams, all or nothing.
mod session {
    use super::{KurrentStore, Version, everywhere};

    enum Session {}

    impl Session {
        async fn fresh() -> KurrentStore {
            KurrentStore::on(Version::Session).await
        }
    }

    everywhere!(Session);
}

/// Appends to one stream at a time.
mod single {
    use super::{KurrentStore, Version, everywhere};

    enum Single {}

    impl Single {
        async fn fresh() -> KurrentStore {
            KurrentStore::on(Version::Single).await
        }
    }

    everywhere!(Single);
}
