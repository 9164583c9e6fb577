//! `commlog status`, and reading stores that must not be changed.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use super::Place;
use super::server::Server;

const ORDERS: &str = "order,customer,date,sku,quantity,price\n1,k1,2026-01-01 09:00,A,2,1.50\n";

fn filled(mut place: Place) -> Place {
    place.set("COMMLOG_LISTEN", "127.0.0.1:0");
    place.file("orders.csv", ORDERS);
    place.ok(&["import", "orders", "orders.csv", "--currency", "EUR"]);
    place
}

/// What `commlog status` reports, with its exit code.
fn status(place: &Place) -> (i32, Value) {
    let ended = place.run(&["status", "--format", "json"]);
    let text = if ended.stdout.is_empty() { "null" } else { &ended.stdout };
    (ended.code.unwrap(), serde_json::from_str(text).unwrap_or_else(|_| panic!("{}{}", ended.stdout, ended.stderr)))
}

/// Every file below a folder with its content.
fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(content(&path)),
            false => _ = files.insert(path.display().to_string(), std::fs::read(&path).unwrap()),
        }
    }
    files
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => _ = std::fs::copy(&path, &target).unwrap(),
        }
    }
}

/// Files of mode 0444 in folders of mode 0555, or writable again.
fn protect(folder: &Path, is_protected: bool) {
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => protect(&path, is_protected),
            false => mode(&path, if is_protected { 0o444 } else { 0o644 }),
        }
    }
    mode(folder, if is_protected { 0o555 } else { 0o755 });
}

#[test]
fn status_is_shown_while_a_server_runs_and_after_it_has_stopped() {
    let place = filled(Place::new());
    let (code, before) = status(&place);
    assert_eq!((code, &before["others"]), (0, &json!({ "sends": false })), "{before}");
    assert_eq!((&before["checkpoint"], &before["read_tables"]["is_of_log"]), (&Value::Null, &Value::Null), "{before}");
    let server = Server::start(&place, &["serve"]);
    while !server.request("GET /readyz HTTP/1.1", "").contains("200 OK") {
        std::thread::yield_now();
    }
    let (code, during) = status(&place);
    assert_eq!((code, &during["others"]), (0, &json!({ "sends": true })), "{during}");
    assert_eq!(during["dispatch"], json!({ "allowed": true, "reason": null }), "{during}");
    assert_eq!((&during["log"]["engine"], &during["log"]["epoch"]), (&json!("sqlite"), &json!(1)), "{during}");
    assert!(server.request("GET /readyz HTTP/1.1", "").contains("200 OK"), "the server is not disturbed");
    assert_eq!(server.stop(), Some(0));
    let (code, after) = status(&place);
    assert_eq!((code, &after["others"], &after["problems"]), (0, &json!({ "sends": false }), &json!([])), "{after}");
    assert_eq!(
        (&after["read_tables"]["lag_events"], &after["read_tables"]["building"]),
        (&json!(0), &json!([])),
        "{after}"
    );
    assert!(after["accounts"].as_array().is_some_and(|all| all[0]["condition"] == "healthy"), "{after}");
    let text = place.ok(&["status"]);
    for part in ["log ", "checkpoint ", "sending      allowed", "server       none sends", "read tables ", "account "] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a_copied_log_is_held_and_status_says_so() {
    let place = filled(Place::new());
    std::fs::rename(place.path("data"), place.path("original")).unwrap();
    copy(&place.path("original"), &place.path("data"));
    let (code, held) = status(&place);
    assert_eq!((code, &held["dispatch"]["hold"]), (1, &json!("copied")), "{held}");
    let told = place.fails(1, &["status"]);
    assert!(told.contains("confirm-dispatch"), "{told}");
    place.ok(&["confirm-dispatch"]);
    assert_eq!(status(&place).0, 0);
}

#[test]
fn a_copy_that_cannot_be_written_is_verified_and_stays_as_it_is() {
    let place = filled(Place::new());
    place.ok(&["verify", "--sign", "then.checkpoint"]);
    place.ok(&["rebuild"]);
    // What waits in the write-ahead log is moved into the file, as the last writer that closes it does.
    for file in ["data/log.db", "data/keys.db"] {
        let store = rusqlite::Connection::open(place.path(file)).unwrap();
        store.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode").unwrap();
    }
    protect(&place.path("data"), true);
    let before = content(&place.path("data"));
    place.ok(&["verify", "--against", "then.checkpoint"]);
    place.ok(&["verify"]);
    let (_, shown) = status(&place);
    assert!(shown["log"]["events"].as_u64().is_some_and(|events| events > 0), "{shown}");
    let same = before.keys().eq(content(&place.path("data")).keys());
    std::fs::write(place.path("data/log.db-wal"), "changes that wait").unwrap();
    let waits = place.fails(4, &["verify"]);
    protect(&place.path("data"), false);
    assert!(same, "no file was made");
    assert!(waits.contains("log.db-wal: copy both files"), "{waits}");
}

#[test]
fn status_makes_nothing_where_there_is_nothing() {
    let place = Place::new();
    let none = place.fails(4, &["status"]);
    assert!(none.contains("there is no log"), "{none}");
    assert!(!place.path("data").exists());
}

#[tokio::test]
async fn status_reads_postgresql_and_makes_no_schema() {
    let empty = Place::postgres().await;
    let place = Place::postgres().await;
    tokio::task::spawn_blocking(move || {
        for _ in 0..2 {
            let none = empty.fails(4, &["status"]);
            assert!(none.contains("there is no schema log"), "{none}");
        }
        let place = filled(place);
        let server = Server::start(&place, &["serve"]);
        while !server.request("GET /readyz HTTP/1.1", "").contains("200 OK") {
            std::thread::yield_now();
        }
        let (code, shown) = status(&place);
        assert_eq!((code, &shown["dispatch"]["allowed"]), (0, &json!(true)), "{shown}");
        assert!(shown["others"]["connections"].as_u64().is_some_and(|count| count > 0), "{shown}");
        assert_eq!(server.stop(), Some(0));
        let (code, shown) = status(&place);
        assert_eq!((code, &shown["others"]["connections"]), (0, &json!(0)), "{shown}");
        assert_eq!(shown["read_tables"]["lag_events"], json!(0), "{shown}");
    })
    .await
    .unwrap();
}
