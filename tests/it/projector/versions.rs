//! Two versions on one database, while nodes of the one are replaced by nodes of the other: each reads its own tables.

use std::time::Duration;

use commlog::projections::{Limits, ReadStore, Registry, Survey};
use commlog::sql::{Db, Engine};
use tokio_util::sync::CancellationToken;

use super::world::{LONG, PEOPLE, Projector, STRICT, TALLY, World, catch_up, tally};

/// The next version: a column has another name, so that neither version can read the other's tables.
fn next() -> Registry {
    let tally = TALLY.replace("events", "counted").replace("-- counted:", "-- events:");
    Registry::from_texts([("people.sql", PEOPLE), ("strict.sql", STRICT), ("tally.sql", &tally)])
        .expect("keeps the rules")
}

/// As [`tally`], for the next version.
async fn next_tally(db: &Db) -> i64 {
    let sql = "SELECT CAST(coalesce(sum(counted), 0) AS BIGINT) FROM tally";
    let found: Option<(i64,)> = db.fetch_optional(sql, &[]).await.expect("the tally is read");
    found.map_or(0, |(count,)| count)
}

async fn survey(world: &World) -> Survey {
    let survey = ReadStore::survey(&world.reads, world.journal.backend().as_ref()).await.expect("can be looked at");
    survey.expect("there are read tables")
}

/// Waits until something holds of the list of generations.
async fn until(world: &World, what: &str, holds: impl Fn(&Survey) -> bool) {
    let waiting = async {
        while !holds(&survey(world).await) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.unwrap_or_else(|_| panic!("{what}"));
}

/// Waits until a node reads other tables.
async fn switched(store: &ReadStore, from: &str) {
    let waiting = async {
        while store.live().id == from {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.expect("it reads other tables");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_two_versions_reads_its_own_tables_until_the_older_one_is_gone() {
    let world = World::new(Engine::Postgres).await;
    let customers = world.history().await;
    let old = world.open().await;
    let old_tables = old.live().id.clone();
    let of_old = Projector::start(&old);
    let head = world.journal.backend().head().await.expect("a head").position;
    old.wait_for(head, LONG).await.expect("the tables come so far");

    // One node of the next version writes, another one follows it.
    let (new, sibling) =
        (world.open_with(next(), Limits::default()).await, world.open_with(next(), Limits::default()).await);
    assert!(new.is_waiting_for_own() && sibling.is_waiting_for_own(), "the older version serves better");
    assert!(!old.is_waiting_for_own());
    let of_new = Projector::start(&new);
    let stop = CancellationToken::new();
    let following = tokio::spawn({
        let (sibling, stop) = (sibling.clone(), stop.clone());
        async move { sibling.stand_by(stop).await.expect("it follows") }
    });
    for store in [&new, &sibling] {
        switched(store, &old_tables).await;
        assert!(!store.is_waiting_for_own());
    }
    assert_eq!(new.live().id, sibling.live().id);

    // Both are kept up, also by the newer version alone.
    let written = world.order(customers[0], 2, "paid").await;
    for store in [&old, &new, &sibling] {
        store.wait_for(written, LONG).await.expect("is kept up");
    }
    of_old.stop().await;
    let written = world.order(customers[0], 3, "paid").await;
    for store in [&old, &new, &sibling] {
        store.wait_for(written, LONG).await.expect("is kept up");
    }
    let events = world.events().await.len() as i64;
    assert_eq!([tally(&old.db()).await, next_tally(&new.db()).await, next_tally(&sibling.db()).await], [events; 3]);
    assert_eq!(old.live().id, old_tables);
    let seen = survey(&world).await;
    assert_eq!(seen.live.map(|live| live.id).as_ref(), Some(&old_tables));
    assert_eq!(seen.ready, [new.live().id.clone()]);

    // A node of the older version that starts again reads the older tables, one of the newer version the newer ones.
    drop(old);
    let (old, again) = (world.open().await, world.open_with(next(), Limits::default()).await);
    assert_eq!(old.live().id, old_tables);
    assert_eq!(again.live().id, new.live().id);

    drop(old);
    let new_tables = new.live().id.clone();
    until(&world, "the newer tables are live", |seen| seen.live.as_ref().is_some_and(|live| live.id == new_tables))
        .await;
    until(&world, "the older ones are removed", |seen| seen.ready.is_empty() && seen.left == 0).await;
    of_new.stop().await;
    stop.cancel();
    following.await.expect("it ends well");
    let compared = new.check(|_| {}).await.expect("tables are compared");
    assert!(compared.iter().all(|table| table.difference.is_none()), "{compared:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_back_to_the_older_version_gets_its_tables_again() {
    let world = World::new(Engine::Postgres).await;
    world.history().await;
    let head = world.journal.backend().head().await.expect("a head").position;
    catch_up(&world.open().await, head).await;
    let new = world.open_with(next(), Limits::default()).await;
    let before = new.live().id.clone();
    let of_new = Projector::start(&new);
    switched(&new, &before).await;
    until(&world, "the newer tables are live", |seen| seen.ready.is_empty()).await;

    let old = world.open().await;
    assert!(old.is_waiting_for_own());
    let of_old = Projector::start(&old);
    switched(&old, &new.live().id).await;
    let events = world.events().await.len() as i64;
    assert_eq!([tally(&old.db()).await, next_tally(&new.db()).await], [events; 2]);
    of_new.stop().await;
    drop(new);
    let old_tables = old.live().id.clone();
    until(&world, "the older tables are live", |seen| seen.live.as_ref().is_some_and(|live| live.id == old_tables))
        .await;
    of_old.stop().await;
}
