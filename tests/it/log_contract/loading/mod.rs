//! Logs that are written as they stand: loaded from one backend into another, portion by portion.

mod refused;
mod round;

use std::path::PathBuf;
use std::sync::Arc;

use commlog::clock::Ambient;
use commlog::ids::Position;
use commlog::log::kurrentdb::{KurrentLoader, KurrentLog};
use commlog::log::load::{LoadError, LogLoader, PORTION, Portion};
use commlog::log::sql::postgres::{PostgresLoader, PostgresLog};
use commlog::log::sql::sqlite::{SqliteLoader, SqliteLog};
use commlog::log::{Append, EventLog, Expected, LogError, ReadLimit, SealedEvent};
use tempfile::TempDir;
use uuid::Uuid;

use crate::log_contract::World;
use crate::log_contract::world::WithCommand;
use crate::support::doubles::kurrentdb::{KurrentDouble, Version};

/// Where a log can be.
pub(super) enum Place {
    Sqlite(TempDir),
    Postgres(String),
    Kurrent(KurrentDouble, TempDir),
}

/// Each kind of place, by the name that a failure shows.
pub(super) async fn places() -> Vec<(&'static str, Place)> {
    vec![
        ("SQLite", Place::sqlite()),
        ("PostgreSQL", Place::postgres().await),
        ("KurrentDB 26.1", Place::kurrent(Version::Records).await),
        ("KurrentDB 25.1", Place::kurrent(Version::Session).await),
        ("KurrentDB 24.10", Place::kurrent(Version::Single).await),
    ]
}

impl Place {
    pub(super) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(super) async fn postgres() -> Self {
        Self::Postgres(crate::support::postgres::database().await)
    }

    pub(super) async fn kurrent(version: Version) -> Self {
        Self::Kurrent(KurrentDouble::start(version).await, tempfile::tempdir().expect("a temporary folder"))
    }

    fn file(folder: &TempDir) -> String {
        folder.path().join("log.db").display().to_string()
    }

    /// An index that no other opening uses.
    fn index(folder: &TempDir) -> PathBuf {
        folder.path().join(format!("index-{}.db", Ambient::system().uuid().simple()))
    }

    pub(super) async fn loader(&self, log_id: Uuid) -> Result<Box<dyn LogLoader>, LoadError> {
        let ambient = Ambient::system();
        Ok(match self {
            Self::Sqlite(folder) => Box::new(SqliteLoader::open(&Self::file(folder), log_id).await?),
            Self::Postgres(url) => Box::new(PostgresLoader::connect(url, log_id, ambient).await?),
            Self::Kurrent(double, folder) => {
                Box::new(KurrentLoader::connect(&double.address(), &Self::index(folder), log_id, ambient).await?)
            }
        })
    }

    pub(super) async fn open(&self) -> Result<Arc<dyn EventLog>, LogError> {
        let ambient = Ambient::system();
        Ok(match self {
            Self::Sqlite(folder) => Arc::new(SqliteLog::open(&Self::file(folder), ambient).await?),
            Self::Postgres(url) => Arc::new(PostgresLog::connect(url, ambient).await?),
            Self::Kurrent(double, folder) => {
                Arc::new(KurrentLog::connect(&double.address(), &Self::index(folder), ambient).await?)
            }
        })
    }

    pub(super) async fn open_to_read(&self) -> Result<Arc<dyn EventLog>, LogError> {
        let ambient = Ambient::system();
        Ok(match self {
            Self::Sqlite(folder) => Arc::new(SqliteLog::open_to_read(&Self::file(folder)).await?),
            Self::Postgres(url) => Arc::new(PostgresLog::connect_to_read(url, ambient).await?),
            Self::Kurrent(double, folder) => {
                Arc::new(KurrentLog::connect_to_read(&double.address(), &Self::index(folder), ambient).await?)
            }
        })
    }
}

/// A log with at least so many events of all kinds: interleaved streams of two tenants, personal parts, causes, commands over one
/// stream and over several, two epochs.
pub(super) async fn fill(world: &World, events: usize) {
    let people: Vec<_> = (0..7).map(|_| world.customer()).collect();
    let mut made = 0;
    for round in 0.. {
        let mut appends: Vec<Append> = Vec::new();
        for (number, person) in people.iter().enumerate() {
            let text = format!(r#"{{"name":"person {number}","text":"{}"}}"#, "é".repeat(round * 7 % 400));
            let personal = world.personal_event(*person, &text);
            let cause = personal.id;
            let mut append = world.append_of(world.stream_of(*person), Expected::Any, vec![personal, world.event(7)]);
            append.cause.causation = Some(cause);
            append.cause.correlation = Some(commlog::ids::ImportId(world.ambient.uuid()).into());
            made += append.events.len();
            appends.push(append);
        }
        // One that stands or falls with others, one alone, and one without events of its own order.
        let together = world.command();
        let alone = world.command();
        let mut appends: Vec<Append> = appends
            .into_iter()
            .enumerate()
            .map(|(number, append)| match number {
                0 | 2 | 5 => append.under(together),
                3 => append.under(alone),
                _ => append,
            })
            .collect();
        appends.push(world.append(world.stream(), Expected::Exact(0), round % 3 + 1));
        made += round % 3 + 1;
        world.clock.advance(chrono::TimeDelta::milliseconds(3));
        let appended = world.journal.append_all(appends).await.expect("the log answers");
        assert!(appended.iter().all(Result::is_ok), "{appended:?}");
        if round == 3 {
            world.log.start_epoch().await.expect("an epoch starts");
        }
        if made >= events {
            return;
        }
    }
}

/// All portions of a log, small ones: so many events each.
pub(super) async fn portions(log: &dyn EventLog, events: usize) -> Vec<Portion> {
    let (mut portions, mut after) = (Vec::new(), Position::START);
    loop {
        let portion = Portion::read(log, after, ReadLimit { events, ..PORTION }).await.expect("the log is read");
        if portion.events.is_empty() {
            return portions;
        }
        after = portion.last();
        portions.push(portion);
    }
}

/// Every event of a log.
pub(super) async fn all(log: &dyn EventLog) -> Vec<SealedEvent> {
    portions(log, 1_000).await.into_iter().flat_map(|portion| portion.events).collect()
}
