//! Stores that are missing, locked, damaged or something else: each a clear error that names what and where.

use std::io::{Seek, SeekFrom, Write};

use rusqlite::Connection;

use super::{Place, exists};

fn filled() -> Place {
    let place = Place::new();
    place.ok(&["keys", "issue", "--role", "admin", "--label", "me"]);
    place
}

#[test]
fn a_missing_log_is_not_made_by_commands_that_only_read() {
    let place = Place::new();
    for arguments in [&["verify"][..], &["export", "events"], &["rebuild"], &["keys", "list"], &["import", "list"]] {
        let error = place.fails(4, arguments);
        assert!(error.contains("there is no log at sqlite:data/log.db"), "{arguments:?}: {error}");
    }
    assert!(!exists(&place.path("data")));
}

#[test]
fn a_missing_key_store_is_not_replaced_by_an_empty_one() {
    let place = filled();
    std::fs::remove_file(place.path("data/keys.db")).unwrap();
    let error = place.fails(4, &["keys", "issue", "--role", "admin", "--label", "me"]);
    assert!(error.contains("its key store sqlite:data/keys.db is missing"), "{error}");
    assert!(!exists(&place.path("data/keys.db")));
}

#[test]
fn a_wrong_missing_or_damaged_master_key_is_told() {
    let mut place = filled();
    let issue = ["keys", "issue", "--role", "admin", "--label", "me"];
    let key = std::fs::read_to_string(place.path("data/master.key")).unwrap();
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(place.path("data/master.key")).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }
    place.file("data/master.key", "not a key\n");
    let error = place.fails(4, &issue);
    assert!(error.contains("the file data/master.key does not contain a master key"), "{error}");
    std::fs::remove_file(place.path("data/master.key")).unwrap();
    let error = place.fails(4, &issue);
    assert!(error.contains("the master key file data/master.key is missing"), "{error}");
    place.set("COMMLOG_MASTER_KEY", &"00".repeat(32));
    let error = place.fails(4, &issue);
    assert!(error.contains("the master key does not fit the key store at sqlite:data/keys.db"), "{error}");
    place.set("COMMLOG_MASTER_KEY", key.trim());
    place.ok(&issue);
}

#[test]
fn foreign_and_truncated_files_are_told_from_logs() {
    for (content, what) in [
        (b"this is no database, but a long enough text to be read as a header of one".to_vec(), "text"),
        (
            {
                let folder = tempfile::tempdir().unwrap();
                let other = Connection::open(folder.path().join("other.db")).unwrap();
                other.execute_batch("CREATE TABLE addresses (id INTEGER)").unwrap();
                drop(other);
                std::fs::read(folder.path().join("other.db")).unwrap()
            },
            "another program's database",
        ),
    ] {
        let place = filled();
        place.file("data/log.db", &content);
        let _ = std::fs::remove_file(place.path("data/log.db-wal"));
        let error = place.fails(4, &["verify"]);
        assert!(error.contains("data/log.db"), "{what}: {error}");
        assert_eq!(std::fs::read(place.path("data/log.db")).unwrap(), content, "{what}: nothing was written");
    }
    let place = Place::new();
    let mut file = "order,customer,date,sku,quantity,price\n".to_owned();
    for order in 0..3_000 {
        file.push_str(&format!("{order},{order},2026-01-01,A,2,1.50\n"));
    }
    place.file("orders.csv", file);
    place.ok(&["import", "orders", "orders.csv", "--currency", "EUR"]);
    let log = std::fs::OpenOptions::new().write(true).open(place.path("data/log.db")).unwrap();
    let length = log.metadata().unwrap().len();
    log.set_len(length / 2).unwrap();
    let ended = place.run(&["verify"]);
    assert!(matches!(ended.code, Some(1 | 4)), "{:?} {}", ended.code, ended.stderr);
    assert!(ended.stderr.contains("data/log.db") || ended.stderr.contains("position"), "{}", ended.stderr);
}

#[test]
fn zeroed_pages_are_an_error_and_no_crash() {
    let place = filled();
    let mut log = std::fs::OpenOptions::new().write(true).open(place.path("data/log.db")).unwrap();
    log.seek(SeekFrom::Start(4_096)).unwrap();
    log.write_all(&[0; 8_192]).unwrap();
    let ended = place.run(&["verify"]);
    assert!(matches!(ended.code, Some(1 | 4)), "{:?} {}", ended.code, ended.stderr);
}

#[test]
fn a_locked_log_is_told_after_a_while() {
    let place = filled();
    let holder = Connection::open(place.path("data/log.db")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = place.fails(4, &["keys", "issue", "--role", "admin", "--label", "me"]);
    assert!(error.contains("the log at sqlite:data/log.db is locked by another process"), "{error}");
    holder.execute_batch("ROLLBACK").unwrap();
    place.ok(&["keys", "issue", "--role", "admin", "--label", "me"]);
}

#[test]
fn an_unreachable_postgresql_is_told_without_its_password() {
    let mut place = Place::new();
    place.set("COMMLOG_LOG_URL", "postgres://crm:s3cret@127.0.0.1:9/crm");
    let error = place.fails(4, &["verify"]);
    assert!(error.contains("postgres://") && error.contains("127.0.0.1:9") && !error.contains("s3cret"), "{error}");
    assert!(error.contains("because:"), "{error}");
    let shared = place.run(&["serve"]);
    assert_eq!(shared.code, Some(4));
}

#[test]
fn a_wrong_configuration_names_key_and_file() {
    let mut place = filled();
    place.file("commlog.toml", "listen = \"127.0.0.1:0\"\nlog_ulr = \"sqlite:x\"\n");
    let error = place.fails(2, &["verify"]);
    assert!(error.contains("unknown key \"log_ulr\" in commlog.toml; did you mean log_url?"), "{error}");
    place.file("commlog.toml", "listen = \n");
    let error = place.fails(2, &["verify"]);
    assert!(error.contains("commlog.toml is not valid TOML"), "{error}");
    place.file("commlog.toml", "");
    place.set("COMMLOG_READ_URL", "esdb://localhost:2113");
    let error = place.fails(2, &["verify"]);
    assert!(error.contains("KurrentDB keeps only the log"), "{error}");
    let error = place.fails(2, &["--config", "nowhere.toml", "verify"]);
    assert!(error.contains("cannot read the configuration file nowhere.toml"), "{error}");
}
