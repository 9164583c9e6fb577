//! One complete set of read tables at one position: a SQLite file, or a PostgreSQL schema.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, watch};

use super::lease::{Lease, Removal};
use super::location::{Database, Location, file, file_error, remove_database, schema};
use super::{options, statistics};
use crate::projections::error::{ProjectionError, database};
use crate::projections::source::Projection;
use crate::projections::tables::{self, Checkpoint, Writer};
use crate::projections::views::{self, View};
use crate::sql::checkpointer::Checkpointer;
use crate::sql::{self, Db, Session, SqlitePool};

/// Read tables that this process uses. They are not removed before the last copy of `db` is gone.
#[derive(Debug)]
pub struct Generation {
    /// Its name in the catalog.
    pub id: String,
    /// For queries. A clone may be kept as long as one likes.
    pub db: Db,
    /// For a process that asks many questions about the same rows, one after the other: on SQLite a connection of its own, which
    /// keeps what it read until the projector commits again.
    pub steady: Db,
    pub(in crate::projections) projections: Arc<[Projection]>,
    pub(in crate::projections) writer: Mutex<Writer>,
    pub(in crate::projections) writing: Db,
    applied: watch::Sender<Checkpoint>,
    /// The last attempt to apply events failed.
    is_stuck: AtomicBool,
    checkpointer: Option<Checkpointer>,
}

impl Deref for Generation {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Generation {
    /// Creates empty tables.
    pub async fn create(location: &Location, id: &str, projections: &[Projection]) -> Result<Self, ProjectionError> {
        Self::create_for(location, id, projections, Use::Reading).await
    }

    /// Creates empty tables that nobody reads before they are built and [settled](Self::settle).
    ///
    /// On SQLite they are not protected against the end of the process or of the machine: what was begun is given up
    /// then. Pages are written once instead of twice, and the disk is not waited for.
    pub async fn begin(location: &Location, id: &str, projections: &[Projection]) -> Result<Self, ProjectionError> {
        Self::create_for(location, id, projections, Use::Building).await
    }

    async fn create_for(
        location: &Location,
        id: &str,
        projections: &[Projection],
        used: Use,
    ) -> Result<Self, ProjectionError> {
        let lease = Lease::take(location, id).await?;
        let writing = writer_pool(location, id, true, used).await?;
        let mut session = writing.session().await.map_err(database("be reached"))?;
        if let Location::Database(_) = location {
            let sql = format!("CREATE SCHEMA {}", schema(id));
            session.run(&sql).await.map_err(database("create a schema"))?;
        }
        tables::create(&mut session, projections, used == Use::Reading).await?;
        if let Location::Folder(_) = location {
            views::write_sqlite(&mut session, &views::of_projections(projections))
                .await
                .map_err(database("make the views for analysts"))?;
        }
        drop(session);
        Self::with(location, id, writing, lease, used).await
    }

    /// Gives what was built its indexes, makes it durable, and opens it for reading and following.
    pub async fn settle(&self, location: &Location) -> Result<Self, ProjectionError> {
        if let Location::Database(_) = location {
            index(self.writer.lock().await.session().await?, &self.projections).await?;
            statistics::gather(location, self).await?;
        }
        self.retire().await;
        if let Location::Folder(folder) = location {
            let path = file(folder, &self.id);
            let sorter = SqlitePool::open(options::sqlite_sorter(&path, folder)).await;
            let sorter = Db::Sqlite(sorter.map_err(|source| unreadable(&path, source))?);
            index(&mut sorter.session().await.map_err(database("be reached"))?, &self.projections).await?;
            sorter.close().await;
            let pool = SqlitePool::open(options::sqlite_writer(&path, false)).await;
            pool.map_err(|source| unreadable(&path, source))?.close().await;
            let synced = tokio::task::spawn_blocking({
                let path = path.clone();
                move || std::fs::File::open(path)?.sync_all()
            });
            synced.await.map_err(|_| ProjectionError::Stopped)?.map_err(file_error("write", &path))?;
        }
        Self::open(location, &self.id).await
    }

    /// Opens tables that exist. They bring the projections that they were created from.
    pub async fn open(location: &Location, id: &str) -> Result<Self, ProjectionError> {
        let lease = Lease::take(location, id).await?;
        let writing = writer_pool(location, id, false, Use::Reading).await?;
        Self::with(location, id, writing, lease, Use::Reading).await
    }

    async fn with(
        location: &Location,
        id: &str,
        writing: Db,
        lease: Lease,
        used: Use,
    ) -> Result<Self, ProjectionError> {
        let mut session = writing.session().await.map_err(database("be reached"))?;
        let projections: Arc<[_]> = tables::definitions(&mut session).await?.into();
        let checkpoint = tables::checkpoint(&mut session).await?;
        drop(session);
        let lease = Arc::new(lease);
        let db = reader_pool(location, id, &lease)?;
        Ok(Self {
            id: id.to_owned(),
            steady: steady_reader(location, id, &lease).unwrap_or_else(|| db.clone()),
            db,
            writer: Mutex::new(Writer::new(writing.clone(), projections.clone())),
            projections,
            writing,
            applied: watch::Sender::new(checkpoint),
            is_stuck: AtomicBool::new(false),
            checkpointer: match (location, used) {
                (Location::Folder(folder), Use::Reading) => Some(Checkpointer::start(&file(folder, id), "NORMAL")),
                (Location::Folder(_), Use::Building) | (Location::Database(_), _) => None,
            },
        })
    }

    /// The views for analysts over its tables, by what this binary's projections say of them.
    pub fn views(&self, projections: &[Projection]) -> Vec<View> {
        views::of_tables(&views::tables(&self.projections), &views::tables(projections))
    }

    /// Gives a file the views for analysts, if an earlier binary gave it others.
    pub async fn write_views(&self, views: &[View]) -> Result<(), ProjectionError> {
        let doing = database("make the views for analysts");
        if let Db::Sqlite(_) = self.db {
            let mut session = self.writing.session().await.map_err(&doing)?;
            views::write_sqlite(&mut session, views).await.map_err(&doing)?;
        }
        Ok(())
    }

    /// How far it has come, as far as this process knows.
    pub fn checkpoint(&self) -> Checkpoint {
        *self.applied.borrow()
    }

    /// Takes note that something was applied and committed.
    pub fn wrote(&self) {
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.wrote();
        }
    }

    /// Takes note whether the last attempt to apply events failed.
    pub fn set_stuck(&self, is_stuck: bool) {
        self.is_stuck.store(is_stuck, Ordering::Relaxed);
    }

    /// Whether the last attempt to apply events failed.
    pub fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::Relaxed)
    }

    /// Announces each advance.
    pub fn progress(&self) -> watch::Receiver<Checkpoint> {
        self.applied.subscribe()
    }

    /// Announces an advance, never backwards.
    pub fn announce(&self, checkpoint: Checkpoint) {
        self.applied.send_if_modified(|applied| {
            let forward = checkpoint.position > applied.position
                || (checkpoint.position == applied.position && checkpoint.unclean != applied.unclean);
            if forward {
                *applied = checkpoint;
            }
            forward
        });
    }

    /// The position up to which it was applied, by any process.
    pub async fn look(&self) -> Result<Checkpoint, ProjectionError> {
        let mut session = self.db.session().await.map_err(database("be reached"))?;
        let checkpoint = tables::checkpoint(&mut session).await?;
        self.announce(checkpoint);
        Ok(checkpoint)
    }

    /// Gives the writing connection up.
    pub async fn retire(&self) {
        self.writer.lock().await.release();
        self.writing.close().await;
    }

    /// Removes a generation that nobody uses; false if somebody does.
    pub async fn remove(location: &Location, id: &str) -> Result<bool, ProjectionError> {
        let Some(removal) = Removal::try_take(location, id).await? else { return Ok(false) };
        match location {
            Location::Folder(folder) => remove_database(&file(folder, id))?,
            Location::Database(Database { url, .. }) => {
                let pool = options::postgres_writer(url, "public")?;
                let mut session = pool.session().await.map_err(database("be reached"))?;
                let sql = format!("DROP SCHEMA IF EXISTS {} CASCADE", schema(id));
                session.run(&sql).await.map_err(database("remove a schema"))?;
                drop(session);
                pool.close().await;
            }
        }
        removal.finish(location, id).await?;
        Ok(true)
    }
}

async fn index(session: &mut Session, projections: &[Projection]) -> Result<(), ProjectionError> {
    let missing = tables::missing_indexes(session, projections).await?;
    tables::make_indexes(session, &missing).await
}

/// What tables are for at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Reading,
    Building,
}

async fn writer_pool(location: &Location, id: &str, create: bool, used: Use) -> Result<Db, ProjectionError> {
    match location {
        Location::Folder(folder) => {
            let path = file(folder, id);
            let options = match used {
                Use::Reading => options::sqlite_writer(&path, create),
                Use::Building => options::sqlite_builder(&path),
            };
            let pool = SqlitePool::open(options).await;
            pool.map(Db::Sqlite).map_err(|source| unreadable(&path, source))
        }
        Location::Database(Database { url, .. }) => options::postgres_writer(url, &schema(id)),
    }
}

fn unreadable(path: &std::path::Path, source: sql::Error) -> ProjectionError {
    match source.sqlite() {
        // It is corrupt, cannot be opened, or is no database.
        Some((11 | 14 | 26, reason)) => ProjectionError::Foreign { location: path.display().to_string(), reason },
        _ => database("be opened")(source),
    }
}

/// The pool owns the lease: it ends with the last clone.
fn reader_pool(location: &Location, id: &str, lease: &Arc<Lease>) -> Result<Db, ProjectionError> {
    let lease = Arc::clone(lease);
    match location {
        Location::Folder(folder) => {
            let options = options::sqlite_reader(&file(folder, id));
            Ok(Db::Sqlite(SqlitePool::keeping(options, Some(lease))))
        }
        Location::Database(Database { url, .. }) => {
            let pool = options::postgres_reader_pool().after_connect(move |_, _| {
                let lease = lease.clone();
                Box::pin(async move {
                    drop(lease);
                    Ok(())
                })
            });
            Ok(Db::Postgres(pool.connect_lazy_with(options::postgres_reader(url, &schema(id))?)))
        }
    }
}

/// [`None`] where connections keep nothing: the server does.
fn steady_reader(location: &Location, id: &str, lease: &Arc<Lease>) -> Option<Db> {
    match location {
        Location::Folder(folder) => {
            let options = options::sqlite_steady_reader(&file(folder, id));
            Some(Db::Sqlite(SqlitePool::keeping(options, Some(Arc::clone(lease) as _))))
        }
        Location::Database(_) => None,
    }
}
