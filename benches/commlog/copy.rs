//! Copying a log into another store as it stands, and comparing the two.

use std::time::Instant;

use commlog::boot::{open_existing_log, open_loader};
use commlog::clock::Ambient;
use commlog::config::{Config, LogUrl};
use commlog::log::copy::{catch_up, compare};

use crate::log::per_second;
use crate::report::{Goal, Measurement, goal};
use crate::stores::{Own, Place};
use crate::{Engine, Result, Size, raw};

/// Rows a statement of the limit: SQLite binds so many values, and not many more.
const PER_TRANSACTION: u64 = 1_000;

/// What a copy took.
struct Copied {
    copied: f64,
    compared: f64,
}

/// Copies the shared log: SQLite to SQLite, or from PostgreSQL to SQLite and back.
pub async fn run(place: &Place, size: Size) -> Result<Vec<Measurement>> {
    let shared = place.config(Own::Shared)?;
    let (mut file, database) = (place.config(Own::Copy)?, place.config(Own::Copy)?);
    file.log = LogUrl::parse(&format!("sqlite:{}/copy.db", place.folder))?;
    let limit = raw::inserts(place, Own::RawCopy, size.events.min(300_000), PER_TRANSACTION).await?;
    let goals = goal(place.engine, Goal::AtLeast(50_000.0), Goal::AtLeast(25_000.0));
    let row = |what: &str, copied: &Copied| {
        Measurement::new(place.engine, format!("copy-log, {what}"), copied.copied, "events/s", goals)
            .limit(limit, "raw multi-row inserts/s")
            .note(format!("compared at {:.0} events/s", copied.compared))
    };
    Ok(match place.engine {
        Engine::Sqlite => vec![row("SQLite to SQLite", &copy(&shared, &file).await?)],
        Engine::Postgres => {
            let out = copy(&shared, &file).await?;
            let note = format!("compared at {:.0} events/s", out.compared);
            let back = copy(&file, &database).await?;
            vec![
                Measurement::new(place.engine, "copy-log, PostgreSQL to SQLite", out.copied, "events/s", Goal::None)
                    .note(note),
                row("SQLite to PostgreSQL", &back),
            ]
        }
    })
}

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
    original.close().await;
    Ok(Copied { copied, compared })
}
