//! Copying a log into another store as it stands, and comparing the two. From PostgreSQL on it goes round: SQLite, PostgreSQL,
//! KurrentDB (a double of it), SQLite.

use std::time::Instant;

use commlog::boot::{Stores, open_existing_log, open_loader};
use commlog::clock::Ambient;
use commlog::config::{Config, LogUrl};
use commlog::log::copy::{catch_up, compare};
use tokio_util::sync::CancellationToken;

use crate::kurrentdb::{Remote, Sample, bare_bulk};
use crate::log::per_second;
use crate::report::{Goal, Measurement, goal};
use crate::stores::{Own, Place};
use crate::{Engine, Result, Size, raw};

/// Rows a statement of the limit: SQLite binds so many values, and not many more.
const PER_TRANSACTION: u64 = 1_000;

/// Rows of a limit.
const ROWS: u64 = 300_000;

/// What a copy took, and what it was compared with.
struct Copied {
    events: u64,
    copied: f64,
    compared: f64,
}

/// What a leg could do at most.
struct Limit(f64, &'static str);

/// Copies the shared log: SQLite to SQLite, or from PostgreSQL once round.
pub async fn run(place: &Place, size: Size) -> Result<Vec<Measurement>> {
    let shared = place.config(Own::Shared)?;
    let rows = size.events.min(ROWS);
    let inserts = async |place: &Place| {
        let rate = raw::inserts(place, Own::RawCopy, rows, PER_TRANSACTION).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Limit(rate, "raw multi-row inserts/s"))
    };
    match place.engine {
        Engine::Sqlite => {
            let file = in_file(place, "copy.db")?;
            let copied = copy(&shared, &file).await?;
            Ok(vec![row(place, "SQLite to SQLite", &copied, &inserts(place).await?)])
        }
        Engine::Postgres => {
            let double = Remote::start().await?;
            let (first, last) = (in_file(place, "first.db")?, in_file(place, "last.db")?);
            let (database, kurrentdb) = (place.config(Own::Copy)?, double.config(place.config(Own::Copy)?)?);
            let (into_file, into_database) = (inserts(&place.embedded()?).await?, inserts(place).await?);
            let mut rows = vec![
                row(place, "PostgreSQL to SQLite", &copy(&shared, &first).await?, &into_file),
                row(place, "SQLite to PostgreSQL", &copy(&first, &database).await?, &into_database),
            ];
            let copied = copy(&database, &kurrentdb).await?;
            let bare = bare_bulk(&Sample::of(&double).await?, size.events.min(ROWS)).await?;
            let into_double = Limit(bare, "events/s in bare gRPC calls");
            rows.push(row(place, "PostgreSQL to KurrentDB (double)", &copied, &into_double));
            rows.push(row(place, "KurrentDB (double) to SQLite", &copy(&kurrentdb, &last).await?, &into_file));
            rows.push(equal(place, &first, &last).await?);
            Ok(rows)
        }
    }
}

/// The configuration of a copy in a file.
fn in_file(place: &Place, name: &str) -> Result<Config> {
    let mut config = place.config(Own::Copy)?;
    config.log = LogUrl::parse(&format!("sqlite:{}/{name}", place.folder))?;
    Ok(config)
}

fn row(place: &Place, what: &str, copied: &Copied, limit: &Limit) -> Measurement {
    let goals = match what {
        "SQLite to SQLite" | "SQLite to PostgreSQL" => {
            goal(place.engine, Goal::AtLeast(50_000.0), Goal::AtLeast(25_000.0))
        }
        _ => Goal::None,
    };
    let Limit(most, of) = limit;
    Measurement::new(place.engine, format!("copy-log, {what}"), copied.copied, "events/s", goals)
        .limit(*most, *of)
        .note(format!("{} events, equal, compared at {:.0} events/s", copied.events, copied.compared))
}

/// Copies a log, and compares the two.
async fn copy(from: &Config, to: &Config) -> Result<Copied> {
    let ambient = Ambient::system();
    let original = open_existing_log(from, &ambient).await?;
    let origin = original.origin().await?;
    let loader = open_loader(to, origin.log_id, &ambient).await?;
    let started = Instant::now();
    let end = catch_up(original.as_ref(), loader.as_ref(), |_| true).await?;
    let copied = per_second(end.counter(), started.elapsed());
    let log = loader.log().await?;
    let started = Instant::now();
    let same = compare(original.as_ref(), log.as_ref(), end, |_| ()).await?;
    let compared = per_second(same.events, started.elapsed());
    loader.finish(&origin).await?;
    log.close().await;
    original.close().await;
    Ok(Copied { events: same.events, copied, compared })
}

/// Compares the first copy with the last one, and the read tables of the original with what is rebuilt from the last copy.
async fn equal(place: &Place, first: &Config, last: &Config) -> Result<Measurement> {
    let ambient = Ambient::system();
    let (original, copy) = (open_existing_log(first, &ambient).await?, open_existing_log(last, &ambient).await?);
    let head = original.head().await?.position;
    let same = compare(original.as_ref(), copy.as_ref(), head, |_| ()).await?;
    original.close().await;
    copy.close().await;

    let mut config = place.config(Own::Shared)?;
    config.log = last.log.clone();
    let stores = Stores::open(&config, &ambient).await?;
    let reads = stores.read_store().await?;
    // The section before has filled them from the original; if it did not run, the copy fills them.
    let stop = CancellationToken::new();
    let projector = tokio::spawn({
        let (reads, stop) = (reads.clone(), stop.clone());
        async move { reads.run(stop).await }
    });
    reads.applied().wait_for(|applied| *applied >= head).await?;
    stop.cancel();
    projector.await??;
    let tables = reads.check(|_| ()).await?;
    stores.close().await;
    if let Some(table) = tables.iter().find(|table| table.difference.is_some()) {
        return Err(format!("the table {} is another one after the copies", table.table).into());
    }
    let goal = Goal::AtLeast(head.counter() as f64);
    Ok(Measurement::new(place.engine, "copy-log, once round: equal to the first", same.events as f64, "events", goal)
        .note(format!("and {} read tables, rebuilt", tables.len())))
}
