//! Loading a log into a PostgreSQL database: a transaction for each portion, under the append lock.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{Connection, Executor, PgConnection};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::open::{self, State};
use super::store::{self, Location};
use super::writer::{self, PREPARE};
use super::{KIND, PostgresLog, database, lookup, rows, store_error};
use crate::clock::Ambient;
use crate::ids::Position;
use crate::log::chain::Broken;
use crate::log::cover::Origin;
use crate::log::load::{LoadError, LogLoader, Portion, Standing, check_origin, continue_with};
use crate::log::plan::{Known, Stand};
use crate::log::sql::heads::Heads;
use crate::log::{EventHash, EventLog, SealedEvent, StreamHead, StreamId};
use crate::offload;
use crate::sql::postgres::{Backend, bounded};

/// A PostgreSQL database that a log is loaded into.
pub struct PostgresLoader {
    location: Location,
    log_id: Uuid,
    ambient: Ambient,
    session: Mutex<Session>,
}

/// A connection, and what is known without asking it.
#[derive(Default)]
struct Session {
    connection: Option<(PgConnection, Backend)>,
    heads: Heads,
    /// The end of the log after our last commit. If the head row says the same, `heads` are still true.
    end: u64,
}

/// What a portion becomes: the streams in the order of their numbers, and where they all stand afterwards.
struct Numbered {
    portion: Portion,
    opened: Vec<StreamId>,
    stands: HashMap<StreamId, Stand>,
    /// Microseconds.
    recorded_at: i64,
    orders_times: bool,
}

impl PostgresLoader {
    /// Opens the database at a `postgres:` URL for the log with this id; makes its schema if there is none.
    ///
    /// # Errors
    /// [`LoadError::Occupied`] or [`LoadError::Other`] if it holds something else; as [`PostgresLog::connect`].
    pub async fn connect(url: &str, log_id: Uuid, ambient: Ambient) -> Result<Self, LoadError> {
        let location = Location::parse(url).map_err(|error| store_error("its URL", error))?;
        let open = async {
            let mut connection = location.connect().await?;
            store::migrate(&mut connection, &KIND).await?;
            Ok(connection)
        };
        let mut connection = open.await.map_err(|error| store_error(&location.url, error))?;
        let loader = Self { location, log_id, ambient, session: Mutex::default() };
        loader.claim(&mut connection).await?;
        Ok(loader)
    }

    fn failed(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> LoadError {
        move |error| database(&self.location.url, doing, error).into()
    }

    /// Makes the database that of this log, unless it holds another one.
    async fn claim(&self, connection: &mut PgConnection) -> Result<(), LoadError> {
        let claim = sqlx::query("INSERT INTO log.meta (name, value) VALUES ('log_id', $1) ON CONFLICT DO NOTHING")
            .bind(&self.log_id.as_bytes()[..]);
        let state = open::state(connection).await.map_err(self.failed("be taken for a load"))?;
        if state.is_none() {
            bounded(claim.execute(&mut *connection)).await.map_err(self.failed("be taken for a load"))?;
        }
        self.check_state(connection).await
    }

    /// Refuses a database that holds another log, or a complete one.
    async fn check_state(&self, connection: &mut PgConnection) -> Result<(), LoadError> {
        let state = open::state(connection).await.map_err(self.failed("be looked at"))?;
        let Some(State { log_id: found, is_loading }) = state else { return Ok(()) };
        let url = self.location.url.clone();
        if !is_loading {
            let end = end(connection).await.map_err(self.failed("read its end"))?;
            return Err(LoadError::Occupied { url, log_id: found, end });
        }
        if found == self.log_id { Ok(()) } else { Err(LoadError::Other { url, expected: self.log_id, found }) }
    }
}

#[async_trait]
impl LogLoader for PostgresLoader {
    async fn loaded(&self) -> Result<Position, LoadError> {
        let mut session = self.session.lock().await;
        session.connect(&self.location).await.map_err(self.failed("be reached"))?;
        session.end().await.map_err(self.failed("read its end"))
    }

    async fn load(&self, portion: Portion) -> Result<(), LoadError> {
        let mut session = self.session.lock().await;
        session.connect(&self.location).await.map_err(self.failed("be reached"))?;
        session.load(portion).await.map_err(|error| match error {
            Failed::Sqlx(error) => self.failed("load events")(error),
            Failed::Load(error) => error,
        })
    }

    async fn log(&self) -> Result<Arc<dyn EventLog>, LoadError> {
        let (log, _) = PostgresLog::open_as_it_is(self.location.clone(), self.ambient.clone()).await?;
        Ok(Arc::new(log))
    }

    async fn finish(&self, origin: &Origin) -> Result<(), LoadError> {
        check_origin(self.log_id, origin)?;
        let failed = self.failed("complete it");
        let mut connection = self.location.connect().await.map_err(&failed)?;
        let mut transaction = connection.begin().await.map_err(&failed)?;
        // The append lock.
        bounded(transaction.execute("SELECT 1 FROM log.head FOR UPDATE")).await.map_err(&failed)?;
        self.check_state(&mut transaction).await?;
        bounded(write_epochs(&mut transaction, origin)).await.map_err(&failed)?;
        bounded(transaction.commit()).await.map_err(&failed)
    }
}

/// Why a portion was not loaded.
enum Failed {
    Sqlx(sqlx::Error),
    Load(LoadError),
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Self::Sqlx(error)
    }
}

impl From<LoadError> for Failed {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl Session {
    /// Connects unless it is connected.
    async fn connect(&mut self, location: &Location) -> Result<(), sqlx::Error> {
        if self.connection.is_none() {
            let mut connection = location.connect().await?;
            bounded(connection.execute(sqlx::raw_sql(PREPARE))).await?;
            let backend = Backend::of(&mut connection, Arc::new(location.options.clone())).await?;
            self.heads.clear();
            self.connection = Some((connection, backend));
        }
        Ok(())
    }

    /// The connection goes back only when all went well: after a failure it is not known what it is in the middle of.
    async fn end(&mut self) -> Result<Position, sqlx::Error> {
        let (mut connection, backend) = self.connection.take().ok_or(sqlx::Error::WorkerCrashed)?;
        let end = end(&mut connection).await?;
        self.connection = Some((connection, backend));
        Ok(end)
    }

    async fn load(&mut self, portion: Portion) -> Result<(), Failed> {
        let (mut connection, backend) = self.connection.take().ok_or(sqlx::Error::WorkerCrashed)?;
        let known = bounded(writer::begin(&mut connection)).await?;
        if known.position != self.end {
            self.heads.clear();
        }
        let stands = bounded(stands(&mut connection, &mut self.heads, &portion)).await?;
        let numbered = number(portion, stands, &known).await?;
        let end = numbered.portion.last().counter();
        backend.at_work(store_portion(&mut connection, &numbered, &known)).await?;
        for (stream, stand) in numbered.stands {
            self.heads.set(stream, stand);
        }
        self.end = end;
        self.connection = Some((connection, backend));
        Ok(())
    }
}

async fn end(connection: &mut PgConnection) -> Result<Position, sqlx::Error> {
    let end: i64 = bounded(sqlx::query_scalar("SELECT position FROM log.head").fetch_one(connection)).await?;
    Ok(Position::from_counter(end.try_into().unwrap_or_default()))
}

/// Where the streams of a portion stand, those that exist.
async fn stands(
    connection: &mut PgConnection,
    heads: &mut Heads,
    portion: &Portion,
) -> Result<HashMap<StreamId, Stand>, sqlx::Error> {
    let (mut stands, mut missing) = (HashMap::new(), Vec::new());
    for stream in portion.streams() {
        match heads.get(&stream) {
            Some(stand) => _ = stands.insert(stream, stand),
            None => missing.push(stream),
        }
    }
    if !missing.is_empty() {
        stands.extend(lookup::stands(connection, &missing).await?);
    }
    Ok(stands)
}

/// Checks a portion, gives new streams their numbers, and moves all that move.
async fn number(portion: Portion, mut stands: HashMap<StreamId, Stand>, known: &Known) -> Result<Numbered, LoadError> {
    let head = |stand: &Stand| StreamHead { version: stand.version, hash: stand.hash };
    let standing = Standing {
        position: Position::from_counter(known.position),
        recorded_at: known.recorded_at,
        heads: stands.iter().map(|(stream, stand)| (*stream, head(stand))).collect(),
    };
    // Every event is hashed.
    let (portion, continued) = offload::run(portion.events.len(), move || {
        let continued = check_texts(&portion).and_then(|()| continue_with(&standing, &portion));
        (portion, continued)
    })
    .await;
    let continued = continued?;
    for (number, stream) in (known.next_stream..).zip(&continued.opened) {
        stands.insert(*stream, Stand { number, version: 0, hash: EventHash::default() });
    }
    for (stream, head) in &continued.heads {
        if let Some(stand) = stands.get_mut(stream) {
            (stand.version, stand.hash) = (head.version, head.hash);
        }
    }
    let recorded_at = continued.recorded_at.timestamp_micros();
    Ok(Numbered { portion, opened: continued.opened, stands, recorded_at, orders_times: continued.orders_times })
}

/// SQLite takes every text; PostgreSQL none with U+0000.
fn check_texts(portion: &Portion) -> Result<(), LoadError> {
    let has_nul = |event: &&SealedEvent| {
        [&event.envelope.event_type, &event.envelope.actor].iter().any(|text| text.contains('\0'))
    };
    match portion.events.iter().find(has_nul) {
        Some(event) => {
            let reason = "its type or actor has the character U+0000, which PostgreSQL cannot store";
            Err(Broken::of(event, reason.to_owned()).into())
        }
        None => Ok(()),
    }
}

async fn store_portion(connection: &mut PgConnection, numbered: &Numbered, known: &Known) -> Result<(), sqlx::Error> {
    let Numbered { portion, opened, stands, recorded_at, orders_times } = numbered;
    let number = |stream: &StreamId| stands.get(stream).map(|stand| stand.number);
    rows::insert_streams(connection, known.next_stream, opened).await?;
    rows::insert_commands(connection, &portion.commands, number).await?;
    rows::insert_stored(connection, &portion.events, number).await?;
    if !orders_times {
        let mark = "INSERT INTO log.meta (name, value) VALUES ('unordered_times', '1') ON CONFLICT DO NOTHING";
        connection.execute(mark).await?;
    }
    sqlx::query("UPDATE log.head SET position = $1, recorded_at = $2, streams = $3")
        .bind(rows::signed(portion.last().counter()))
        .bind(recorded_at)
        .bind(known.next_stream - 1 + i64::try_from(opened.len()).unwrap_or(0))
        .execute(&mut *connection)
        .await?;
    connection.execute("COMMIT").await.map(drop)
}

async fn write_epochs(connection: &mut PgConnection, origin: &Origin) -> Result<(), sqlx::Error> {
    for epoch in &origin.epochs {
        sqlx::query("INSERT INTO log.epochs (epoch, started_at, system_id) VALUES ($1, $2, $3)")
            .bind(rows::signed(epoch.number))
            .bind(epoch.started_at.timestamp_micros())
            .bind(&epoch.system_id)
            .execute(&mut *connection)
            .await?;
    }
    connection
        .execute(
            "WITH last AS (SELECT max(epoch) AS epoch FROM log.epochs), \
             raised AS (UPDATE log.head SET epoch = last.epoch FROM last) \
             INSERT INTO log.meta (name, value) SELECT 'loaded_epoch', convert_to(epoch::text, 'UTF8') FROM last",
        )
        .await
        .map(drop)
}
