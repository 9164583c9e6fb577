//! What is not loaded: other logs, and what does not follow.

use commlog::clock::Ambient;
use commlog::ids::{CommandId, Position};
use commlog::log::EventLog;
use commlog::log::chain::verify;
use commlog::log::copy::{self, CopyError, Difference, What};
use commlog::log::cover::Origin;
use commlog::log::load::{LoadError, Portion};

use super::{Place, fill, places, portions};
use crate::log_contract::World;
use crate::log_contract::sqlite::SqliteStore;

async fn world() -> World {
    World::new(Box::new(SqliteStore::fresh().await)).await
}

/// A change that makes a portion one that must not be loaded, by the word that the error has.
type Damage = (&'static str, fn(&mut Portion));

const DAMAGES: [Damage; 9] = [
    ("follows position", |portion| portion.after = Position::from_counter(7)),
    ("position", |portion| drop(portion.events.remove(2))),
    ("position", |portion| portion.events.swap(2, 3)),
    ("hash", |portion| portion.events[2].data.push(b' ')),
    ("hash", |portion| portion.events[2].envelope.actor.push('x')),
    ("hash", |portion| portion.events[2].envelope.hash[31] ^= 1),
    ("version", |portion| portion.events[2].envelope.version += 1),
    ("command", |portion| portion.commands[0].last_version += 1),
    ("command", |portion| portion.commands[0].command.1 = CommandId(Ambient::system().uuid())),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portion_that_does_not_follow_is_refused_and_leaves_nothing() {
    let world = world().await;
    fill(&world, 60).await;
    let origin = world.log.origin().await.expect("it has an origin");
    let portions = portions(world.log.as_ref(), 20).await;
    for (name, place) in places().await {
        let loader = place.loader(origin.log_id).await.expect("the place is empty");
        loader.load(portions[0].clone()).await.expect("it is loaded");
        for (number, (word, damage)) in DAMAGES.into_iter().enumerate() {
            let mut damaged = portions[1].clone();
            damage(&mut damaged);
            let error = loader.load(damaged).await.expect_err("it is refused").to_string();
            assert!(error.contains(word), "{name}, {number}: {error}");
            assert_eq!(loader.loaded().await.expect("it stands"), portions[0].last(), "{name}, {number}");
        }
        let again = loader.load(portions[0].clone()).await.expect_err("it is loaded already");
        assert!(matches!(again, LoadError::Apart { .. }), "{name}: {again}");
        for portion in &portions[1..] {
            loader.load(portion.clone()).await.expect("it is loaded");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_with_another_log_is_refused() {
    let (world, other) = (world().await, Ambient::system().uuid());
    fill(&world, 30).await;
    let origin = world.log.origin().await.expect("it has an origin");
    for (name, place) in places().await {
        let loader = place.loader(origin.log_id).await.expect("the place is empty");
        loader.load(portions(world.log.as_ref(), 20).await.remove(0)).await.expect("it is loaded");
        let refused = place.loader(other).await.err();
        assert!(
            matches!(refused, Some(LoadError::Other { found, .. }) if found == origin.log_id),
            "{name}: {refused:?}"
        );
        let of_other = Origin { log_id: other, epochs: origin.epochs.clone() };
        let without = Origin { log_id: origin.log_id, epochs: Vec::new() };
        for wrong in [of_other, without] {
            let refused = loader.finish(&wrong).await.err();
            assert!(matches!(refused, Some(LoadError::Origin { .. })), "{name}: {refused:?}");
        }
    }
    for (name, place) in places().await {
        place.open().await.expect("it is made").close().await;
        let refused = place.loader(origin.log_id).await.err();
        assert!(
            matches!(refused, Some(LoadError::Occupied { log_id, .. }) if log_id != origin.log_id),
            "{name}: {refused:?}"
        );
    }
}

/// Two logs with one beginning: a file and a copy of it, to both of which was appended.
async fn parted() -> (World, std::sync::Arc<dyn EventLog>, Place) {
    let world = world().await;
    fill(&world, 40).await;
    let place = Place::sqlite();
    let Place::Sqlite(folder) = &place else { unreachable!() };
    let from = world.store.url().trim_start_matches("sqlite:").to_owned();
    let source = rusqlite::Connection::open(&from).expect("it opens");
    let to = folder.path().join("log.db").display().to_string();
    source.execute("VACUUM INTO ?1", [to]).expect("it is copied");
    let copy = place.open().await.expect("it opens");
    (world, copy, place)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_two_logs_part_is_named() {
    let (world, copy, _place) = parted().await;
    let end = world.log.head().await.expect("it has an end").position;
    copy::compare(world.log.as_ref(), copy.as_ref(), end, |_| ()).await.expect("they are the same");
    fill(&world, 10).await;
    let longer = world.log.head().await.expect("it has an end").position;
    let parted = Position::from_counter(end.counter() + 1);
    match copy::compare(world.log.as_ref(), copy.as_ref(), longer, |_| ()).await {
        Err(CopyError::Differ(Difference::Event { position, original: What::Event(_), copy: What::Nothing })) => {
            assert_eq!(position, parted);
        }
        other => panic!("{other:?}"),
    }
    let ambient = Ambient::system();
    let stream = world.stream();
    let append = crate::log_contract::world::plain(&ambient, stream, commlog::log::Expected::Exact(0), b"{}".to_vec());
    copy.append(vec![append]).await.expect("it answers").remove(0).expect("is appended");
    match copy::compare(world.log.as_ref(), copy.as_ref(), parted, |_| ()).await {
        Err(CopyError::Differ(Difference::Event { position, .. })) => assert_eq!(position, parted),
        other => panic!("{other:?}"),
    }
    // What a place holds of the one is not continued with the other.
    for (name, place) in places().await {
        let log_id = world.log.origin().await.expect("it has an origin").log_id;
        let loader = place.loader(log_id).await.expect("the place is empty");
        copy::catch_up(copy.as_ref(), loader.as_ref(), |_| true).await.expect("it is copied");
        match copy::catch_up(world.log.as_ref(), loader.as_ref(), |_| true).await {
            Err(CopyError::Differ(Difference::Event { position, .. })) => assert_eq!(position, parted, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_original_is_refused_with_the_position() {
    let world = world().await;
    fill(&world, 100).await;
    let sql = "UPDATE events SET data = CAST('{\"number\":0} ' AS BLOB) WHERE position = 57";
    world.store.tamper_without_triggers(sql).await.expect("it is changed");
    let log_id = world.log.origin().await.expect("it has an origin").log_id;
    for (name, place) in places().await {
        let loader = place.loader(log_id).await.expect("the place is empty");
        match copy::catch_up(world.log.as_ref(), loader.as_ref(), |_| true).await {
            Err(CopyError::Copy(LoadError::Broken(broken))) => {
                assert_eq!(broken.position, Position::from_counter(57), "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// As several nodes of a KurrentDB may leave it: hashes are those of the times as they stand.
async fn with_times_out_of_order(world: &World) -> Vec<Portion> {
    let mut portions = portions(world.log.as_ref(), 10).await;
    let mut hashes = std::collections::HashMap::new();
    for (number, event) in portions.iter_mut().flat_map(|portion| &mut portion.events).enumerate() {
        if number == 25 {
            event.envelope.recorded_at -= chrono::TimeDelta::seconds(1);
        }
        let previous = hashes.get(&event.envelope.stream).copied().unwrap_or_default();
        event.envelope.hash = event.compute_hash(&previous);
        hashes.insert(event.envelope.stream, event.envelope.hash);
    }
    portions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_that_are_out_of_order_stay_so_and_the_log_knows() {
    let world = world().await;
    fill(&world, 60).await;
    let origin = world.log.origin().await.expect("it has an origin");
    let portions = with_times_out_of_order(&world).await;
    for (name, place) in places().await {
        let loader = place.loader(origin.log_id).await.expect("the place is empty");
        for portion in &portions {
            loader.load(portion.clone()).await.expect("it is loaded");
        }
        loader.finish(&origin).await.expect("it is completed");
        let log = place.open().await.expect("it opens");
        assert!(!log.orders_times(), "{name}");
        verify(log.as_ref(), |_| ()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        log.close().await;
    }
}
