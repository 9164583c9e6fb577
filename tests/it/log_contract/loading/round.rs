//! What is loaded is the original, wherever it goes, however often it is interrupted, and whatever the server does meanwhile.

use std::sync::atomic::Ordering;

use commlog::clock::Ambient;
use commlog::ids::Position;
use commlog::log::chain::{Verified, verify};
use commlog::log::copy;
use commlog::log::load::LoadError;
use commlog::log::{Category, EventLog, Expected, LogError, StreamId};

use super::{Place, all, fill, places, portions};
use crate::log_contract::World;
use crate::log_contract::sqlite::SqliteStore;
use crate::log_contract::world::plain;
use crate::support::doubles::kurrentdb::Version;
use crate::support::times;

async fn world() -> World {
    World::new(Box::new(SqliteStore::fresh().await)).await
}

/// Copies all, compares all, and completes the copy.
async fn copied(original: &dyn EventLog, place: &Place) {
    let origin = original.origin().await.expect("it has an origin");
    let loader = place.loader(origin.log_id).await.expect("the place is empty");
    let reached = copy::catch_up(original, loader.as_ref(), |_| true).await.expect("it is copied");
    let log = loader.log().await.expect("it can be read");
    let compared = copy::compare(original, log.as_ref(), reached, |_| ()).await.expect("they are the same");
    assert_eq!(compared.end, original.head().await.expect("it has an end").position);
    loader.finish(&origin).await.expect("it is completed");
}

/// What a verification finds, but for what is not of the log.
async fn verified(log: &dyn EventLog) -> Verified {
    verify(log, |_| ()).await.expect("it is intact")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_goes_round_all_backends_and_comes_back_the_same() {
    let world = world().await;
    fill(&world, times("COMMLOG_COPY_EVENTS", 2_000)).await;
    let (first, expected) = (verified(world.log.as_ref()).await, all(world.log.as_ref()).await);

    let mut log = world.log.clone();
    let mut places = places().await;
    places.push(("SQLite again", Place::sqlite()));
    for (name, place) in &places {
        copied(log.as_ref(), place).await;
        log = place.open().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(verified(log.as_ref()).await, first, "{name}");
        assert_eq!(all(log.as_ref()).await, expected, "{name}");
        let epoch = log.epoch().await.expect("it has an epoch");
        assert_eq!((epoch.number, epoch.is_loaded), (2, true), "{name}");
        let (tenants, same) =
            (log.tenants().await.expect("it lists them"), world.log.tenants().await.expect("it lists them"));
        assert_eq!(tenants, same, "{name}");
        let (subject, same) =
            (log.first_subject().await.expect("it is read"), world.log.first_subject().await.expect("it is read"));
        assert_eq!(subject, same, "{name}");
    }
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loaded_log_is_used_like_any_other_and_sends_once_an_epoch_begins() {
    let world = world().await;
    fill(&world, 60).await;
    let appends = portions(world.log.as_ref(), 1_000).await.remove(0).commands;
    let repeated = appends.first().expect("a command").command;
    for (name, place) in places().await {
        copied(world.log.as_ref(), &place).await;
        let log = place.open().await.expect("it opens");
        let (end, ambient) = (log.head().await.expect("it has an end"), Ambient::system());
        let known = log.find_command(repeated.0, repeated.1).await.expect("it is looked up");
        assert_eq!(known, world.log.find_command(repeated.0, repeated.1).await.expect("it is looked up"), "{name}");
        let old = world.all().await.remove(0).envelope.stream;
        let version = log.stream_heads(&[old]).await.expect("it has heads")[0].expect("is there").version;
        let new = StreamId::new(old.tenant, Category::Customer, ambient.uuid());
        let appends = vec![
            plain(&ambient, old, Expected::Exact(version), b"{}".to_vec()),
            plain(&ambient, new, Expected::Exact(0), b"{}".to_vec()),
        ];
        let appended = log.append(appends).await.expect("it answers");
        // Older servers append to one stream at a time, in any order.
        let last = appended.iter().map(|appended| appended.as_ref().expect("is appended").position).max();
        assert_eq!(last.map(Position::counter), Some(end.position.counter() + 2), "{name}");
        assert!(log.epoch().await.expect("it has an epoch").is_loaded, "{name}");
        assert_eq!(log.start_epoch().await.expect("an epoch starts"), 3, "{name}");
        let epoch = log.epoch().await.expect("it has an epoch");
        assert_eq!((epoch.number, epoch.is_loaded, epoch.is_copy), (3, false, false), "{name}");
        verified(log.as_ref()).await;
        log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_opens_only_once_it_is_complete() {
    let world = world().await;
    fill(&world, 100).await;
    let origin = world.log.origin().await.expect("it has an origin");
    for (name, place) in places().await {
        let loader = place.loader(origin.log_id).await.expect("the place is empty");
        for portion in portions(world.log.as_ref(), 40).await {
            let refused = [place.open().await.err(), place.open_to_read().await.err()];
            let is_loading = |error: &Option<LogError>| matches!(error, Some(LogError::Loading { .. }));
            assert!(refused.iter().all(is_loading), "{name}: {refused:?}");
            loader.load(portion).await.expect("it is loaded");
        }
        loader.finish(&origin).await.expect("it is completed");
        place.open_to_read().await.expect("it opens").close().await;
        place.open().await.expect("it opens").close().await;
        let again = place.loader(origin.log_id).await.err();
        assert!(
            matches!(again, Some(LoadError::Occupied { log_id, .. }) if log_id == origin.log_id),
            "{name}: {again:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_goes_on_where_it_stands() {
    let world = world().await;
    fill(&world, 200).await;
    let origin = world.log.origin().await.expect("it has an origin");
    for (name, place) in places().await {
        // Commands over several streams are cut in two by such portions.
        for portion in portions(world.log.as_ref(), 3).await.into_iter().take(8) {
            let loader = place.loader(origin.log_id).await.expect("it is continued");
            assert_eq!(loader.loaded().await.expect("it says where it stands"), portion.after, "{name}");
            loader.load(portion).await.expect("it is loaded");
        }
        copied(world.log.as_ref(), &place).await;
        let log = place.open().await.expect("it opens");
        assert_eq!(verified(log.as_ref()).await, verified(world.log.as_ref()).await, "{name}");
        log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_grows_while_it_is_copied_is_caught_up_with() {
    let world = world().await;
    fill(&world, 100).await;
    let origin = world.log.origin().await.expect("it has an origin");
    for (name, place) in places().await {
        let loader = place.loader(origin.log_id).await.expect("the place is empty");
        let mut ends = Vec::new();
        for _ in 0..3 {
            let (reached, ()) =
                tokio::join!(copy::catch_up(world.log.as_ref(), loader.as_ref(), |_| true), fill(&world, 50));
            ends.push(reached.expect("it is copied"));
        }
        assert!(ends.is_sorted(), "{name}: {ends:?}");
        let reached = copy::catch_up(world.log.as_ref(), loader.as_ref(), |_| true).await.expect("it is copied");
        assert_eq!(reached, world.log.head().await.expect("it has an end").position, "{name}");
        let log = loader.log().await.expect("it can be read");
        copy::compare(world.log.as_ref(), log.as_ref(), reached, |_| ()).await.expect("they are the same");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_loses_is_loaded_once() {
    let world = world().await;
    fill(&world, 60).await;
    let origin = world.log.origin().await.expect("it has an origin");
    for version in [Version::Records, Version::Session, Version::Single] {
        let place = Place::kurrent(version).await;
        let Place::Kurrent(double, _) = &place else { unreachable!() };
        let loader = place.loader(origin.log_id).await.expect("the place is empty");
        for (number, portion) in portions(world.log.as_ref(), 9).await.into_iter().enumerate() {
            match number % 3 {
                0 => double.faults.lost_answers.store(1, Ordering::SeqCst),
                1 => double.faults.wrong_versions.store(1, Ordering::SeqCst),
                _ => double.faults.end_subscriptions(),
            }
            loader.load(portion).await.unwrap_or_else(|error| panic!("{version:?}: {error}"));
        }
        loader.finish(&origin).await.expect("it is completed");
        let log = place.open().await.expect("it opens");
        assert_eq!(verified(log.as_ref()).await, verified(world.log.as_ref()).await, "{version:?}");
        log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_log_is_loaded_too() {
    let world = world().await;
    for (name, place) in places().await {
        copied(world.log.as_ref(), &place).await;
        let log = place.open().await.expect("it opens");
        assert_eq!(log.head().await.expect("it has an end").position, Position::START, "{name}");
        assert_eq!(verified(log.as_ref()).await, verified(world.log.as_ref()).await, "{name}");
        log.close().await;
    }
}
