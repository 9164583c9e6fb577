//! The list of generations: which one is live, which are being built, which wait to be removed.

use chrono::{DateTime, Utc};

use super::location::{Location, file_error};
use super::options;
use crate::projections::error::{ProjectionError, database};
use crate::projections::source::dialect;
use crate::sql::{self, Db, Session, SqliteOptions, SqlitePool, Value, row};

/// What becomes of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Catches up; nobody reads it.
    Building,
    /// Readers use it.
    Live,
    /// Another one took over.
    Retired,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Building => "building",
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
}

impl Catalog {
    /// Opens the list; creates it and its folder if necessary.
    pub async fn open(location: &Location) -> Result<Self, ProjectionError> {
        let catalog = Self { db: pool(location).await? };
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
        let entries = Self { db: db.clone() }.entries().await.map_err(|error| foreign(location, error));
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

    /// Makes a generation the live one.
    pub async fn promote(&self, id: &str) -> Result<(), ProjectionError> {
        self.change_live(id, |_| true).await.map(drop)
    }

    /// Makes a generation the live one if `old` still is, or if none is. Returns the id of the live one.
    pub async fn replace(&self, old: Option<&str>, id: &str) -> Result<String, ProjectionError> {
        self.change_live(id, |live| Some(live) == old).await
    }

    /// Makes a generation the live one if there is none or the live one `may_go`. Returns the id of the live one.
    async fn change_live(&self, id: &str, may_go: impl Fn(&str) -> bool) -> Result<String, ProjectionError> {
        self.change(async |session| {
            let live = "SELECT id, fingerprint, state FROM generations WHERE state = 'live'";
            let live: Vec<Row> = session.fetch_all(live, &[]).await?;
            if let Some(row) = live.into_iter().next()
                && (row.id == id || !may_go(&row.id))
            {
                return Ok(row.id);
            }
            session.execute("UPDATE generations SET state = 'retired' WHERE state = 'live'", &[]).await?;
            session.execute("UPDATE generations SET state = 'live' WHERE id = $1", &[Value::from(id)]).await?;
            Ok(id.to_owned())
        })
        .await
    }

    /// Takes a generation off the list.
    pub async fn remove(&self, id: &str) -> Result<(), ProjectionError> {
        let sql = "DELETE FROM generations WHERE id = $1 AND state <> 'live'";
        self.change(async |session| session.execute(sql, &[Value::from(id)]).await.map(drop)).await
    }
}

fn entry(row: Row) -> Entry {
    let state = match row.state.as_str() {
        "live" => State::Live,
        "building" => State::Building,
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
        Location::Database(url) => {
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
