//! All read models together, from the first event of the shared log on.

use std::time::Instant;

use commlog::ids::Position;
use commlog::log::ReadLimit;
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::log::per_second;
use crate::report::{Goal, Measurement, goal};
use crate::stores::{Own, Place};

pub async fn run(place: &Place) -> Result<Vec<Measurement>> {
    let stores = place.open(Own::Shared).await?;
    let head = stores.journal.backend().head().await?.position;
    let events = stores.journal.backend().count_between(Position::START, head).await?;

    let started = Instant::now();
    let mut pages = stores.journal.pages(Position::START, ReadLimit::events(4_096));
    while !pages.next().await?.is_empty() {}
    let limit = per_second(events, started.elapsed());

    let reads = stores.read_store().await?;
    let stop = CancellationToken::new();
    let started = Instant::now();
    let projector = tokio::spawn({
        let (reads, stop) = (reads.clone(), stop.clone());
        async move { reads.run(stop).await }
    });
    reads.applied().wait_for(|applied| *applied >= head).await?;
    let rate = per_second(events, started.elapsed());
    stop.cancel();
    projector.await??;
    let parked = reads.parked().await?.len();
    stores.close().await;
    if parked > 0 {
        return Err(format!("{parked} events could not be applied").into());
    }
    let goals = goal(place.engine, Goal::AtLeast(30_000.0), Goal::AtLeast(15_000.0));
    Ok(vec![
        Measurement::new(place.engine, "catch-up of all read models", rate, "events/s", goals)
            .limit(limit, "events read and opened/s")
            .note(format!("{events} events")),
    ])
}
