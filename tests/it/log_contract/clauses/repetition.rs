use commlog::ids::TenantId;
use commlog::log::{AppendError, Appended, Category, CommandKey, Expected, JournalError, NewEvent, StreamId};
use futures::future::join_all;

use crate::log_contract::World;
use crate::log_contract::world::{WithCommand, fresh};

pub(crate) async fn a_repeated_command_gets_the_first_answer_and_adds_nothing(world: &World) {
    let (stream, command) = (world.stream(), world.command());
    let first = world.journal.append(world.append(stream, Expected::Exact(0), 2).under(command)).await.expect("is new");
    world.add(stream, 1).await;

    // Decided again, with new ids and even for a new stream.
    for again in [stream, world.stream()] {
        let append = world.append(again, Expected::Exact(0), 2).under(command);
        let repeated = world.journal.append(append).await.expect("is known");
        assert_eq!(repeated, Appended { already: true, ..first.clone() });
    }
    assert_eq!(world.all().await.len(), 3);
}

pub(crate) async fn a_command_id_with_other_input_is_refused(world: &World) {
    let (stream, command) = (world.stream(), world.command());
    world.journal.append(world.append(stream, Expected::Any, 1).under(command)).await.expect("is new");
    let other = CommandKey { fingerprint: [9; 32], ..command };
    let result = world.journal.append(world.append(stream, Expected::Any, 1).under(other)).await;
    assert!(matches!(result, Err(JournalError::Append(AppendError::CommandReused))));
}

pub(crate) async fn a_command_is_found_by_its_id_in_its_tenant_only(world: &World) {
    let (stream, command) = (world.stream(), world.command());
    let appended = world.journal.append(world.append(stream, Expected::Any, 2).under(command)).await.expect("is new");
    let found = world.log.find_command(world.tenant, command.id).await.expect("answers");
    assert_eq!(found, Some((command, Appended { already: true, ..appended })));

    let stranger = TenantId(world.ambient.uuid());
    assert_eq!(world.log.find_command(stranger, command.id).await.expect("answers"), None);
    assert_eq!(world.log.find_command(world.tenant, world.command().id).await.expect("answers"), None);
    let theirs = StreamId::new(stranger, Category::Customer, world.ambient.uuid());
    let result = world.journal.append(world.append(theirs, Expected::Any, 1).under(command)).await;
    assert!(!result.expect("is new there").already);
}

pub(crate) async fn a_command_repeated_in_parallel_is_carried_out_once(world: &World) {
    let (command, elsewhere) = (world.command(), world.elsewhere().await);
    let attempts = (0..20).map(|index| {
        let journal = if index % 2 == 0 { &world.journal } else { &elsewhere };
        journal.append(world.append(world.stream(), Expected::Exact(0), 1).under(command))
    });
    let results: Vec<Appended> = join_all(attempts).await.into_iter().map(|result| result.expect("answers")).collect();
    assert_eq!(results.iter().filter(|appended| !appended.already).count(), 1);
    assert!(results.iter().all(|appended| appended.stream == results[0].stream));
    assert_eq!(world.all().await.len(), 1);
    elsewhere.backend().close().await;
}

pub(crate) async fn appends_of_one_command_stand_or_fall_together(world: &World) {
    let (good, stale, bystander) = (world.stream(), world.stream(), world.stream());
    world.add(stale, 1).await;
    let command = world.command();
    let call = vec![
        world.append(good, Expected::Exact(0), 1).under(command),
        world.append(stale, Expected::Exact(0), 1).under(command),
        world.append(bystander, Expected::Exact(0), 1),
    ];
    let results = world.journal.append_all(call).await.expect("answers");
    let conflict = Err(AppendError::Conflict { stream: stale, expected: 0, actual: 1 });
    assert_eq!((&results[0], &results[1]), (&conflict, &conflict));
    assert_eq!(fresh(&results[2]), (1, 1));
    assert_eq!(world.log.find_command(world.tenant, command.id).await.expect("answers"), None);
    assert!(world.opened(good).await.is_empty());
}

pub(crate) async fn appends_of_one_command_are_repeated_as_they_were(world: &World) {
    let (one, other, command) = (world.stream(), world.stream(), world.command());
    let call = || [one, other, one].map(|stream| world.append(stream, Expected::Any, 2).under(command)).to_vec();
    let first = world.journal.append_all(call()).await.expect("answers");
    assert_eq!(first.iter().map(fresh).collect::<Vec<_>>(), [(1, 2), (1, 2), (3, 4)]);

    let repeated = world.journal.append_all(call()).await.expect("answers");
    for (first, repeated) in first.iter().zip(&repeated) {
        let first = first.clone().expect("is appended");
        assert_eq!(repeated, &Ok(Appended { already: true, ..first }));
    }
    let (_, found) = world.log.find_command(world.tenant, command.id).await.expect("answers").expect("is known");
    let last = first[2].as_ref().expect("is appended").position;
    assert_eq!((found.stream, found.position), (one, last));
}

pub(crate) async fn repeated_event_ids_are_answered_with_the_original_positions(world: &World) {
    let stream = world.stream();
    let facts = vec![world.event(1), world.event(2)];
    let append = || world.append_of(stream, Expected::Any, facts.clone());
    let first = world.journal.append(append()).await.expect("is new");
    world.add(stream, 1).await;
    assert_eq!(world.journal.append(append()).await.expect("is known"), Appended { already: true, ..first.clone() });

    // In a group, the repetition costs the others nothing.
    let call = vec![world.append(stream, Expected::Any, 1), append(), world.append(stream, Expected::Any, 1)];
    let results = world.journal.append_all(call).await.expect("answers");
    assert_eq!((fresh(&results[0]), fresh(&results[2])), ((4, 4), (5, 5)));
    assert_eq!(results[1], Ok(Appended { already: true, ..first }));
}

pub(crate) async fn a_repetition_is_recognised_though_its_expected_version_is_stale(world: &World) {
    let customer = world.customer();
    let stream = world.stream_of(customer);
    let append = world.append_of(stream, Expected::Exact(0), vec![world.personal_event(customer, "{}")]);
    let first = world.journal.append(append.clone()).await.expect("is new");
    let again = world.journal.append(append).await.expect("is known");
    assert_eq!(again, Appended { already: true, ..first });
}

pub(crate) async fn an_event_id_of_another_event_is_taken(world: &World) {
    let (stream, event) = (world.stream(), world.event(1));
    world.journal.append(world.append_of(stream, Expected::Any, vec![event.clone()])).await.expect("is new");
    let id = event.id;
    let other_data = world.append_of(stream, Expected::Any, vec![NewEvent { data: b"{}".to_vec(), ..event.clone() }]);
    let other_type = world.append_of(stream, Expected::Any, vec![NewEvent { event_type: "Measured", ..event.clone() }]);
    let other_stream = world.append_of(world.stream(), Expected::Any, vec![event]);
    for append in [other_data, other_type, other_stream] {
        let Err(JournalError::Append(error)) = world.journal.append(append).await else { panic!("is refused") };
        assert_eq!(error, AppendError::EventIdTaken { id });
    }
    assert_eq!(world.all().await.len(), 1);
}

pub(crate) async fn an_event_id_twice_in_one_append_is_taken(world: &World) {
    let event = world.event(1);
    let append = world.append_of(world.stream(), Expected::Any, vec![event.clone(), event.clone()]);
    let Err(JournalError::Append(error)) = world.journal.append(append).await else { panic!("is refused") };
    assert_eq!(error, AppendError::EventIdTaken { id: event.id });
}

pub(crate) async fn a_partly_repeated_append_is_refused(world: &World) {
    let (stream, old) = (world.stream(), world.event(1));
    world.journal.append(world.append_of(stream, Expected::Any, vec![old.clone()])).await.expect("is new");
    let append = world.append_of(stream, Expected::Any, vec![world.event(2), old.clone()]);
    let Err(JournalError::Append(error)) = world.journal.append(append).await else { panic!("is refused") };
    assert_eq!(error, AppendError::PartlyAppended { id: old.id });
}

pub(crate) async fn facts_repeated_in_parallel_are_appended_once(world: &World) {
    let (stream, elsewhere) = (world.stream(), world.elsewhere().await);
    let facts: Vec<NewEvent> = (0..10).map(|number| world.event(number)).collect();
    let attempts = (0..40).map(|index| {
        let journal = if index % 2 == 0 { &world.journal } else { &elsewhere };
        journal.append(world.append_of(stream, Expected::Any, vec![facts[index % 10].clone()]))
    });
    let results: Vec<Appended> = join_all(attempts).await.into_iter().map(|result| result.expect("answers")).collect();
    assert_eq!(results.iter().filter(|appended| !appended.already).count(), 10);
    assert_eq!(world.opened(stream).await.len(), 10);
    elsewhere.backend().close().await;
}
