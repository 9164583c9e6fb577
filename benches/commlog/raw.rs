//! The limit of bulk appends: rows of the same size, for the same streams in the same order, inserted into the same
//! tables with the same indexes and triggers, many at a time, durable at each commit; without chains, sealing, versions
//! or positions to work out.

use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rusqlite::params_from_iter;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::log::per_second;
use crate::stores::{Own, Place};
use crate::{Engine, Result};

const STREAMS: u64 = 10_000;
const COLUMNS: &str = "position, stream, version, event_id, type, schema_version, occurred_at, recorded_at, actor, \
                       command_id, correlation_id, causation_id, subject_id, epoch, hash, data, personal";
const DATA: [u8; 190] = [b'd'; 190];
const PERSONAL: [u8; 170] = [b'p'; 170];

/// Inserts rows into stores that belong to nothing else, and returns how many a second.
pub async fn inserts(place: &Place, own: Own, count: u64, per_transaction: u64) -> Result<f64> {
    // Opening makes the tables.
    place.open(own).await?.close().await;
    match place.engine {
        Engine::Sqlite => {
            let file = place.config(own)?.data_dir.join("log.db");
            tokio::task::spawn_blocking(move || sqlite(&file, count, per_transaction)).await?
        }
        Engine::Postgres => {
            let url = place.database(own).ok_or("no database was made")?;
            postgres(url, count, per_transaction).await
        }
    }
}

/// The stream and version of each event, distributed as in [`crate::events::Events`]: a tenth in one stream, the rest
/// anywhere.
struct Places {
    random: SmallRng,
    versions: Vec<u64>,
}

impl Places {
    fn new() -> Self {
        Self { random: SmallRng::seed_from_u64(7), versions: vec![0; usize::try_from(STREAMS).unwrap_or_default()] }
    }

    fn next(&mut self) -> (u64, u64) {
        let index = if self.random.random_ratio(1, 10) { 0 } else { self.random.random_range(1..self.versions.len()) };
        self.versions[index] += 1;
        (index as u64 + 1, self.versions[index])
    }
}

fn event_id(position: u64) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(1_700_000_000_000 + position, &[7; 10]).into_uuid()
}

fn sqlite(file: &std::path::Path, count: u64, per_transaction: u64) -> Result<f64> {
    use rusqlite::types::Value::{Blob, Integer, Null, Text};
    let mut connection = rusqlite::Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 16_000)?;
    let fill = connection.transaction()?;
    for stream in 1..=i64::try_from(STREAMS)? {
        let id = Uuid::from_u128(u128::from(stream.unsigned_abs()));
        fill.execute(
            "INSERT INTO streams (stream, tenant_id, category, key) VALUES (?1, ?2, ?3, ?4)",
            rusqlite::params![stream, Uuid::nil().as_bytes(), "customer", id.as_bytes()],
        )?;
    }
    fill.commit()?;
    let tuple = format!("({})", vec!["?"; 17].join(", "));
    let tuples = vec![tuple.as_str(); usize::try_from(per_transaction)?].join(", ");
    let insert = format!("INSERT INTO events ({COLUMNS}) VALUES {tuples}");
    let mut spent = Duration::ZERO;
    let int = |number: u64| Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let mut places = Places::new();
    for group in 0..count / per_transaction {
        let mut values = Vec::with_capacity(usize::try_from(per_transaction)? * 17);
        for position in group * per_transaction + 1..=(group + 1) * per_transaction {
            let (stream, version) = places.next();
            values.extend([
                int(position),
                int(stream),
                int(version),
                Blob(event_id(position).as_bytes().to_vec()),
                Text("MessageQueued".into()),
                int(1),
                int(position),
                int(position),
                Text("bench".into()),
                Null,
                Null,
                Null,
                Blob(Uuid::from_u128(u128::from(stream)).as_bytes().to_vec()),
                int(1),
                Blob(vec![7; 32]),
                Blob(DATA.to_vec()),
                Blob(PERSONAL.to_vec()),
            ]);
        }
        let started = Instant::now();
        let transaction = connection.transaction()?;
        transaction.prepare_cached(&insert)?.execute(params_from_iter(values))?;
        transaction.commit()?;
        spent += started.elapsed();
    }
    Ok(per_second(count, spent))
}

async fn postgres(url: &str, count: u64, per_transaction: u64) -> Result<f64> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query(AssertSqlSafe(format!(
        "INSERT INTO log.streams SELECT n, '{}', 'customer', lpad(to_hex(n), 32, '0')::uuid \
         FROM generate_series(1, {STREAMS}) n",
        Uuid::nil()
    )))
    .execute(&mut connection)
    .await?;
    let insert = format!(
        "INSERT INTO log.events ({COLUMNS}) SELECT position, stream, version, event_id, 'MessageQueued', 1, position, \
         position, 'bench', NULL, NULL, NULL, event_id, 1, $5, $6, $7 \
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[]) AS t (position, stream, version, event_id)"
    );
    let mut spent = Duration::ZERO;
    let mut places = Places::new();
    for group in 0..count / per_transaction {
        let positions: Vec<i64> = (group * per_transaction + 1..=(group + 1) * per_transaction)
            .map(i64::try_from)
            .collect::<std::result::Result<_, _>>()?;
        let (streams, versions): (Vec<i64>, Vec<i64>) = positions
            .iter()
            .map(|_| {
                let (stream, version) = places.next();
                (stream.cast_signed(), version.cast_signed())
            })
            .unzip();
        let ids: Vec<Uuid> = positions.iter().map(|&position| event_id(position.unsigned_abs())).collect();
        let started = Instant::now();
        sqlx::query(AssertSqlSafe(insert.as_str()))
            .bind(positions)
            .bind(streams)
            .bind(versions)
            .bind(ids)
            .bind(vec![7_u8; 32])
            .bind(DATA.to_vec())
            .bind(PERSONAL.to_vec())
            .execute(&mut connection)
            .await?;
        spent += started.elapsed();
    }
    Ok(per_second(count, spent))
}
