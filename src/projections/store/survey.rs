//! The read tables as somebody outside sees them who changes nothing: for `commlog status`, beside a running server or
//! without one.

use super::ReadStore;
use super::belonging;
use super::catalog::{Catalog, State};
use super::lease;
use super::location::{Database, Location, file, schema};
use super::options;
use crate::ids::Position;
use crate::log::EventLog;
use crate::projections::error::{ProjectionError, database};
use crate::projections::tables;
use crate::sql::{Db, SqliteOptions, SqlitePool};

/// What there is of read tables.
#[derive(Debug)]
pub struct Survey {
    /// The tables that readers use.
    pub live: Option<SurveyedGeneration>,
    /// The ids of those that a process is building to take over.
    pub building: Vec<String>,
    /// The ids of those that nodes of another version read.
    pub ready: Vec<String>,
    /// The number of those that nobody uses any more, or whose building was interrupted.
    pub left: usize,
}

/// Tables that readers use.
#[derive(Debug)]
pub struct SurveyedGeneration {
    /// The generation's id.
    pub id: String,
    /// For queries; one at a time.
    pub db: Db,
    /// Up to where the log is applied.
    pub position: Position,
    /// Number of events of the log that are not applied yet.
    pub lag_events: u64,
    /// False if they were made from another log: a server will discard and rebuild them.
    pub is_of_log: bool,
    /// Number of events that could not be applied.
    pub parked: u64,
}

impl ReadStore {
    /// Looks at the read tables at a location, and changes nothing. [`None`] if there are none.
    pub async fn survey(location: &str, log: &dyn EventLog) -> Result<Option<Survey>, ProjectionError> {
        let location = Location::parse(location);
        let Some(entries) = Catalog::look(&location).await? else { return Ok(None) };
        let mut survey = Survey { live: None, building: Vec::new(), ready: Vec::new(), left: 0 };
        for entry in entries {
            match entry.state {
                State::Live => survey.live = Some(look_at(&location, entry.id, log).await?),
                State::Building if lease::is_taken(&location, &entry.id).await? => survey.building.push(entry.id),
                State::Ready if lease::is_taken(&location, &entry.id).await? => survey.ready.push(entry.id),
                State::Building | State::Ready | State::Retired => survey.left += 1,
            }
        }
        Ok(Some(survey))
    }
}

async fn look_at(location: &Location, id: String, log: &dyn EventLog) -> Result<SurveyedGeneration, ProjectionError> {
    let db = match location {
        Location::Folder(folder) => Db::Sqlite(SqlitePool::new(SqliteOptions::witness(&file(folder, &id)))),
        Location::Database(Database { url, .. }) => {
            let options = options::postgres_reader(url, &schema(&id))?;
            Db::Postgres(options::postgres_reader_pool().max_connections(1).connect_lazy_with(options))
        }
    };
    let mut session = db.session().await.map_err(database("be reached"))?;
    let checkpoint = tables::checkpoint(&mut session).await?;
    drop(session);
    let parked = tables::parked(&db).await?.len() as u64;
    let head = log.head().await?.position;
    Ok(SurveyedGeneration {
        id,
        db,
        position: checkpoint.position,
        lag_events: log.count_between(checkpoint.position, head).await?,
        is_of_log: belonging::is_of(log, checkpoint).await?,
        parked,
    })
}
