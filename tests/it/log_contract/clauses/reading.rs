use std::time::Duration;

use chrono::TimeDelta;
use commlog::ids::{EventId, Position};
use commlog::log::{Expected, LogHead, NewEvent, ReadLimit, SealedEvent};
use futures::future::join_all;
use tokio::time::timeout;

use crate::log_contract::World;
use crate::log_contract::world::at;

const PATIENCE: Duration = Duration::from_secs(20);

fn ids(events: &[SealedEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.envelope.id).collect()
}

pub(crate) async fn all_events_are_read_in_commit_order_whatever_the_batch(world: &World) {
    for _ in 0..7 {
        world.add(world.stream(), 3).await;
    }
    let all = ids(&world.all().await);
    assert_eq!(all.len(), 21);
    for batch in [1, 2, 5, 20, 21, 22] {
        let (mut read, mut after) = (Vec::new(), Position::START);
        loop {
            let events = world.log.read_all(after, ReadLimit::events(batch)).await.expect("is read");
            let Some(last) = events.last() else { break };
            assert!(events.len() <= batch);
            after = last.envelope.position;
            read.extend(ids(&events));
        }
        assert_eq!(read, all, "batches of {batch}");
    }
}

pub(crate) async fn pages_hold_every_event_once_also_those_appended_after_the_end(world: &World) {
    let mut pages = world.journal.pages(Position::START, ReadLimit::events(4));
    assert!(pages.next().await.expect("is read").is_empty());
    let mut read = Vec::new();
    for round in [3, 5, 4] {
        for _ in 0..3 {
            world.add(world.stream(), round).await;
        }
        loop {
            let page = pages.next().await.expect("is read");
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= 4);
            read.extend(page.iter().map(|event| event.envelope.id));
        }
        assert_eq!(read, ids(&world.all().await));
    }
}

pub(crate) async fn many_streams_are_read_at_once(world: &World) {
    let streams = [world.stream(), world.stream(), world.stream()];
    for stream in streams {
        world.add(stream, 3).await;
    }
    world.add(streams[0], 1).await;
    let asked = [streams[2], world.stream(), streams[0]];
    let found = world.log.read_streams(&asked, u64::MAX, None).await.expect("is read");
    for (stream, count) in [(streams[0], 4), (streams[1], 0), (streams[2], 3)] {
        let versions: Vec<u64> =
            found.iter().filter(|event| event.envelope.stream == stream).map(|event| event.envelope.version).collect();
        assert_eq!(versions, (1..=count).collect::<Vec<_>>());
    }
    let event_type = found[0].envelope.event_type.clone();
    let of_type = world.log.read_streams(&asked, u64::MAX, Some(&[event_type.as_str()])).await.expect("is read");
    assert_eq!(of_type.len(), found.iter().filter(|event| event.envelope.event_type == event_type).count());
    assert!(world.log.read_streams(&asked, u64::MAX, Some(&["Nothing"])).await.expect("is read").is_empty());
    let first_two = world.log.read_streams(&asked, 2, None).await.expect("is read");
    assert_eq!(first_two.iter().map(|event| event.envelope.version).collect::<Vec<_>>(), [1, 2, 1, 2]);
    assert!(world.log.read_streams(&[], u64::MAX, None).await.expect("is read").is_empty());
}

pub(crate) async fn the_log_is_read_backwards(world: &World) {
    world.add(world.stream(), 5).await;
    world.add(world.stream(), 5).await;
    let mut all = ids(&world.all().await);
    all.reverse();
    let newest = world.log.read_all_backwards(None, ReadLimit::events(4)).await.expect("is read");
    let before = newest[3].envelope.position;
    let older = world.log.read_all_backwards(Some(before), ReadLimit::events(100)).await.expect("is read");
    assert_eq!([ids(&newest), ids(&older)].concat(), all);
}

pub(crate) async fn a_read_stops_at_its_byte_limit_but_returns_one_event(world: &World) {
    let stream = world.stream();
    let events = (0..5).map(|_| NewEvent { data: vec![b'x'; 1000], ..world.event(0) }).collect();
    world.journal.append(world.append_of(stream, Expected::Any, events)).await.expect("is appended");
    for (bytes, expected) in [(1, 1), (1000, 1), (1001, 2), (3000, 3), (1_000_000, 5)] {
        let limit = ReadLimit { events: 100, bytes };
        assert_eq!(world.log.read_all(Position::START, limit).await.expect("is read").len(), expected);
        assert_eq!(world.log.read_stream(stream, 0, limit).await.expect("is read").len(), expected);
    }
}

pub(crate) async fn a_stream_is_read_forwards_and_backwards(world: &World) {
    let stream = world.stream();
    for _ in 0..5 {
        world.add(stream, 2).await;
        world.add(world.stream(), 1).await;
    }
    let versions = |events: Vec<SealedEvent>| events.iter().map(|event| event.envelope.version).collect::<Vec<_>>();
    let limit = ReadLimit::events(4);
    assert_eq!(versions(world.log.read_stream(stream, 0, limit).await.expect("is read")), [1, 2, 3, 4]);
    assert_eq!(versions(world.log.read_stream(stream, 8, limit).await.expect("is read")), [9, 10]);
    assert_eq!(versions(world.log.read_stream(stream, 10, limit).await.expect("is read")), [0; 0]);
    let backwards = |before| world.log.read_stream_backwards(stream, before, limit);
    assert_eq!(versions(backwards(None).await.expect("is read")), [10, 9, 8, 7]);
    assert_eq!(versions(backwards(Some(3)).await.expect("is read")), [2, 1]);
}

pub(crate) async fn a_stream_that_does_not_exist_is_empty(world: &World) {
    let stream = world.stream();
    assert!(world.opened(stream).await.is_empty());
    assert!(world.log.read_stream_backwards(stream, None, ReadLimit::events(1)).await.expect("is read").is_empty());
    assert_eq!(world.log.stream_heads(&[stream]).await.expect("answers"), [None]);
}

pub(crate) async fn heads_are_told_in_the_order_asked(world: &World) {
    let streams = [world.stream(), world.stream(), world.stream()];
    world.add(streams[0], 1).await;
    world.add(streams[2], 3).await;
    let heads = world.log.stream_heads(&[streams[2], streams[1], streams[0], streams[2]]).await.expect("answers");
    let versions: Vec<_> = heads.iter().map(|head| head.map(|head| head.version)).collect();
    assert_eq!(versions, [Some(3), None, Some(1), Some(3)]);
    let last = world.all().await.pop().expect("was appended");
    assert_eq!(heads[0].map(|head| head.hash), Some(last.envelope.hash));
}

pub(crate) async fn an_empty_log_has_a_head(world: &World) {
    let head = world.log.head().await.expect("answers");
    assert_eq!(head, LogHead { position: Position::START, recorded_at: chrono::DateTime::UNIX_EPOCH, epoch: 1 });
    assert_eq!(world.log.position_at(at(0)).await.expect("answers"), Position::START);
    assert!(world.all().await.is_empty());
}

pub(crate) async fn recorded_at_never_decreases_though_the_clock_does(world: &World) {
    let elsewhere = world.elsewhere().await;
    for (seconds, expected) in [(10, 10), (5, 10), (0, 10), (11, 11)] {
        world.clock.set(at(seconds));
        for journal in [&world.journal, &elsewhere] {
            journal.append(world.append(world.stream(), Expected::Any, 1)).await.expect("is appended");
            assert_eq!(world.log.head().await.expect("answers").recorded_at, at(expected));
        }
    }
    elsewhere.backend().close().await;
}

pub(crate) async fn a_position_is_found_by_time(world: &World) {
    for seconds in [10, 10, 20, 30] {
        world.clock.set(at(seconds));
        world.add(world.stream(), 2).await;
    }
    for (seconds, expected) in [(9, 0), (10, 4), (19, 4), (20, 6), (30, 8), (1000, 8)] {
        let found = world.log.position_at(at(seconds)).await.expect("answers");
        assert_eq!(found, Position::from_counter(expected), "at {seconds}");
    }
    let before = at(20) - TimeDelta::microseconds(1);
    assert_eq!(world.log.position_at(before).await.expect("answers"), Position::from_counter(4));
}

pub(crate) async fn events_between_two_positions_are_counted(world: &World) {
    world.add(world.stream(), 10).await;
    let between = |after, until| world.log.count_between(Position::from_counter(after), Position::from_counter(until));
    assert_eq!(between(0, 10).await.expect("answers"), 10);
    assert_eq!(between(4, 7).await.expect("answers"), 3);
    assert_eq!(between(7, 4).await.expect("answers"), 0);
    assert_eq!(between(0, 1000).await.expect("answers"), 10);
}

pub(crate) async fn a_watcher_is_told_of_appends_by_another_process(world: &World) {
    let elsewhere = world.elsewhere().await;
    let (mut here, mut there) = (world.log.watch(), elsewhere.backend().watch());
    let appended = world.add(world.stream(), 3).await;
    for watcher in [&mut here, &mut there] {
        let told = timeout(PATIENCE, watcher.wait_for(|position| *position >= appended.position)).await;
        assert_eq!(*told.expect("in time").expect("is open"), appended.position);
    }
    elsewhere.backend().close().await;
}

pub(crate) async fn a_tailing_reader_sees_every_event_once_in_order(world: &World) {
    let elsewhere = world.elsewhere().await;
    let total = 1_200;
    let reader = async {
        let (mut seen, mut after, mut watcher) = (Vec::new(), Position::START, world.log.watch());
        while seen.len() < total {
            let events = world.log.read_all(after, ReadLimit::events(100)).await.expect("is read");
            match events.last() {
                Some(last) => after = last.envelope.position,
                None => drop(watcher.wait_for(|end| *end > after).await.expect("is open")),
            }
            seen.extend(ids(&events));
        }
        seen
    };
    let writers = join_all((0..8).map(|writer| {
        let (journal, stream) = (if writer % 2 == 0 { &world.journal } else { &elsewhere }, world.stream());
        async move {
            for _ in 0..total / 8 {
                journal.append(world.append(stream, Expected::Any, 1)).await.expect("is appended");
            }
        }
    }));
    let (seen, _) = timeout(PATIENCE, async { tokio::join!(reader, writers) }).await.expect("in time");
    assert_eq!(seen, ids(&world.all().await));
    elsewhere.backend().close().await;
}

pub(crate) async fn an_epoch_marks_the_events_after_it(world: &World) {
    let elsewhere = world.elsewhere().await;
    world.add(world.stream(), 1).await;
    assert_eq!(elsewhere.backend().start_epoch().await.expect("answers"), 2);
    world.add(world.stream(), 1).await;
    assert_eq!(world.log.head().await.expect("answers").epoch, 2);
    let epochs: Vec<u32> = world.all().await.iter().map(|event| event.envelope.epoch).collect();
    assert_eq!(epochs, [1, 2]);
    elsewhere.backend().close().await;
}

pub(crate) async fn a_copied_log_knows_it_until_an_epoch_is_started(world: &World) {
    assert!(!world.log.epoch().await.expect("answers").is_copy);
    let copy = "UPDATE epochs SET system_id = 'elsewhere'";
    world.store.tamper_without_triggers(copy).await.expect("looks like a copy");
    assert!(world.log.epoch().await.expect("answers").is_copy);
    world.log.start_epoch().await.expect("is confirmed");
    assert!(!world.log.epoch().await.expect("answers").is_copy);
}
