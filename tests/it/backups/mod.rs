//! `commlog backup` and `commlog restore`, as operators use them.

mod damage;
mod files;
mod forgetting;
mod killing;
mod load;
mod sending;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::Place;
use crate::support::app::Engine;
use crate::support::doubles::kurrentdb::{KurrentDouble, Version};

const PEOPLE: &str = "customer,name,email\nk1,Zebulon Quackenbush,zebulon@example.com\nk2,Ada,ada@example.org\n";

/// A place on an engine that nothing is in yet, with this master key.
async fn empty(engine: Engine, master: &str) -> Place {
    let mut place = match engine {
        Engine::Sqlite => Place::new(),
        Engine::Postgres => Place::postgres().await,
    };
    place.set("COMMLOG_MASTER_KEY", master);
    place
}

/// The master key of all places here.
fn master() -> String {
    "6b".repeat(32)
}

/// Two customers, on an engine.
async fn filled(engine: Engine) -> Place {
    let place = empty(engine, &master()).await;
    place.file("crm.csv", PEOPLE);
    place.ok(&["import", "customers", "crm.csv"]);
    place
}

/// Customers with so many numbers after `from`.
fn people(from: usize, count: usize) -> String {
    let rows = (from..from + count).map(|number| format!("c{number},Person {number},p{number}@example.com\n"));
    std::iter::once("customer,name,email\n".to_owned()).chain(rows).collect()
}

impl Place {
    /// A folder in this place, as text.
    fn folder(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Backs log and keys up to `log` and `keys`; what is printed as JSON.
    fn back_up(&self) -> Value {
        let printed = self.ok(&["backup", "--to", "log", "--keys-to", "keys", "--format", "json"]);
        serde_json::from_str(&printed).unwrap()
    }

    /// Restores what another place backed up.
    fn restore(&self, from: &Self) -> String {
        self.ok(&["restore", "--from", &from.folder("log"), "--keys-from", &from.folder("keys")])
    }

    /// The customers' names.
    fn names(&self) -> Vec<String> {
        let rows = self.ok(&["export", "customers", "--format", "jsonl"]);
        let name = |row: &str| serde_json::from_str::<Value>(row).unwrap()["name"].as_str().map(str::to_owned);
        let mut names: Vec<String> = rows.lines().filter_map(name).collect();
        names.sort();
        names
    }

    /// The events, one a line, without what is personal.
    fn events(&self) -> String {
        self.ok(&["export", "events", "--format", "jsonl"])
    }
}

/// The files of a folder and their contents, without its lock.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = vec![];
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files.extend(self::files(&entry));
        } else if !entry.ends_with("lock") {
            files.push((entry.clone(), std::fs::read(entry).unwrap()));
        }
    }
    files.sort();
    files
}

async fn a_second_run_adds_what_is_new_and_the_restored_log_is_the_same(engine: Engine) {
    let place = filled(engine).await;
    let first = place.back_up();
    let before = files(&place.path("log"));
    place.file("more.csv", people(0, 50));
    place.ok(&["import", "customers", "more.csv"]);
    let second = place.back_up();
    let (had, has) = (first["log"]["events"].as_u64().unwrap(), second["log"]["events"].as_u64().unwrap());
    assert!(first["log"]["new_events"] == had && second["log"]["new_events"] == has - had && has > had, "{second:#}");
    assert!(second["keys"]["keys"].as_u64() > first["keys"]["keys"].as_u64(), "{second:#}");
    for (file, content) in before.iter().filter(|(file, _)| !file.ends_with("manifest.json")) {
        assert!(std::fs::read(file).unwrap() == *content, "{} is written once", file.display());
    }
    let third = place.back_up();
    assert_eq!((&third["log"]["new_events"], &third["log"]["new_bytes"]), (&0.into(), &0.into()), "{third:#}");
    place.ok(&["backup", "--check", "log", "--check-keys", "keys"]);

    // On the other engine: a backup is of no engine.
    let other = if engine == Engine::Sqlite { Engine::Postgres } else { Engine::Sqlite };
    let target = empty(other, &master()).await;
    let told = target.restore(&place);
    assert!(told.contains(&format!("{has} events")) && told.contains("confirm-dispatch"), "{told}");
    assert_eq!(target.events(), place.events());
    assert_eq!((target.names(), target.names().len()), (place.names(), 52));
    target.ok(&["rebuild", "--check"]);

    // Once confirmed, it goes on, and so does the same backup.
    target.ok(&["confirm-dispatch", "--yes"]);
    target.ok(&["verify"]);
    target.file("last.csv", people(50, 3));
    target.ok(&["import", "customers", "last.csv"]);
    let onwards = target.ok(&["backup", "--to", &place.folder("log"), "--keys-to", &place.folder("keys")]);
    assert!(onwards.contains("events came") || onwards.contains("events and"), "{onwards}");
    place.ok(&["backup", "--check", "log", "--check-keys", "keys"]);
    // The original has parted from it.
    let parted = place.fails(3, &["backup", "--to", "log"]);
    assert!(parted.contains("another log than this one, or of what this one was before it was restored"), "{parted}");
}

async fn a_log_is_restored_as_it_was_at_a_time_or_position(engine: Engine) {
    let place = filled(engine).await;
    let first = place.back_up();
    place.file("more.csv", people(0, 20));
    place.ok(&["import", "customers", "more.csv"]);
    place.back_up();
    let position = first["log"]["position"].as_str().unwrap().to_owned();
    let events = place.events();
    let last = events.lines().nth(usize::try_from(first["log"]["events"].as_u64().unwrap()).unwrap() - 1).unwrap();
    let time = serde_json::from_str::<Value>(last).unwrap()["recorded_at"].as_str().unwrap().to_owned();
    for until in [position, time] {
        let target = empty(engine, &master()).await;
        let (from, keys) = (place.folder("log"), place.folder("keys"));
        target.ok(&["restore", "--from", &from, "--keys-from", &keys, "--until", &until]);
        // Before anybody's name is read, which the log records.
        assert!(events.starts_with(&target.events()));
        assert_eq!(target.names(), ["Ada", "Zebulon Quackenbush"], "{until}");
        target.ok(&["confirm-dispatch"]);
        target.ok(&["verify"]);
        target.file("again.csv", people(0, 20));
        target.ok(&["import", "customers", "again.csv"]);
        assert_eq!(target.names().len(), 22, "what was not restored can be done again");
    }
    let target = empty(engine, &master()).await;
    let (from, keys) = (place.folder("log"), place.folder("keys"));
    let before = ["restore", "--from", &from, "--keys-from", &keys, "--until", "2001-01-01T00:00:00Z"];
    let error = target.fails(3, &before);
    assert!(error.contains("has no event up to then"), "{error}");
    let error = target.fails(2, &["restore", "--from", &from, "--until", "yesterday"]);
    assert!(error.contains("neither a time such as"), "{error}");
}

on_each_engine! {
    a_second_run_adds_what_is_new_and_the_restored_log_is_the_same
    a_log_is_restored_as_it_was_at_a_time_or_position
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_in_kurrentdb_is_backed_up_and_restored_into_another_one() {
    let (first, second) = (KurrentDouble::start(Version::Records).await, KurrentDouble::start(Version::Records).await);
    let mut places = [empty(Engine::Sqlite, &master()).await, empty(Engine::Sqlite, &master()).await];
    for (place, double) in places.iter_mut().zip([&first, &second]) {
        place.set("COMMLOG_LOG_URL", &double.address());
    }
    let sqlite = empty(Engine::Sqlite, &master()).await;
    // Commands block, and the doubles answer from here.
    tokio::task::spawn_blocking(move || {
        let [place, target] = places;
        place.file("crm.csv", PEOPLE);
        place.ok(&["import", "customers", "crm.csv"]);
        place.back_up();
        place.file("more.csv", people(0, 30));
        place.ok(&["import", "customers", "more.csv"]);
        let added = place.back_up();
        assert!(added["log"]["new_events"].as_u64() > Some(30), "{added:#}");
        sqlite.restore(&place);
        target.restore(&place);
        for restored in [&sqlite, &target] {
            assert_eq!(restored.events(), place.events());
            assert_eq!(restored.names().len(), 32);
            restored.ok(&["confirm-dispatch"]);
            restored.ok(&["verify"]);
        }
    })
    .await
    .unwrap();
}
