//! Forgotten people stay forgotten, whichever copy is restored.

use super::{Place, empty, filled, master};
use crate::support::app::Engine;

/// The id of the customer with this name.
fn id_of(place: &Place, name: &str) -> String {
    let rows = place.ok(&["export", "customers", "--format", "jsonl"]);
    let row = rows.lines().find(|row| row.contains(name)).unwrap();
    serde_json::from_str::<serde_json::Value>(row).unwrap()["customer_id"].as_str().unwrap().to_owned()
}

/// Nothing of Zebulon may be read, and everything of Ada.
fn knows_only_ada(place: &Place) {
    let all = place.ok(&["export", "events", "--personal"]) + &place.ok(&["export", "customers"]);
    assert!(!all.to_lowercase().contains("quackenbush"), "{all}");
    assert!(all.contains("Ada"), "{all}");
}

async fn who_was_forgotten_after_a_backup_stays_so_when_it_is_restored(engine: Engine) {
    let place = filled(engine).await;
    place.ok(&["backup", "--to", "old/log", "--keys-to", "old-keys"]);
    let (old, old_keys) = (place.folder("old/log"), place.folder("old-keys"));
    place.ok(&["forget", "--customer", &id_of(&place, "Quackenbush"), "--yes"]);
    let report = place.back_up();
    assert!(report["keys"]["tombstones"].as_u64() >= Some(1), "{report:#}");

    // The old copy of the keys alone brings the person back: that is why it must expire.
    let careless = empty(engine, &master()).await;
    careless.ok(&["restore", "--from", &old, "--keys-from", &old_keys]);
    assert!(careless.ok(&["export", "customers"]).contains("Quackenbush"));

    // With the newest one beside it, in whatever order, nobody comes back.
    let keys = place.folder("keys");
    for copies in [[&old_keys, &keys], [&keys, &old_keys]] {
        let target = empty(engine, &master()).await;
        let told = target.ok(&["restore", "--from", &old, "--keys-from", copies[0], "--keys-from", copies[1]]);
        assert!(told.contains("of forgotten people did not"), "{told}");
        knows_only_ada(&target);
    }
    // Nor into a key store that has both.
    careless.ok(&["backup", "--keys-to", &careless.folder("again")]);
    let told = careless.run(&["backup", "--keys-to", &keys]);
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    assert!(
        told.stderr.contains("are forgotten in the backup, and the key store has their keys again"),
        "{}",
        told.stderr
    );
    let target = empty(engine, &master()).await;
    target.ok(&["restore", "--from", &old, "--keys-from", &keys]);
    knows_only_ada(&target);
}

#[tokio::test]
async fn the_next_run_takes_a_destroyed_key_out_of_a_copy() {
    let place = filled(Engine::Sqlite).await;
    place.back_up();
    let store = rusqlite::Connection::open(place.path("data/keys.db")).unwrap();
    let id = id_of(&place, "Quackenbush");
    let subject = uuid::Uuid::parse_str(&id).unwrap().as_bytes().to_vec();
    let wrapped: Vec<u8> =
        store.query_row("SELECT wrapped FROM subject_keys WHERE subject_id = ?1", [subject], |row| row.get(0)).unwrap();
    drop(store);
    let has_it = || {
        let mut files = super::files(&place.path("keys")).into_iter().chain(super::files(&place.path("log")));
        files.any(|(_, bytes)| bytes.windows(wrapped.len()).any(|window| window == wrapped))
    };
    assert!(has_it());
    place.ok(&["forget", "--customer", &id, "--yes"]);
    place.back_up();
    assert!(!has_it());
    assert!(super::files(&place.path("log")).iter().all(|(_, bytes)| {
        let text = String::from_utf8_lossy(bytes);
        !text.contains("Quackenbush") && !text.contains("zebulon")
    }));
}

async fn a_log_that_is_restored_under_its_key_store_keeps_the_tombstones(engine: Engine) {
    let place = filled(engine).await;
    place.back_up();
    place.ok(&["forget", "--customer", &id_of(&place, "Quackenbush"), "--yes"]);
    take_the_log_away(&place, engine);
    place.ok(&["restore", "--from", "log"]);
    knows_only_ada(&place);
    place.ok(&["confirm-dispatch"]);
    // The keys of the backup do not bring the key back either.
    take_the_log_away(&place, engine);
    let told = place.ok(&["restore", "--from", "log", "--keys-from", "keys"]);
    assert!(told.contains("of forgotten people did not"), "{told}");
    knows_only_ada(&place);
}

/// As an operator does before a restore in place.
pub(super) fn take_the_log_away(place: &Place, engine: Engine) {
    let script = match engine {
        Engine::Sqlite => "rm -f data/log.db*".to_owned(),
        Engine::Postgres => format!(
            "{}/psql --quiet --command='DROP SCHEMA IF EXISTS log, blobs CASCADE' \"$COMMLOG_LOG_URL\"",
            crate::support::postgres::folder_of("psql").display()
        ),
    };
    let ended = place.shell(&["-euc", &script]).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

on_each_engine! {
    who_was_forgotten_after_a_backup_stays_so_when_it_is_restored
    a_log_that_is_restored_under_its_key_store_keeps_the_tombstones
}
