//! A changed projection brings a new generation, and readers never notice the switch.

use std::time::Duration;

use commlog::projections::{Limits, ReadStore, Registry};
use commlog::sql::Engine;

use super::on_both_engines;
use super::world::{LONG, PEOPLE, Projector, STRICT, TALLY, World, catch_up, name, registry, tally};

on_both_engines! {
    a_changed_projection_takes_over_without_a_failed_query;
    a_reader_of_the_old_generation_finishes_in_peace;
    a_rebuild_by_another_process_is_noticed;
    a_new_comment_builds_nothing;
    tables_of_another_log_are_discarded_and_rebuilt;
    empty_tables_of_a_long_log_are_built_beside_those_that_are_read;
    what_was_begun_and_not_finished_is_built_from_the_first_event;
}

fn changed() -> Registry {
    let people = PEOPLE.replace("-- version: 1", "-- version: 2");
    Registry::from_texts([("people.sql", people.as_str()), ("strict.sql", STRICT), ("tally.sql", TALLY)])
        .expect("keeps the rules")
}

async fn a_changed_projection_takes_over_without_a_failed_query(engine: Engine) {
    let world = World::new(engine).await;
    let customers = world.history().await;
    let head = world.journal.backend().head().await.expect("a head").position;
    let old = world.open().await;
    catch_up(&old, head).await;
    drop(old);

    let store = world.open_with(changed(), Limits::single(2)).await;
    let before = store.live().id.clone();
    assert_eq!(*store.applied().borrow(), head, "the old tables serve at once");
    let mut highest = 0;
    let projector = Projector::start(&store);
    let mut written = 0;
    while store.live().id == before || written < 20 {
        if written < 20 {
            let position = world.order(customers[0], 2, "paid").await;
            store.wait_for(position, LONG).await.expect("the live tables are kept up meanwhile");
            written += 1;
        }
        let db = store.db();
        let events = tally(&db).await;
        assert!(events >= highest, "readers never see the tables go back");
        highest = events;
        assert_eq!(name(&db, customers[0].uuid()).await.as_deref(), Some("José Nr0"));
    }
    assert_eq!(tally(&store.db()).await, world.events().await.len() as i64);
    projector.stop().await;
    // Started again with the same projections, nothing is built.
    let again = world.open_with(changed(), Limits::default()).await;
    assert_eq!(again.live().id, store.live().id);
}

async fn a_reader_of_the_old_generation_finishes_in_peace(engine: Engine) {
    let world = World::new(engine).await;
    world.history().await;
    let head = world.journal.backend().head().await.expect("a head").position;
    let store = world.open().await;
    catch_up(&store, head).await;
    let (old, count) = (store.db(), tally(&store.db()).await);

    let projector = Projector::start(&store);
    let before = store.live().id.clone();
    store.rebuild(|_| {}).await.expect("is rebuilt");
    while store.live().id == before {
        tokio::task::yield_now().await;
    }
    let position = world.note(world.customer(), "hm").await;
    store.wait_for(position, LONG).await.expect("the new tables are kept up");
    assert_eq!(tally(&old).await, count, "the old tables stand still for who still reads them");
    let file = world.read_folder().join(format!("{before}.db"));
    if engine == Engine::Sqlite {
        assert!(file.exists(), "and are not removed under the reader");
    }
    old.close().await;
    drop(old);
    let gone = async {
        while engine == Engine::Sqlite && file.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, gone).await.expect("the old tables are removed in the end");
    projector.stop().await;
}

async fn a_rebuild_by_another_process_is_noticed(engine: Engine) {
    let world = World::new(engine).await;
    world.history().await;
    let head = world.journal.backend().head().await.expect("a head").position;
    let server = world.open().await;
    let projector = Projector::start(&server);
    server.wait_for(head, LONG).await.expect("the tables come so far");
    let tool = world.open().await;
    tool.rebuild(|_| {}).await.expect("is rebuilt");
    while server.live().id != tool.live().id {
        tokio::task::yield_now().await;
    }
    let position = world.note(world.customer(), "hm").await;
    server.wait_for(position, LONG).await.expect("the new tables are kept up");
    assert_eq!(tally(&server.db()).await, world.events().await.len() as i64);
    projector.stop().await;
}

async fn a_new_comment_builds_nothing(engine: Engine) {
    let world = World::new(engine).await;
    let before = world.open().await.live().id.clone();
    let commented = STRICT.replace("-- section: apply", "-- section: apply\n-- A word more.\n\n");
    let registry = Registry::from_texts([("people.sql", PEOPLE), ("strict.sql", &commented), ("tally.sql", TALLY)]);
    let store = world.open_with(registry.expect("keeps the rules"), Limits::default()).await;
    let position = world.note(world.customer(), "hm").await;
    catch_up(&store, position).await;
    assert_eq!(store.live().id, before);
}

async fn tables_of_another_log_are_discarded_and_rebuilt(engine: Engine) {
    let (world, other) = (World::new(engine).await, World::new(engine).await);
    // The other log is shorter, and then longer with other events at the same positions.
    let shorter = other.register(other.customer(), "Grace").await;
    world.history().await;
    let head = world.journal.backend().head().await.expect("a head").position;
    let store = world.open().await;
    catch_up(&store, head).await;
    let old = store.live().id.clone();
    assert!(!store.is_rebuilding());
    drop(store);

    let follow = async |log: &World, end| {
        let store = ReadStore::open(&world.reads, log.journal.clone(), registry(), log.ambient.clone()).await;
        let store = store.expect("read tables open");
        assert!(store.is_rebuilding());
        catch_up(&store, end).await;
        assert!(!store.is_rebuilding());
        assert_eq!(tally(&store.db()).await, log.events().await.len() as i64);
        store.live().id.clone()
    };
    assert_ne!(follow(&other, shorter).await, old);
    follow(&world, head).await;
}

/// Two events are far.
const FAR: Limits = Limits { events: 3, bytes: 1 << 20, group_events: 9, group_bytes: 1 << 20, far: 2 };

async fn empty_tables_of_a_long_log_are_built_beside_those_that_are_read(engine: Engine) {
    let world = World::new(engine).await;
    let customers = world.history().await;
    world.forget(customers[1]).await;
    let head = world.journal.backend().head().await.expect("a head").position;
    let store = world.open_with(super::world::registry(), FAR).await;
    let empty = store.live().id.clone();
    let projector = Projector::start(&store);
    store.wait_for(head, LONG).await.expect("the new tables take over");
    assert_ne!(store.live().id, empty, "others than those that were read");
    assert_eq!(tally(&store.db()).await, world.events().await.len() as i64);

    let last = world.order(customers[0], 2, "paid").await;
    store.wait_for(last, LONG).await.expect("they are kept up");
    store.wait_scrubbed(last, LONG).await.expect("and cleaned");
    projector.stop().await;
    let compared = store.check(|_| {}).await.expect("tables are compared");
    assert!(compared.iter().all(|table| table.difference.is_none()), "{compared:#?}");
}

async fn what_was_begun_and_not_finished_is_built_from_the_first_event(engine: Engine) {
    let world = World::new(engine).await;
    world.history().await;
    let head = world.journal.backend().head().await.expect("a head").position;
    let store = world.open_with(super::world::registry(), FAR).await;
    let projector = Projector::start(&store);
    // Stopped wherever it is, perhaps in the middle of building.
    projector.stop().await;
    drop(store);

    let store = world.open_with(super::world::registry(), FAR).await;
    let projector = Projector::start(&store);
    store.wait_for(head, LONG).await.expect("the tables come so far");
    projector.stop().await;
    assert_eq!(tally(&store.db()).await, world.events().await.len() as i64);
    let compared = store.check(|_| {}).await.expect("tables are compared");
    assert!(compared.iter().all(|table| table.difference.is_none()), "{compared:#?}");
}
