//! An event that cannot be applied stops its own stream, in one projection, and nothing else.

use commlog::projections::{Limits, ParkedStream, Registry};
use commlog::sql::{Db, Engine};

use super::on_both_engines;
use super::world::{LONG, PEOPLE, Projector, STRICT, TALLY, World, catch_up, registry, tally};

on_both_engines! {
    a_poison_event_parks_its_stream_and_nothing_else;
    a_poison_event_among_many_batches_parks_its_stream_and_nothing_else;
    a_parked_event_that_is_given_up_lets_the_others_go_on;
    a_mended_projection_applies_what_was_parked;
}

async fn strict_rows(db: &Db) -> i64 {
    let found: Option<(i64,)> = db.fetch_optional("SELECT count(*) FROM strict", &[]).await.expect("rows are counted");
    found.map_or(0, |(count,)| count)
}

async fn a_poison_event_parks_its_stream_and_nothing_else(engine: Engine) {
    let world = World::new(engine).await;
    let (good, bad) = (world.customer(), world.customer());
    for customer in [good, bad] {
        world.register(customer, "Ann").await;
        world.order(customer, 10, "paid").await;
    }
    world.order(bad, 20, "poison").await;
    world.order(bad, 30, "paid").await;
    world.order(good, 20, "paid").await;
    let store = world.open_with(registry(), Limits::single(4)).await;
    let projector = Projector::start(&store);
    let last = world.order(bad, 40, "paid").await;
    store.wait_for(last, LONG).await.expect("the tables come so far");

    assert_eq!(strict_rows(&store.db()).await, 3);
    assert_eq!(tally(&store.db()).await, 8, "other projections are not touched");
    let parked = store.parked().await.expect("parked work is listed");
    let versions: Vec<u64> = parked.iter().map(|parked| parked.version).collect();
    assert_eq!(versions, [3, 4, 5]);
    assert!(parked.iter().all(|parked| parked.projection == "strict" && parked.stream == world.stream(bad)));
    assert!(parked[0].reason.as_deref().is_some_and(|reason| reason.contains("CHECK") || reason.contains("check")));
    assert_eq!(parked[1].reason, None, "the others only wait behind it");

    let stream = ParkedStream { projection: "strict".to_owned(), stream: world.stream(bad) };
    assert_eq!(store.retry(&stream).await.expect("can be tried"), 0, "nothing was mended");
    assert_eq!(store.parked().await.expect("parked work is listed"), parked);
    let status = store.status().await.expect("status");
    let strict = status.iter().find(|status| status.name == "strict").expect("is listed");
    assert_eq!((strict.parked, strict.lag_events, strict.position), (3, 0, last));
    projector.stop().await;
}

/// Batches of three are applied together, as far as they are there.
const GROUPS: Limits = Limits { events: 3, bytes: 1 << 20, group_events: 12, group_bytes: 1 << 20, far: u64::MAX };

async fn a_poison_event_among_many_batches_parks_its_stream_and_nothing_else(engine: Engine) {
    let world = World::new(engine).await;
    let (good, bad) = (world.customer(), world.customer());
    for amount in 1..=20 {
        world.order(good, amount, "paid").await;
    }
    world.order(bad, 1, "poison").await;
    let mut last = world.order(bad, 2, "paid").await;
    for amount in 21..=40 {
        last = world.order(good, amount, "paid").await;
    }
    let store = world.open_with(registry(), GROUPS).await;
    catch_up(&store, last).await;

    assert_eq!(strict_rows(&store.db()).await, 40);
    assert_eq!(tally(&store.db()).await, 42, "other projections are not touched");
    let parked = store.parked().await.expect("parked work is listed");
    assert_eq!(parked.iter().map(|parked| parked.version).collect::<Vec<_>>(), [1, 2]);
    assert!(parked.iter().all(|parked| parked.projection == "strict" && parked.stream == world.stream(bad)));

    // What comes later for the parked stream waits behind it, among batches that are applied together.
    let mut last = world.order(bad, 3, "paid").await;
    for amount in 41..=60 {
        last = world.order(good, amount, "paid").await;
    }
    catch_up(&store, last).await;
    assert_eq!(strict_rows(&store.db()).await, 60);
    assert_eq!(store.parked().await.expect("parked work is listed").len(), 3);
    let compared = store.check(|_| {}).await.expect("tables are compared");
    assert!(compared.iter().all(|table| table.difference.is_none()), "{compared:#?}");
}

async fn a_parked_event_that_is_given_up_lets_the_others_go_on(engine: Engine) {
    let world = World::new(engine).await;
    let bad = world.customer();
    world.order(bad, 10, "poison").await;
    let waiting = world.order(bad, 20, "paid").await;
    let store = world.open().await;
    catch_up(&store, waiting).await;
    let parked = store.parked().await.expect("parked work is listed");
    world.skip("strict", parked[0].event_id).await;
    let last = world.order(bad, 30, "paid").await;
    catch_up(&store, last).await;
    assert!(store.parked().await.expect("parked work is listed").is_empty());
    assert_eq!(strict_rows(&store.db()).await, 2);
    let compared = store.check(|_| {}).await.expect("tables are compared");
    assert!(compared.iter().all(|table| table.difference.is_none()), "{compared:#?}");
}

async fn a_mended_projection_applies_what_was_parked(engine: Engine) {
    let world = World::new(engine).await;
    world.order(world.customer(), 10, "poison").await;
    let last = world.order(world.customer(), 20, "paid").await;
    let store = world.open().await;
    catch_up(&store, last).await;
    assert_eq!(store.parked().await.expect("parked work is listed").len(), 1);

    let mended = STRICT.replace(" CHECK (status <> 'poison')", "");
    let registry = Registry::from_texts([("people.sql", PEOPLE), ("strict.sql", &mended), ("tally.sql", TALLY)]);
    let store = world.open_with(registry.expect("keeps the rules"), Limits::default()).await;
    let before = store.live().id.clone();
    let projector = Projector::start(&store);
    let mut rows = 0;
    while store.live().id == before || rows < 2 {
        tokio::task::yield_now().await;
        rows = strict_rows(&store.db()).await;
    }
    assert!(store.parked().await.expect("parked work is listed").is_empty());
    projector.stop().await;
}
