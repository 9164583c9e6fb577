//! `commlog verify`, `rebuild --check`, `replay` and `export` over real stores.

use rusqlite::Connection;

use super::server::Server;
use super::{Place, after, exists, import_id};

const ORDERS: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
                      1,A,LAMP,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n\
                      2,B,VASE,1,2010-12-01 08:28:00,10.00,17851.0,France\n";

fn filled() -> Place {
    let place = Place::new();
    place.file("orders.csv", ORDERS);
    place.ok(&["import", "orders", "orders.csv"]);
    place
}

/// Changes one byte of a stored event as somebody would who does not care for triggers.
fn tamper(place: &Place, column: &str) -> String {
    let log = Connection::open(place.path("data/log.db")).unwrap();
    log.execute_batch("PRAGMA writable_schema = OFF; DROP TRIGGER events_update; PRAGMA wal_checkpoint(TRUNCATE);")
        .unwrap();
    let flip = format!(
        "UPDATE events SET {column} = CAST(substr({column}, 1, 9) || char(65 + (unicode(substr({column}, 10, 1)) + 1) % 26) \
         || substr({column}, 11) AS BLOB) WHERE type = 'ActivityRecorded' AND position = \
         (SELECT max(position) FROM events WHERE type = 'ActivityRecorded')"
    );
    assert_eq!(log.execute(&flip, []).unwrap(), 1);
    let id: Vec<u8> = log
        .query_row(
            "SELECT event_id FROM events WHERE type = 'ActivityRecorded' ORDER BY position DESC LIMIT 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    uuid::Uuid::from_slice(&id).unwrap().to_string()
}

#[test]
fn one_changed_byte_is_found_and_named() {
    let place = filled();
    assert!(place.ok(&["verify"]).contains("every hash, version and position is intact"));
    let id = tamper(&place, "data");
    let ended = place.run(&["verify"]);
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains(&format!("event {id} (ActivityRecorded, version ")), "{}", ended.stderr);
    assert!(ended.stderr.contains("is broken"), "{}", ended.stderr);
}

#[test]
fn read_tables_that_cannot_be_brought_up_to_date_are_not_waited_for() {
    let place = filled();
    std::fs::remove_dir_all(place.path("data/read")).unwrap_or_default();
    let log = Connection::open(place.path("data/log.db")).unwrap();
    log.execute_batch("DROP TRIGGER events_update").unwrap();
    let newest = "(SELECT max(position) FROM events WHERE personal IS NOT NULL)";
    let zeroed = format!("UPDATE events SET personal = zeroblob(length(personal)) WHERE position = {newest}");
    assert_eq!(log.execute(&zeroed, []).unwrap(), 1);
    drop(log);
    let error = place.fails(4, &["find", "17850"]);
    assert!(error.contains("the read tables cannot be brought up to date: they show 0 of "), "{error}");
    assert!(error.contains("because: the event at position ") && error.contains("is damaged"), "{error}");
}

#[test]
fn a_signed_checkpoint_catches_a_log_that_was_cut_short() {
    let place = filled();
    place.ok(&["verify", "--sign", "then.checkpoint"]);
    place.ok(&["verify", "--against", "then.checkpoint"]);
    let signed = std::fs::read_to_string(place.path("then.checkpoint")).unwrap();
    place.file("forged.checkpoint", signed.replacen("\"events\":", "\"events\":1", 1));
    let forged = place.fails(1, &["verify", "--against", "forged.checkpoint"]);
    assert!(forged.contains("was not signed with this master key"), "{forged}");
    let log = Connection::open(place.path("data/log.db")).unwrap();
    let cut = "DROP TRIGGER events_delete; DELETE FROM events WHERE position = (SELECT max(position) FROM events);";
    log.execute_batch(cut).unwrap();
    drop(log);
    let unguarded = place.fails(1, &["verify"]);
    assert!(unguarded.contains("triggers are missing or changed: events_delete"), "{unguarded}");
    let shortened = place.fails(1, &["verify", "--against", "then.checkpoint"]);
    assert!(shortened.contains("the log was shortened"), "{shortened}");
    let none = place.fails(3, &["verify", "--against", "data/master.key"]);
    assert!(none.contains("data/master.key is not a checkpoint"), "{none}");
}

#[test]
fn one_stream_whose_end_was_cut_passes_alone_but_not_against_a_checkpoint() {
    let place = filled();
    place.ok(&["verify", "--sign", "then.checkpoint"]);
    let log = Connection::open(place.path("data/log.db")).unwrap();
    let guards: Vec<String> = log
        .prepare("SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'events_%'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    // The end of the first stream with an order, with all later positions moved up, and everything put back in order.
    log.execute_batch(
        "DROP TRIGGER events_update; DROP TRIGGER events_delete; DROP TRIGGER events_insert; \
         CREATE TEMP TABLE cut AS SELECT position FROM events e WHERE type = 'ActivityRecorded' \
             AND version = (SELECT max(version) FROM events o WHERE o.stream = e.stream) LIMIT 1; \
         DELETE FROM events WHERE position IN (SELECT position FROM cut); \
         UPDATE events SET position = -position + 1 WHERE position > (SELECT position FROM cut); \
         UPDATE events SET position = -position WHERE position < 0;",
    )
    .unwrap();
    guards.iter().for_each(|guard| log.execute_batch(guard).unwrap());
    drop(log);
    place.ok(&["verify"]);
    let cut = place.fails(1, &["verify", "--against", "then.checkpoint"]);
    assert!(cut.contains("the log was shortened"), "{cut}");
}

#[test]
fn verify_compares_with_the_checkpoint_that_a_server_kept() {
    let mut place = filled();
    place.set("COMMLOG_LISTEN", "127.0.0.1:0");
    let server = Server::start(&place, &["serve"]);
    let signed = "commlog_process_runs_total{process=\"sign_checkpoints\",outcome=\"ok\"}";
    while !server.request("GET /metrics HTTP/1.1", "").contains(signed) {
        std::thread::yield_now();
    }
    assert_eq!(server.stop(), Some(0));
    assert!(place.ok(&["verify"]).contains("events match the checkpoint in the key store"));

    let log = Connection::open(place.path("data/log.db")).unwrap();
    let guard: String =
        log.query_row("SELECT sql FROM sqlite_schema WHERE name = 'events_delete'", [], |row| row.get(0)).unwrap();
    log.execute_batch(
        "DROP TRIGGER events_delete; DELETE FROM events WHERE position = (SELECT max(position) FROM events);",
    )
    .unwrap();
    log.execute_batch(&guard).unwrap();
    drop(log);
    let shortened = place.fails(1, &["verify"]);
    assert!(shortened.contains("the log was shortened"), "{shortened}");
    // An operator's word that this log takes the other one's place.
    place.ok(&["confirm-dispatch"]);
    place.ok(&["verify"]);
}

#[test]
fn an_event_is_proved_to_somebody_who_has_only_the_checkpoint() {
    let place = filled();
    place.ok(&["verify", "--sign", "then.checkpoint"]);
    place.file("more.csv", ORDERS.replace("17850", "99").replace("\n1,", "\n7,").replace("\n2,", "\n8,"));
    place.ok(&["import", "orders", "more.csv"]);
    let signed: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(place.path("then.checkpoint")).unwrap()).unwrap();
    let root = signed["root"].as_str().unwrap();
    let check = |proof: &str, root: &str| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/check_proof.py");
        place.file("proof.json", proof);
        let proof = std::fs::File::open(place.path("proof.json")).unwrap();
        let python = std::process::Command::new("python3").args([script, root]).stdin(proof).output();
        python.expect("this test needs Python 3").status.code() == Some(0)
    };
    let exported = place.ok(&["export", "events"]);
    let events: Vec<serde_json::Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let covered = usize::try_from(signed["events"].as_u64().unwrap()).unwrap();
    for event in &events[..covered] {
        let id = event["event_id"].as_str().or(event["id"].as_str()).unwrap();
        let proof = place.ok(&["prove", "--event", id, "--against", "then.checkpoint"]);
        assert!(check(&proof, root), "{proof}");
        let hash = serde_json::from_str::<serde_json::Value>(&proof).unwrap()["hash"].as_str().unwrap().to_owned();
        let other = if hash.starts_with('0') { "1" } else { "0" };
        assert!(
            !check(&proof.replacen(&hash, &format!("{other}{}", &hash[1..]), 1), root),
            "a changed event is refused"
        );
    }
    let later = events[covered]["event_id"].as_str().or(events[covered]["id"].as_str()).unwrap();
    place.fails(3, &["prove", "--event", later, "--against", "then.checkpoint"]);
    assert!(!check(&place.ok(&["prove", "--event", later]), root), "it is not under the older root");
}

#[test]
fn what_is_not_a_proof_is_said_without_a_traceback() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/check_proof.py");
    let place = Place::new();
    let hash = "0".repeat(64);
    let proof = |index: &str, path: &str| {
        format!("{{\"event_id\":\"x\",\"hash\":\"{hash}\",\"index\":{index},\"events\":1,\"path\":[{path}]}}")
    };
    let inputs = [
        (String::new(), 2),
        ("[1".to_owned(), 2),
        ("[]".to_owned(), 2),
        ("[".repeat(100_000), 2),
        (proof("1", ""), 2),
        (proof("true", ""), 2),
        (proof("0", "\"zz\""), 2),
        (proof("0", "7"), 2),
        (proof("0", ""), 1),
    ];
    for (input, code) in inputs {
        place.file("proof.json", &input);
        let file = std::fs::File::open(place.path("proof.json")).unwrap();
        let checked = std::process::Command::new("python3").args([script, &hash]).stdin(file).output();
        let checked = super::Ended::from(checked.expect("this test needs Python 3"));
        assert_eq!(checked.code, Some(code), "{input:.100}: {}", checked.stderr);
        assert!(checked.stderr.contains("CANNOT CHECK") || checked.stderr.contains("NOT PROVED"), "{}", checked.stderr);
        assert!(!checked.stderr.contains("Traceback"), "{}", checked.stderr);
    }
}

/// Takes requests on loopback, refuses the first, and returns the bodies of two.
fn take_posts() -> (String, std::thread::JoinHandle<Vec<String>>) {
    use std::io::{BufRead, BufReader, Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/checkpoints?token=t", listener.local_addr().unwrap());
    let taken = std::thread::spawn(move || {
        let take = |status: &str| {
            let mut stream = listener.accept().unwrap().0;
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                match line.trim().to_lowercase().split_once(": ") {
                    Some(("content-length", bytes)) => length = bytes.parse().unwrap(),
                    None if line.trim().is_empty() => break,
                    Some(_) | None => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            String::from_utf8(body).unwrap()
        };
        ["500 No", "204 Yes"].map(take).to_vec()
    });
    (url, taken)
}

#[test]
fn a_checkpoint_is_posted_until_it_is_taken_and_the_node_stays_ready() {
    let mut place = filled();
    let (url, taken) = take_posts();
    place.set("COMMLOG_LISTEN", "127.0.0.1:0");
    place.set("COMMLOG_CHECKPOINT_URL", &url);
    let server = Server::start(&place, &["serve"]);
    let failed = "commlog_process_runs_total{process=\"post_checkpoints\",outcome=\"failed\"} 1";
    while !server.request("GET /metrics HTTP/1.1", "").contains(failed) {
        std::thread::yield_now();
    }
    // The read tables are filled from the log beside all this.
    let ready = loop {
        let ready = server.request("GET /readyz HTTP/1.1", "");
        if !ready.contains("the read tables are still empty") {
            break ready;
        }
        std::thread::yield_now();
    };
    // It may have been taken since.
    assert!(ready.contains("refused with status 500") || ready.contains("\"remarks\":[]"), "{ready}");
    assert!(ready.contains("\"problems\":[]") && !ready.contains("token=t"), "{ready}");
    let posted = taken.join().unwrap();
    assert_eq!(posted[0], posted[1]);
    while !server.request("GET /readyz HTTP/1.1", "").contains("\"remarks\":[]") {
        std::thread::yield_now();
    }
    assert_eq!(server.stop(), Some(0));
    place.file("posted.checkpoint", &posted[1]);
    place.ok(&["verify", "--against", "posted.checkpoint"]);
}

#[test]
fn a_url_for_checkpoints_is_over_tls_or_on_this_machine() {
    let mut place = Place::new();
    place.set("COMMLOG_CHECKPOINT_URL", "http://audit.example.com/");
    let refused = place.fails(2, &["verify"]);
    assert!(refused.contains("checkpoint_url") && refused.contains("https://audit.example.com"), "{refused}");
}

#[test]
fn the_log_can_be_verified_without_its_keys() {
    let place = filled();
    std::fs::remove_file(place.path("data/keys.db")).unwrap();
    std::fs::remove_file(place.path("data/master.key")).unwrap();
    place.ok(&["verify"]);
    assert!(!exists(&place.path("data/keys.db")), "verifying makes no key store");
}

#[test]
fn rebuilt_tables_equal_the_live_ones_and_a_changed_table_is_found() {
    let place = filled();
    let checked = place.ok(&["rebuild", "--check"]);
    assert!(checked.contains("every table matches the log"), "{checked}");
    assert!(checked.contains("customer_totals"), "{checked}");
    place.ok(&["rebuild"]);
    place.ok(&["rebuild", "--check"]);
}

#[test]
fn replay_writes_the_tables_as_they_were() {
    let place = filled();
    let events = place.ok(&["export", "events"]);
    let last = serde_json::from_str::<serde_json::Value>(events.lines().last().unwrap()).unwrap();
    let position = last["position"].as_str().unwrap().to_owned();
    place.file("more.csv", ORDERS.replace("17850", "99").replace("\n1,", "\n7,").replace("\n2,", "\n8,"));
    place.ok(&["import", "orders", "more.csv"]);
    place.ok(&["replay", "--position", &position, "--into", "then.db"]);
    place.ok(&["replay", "--into", "now.db"]);
    let count = |file: &str| -> i64 {
        let tables = Connection::open(place.path(file)).unwrap();
        tables.query_row("SELECT count(*) FROM customers", [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count("then.db"), count("now.db")), (2, 3));
    let again = place.fails(3, &["replay", "--into", "now.db"]);
    assert!(again.contains("now.db already exists"), "{again}");
    let long_ago = place.ok(&["replay", "--until", "2001-01-01", "--into", "long_ago.db"]);
    assert!(long_ago.contains("long_ago.db holds the read tables"), "{long_ago}");
    assert_eq!(count("long_ago.db"), 0);
}

#[test]
fn exports_are_json_lines_or_csv_and_leave_a_trace_when_personal() {
    let place = filled();
    let plain = place.ok(&["export", "events"]);
    assert!(plain.lines().all(|line| !line.contains("\"personal\"")), "{plain}");
    let csv = place.ok(&["export", "activities", "--format", "csv"]);
    assert!(csv.starts_with("tenant_id,"), "{csv}");
    assert_eq!(csv.lines().count(), 3, "{csv}");
    place.ok(&["export", "events", "--personal", "--output", "events.jsonl"]);
    let written = std::fs::read_to_string(place.path("events.jsonl")).unwrap();
    assert!(written.contains("17850"), "the customer's own id is personal, and asked for");
    assert_eq!(place.ok(&["export", "events", "--type", "PersonalDataRead"]).lines().count(), 2);
    place.file(
        "crm.csv",
        "customer,name,email\nf1,\"=HYPERLINK(\"\"http://evil\"\")\",f1@example.org\nf2,Zoë;=1+1,f2@x.example\n",
    );
    place.ok(&["import", "customers", "crm.csv"]);
    let opened = place.ok(&["export", "customers", "--format", "csv", "--spreadsheet"]);
    assert!(opened.contains("\"'=HYPERLINK(\"\"http://evil\"\")\"") && !opened.contains("\"=HYPERLINK"), "{opened}");
    // Where cells are separated by semicolons, this one is two; and without a mark, its name is in another encoding.
    assert!(opened.starts_with('\u{feff}') && opened.contains(",Zoë;'=1+1,"), "{opened}");
    let unknown = place.fails(2, &["export", "weather"]);
    assert!(unknown.contains("\"weather\" is not a read model") && unknown.contains("timeline"), "{unknown}");
    let none = place.ok(&["export", "events", "--until", "1999-01-01"]);
    assert_eq!(none, "");
}

#[test]
fn keys_are_issued_listed_and_revoked() {
    let place = Place::new();
    let token = place.ok(&["keys", "issue", "--role", "agent", "--label", "help desk"]);
    assert!(token.starts_with("clk_"), "{token}");
    let listed = place.ok(&["keys", "list"]);
    assert!(listed.contains("agent") && listed.contains("help desk") && !listed.contains(token.trim()), "{listed}");
    let row: serde_json::Value = serde_json::from_str(&place.ok(&["keys", "list", "--format", "jsonl"])).unwrap();
    let id = row["key_id"].as_str().unwrap().to_owned();
    place.ok(&["keys", "revoke", &id, "--yes"]);
    assert!(!place.ok(&["keys", "list", "--format", "json"]).contains("\"revoked_at\":null"));
    let unknown = place.fails(3, &["keys", "revoke", "0198c0de-0000-7000-8000-000000000000", "--yes"]);
    assert!(unknown.contains("key"), "{unknown}");
}

#[test]
fn tenants_do_not_see_each_other() {
    let place = filled();
    let other = place.ok(&["tenants", "create", "Another company"]);
    let other = other.trim();
    assert_eq!(place.ok(&["export", "customers", "--tenant", other]), "");
    place.ok(&["import", "orders", "orders.csv", "--tenant", other]);
    assert_eq!(place.ok(&["export", "customers", "--tenant", other]).lines().count(), 2);
    assert_eq!(place.ok(&["export", "customers"]).lines().count(), 2);
    let listed = place.ok(&["tenants", "list"]);
    assert!(listed.contains("Another company") && listed.contains("DEFAULT"), "{listed}");
    let unknown = "0198c0de-0000-7000-8000-00000000beef";
    place.fails(3, &["import", "orders", "orders.csv", "--tenant", unknown]);
}

#[tokio::test]
async fn the_same_commands_work_on_postgresql() {
    let place = Place::postgres().await;
    tokio::task::spawn_blocking(move || {
        place.file("orders.csv", ORDERS);
        let imported = place.ok(&["import", "orders", "orders.csv"]);
        let again = place.ok(&["import", "orders", "orders.csv"]);
        assert!(again.contains("2 of them known already, 0 events appended"), "{again}");
        place.ok(&["verify"]);
        place.ok(&["rebuild", "--check"]);
        assert_eq!(place.ok(&["export", "customers"]).lines().count(), 2);
        let totals = place.ok(&["export", "customer_totals", "--format", "csv"]);
        assert!(totals.contains("5100000") && totals.contains("10000000"), "{totals}");
        place.ok(&["replay", "--into", "now.db"]);
        place.ok(&["import", "undo", &import_id(&imported), "--yes"]);
        place.ok(&["rebuild"]);
        place.ok(&["rebuild", "--check"]);
        let position = place.ok(&["verify"]);
        assert!(after(&position, "").contains("events in"), "{position}");
    })
    .await
    .unwrap();
}
