use commlog::clock::Ambient;
use commlog::ids::Position;
use commlog::log::chain::{Broken, Incomplete, VerifyError, verify};
use commlog::log::checkpoint::{Checkpoint, CheckpointError};
use commlog::log::seal::MasterKey;
use commlog::log::{Expected, StreamId};

use crate::log_contract::World;
use crate::log_contract::world::WithCommand;

/// Four events each in three streams, all columns filled, in turns.
async fn history(world: &World) -> [StreamId; 3] {
    let customers = [world.customer(), world.customer(), world.customer()];
    for _ in 0..4 {
        for customer in customers {
            let event = world.personal_event(customer, r#"{"body":"hello"}"#);
            let mut append = world.append_of(world.stream_of(customer), Expected::Any, vec![event]);
            append.cause.correlation = Some(world.ambient.uuid().into());
            append.cause.causation = Some(world.ambient.uuid().into());
            world.journal.append(append.under(world.command())).await.expect("is appended");
            world.clock.advance(chrono::TimeDelta::seconds(1));
        }
    }
    customers.map(|customer| world.stream_of(customer))
}

async fn broken(world: &World) -> Broken {
    // As another process, which has nothing in memory.
    let log = world.store.log(world.ambient.clone()).await.expect("opens");
    let result = verify(&*log, |_| ()).await;
    log.close().await;
    match result {
        Err(VerifyError::Broken(broken)) => broken,
        other => panic!("must be found broken: {other:?}"),
    }
}

pub(crate) async fn an_untouched_log_verifies(world: &World) {
    history(world).await;
    let mut told = Vec::new();
    let verified = verify(&*world.log, |events| told.push(events)).await.expect("verifies");
    assert_eq!((verified.events, verified.streams), (12, 3));
    assert_eq!(verified.head, Position::from_counter(12));
    assert_eq!(told, [12]);
}

pub(crate) async fn a_changed_byte_in_any_column_is_named_by_verify(world: &World) {
    history(world).await;
    let seventh = world.all().await.swap_remove(6);
    let mut changes: Vec<(&str, String)> =
        ["stream", "version", "schema_version", "occurred_at", "recorded_at", "epoch"]
            .map(|column| (column, format!("{column} + 1")))
            .to_vec();
    changes.extend(["type", "actor"].map(|column| (column, format!("'x' || {column}"))));
    let flipped = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes[5] ^= 0x10;
        bytes
    };
    let envelope = &seventh.envelope;
    let ids = [
        ("event_id", Some(envelope.id.0)),
        ("command_id", envelope.command_id.map(|id| id.0)),
        ("correlation_id", envelope.correlation_id.map(|id| id.0)),
        ("causation_id", envelope.causation_id.map(|id| id.0)),
        ("subject_id", envelope.subject.map(|id| id.0)),
    ];
    for (column, id) in ids {
        let id = uuid::Uuid::from_slice(&flipped(id.expect("is filled").as_bytes())).expect("16 bytes");
        changes.push((column, world.store.id_literal(id)));
    }
    let personal = seventh.personal.as_deref().expect("is filled");
    for (column, bytes) in [("hash", &envelope.hash[..]), ("data", &seventh.data), ("personal", personal)] {
        changes.push((column, world.store.literal(&flipped(bytes))));
    }
    changes.push(("personal", "NULL".to_owned()));

    world
        .store
        .tamper_without_triggers("CREATE TABLE kept AS SELECT * FROM events WHERE position = 7")
        .await
        .expect("is kept");
    for (column, value) in changes {
        // The rows that would stand in the way of a changed version or stream are no part of this test.
        let drop_unique = world.store.without_uniqueness();
        let change = format!("{drop_unique} UPDATE events SET {column} = {value} WHERE position = 7");
        world.store.tamper_without_triggers(&change).await.expect("is changed");
        let broken = broken(world).await;
        assert_eq!(broken.position, Position::from_counter(7), "{column} = {value}: {broken}");
        let restore = format!("UPDATE events SET {column} = (SELECT {column} FROM kept) WHERE position = 7");
        world.store.tamper_without_triggers(&restore).await.expect("is restored");
        verify(&*world.log, |_| ()).await.unwrap_or_else(|error| panic!("{column} restored: {error}"));
    }
    // The position itself: the event is missing where it was.
    let change = "UPDATE events SET position = 1007 WHERE position = 7";
    world.store.tamper_without_triggers(change).await.expect("is changed");
    assert_eq!(broken(world).await.position, Position::from_counter(8));
}

pub(crate) async fn a_changed_stream_is_named_by_verify_with_its_first_event(world: &World) {
    history(world).await;
    let id = world.store.id_literal(world.ambient.uuid());
    world.store.tamper_without_triggers("CREATE TABLE kept AS SELECT * FROM streams").await.expect("are kept");
    for (column, value) in [("tenant_id", id.as_str()), ("key", &id), ("category", "'list'"), ("category", "'lost'")] {
        let change = format!("UPDATE streams SET {column} = {value} WHERE stream = 2");
        world.store.tamper_without_triggers(&change).await.expect("is changed");
        let broken = broken(world).await;
        assert_eq!(broken.position, Position::from_counter(2), "{column} = {value}: {broken}");
        let restore =
            format!("UPDATE streams SET {column} = (SELECT {column} FROM kept WHERE stream = 2) WHERE stream = 2");
        world.store.tamper_without_triggers(&restore).await.expect("is restored");
    }
    world.store.tamper_without_triggers("DELETE FROM streams WHERE stream = 3").await.expect("is removed");
    assert_eq!(broken(world).await.position, Position::from_counter(3));
}

pub(crate) async fn a_removed_event_is_named_by_verify(world: &World) {
    history(world).await;
    world.store.tamper_without_triggers("DELETE FROM events WHERE position = 5").await.expect("is removed");
    let broken = broken(world).await;
    assert_eq!(broken.position, Position::from_counter(6));
    assert!(broken.to_string().contains("an event is missing before it"), "{broken}");
}

pub(crate) async fn swapped_events_are_named_by_verify(world: &World) {
    history(world).await;
    let swap = "UPDATE events SET position = 1000 WHERE position = 4; \
                UPDATE events SET position = 4 WHERE position = 7; UPDATE events SET position = 7 WHERE position = 1000";
    world.store.tamper_without_triggers(swap).await.expect("are swapped");
    assert_eq!(broken(world).await.position, Position::from_counter(4));
}

async fn checkpoint(world: &World) -> Checkpoint {
    let verified = verify(&*world.log, |_| ()).await.expect("verifies");
    let checkpoint = Checkpoint::sign(&verified, &world.master);
    checkpoint.to_string().parse().expect("is read back")
}

pub(crate) async fn a_checkpoint_holds_for_a_log_that_grew(world: &World) {
    let streams = history(world).await;
    let checkpoint = checkpoint(world).await;
    world.add(streams[0], 3).await;
    checkpoint.check(&*world.log, &world.master, |_| ()).await.expect("holds");
}

pub(crate) async fn a_checkpoint_catches_a_shortened_log(world: &World) {
    history(world).await;
    let checkpoint = checkpoint(world).await;
    let shorten = "DELETE FROM events WHERE position > 10";
    world.store.tamper_without_triggers(shorten).await.expect("is shortened");
    world.store.tamper_without_triggers(&world.store.set_end(10)).await.expect("is hidden");
    let log = world.store.log(world.ambient.clone()).await.expect("opens");
    verify(&*log, |_| ()).await.expect("the chains alone do not tell");
    let result = checkpoint.check(&*log, &world.master, |_| ()).await;
    assert!(matches!(result, Err(CheckpointError::Shortened { end, .. }) if end == Position::from_counter(10)));
    log.close().await;
}

pub(crate) async fn a_checkpoint_catches_a_rewritten_log(world: &World) {
    let streams = history(world).await;
    let checkpoint = checkpoint(world).await;
    let rewrite = "DELETE FROM commands WHERE position > 10; DELETE FROM events WHERE position > 10";
    world.store.tamper_without_triggers(rewrite).await.expect("is shortened");
    world.store.tamper_without_triggers(&world.store.set_end(10)).await.expect("is hidden");
    let log = world.store.log(world.ambient.clone()).await.expect("opens");
    let journal = world.elsewhere().await;
    journal.append(world.append(streams[0], Expected::Any, 5)).await.expect("other events are appended");
    verify(&*log, |_| ()).await.expect("the chains alone do not tell");
    let result = checkpoint.check(&*log, &world.master, |_| ()).await;
    assert!(matches!(result, Err(CheckpointError::Rewritten { .. })), "{result:?}");
    log.close().await;
    journal.backend().close().await;
}

/// Verifies as another process, and expects that something is missing.
async fn incomplete(world: &World) -> Incomplete {
    let log = world.store.log(world.ambient.clone()).await.expect("opens");
    let result = verify(&*log, |_| ()).await;
    log.close().await;
    match result {
        Err(VerifyError::Incomplete(incomplete)) => incomplete,
        other => panic!("must be found incomplete: {other:?}"),
    }
}

pub(crate) async fn a_command_that_was_removed_or_added_is_noticed_without_a_checkpoint(world: &World) {
    history(world).await;
    let keep = "CREATE TABLE kept AS SELECT * FROM commands";
    world.store.tamper_without_triggers(keep).await.expect("are kept");
    world.store.tamper_without_triggers("DELETE FROM commands WHERE position = 5").await.expect("is removed");
    let found = incomplete(world).await;
    assert!(matches!(&found, Incomplete::Command(unknown) if unknown.position == Position::from_counter(5)), "{found}");
    let restore = "INSERT INTO commands SELECT * FROM kept WHERE position = 5";
    world.store.tamper_without_triggers(restore).await.expect("is restored");
    verify(&*world.log, |_| ()).await.expect("verifies again");
    let id = world.store.id_literal(world.ambient.uuid());
    let forge = format!(
        "INSERT INTO commands SELECT tenant_id, {id}, ordinal, fingerprint, stream, first_version, last_version, position \
         FROM kept WHERE position = 5"
    );
    world.store.tamper_without_triggers(&forge).await.expect("is added");
    assert_eq!(incomplete(world).await, Incomplete::Forged(1));
}

pub(crate) async fn a_checkpoint_catches_a_changed_command_stream_or_epoch(world: &World) {
    let streams = history(world).await;
    let checkpoint = checkpoint(world).await;
    let fingerprint = world.store.literal(&[7; 32]);
    let command = format!("UPDATE commands SET fingerprint = {fingerprint} WHERE position = 5");
    world.store.tamper_without_triggers(&command).await.expect("is changed");
    verify(&*world.log, |_| ()).await.expect("the log alone does not tell");
    let changed = |result| matches!(result, Err(CheckpointError::Changed { what: "commands", .. }));
    assert!(changed(checkpoint.check(&*world.log, &world.master, |_| ()).await));

    let checkpoint = self::checkpoint(world).await;
    world.store.tamper_without_triggers("UPDATE epochs SET system_id = 'elsewhere'").await.expect("is changed");
    verify(&*world.log, |_| ()).await.expect("the log alone does not tell");
    let changed = |result| matches!(result, Err(CheckpointError::Changed { what: "epochs", .. }));
    assert!(changed(checkpoint.check(&*world.log, &world.master, |_| ()).await));

    // The order of streams is in no event. Their numbers are put right in the events, so that these hold.
    let checkpoint = self::checkpoint(world).await;
    let swap = |table: &str| {
        format!(
            "UPDATE {table} SET stream = 1000 WHERE stream = 1; UPDATE {table} SET stream = 1 WHERE stream = 2; \
             UPDATE {table} SET stream = 2 WHERE stream = 1000"
        )
    };
    let swapped = [swap("streams"), swap("events"), swap("commands")].join("; ");
    world.store.tamper_without_triggers(&swapped).await.expect("are swapped");
    verify(&*world.log, |_| ()).await.expect("the log alone does not tell");
    let changed = |result| matches!(result, Err(CheckpointError::Changed { what: "streams", .. }));
    assert!(changed(checkpoint.check(&*world.log, &world.master, |_| ()).await));

    let checkpoint = self::checkpoint(world).await;
    world.add(streams[0], 1).await;
    checkpoint.check(&*world.log, &world.master, |_| ()).await.expect("holds for a log that grew");
    world.log.start_epoch().await.expect("an epoch begins");
    checkpoint.check(&*world.log, &world.master, |_| ()).await.expect("holds in a later epoch");
}

pub(crate) async fn a_checkpoint_of_another_log_is_recognised(world: &World) {
    history(world).await;
    let checkpoint = checkpoint(world).await;
    let id = world.store.literal(&[9; 16]);
    let change = format!("UPDATE meta SET value = {id} WHERE name = 'log_id'");
    world.store.tamper_without_triggers(&change).await.expect("is changed");
    let result = checkpoint.check(&*world.log, &world.master, |_| ()).await;
    assert!(matches!(result, Err(CheckpointError::Other { .. })), "{result:?}");
}

pub(crate) async fn a_forged_checkpoint_is_refused(world: &World) {
    history(world).await;
    let signed = checkpoint(world).await;
    let stranger = MasterKey::generate(&Ambient::system());
    let shorter = Checkpoint { position: Position::from_counter(10), ..signed.clone() };
    for (checkpoint, key) in [(&signed, &stranger), (&shorter, &world.master)] {
        let result = checkpoint.check(&*world.log, key, |_| ()).await;
        assert!(matches!(result, Err(CheckpointError::Forged)));
    }
}

/// A statement is refused, with our reason, and the log stays as it is.
async fn refused(world: &World, sql: &str) {
    let error = world.store.tamper(sql).await.expect_err(sql);
    assert!(error.contains("append-only"), "{sql}: {error}");
    verify(&*world.log, |_| ()).await.expect("nothing was changed");
}

pub(crate) async fn events_are_never_updated(world: &World) {
    history(world).await;
    refused(world, "UPDATE events SET actor = 'nobody' WHERE position = 3").await;
    refused(world, "UPDATE events SET data = data").await;
    for statement in world.store.replacements() {
        refused(world, &statement).await;
    }
    assert_eq!(world.all().await.len(), 12);
}

pub(crate) async fn events_are_never_deleted(world: &World) {
    history(world).await;
    refused(world, "DELETE FROM events").await;
    refused(world, "DELETE FROM events WHERE position = 12").await;
    for statement in world.store.truncations() {
        refused(world, &statement).await;
    }
    assert_eq!(world.all().await.len(), 12);
}

pub(crate) async fn streams_commands_and_epochs_are_never_changed(world: &World) {
    history(world).await;
    for table in ["streams", "commands", "epochs"] {
        refused(world, &format!("DELETE FROM {table}")).await;
    }
    refused(world, "UPDATE streams SET category = 'list'").await;
    refused(world, "UPDATE commands SET position = 1").await;
    refused(world, "UPDATE epochs SET epoch = epoch + 1").await;
}
