//! The list of generations: which one is live, which are being built, which wait to be removed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};

use super::location::{Database, Location, file, file_error, live_file, schema};
use super::options;
use crate::projections::error::{ProjectionError, chain, database};
use crate::projections::source::dialect;
use crate::projections::views::{self, View};
use crate::sql::{self, Db, Session, SqliteOptions, SqlitePool, Value, row};

/// What becomes of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Catches up; nobody reads it.
    Building,
    /// Complete. Readers of its version use it, while those of another version use the live one.
    Ready,
    /// Readers use it.
    Live,
    /// Another one took over.
    Retired,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Ready => "ready",
            Self::Live => "live",
            Self::Retired => "retired",
        }
    }
}

/// A generation in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: String,
    pub fingerprint: String,
    pub state: State,
}

row! {
    struct Row {
        id: String,
        fingerprint: String,
        state: String,
    }
}

/// The list, in a small SQLite file or a schema of its own.
#[derive(Debug, Clone)]
pub struct Catalog {
    db: Db,
    /// Where the generations are, if they are files.
    folder: Option<PathBuf>,
    /// What analysts use does not follow the live generation: the last attempt failed.
    is_behind: Arc<AtomicBool>,
}

impl Catalog {
    fn over(location: &Location, db: Db) -> Self {
        let folder = match location {
            Location::Folder(folder) => Some(folder.clone()),
            Location::Database(_) => None,
        };
        Self { db, folder, is_behind: Arc::default() }
    }

    /// Opens the list; creates it and its folder if necessary.
    pub async fn open(location: &Location) -> Result<Self, ProjectionError> {
        let catalog = Self::over(location, pool(location).await?);
        let create = |session: &Session| dialect(session.engine(), include_str!("catalog.sql"));
        // Two nodes may start at once: creation waits for the lock like every change.
        catalog
            .change(async |session| {
                if let Session::Postgres(..) = session {
                    session.run("CREATE SCHEMA IF NOT EXISTS commlog_catalog").await?;
                }
                let sql = create(session);
                session.run(&sql).await
            })
            .await
            .map_err(|error| foreign(location, error))?;
        Ok(catalog)
    }

    /// The list as it is, without changing anything; [`None`] if there is none.
    pub async fn look(location: &Location) -> Result<Option<Vec<Entry>>, ProjectionError> {
        let db = match location {
            Location::Folder(folder) => {
                let file = folder.join("catalog.db");
                if !file.exists() {
                    return Ok(None);
                }
                Db::Sqlite(SqlitePool::new(SqliteOptions::witness(&file)))
            }
            Location::Database(_) => {
                let db = pool(location).await?;
                let sql = "SELECT to_regclass('commlog_catalog.generations') IS NOT NULL AS found";
                let found: Vec<(bool,)> = db.fetch_all(sql, &[]).await.map_err(database("list generations"))?;
                if found != [(true,)] {
                    return Ok(None);
                }
                db
            }
        };
        let entries = Self::over(location, db.clone()).entries().await.map_err(|error| foreign(location, error));
        db.close().await;
        entries.map(Some)
    }

    /// Runs a change while no other process runs one.
    async fn change<T>(
        &self,
        work: impl AsyncFnOnce(&mut Session) -> Result<T, sql::Error>,
    ) -> Result<T, ProjectionError> {
        let doing = database("change the list of generations");
        let mut session = self.db.session().await.map_err(&doing)?;
        session.begin().await.map_err(&doing)?;
        let done = match lock(&mut session).await {
            Ok(()) => work(&mut session).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(value) => session.commit().await.map(|()| value).map_err(doing),
            Err(error) => {
                // The first error is the one to report.
                session.rollback().await.ok();
                Err(doing(error))
            }
        }
    }

    /// All generations, oldest first.
    pub async fn entries(&self) -> Result<Vec<Entry>, ProjectionError> {
        let sql = "SELECT id, fingerprint, state FROM generations ORDER BY created_at, id";
        let rows: Vec<Row> = self.db.fetch_all(sql, &[]).await.map_err(database("list generations"))?;
        Ok(rows.into_iter().map(entry).collect())
    }

    /// The live generation, if there is one.
    pub async fn live(&self) -> Result<Option<Entry>, ProjectionError> {
        Ok(self.entries().await?.into_iter().find(|entry| entry.state == State::Live))
    }

    /// Adds a generation that is to be built.
    pub async fn add(&self, id: &str, fingerprint: &str, now: DateTime<Utc>) -> Result<(), ProjectionError> {
        let sql = "INSERT INTO generations (id, fingerprint, state, created_at) VALUES ($1, $2, $3, $4)";
        let state = State::Building.word();
        let values = [Value::from(id), Value::from(fingerprint), Value::from(state), Value::from(now)];
        self.change(async |session| session.execute(sql, &values).await.map(drop)).await
    }

    /// Lets readers of its version use a generation that is built.
    pub async fn make_ready(&self, id: &str) -> Result<(), ProjectionError> {
        let sql = "UPDATE generations SET state = 'ready' WHERE id = $1 AND state <> 'live'";
        self.change(async |session| session.execute(sql, &[Value::from(id)]).await.map(drop)).await
    }

    /// Makes a generation the live one, with its views for analysts.
    pub async fn promote(&self, id: &str, views: &[View]) -> Result<(), ProjectionError> {
        self.change_live(id, views, |_| true).await.map(drop)
    }

    /// Makes a generation the live one if `old` still is, or if none is. Returns the id of the live one.
    pub async fn replace(&self, old: Option<&str>, id: &str, views: &[View]) -> Result<String, ProjectionError> {
        self.change_live(id, views, |live| Some(live) == old).await
    }

    /// Makes a generation the live one if there is none or the live one `may_go`. Returns the id of the live one.
    async fn change_live(
        &self,
        id: &str,
        views: &[View],
        may_go: impl Fn(&str) -> bool,
    ) -> Result<String, ProjectionError> {
        self.change(async |session| {
            let live = live_id(session).await?;
            if let Some(live) = live
                && (live == id || !may_go(&live))
            {
                return Ok(live);
            }
            session.execute("UPDATE generations SET state = 'retired' WHERE state = 'live'", &[]).await?;
            session.execute("UPDATE generations SET state = 'live' WHERE id = $1", &[Value::from(id)]).await?;
            self.point_to(session, id, views).await?;
            Ok(id.to_owned())
        })
        .await
    }

    /// Points what analysts use to a generation, if it is the live one.
    pub async fn publish(&self, id: &str, views: &[View]) -> Result<(), ProjectionError> {
        if self.folder.as_ref().is_some_and(|folder| is_linked(folder, id)) {
            self.is_behind.store(false, Ordering::Relaxed);
            return Ok(());
        }
        self.change(async |session| match live_id(session).await? {
            Some(live) if live == id => self.point_to(session, id, views).await,
            _ => Ok(()),
        })
        .await
    }

    /// Whether what analysts use could not be pointed to the live generation yet.
    pub fn is_behind(&self) -> bool {
        self.is_behind.load(Ordering::Relaxed)
    }

    /// A failure is logged, not returned: the tables serve others than analysts.
    async fn point_to(&self, session: &mut Session, id: &str, views: &[View]) -> Result<(), sql::Error> {
        let failed = match &self.folder {
            Some(folder) => link(folder, id).err().map(|error| chain(&error)),
            None => {
                session.run("SAVEPOINT views").await?;
                match views::publish_postgres(session, &schema(id), views).await {
                    Ok(()) => None,
                    Err(error) => {
                        session.run("ROLLBACK TO SAVEPOINT views").await?;
                        Some(chain(&database("point the views for analysts to them")(error)))
                    }
                }
            }
        };
        self.is_behind.store(failed.is_some(), Ordering::Relaxed);
        if let Some(error) = failed {
            tracing::warn!(error, "the views for analysts do not follow the live read tables yet; trying again");
        }
        Ok(())
    }

    /// Takes a generation off the list.
    pub async fn remove(&self, id: &str) -> Result<(), ProjectionError> {
        let sql = "DELETE FROM generations WHERE id = $1 AND state <> 'live'";
        self.change(async |session| session.execute(sql, &[Value::from(id)]).await.map(drop)).await
    }
}

async fn live_id(session: &mut Session) -> Result<Option<String>, sql::Error> {
    let live = "SELECT id, fingerprint, state FROM generations WHERE state = 'live'";
    let live: Vec<Row> = session.fetch_all(live, &[]).await?;
    Ok(live.into_iter().next().map(|row| row.id))
}

fn is_linked(folder: &Path, id: &str) -> bool {
    std::fs::read_link(live_file(folder)).is_ok_and(|target| Some(target.as_os_str()) == file(folder, id).file_name())
}

/// Lets the name that stays lead to a generation's file, from one moment to the next. SQLite resolves the link before it looks
/// for the file's write-ahead log; a hard link would have another one.
fn link(folder: &Path, id: &str) -> Result<(), ProjectionError> {
    let (name, new) = (live_file(folder), folder.join("live.db.new"));
    let target = file(folder, id);
    let target = target.file_name().unwrap_or_default();
    super::location::remove_file(&new)?;
    symlink(target, &new).map_err(file_error("create", &new))?;
    std::fs::rename(&new, &name).map_err(file_error("replace", &name))
}

#[cfg(unix)]
fn symlink(target: &OsStr, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &OsStr, link: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_file(target, link)
}

fn entry(row: Row) -> Entry {
    let state = match row.state.as_str() {
        "live" => State::Live,
        "building" => State::Building,
        "ready" => State::Ready,
        _ => State::Retired,
    };
    Entry { id: row.id, fingerprint: row.fingerprint, state }
}

async fn lock(session: &mut Session) -> Result<(), sql::Error> {
    match session {
        // BEGIN IMMEDIATE is the lock.
        Session::Sqlite(_) => Ok(()),
        Session::Postgres(..) => session.run("SELECT pg_advisory_xact_lock(7310598211364)").await,
    }
}

async fn pool(location: &Location) -> Result<Db, ProjectionError> {
    match location {
        Location::Folder(folder) => {
            std::fs::create_dir_all(folder).map_err(file_error("create", folder))?;
            let pool = SqlitePool::open(SqliteOptions::writer(&folder.join("catalog.db"), true)).await;
            pool.map(Db::Sqlite).map_err(|source| foreign(location, database("open the list of generations")(source)))
        }
        Location::Database(Database { url, .. }) => {
            let options = options::postgres(url, "commlog_catalog")?;
            let pool = sql::postgres::pool(2).connect_with(options).await;
            pool.map(Db::Postgres).map_err(database("be reached"))
        }
    }
}

/// The error for a file that is not a database; names it.
fn foreign(location: &Location, error: ProjectionError) -> ProjectionError {
    let said = match &error {
        ProjectionError::Database { source, .. } => source.sqlite(),
        _ => None,
    };
    match said {
        Some((11 | 26, message)) => {
            ProjectionError::Foreign { location: location.display(), reason: format!("catalog.db: {message}") }
        }
        _ => error,
    }
}
