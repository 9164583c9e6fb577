//! Backups that are not what was written, and stores that are not what they should be: each an error that names the file or the place.

use std::fs;

use super::{Place, empty, filled, master, people};
use crate::support::app::Engine;

/// A place with a backup of two runs, so of two files of events.
async fn backed_up() -> Place {
    let place = filled(Engine::Sqlite).await;
    place.back_up();
    place.file("more.csv", people(0, 5));
    place.ok(&["import", "customers", "more.csv"]);
    place.back_up();
    place
}

/// Both of what reads a backup must refuse it, naming this file.
async fn is_refused(place: &Place, code: i32, file: &str, reason: &str) {
    let target = empty(Engine::Sqlite, &master()).await;
    let (from, keys) = (place.folder("log"), place.folder("keys"));
    for error in [
        place.fails(code, &["backup", "--check", "log"]),
        target.fails(code, &["restore", "--from", &from, "--keys-from", &keys]),
    ] {
        assert!(error.contains(file) && error.contains(reason), "{file} {reason}: {error}");
    }
    // What was restored in part is no log.
    let half = target.run(&["verify"]);
    assert_eq!(half.code, Some(4), "{}", half.stderr);
}

#[tokio::test]
async fn changed_cut_missing_and_exchanged_files_are_named() {
    let place = backed_up().await;
    let (one, two) = (place.path("log/log/000001.events"), place.path("log/log/000002.events"));
    let (first, second) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());

    for at in [0, 20, second.len() / 2, second.len() - 1] {
        let mut changed = second.clone();
        changed[at] ^= 1;
        fs::write(&two, changed).unwrap();
        is_refused(&place, 1, "000002.events", "is damaged: its SHA-256 is").await;
    }
    fs::write(&two, &second[..second.len() - 1]).unwrap();
    is_refused(&place, 1, "000002.events", "is damaged: it has").await;
    fs::remove_file(&two).unwrap();
    is_refused(&place, 1, "000002.events", "is missing, which the manifest names").await;
    fs::write(&one, &second).unwrap();
    fs::write(&two, &first).unwrap();
    is_refused(&place, 1, "000001.events", "is damaged").await;
    fs::write(&one, &first).unwrap();
    fs::write(&two, &second).unwrap();
    place.ok(&["backup", "--check", "log"]);
}

#[tokio::test]
async fn who_rewrites_the_manifest_with_the_files_is_caught_by_the_signature() {
    let place = backed_up().await;
    let path = place.path("log/manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();

    let mut shortened = manifest.clone();
    shortened["segments"].as_array_mut().unwrap().pop();
    fs::write(&path, shortened.to_string()).unwrap();
    is_refused(&place, 1, "manifest.json", "does not fit the events beside it").await;

    let mut exchanged = manifest.clone();
    exchanged["segments"].as_array_mut().unwrap().reverse();
    fs::write(&path, exchanged.to_string()).unwrap();
    is_refused(&place, 1, "000002.events", "is damaged: it follows position").await;

    let mut resigned = manifest.clone();
    resigned["log"]["checkpoint"]["events"] = 1.into();
    fs::write(&path, resigned.to_string()).unwrap();
    is_refused(&place, 3, "manifest.json", "the master key does not fit").await;

    let mut outside = manifest.clone();
    outside["segments"][0]["file"]["name"] = "../crm.csv".into();
    fs::write(&path, outside.to_string()).unwrap();
    is_refused(&place, 1, "crm.csv", "the manifest names a file outside of the backup").await;

    let other = backed_up().await;
    fs::copy(other.path("log/manifest.json"), &path).unwrap();
    let error = place.fails(1, &["backup", "--check", "log"]);
    assert!(error.contains("000001.events is damaged"), "{error}");
    let error = place.fails(3, &["backup", "--check", "log", "--check-keys", "keys"]);
    assert!(error.contains("belong to the log"), "{error}");
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    is_refused(&place, 1, "manifest.json", "is damaged").await;
    fs::remove_file(&path).unwrap();
    is_refused(&place, 3, "log", "there is no backup of a log in").await;
    fs::write(&path, &text).unwrap();
    place.ok(&["backup", "--check", "log"]);
}

#[tokio::test]
async fn another_format_another_key_and_other_keys_are_refused() {
    let place = backed_up().await;
    let path = place.path("log/manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"format\": 1", "\"format\": 0", 1)).unwrap();
    is_refused(&place, 3, "manifest.json", "has format 0, and this program reads format 1").await;
    let error = place.fails(3, &["backup", "--to", "log"]);
    assert!(error.contains("has format 0"), "{error}");
    fs::write(&path, text).unwrap();

    let (from, keys) = (place.folder("log"), place.folder("keys"));
    let stranger = empty(Engine::Sqlite, &"00".repeat(32)).await;
    let error = stranger.fails(3, &["restore", "--from", &from, "--keys-from", &keys]);
    assert!(error.contains("the master key does not fit") && error.contains("manifest.json"), "{error}");
    assert!(!stranger.path("data/log.db").exists() && !stranger.path("data/keys.db").exists(), "nothing was made");

    let other = backed_up().await;
    let target = empty(Engine::Sqlite, &master()).await;
    let error = target.fails(3, &["restore", "--from", &from, "--keys-from", &other.folder("keys")]);
    assert!(error.contains("belong to the log"), "{error}");
    let error = target.fails(3, &["restore", "--from", &from]);
    assert!(error.contains("--keys-from") && error.contains("there is no key store at sqlite:data/keys.db"), "{error}");
    for (to, keys_to) in [("log", "log"), ("log", "log/keys"), ("keys/log", "keys")] {
        let error = place.fails(3, &["backup", "--to", to, "--keys-to", keys_to]);
        assert!(error.contains("the keys would lie beside what they seal"), "{error}");
    }
    // Backups of two logs do not mix.
    for (option, folder) in [("--to", &from), ("--keys-to", &keys)] {
        let error = other.fails(3, &["backup", option, folder]);
        assert!(error.contains(folder.as_str()), "{error}");
    }
    place.ok(&["backup", "--check", "log", "--check-keys", "keys"]);
}

#[tokio::test]
async fn keys_that_are_older_than_the_log_are_not_enough_for_it() {
    let place = filled(Engine::Sqlite).await;
    place.back_up();
    place.file("more.csv", people(0, 5));
    place.ok(&["import", "customers", "more.csv"]);
    place.ok(&["backup", "--to", "log"]);
    let (from, keys) = (place.folder("log"), place.folder("keys"));
    let restore = ["restore", "--from", &from, "--keys-from", &keys];
    let [first, second] = [empty(Engine::Sqlite, &master()).await, empty(Engine::Sqlite, &master()).await];
    let error = first.fails(3, &restore);
    assert!(
        error.contains("they are older than the log") && second.fails(3, &restore).contains("--keys-from"),
        "{error}"
    );
    // As far as there are keys, or with newer ones.
    let before = error.split("--until ").nth(1).unwrap().split(' ').next().unwrap();
    first.ok(&["restore", "--from", &from, "--keys-from", &keys, "--until", before]);
    assert_eq!(first.names(), ["Ada", "Zebulon Quackenbush"]);
    place.back_up();
    second.ok(&restore);
    assert_eq!(second.names().len(), 7);
}

#[tokio::test]
async fn a_store_that_holds_something_is_never_overwritten() {
    let place = backed_up().await;
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let target = filled(engine).await;
        let before = target.events();
        let error = target.fails(3, &["restore", "--from", &place.folder("log"), "--keys-from", &place.folder("keys")]);
        assert!(error.contains("already holds a log") && error.contains("choose an empty place"), "{error}");
        assert_eq!(target.events(), before);
        assert!(target.names().contains(&"Ada".to_owned()));
    }
    // Its own log neither.
    let error = place.fails(3, &["restore", "--from", "log"]);
    assert!(error.contains("already holds a log"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_leaves_the_backup_before_it() {
    let place = backed_up().await;
    place.file("many.csv", people(10, 400));
    place.ok(&["import", "customers", "many.csv"]);
    let before = super::files(&place.path("log"));
    // A file of this process may have 64 KiB; the system refuses what is more, as a full disk does.
    let script =
        format!("trap '' XFSZ; ulimit -f 128; exec {} backup --to log --keys-to keys", env!("CARGO_BIN_EXE_commlog"));
    let ended = crate::cli::Ended::from(place.shell(&["-c", &script]).output().unwrap());
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("cannot write") && ended.stderr.contains("because: "), "{}", ended.stderr);
    assert!(super::files(&place.path("log")) == before, "the backup before is as it was");
    place.ok(&["backup", "--check", "log", "--check-keys", "keys"]);
    let all = place.back_up();
    assert!(all["log"]["new_events"].as_u64() > Some(400), "{all:#}");
    place.ok(&["backup", "--check", "log", "--check-keys", "keys"]);
}

#[tokio::test]
async fn a_backup_of_nothing_is_restored_as_nothing() {
    let place = empty(Engine::Sqlite, &master()).await;
    let error = place.fails(4, &["backup", "--to", "log"]);
    assert!(error.contains("there is no log at"), "{error}");
    assert!(!place.path("log").exists());
    let error = place.fails(2, &["backup"]);
    assert!(error.contains("--to"), "{error}");
    let error = place.fails(3, &["backup", "--check", "log"]);
    assert!(error.contains("there is no backup of a log in log"), "{error}");
}
