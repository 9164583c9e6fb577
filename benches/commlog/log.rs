//! Bulk appends; verifying and reading.

use std::time::{Duration, Instant};

use commlog::ids::Position;
use commlog::log::{ReadLimit, chain};

use crate::events::Events;
use crate::report::{Goal, Measurement, goal};
use crate::stores::{Own, Place};
use crate::{Result, Size, raw};

const PER_CALL: u64 = 1_000;

/// Fills the shared log, 1,000 events a call over many streams; then does the same with bare inserts.
pub async fn run(place: &Place, size: Size) -> Result<Vec<Measurement>> {
    let stores = place.open(Own::Shared).await?;
    let customers = usize::try_from(size.events / 100)?;
    let mut events = Events::new(customers);
    let (mut spent, mut bytes) = (Duration::ZERO, 0);
    for _ in 0..size.events / PER_CALL {
        let group = events.take(PER_CALL);
        bytes += group
            .iter()
            .flat_map(|append| &append.events)
            .map(|event| event.data.len() + event.personal.as_ref().map_or(0, Vec::len))
            .sum::<usize>();
        let started = Instant::now();
        for result in stores.journal.append_all(group).await? {
            result?;
        }
        spent += started.elapsed();
    }
    stores.close().await;
    let rate = per_second(size.events, spent);
    let raw = raw::inserts(place, Own::Raw, size.events.min(300_000), PER_CALL).await?;
    let goals = goal(place.engine, Goal::AtLeast(50_000.0), Goal::AtLeast(25_000.0));
    let average = bytes as u64 / size.events;
    let mut measurements = vec![
        Measurement::new(place.engine, "bulk append, 1,000 events per call", rate, "events/s", goals)
            .limit(raw, "raw multi-row inserts/s")
            .note(format!("{average} bytes of data and personal part each")),
    ];
    if place.engine == crate::Engine::Sqlite {
        let share = 100.0 * rate / raw;
        measurements.push(Measurement::new(
            place.engine,
            "bulk append beside raw inserts",
            share,
            "%",
            Goal::AtLeast(50.0),
        ));
    }
    Ok(measurements)
}

/// Verifies the shared log, and reads it as a replay does.
pub async fn verify(place: &Place) -> Result<Vec<Measurement>> {
    let stores = place.open(Own::Shared).await?;
    let log = stores.journal.backend();
    let started = Instant::now();
    let stored = read_stored(log.as_ref()).await?;
    let limit = per_second(stored, started.elapsed());

    let started = Instant::now();
    let verified = chain::verify(log.as_ref(), |_| {}).await?;
    let verify_rate = per_second(verified.events, started.elapsed());

    let started = Instant::now();
    let (mut pages, mut read) = (stores.journal.pages(Position::START, ReadLimit::events(4_096)), 0);
    loop {
        let events = pages.next().await?;
        if events.is_empty() {
            break;
        }
        read += events.len() as u64;
    }
    let read_rate = per_second(read, started.elapsed());
    stores.close().await;
    let goals = goal(place.engine, Goal::AtLeast(200_000.0), Goal::AtLeast(100_000.0));
    Ok(vec![
        Measurement::new(place.engine, "verify", verify_rate, "events/s", goals).limit(limit, "stored events read/s"),
        Measurement::new(place.engine, "reading for replay, opened", read_rate, "events/s", goals)
            .limit(limit, "stored events read/s"),
    ])
}

/// Reads a whole log as it is stored; the number of its events.
pub async fn read_stored(log: &dyn commlog::log::EventLog) -> Result<u64> {
    let (mut after, mut read) = (Position::START, 0);
    loop {
        let events = log.read_all(after, ReadLimit::events(4_096)).await?;
        let Some(last) = events.last() else { return Ok(read) };
        after = last.envelope.position;
        read += events.len() as u64;
    }
}

/// How many a second.
pub fn per_second(count: u64, spent: Duration) -> f64 {
    count as f64 / spent.as_secs_f64().max(1e-9)
}
