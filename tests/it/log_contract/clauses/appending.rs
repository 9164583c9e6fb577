use std::collections::HashSet;

use commlog::ids::{CorrelationId, EventId, Position};
use commlog::log::{
    AppendError, Category, Cause, Expected, JournalError, MAX_EVENT_BYTES, NewEvent, Personal, StreamId,
};
use futures::future::join_all;

use crate::log_contract::World;
use crate::log_contract::world::{WithCommand, at, fresh};

pub(crate) async fn the_first_event_of_a_stream_has_version_one_and_positions_have_no_gaps(world: &World) {
    let (one, other) = (world.stream(), world.stream());
    assert_eq!(world.add(one, 2).await.first_version, 1);
    assert_eq!(world.add(other, 1).await.first_version, 1);
    let last = world.add(one, 2).await;
    assert_eq!((last.first_version, last.last_version), (3, 4));

    let positions: Vec<u64> = world.all().await.iter().map(|event| event.envelope.position.counter()).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5]);
    assert_eq!(last.position, Position::from_counter(5));
}

pub(crate) async fn events_come_back_as_they_were_handed_in(world: &World) {
    let customer = world.customer();
    let stream = world.stream_of(customer);
    let event = NewEvent {
        id: EventId(world.ambient.uuid()),
        event_type: "MessageQueued",
        schema_version: 7,
        occurred_at: at(-5) + chrono::TimeDelta::microseconds(123_456),
        data: br#"{ "kept" : "as it is" }"#.to_vec(),
        personal: Some("{\"body\":\"Grüße \u{0}\"}".into()),
        subject: Some(customer.into()),
    };
    let mut append = world.append_of(stream, Expected::Exact(0), vec![event.clone()]).under(world.command());
    append.cause.actor = "provider:twilio".into();
    append.cause.correlation = Some(CorrelationId(world.ambient.uuid()));
    append.cause.causation = Some(EventId(world.ambient.uuid()));
    let Cause { actor, command, correlation, causation } = append.cause.clone();
    let appended = world.journal.append(append).await.expect("is appended");

    let [read] = &world.opened(stream).await[..] else { panic!("one event") };
    let envelope = &read.envelope;
    assert_eq!(envelope.position, appended.position);
    assert_eq!((envelope.stream, envelope.version, envelope.id), (stream, 1, event.id));
    assert_eq!((envelope.event_type.as_str(), envelope.schema_version), (event.event_type, event.schema_version));
    assert_eq!((envelope.occurred_at, envelope.recorded_at), (event.occurred_at, at(0)));
    assert_eq!((&envelope.actor, envelope.command_id), (&actor, command.map(|command| command.id)));
    assert_eq!((envelope.correlation_id, envelope.causation_id), (correlation, causation));
    assert_eq!((envelope.subject, envelope.epoch), (event.subject, 1));
    assert_eq!(read.data, event.data);
    assert_eq!(read.personal, Personal::Clear(event.personal.expect("was set")));
}

pub(crate) async fn a_version_conflict_tells_expected_and_actual(world: &World) {
    let stream = world.stream();
    world.add(stream, 3).await;
    let Err(JournalError::Append(error)) = world.journal.append(world.append(stream, Expected::Exact(1), 1)).await
    else {
        panic!("is refused");
    };
    assert_eq!(error, AppendError::Conflict { stream, expected: 1, actual: 3 });
    assert_eq!(world.all().await.len(), 3);
}

pub(crate) async fn a_stream_that_must_not_exist_is_made_once(world: &World) {
    let stream = world.stream();
    let call = vec![world.append(stream, Expected::Exact(0), 1), world.append(stream, Expected::Exact(0), 1)];
    let results = world.journal.append_all(call).await.expect("answers");
    assert_eq!(fresh(&results[0]), (1, 1));
    assert_eq!(results[1], Err(AppendError::Conflict { stream, expected: 0, actual: 1 }));
}

pub(crate) async fn of_twenty_parallel_appends_with_one_expected_version_exactly_one_wins(world: &World) {
    let stream = world.stream();
    world.add(stream, 5).await;
    let elsewhere = world.elsewhere().await;
    let appends = (0..20).map(|index| {
        let journal = if index % 2 == 0 { &world.journal } else { &elsewhere };
        let append = world.append(stream, Expected::Exact(5), 2);
        async move { (append.events[0].id, journal.append(append).await) }
    });
    let mut winners = Vec::new();
    for (id, result) in join_all(appends).await {
        match result {
            Ok(appended) => {
                assert!(!appended.already);
                winners.push(id);
            }
            Err(JournalError::Append(error)) => {
                assert_eq!(error, AppendError::Conflict { stream, expected: 5, actual: 7 });
            }
            Err(error) => panic!("{error}"),
        }
    }
    let stored: Vec<EventId> = world.opened(stream).await.iter().map(|event| event.envelope.id).collect();
    assert_eq!(stored.len(), 7);
    assert_eq!(winners, [stored[5]]);
    elsewhere.backend().close().await;
}

pub(crate) async fn an_append_is_made_as_a_whole_or_not_at_all(world: &World) {
    let stream = world.stream();
    let taken = world.event(1);
    world.journal.append(world.append_of(world.stream(), Expected::Any, vec![taken.clone()])).await.expect("is new");
    let events = vec![world.event(1), world.event(2), taken];
    assert!(world.journal.append(world.append_of(stream, Expected::Any, events)).await.is_err());
    assert!(world.opened(stream).await.is_empty());
}

pub(crate) async fn each_append_of_a_group_has_its_own_result(world: &World) {
    let (good, stale, empty) = (world.stream(), world.stream(), world.stream());
    world.add(stale, 1).await;
    let results = world
        .journal
        .append_all(vec![
            world.append(good, Expected::Exact(0), 1),
            world.append(stale, Expected::Exact(0), 1),
            world.append(empty, Expected::Any, 0),
            world.append(good, Expected::Any, 2),
        ])
        .await
        .expect("answers");
    assert_eq!(fresh(&results[0]), (1, 1));
    assert_eq!(results[1], Err(AppendError::Conflict { stream: stale, expected: 0, actual: 1 }));
    assert_eq!(results[2], Err(AppendError::Empty));
    assert_eq!(fresh(&results[3]), (2, 3));
    assert_eq!(world.all().await.len(), 4);
}

pub(crate) async fn appends_of_one_call_to_one_stream_build_on_each_other(world: &World) {
    let stream = world.stream();
    let call = [0, 2, 4].map(|version| world.append(stream, Expected::Exact(version), 2)).to_vec();
    let results = world.journal.append_all(call).await.expect("answers");
    assert_eq!(results.iter().map(fresh).collect::<Vec<_>>(), [(1, 2), (3, 4), (5, 6)]);
}

pub(crate) async fn facts_need_no_version(world: &World) {
    let stream = world.stream();
    let facts = (0..50).map(|_| world.journal.append(world.append(stream, Expected::Any, 1)));
    let versions: HashSet<u64> =
        join_all(facts).await.into_iter().map(|result| result.expect("is appended").last_version).collect();
    assert_eq!(versions, (1..=50).collect());
}

pub(crate) async fn an_append_without_events_is_refused(world: &World) {
    let result = world.journal.append(world.append(world.stream(), Expected::Any, 0)).await;
    assert!(matches!(result, Err(JournalError::Append(AppendError::Empty))));
}

pub(crate) async fn an_event_of_more_than_256_kb_is_refused(world: &World) {
    let stream = world.stream();
    let sized = |bytes: usize| NewEvent { data: vec![b'x'; bytes], ..world.event(0) };
    let largest = world.append_of(stream, Expected::Any, vec![sized(MAX_EVENT_BYTES)]);
    world.journal.append(largest).await.expect("is just small enough");
    let larger = world.append_of(stream, Expected::Any, vec![sized(MAX_EVENT_BYTES + 1)]);
    let Err(JournalError::Append(error)) = world.journal.append(larger).await else { panic!("is refused") };
    assert_eq!(error, AppendError::TooLarge { event_type: "Counted", bytes: MAX_EVENT_BYTES + 1 });
}

pub(crate) async fn personal_data_without_a_subject_is_refused(world: &World) {
    let event = NewEvent { subject: None, ..world.personal_event(world.customer(), "{}") };
    let result = world.journal.append(world.append_of(world.stream(), Expected::Any, vec![event])).await;
    assert!(matches!(result, Err(JournalError::Append(AppendError::NoSubject { event_type: "Counted" }))));
}

pub(crate) async fn tenants_with_the_same_keys_have_streams_of_their_own(world: &World) {
    let key = world.ambient.uuid();
    let streams = [
        StreamId::new(world.tenant, Category::Customer, key),
        StreamId::new(world.ambient.uuid().into(), Category::Customer, key),
        StreamId::new(world.tenant, Category::Address, key),
    ];
    for (events, stream) in streams.into_iter().enumerate() {
        world.add(stream, events + 1).await;
    }
    for (events, stream) in streams.into_iter().enumerate() {
        let read = world.opened(stream).await;
        assert_eq!(read.len(), events + 1);
        assert!(read.iter().all(|event| event.envelope.stream == stream));
    }
}

pub(crate) async fn an_append_whose_caller_goes_away_is_whole_or_absent(world: &World) {
    let stream = world.stream();
    for _ in 0..20 {
        let append = world.journal.append(world.append(stream, Expected::Any, 3));
        // Polled once, then dropped: somewhere between the hand-over and the commit.
        _ = futures::poll!(Box::pin(append));
    }
    let last = world.add(stream, 3).await.last_version;
    assert_eq!(last % 3, 0);
    assert_eq!(world.opened(stream).await.len() as u64, last);
    commlog::log::chain::verify(&*world.log, |_| ()).await.expect("verifies");
}

pub(crate) async fn many_concurrent_appends_share_commits_and_all_stand(world: &World) {
    let streams: Vec<StreamId> = (0..16).map(|_| world.stream()).collect();
    let appends = (0..512).map(|index| world.journal.append(world.append(streams[index % 16], Expected::Any, 1)));
    let positions: HashSet<Position> =
        join_all(appends).await.into_iter().map(|result| result.expect("is appended").position).collect();
    assert_eq!(positions.len(), 512);
    commlog::log::chain::verify(&*world.log, |_| ()).await.expect("verifies");
}
