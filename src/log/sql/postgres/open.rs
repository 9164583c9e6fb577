//! Opening a log: its id and first epoch, and what distinguishes its database.

use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, Location, StoreError};
use super::{KIND, SYSTEM_ID};
use crate::clock::Ambient;
use crate::sql::postgres::bounded;

/// What is found when a log is opened.
#[derive(Debug)]
pub(super) struct Opened {
    /// Distinguishes its database from others.
    pub system_id: String,
    /// Whether it is still being loaded: it has an id, and no epoch yet.
    pub is_loading: bool,
    /// Whether times never decrease: always in a log that was written here, not in each that was loaded.
    pub orders_times: bool,
}

/// Brings the schema to its newest version, and gives a new log its id and first epoch, both at once: one that has an id
/// alone is being loaded.
pub(super) async fn prepare(location: &Location, ambient: &Ambient) -> Result<Opened, StoreError> {
    let mut connection = location.connect().await?;
    store::migrate(&mut connection, &KIND).await?;
    let system_id: String = bounded(sqlx::query_scalar(SYSTEM_ID).fetch_one(&mut connection)).await?;
    bounded(
        sqlx::query(
            "WITH named AS (INSERT INTO log.meta (name, value) VALUES ('log_id', $1) ON CONFLICT DO NOTHING RETURNING name) \
             INSERT INTO log.epochs (epoch, started_at, system_id) SELECT 1, $2, $3 FROM named",
        )
        .bind(&ambient.uuid().as_bytes()[..])
        .bind(ambient.now().timestamp_micros())
        .bind(&system_id)
        .execute(&mut connection),
    )
    .await?;
    look(&mut connection).await
}

/// Looks at a log, and changes nothing.
pub(super) async fn look(connection: &mut PgConnection) -> Result<Opened, StoreError> {
    let system_id = bounded(sqlx::query_scalar(SYSTEM_ID).fetch_one(&mut *connection)).await?;
    let orders_times = bounded(
        sqlx::query_scalar("SELECT NOT EXISTS (SELECT 1 FROM log.meta WHERE name = 'unordered_times')")
            .fetch_one(&mut *connection),
    )
    .await?;
    let is_loading = matches!(state(connection).await?, Some(State { is_loading: true, .. }));
    Ok(Opened { system_id, is_loading, orders_times })
}

/// Which log a database holds, and whether it is complete.
#[derive(Debug)]
pub(super) struct State {
    /// Its id.
    pub log_id: Uuid,
    /// Whether it is still being loaded.
    pub is_loading: bool,
}

/// [`None`] if no log was begun.
pub(super) async fn state(connection: &mut PgConnection) -> Result<Option<State>, sqlx::Error> {
    let sql = "SELECT value, NOT EXISTS (SELECT 1 FROM log.epochs) FROM log.meta WHERE name = 'log_id'";
    let found: Option<(Vec<u8>, bool)> = bounded(sqlx::query_as(sql).fetch_optional(connection)).await?;
    let state = |(id, is_loading): (Vec<u8>, bool)| {
        let log_id = Uuid::from_slice(&id).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(State { log_id, is_loading })
    };
    found.map(state).transpose()
}
