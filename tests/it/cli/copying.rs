//! `commlog copy-log` from outside: between all kinds of stores, killed, followed, refused.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use commlog::clock::Ambient;
use commlog::ids::TenantId;
use commlog::log::sql::sqlite::SqliteLog;
use commlog::log::{Category, Cause, EventLog, Expected, SealedAppend, SealedNewEvent, StreamId};
use rusqlite::Connection;
use serde_json::Value;

use super::server::{Server, place};
use super::{Place, exists};
use crate::support::doubles::kurrentdb::{KurrentDouble, Version};

/// Generous: what must not happen is waiting without end.
const PATIENCE: Duration = Duration::from_mins(2);

const ORDERS: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
                      1,A,LAMP,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n\
                      2,B,VASE,1,2010-12-01 08:28:00,10.00,17851.0,France\n\
                      3,C,DÉCOR \"X\",1,2010-12-02 08:28:00,0.10,17852.0,Germany\n";

fn filled() -> Place {
    let mut place = place();
    // Whatever keeps the log, the rest stays where it is.
    place.set("COMMLOG_READ_URL", "sqlite:data/read");
    place.set("COMMLOG_BLOBS_URL", "file:data/blobs");
    place.file("orders.csv", ORDERS);
    place.ok(&["import", "orders", "orders.csv"]);
    place.ok(&["keys", "issue", "--role", "admin", "--label", "me"]);
    place
}

/// The result of a copy, as scripts see it.
fn copied(place: &Place, arguments: &[&str]) -> Value {
    let printed = place.ok(&[&["copy-log", "--format", "json"][..], arguments].concat());
    serde_json::from_str(&printed).unwrap()
}

/// Appends events to a log, many in a call.
async fn append(log: &SqliteLog, tenant: TenantId, events: usize) {
    let ambient = Ambient::system();
    let event = |_| SealedNewEvent {
        id: commlog::ids::EventId(ambient.uuid()),
        event_type: "Counted",
        schema_version: 1,
        occurred_at: ambient.now(),
        data: format!("{{\"text\":\"{}\"}}", "x".repeat(300)).into_bytes(),
        personal: None,
        subject: None,
    };
    let append = |_| SealedAppend {
        stream: StreamId::new(tenant, Category::Customer, ambient.uuid()),
        expected: Expected::Exact(0),
        preconditions: Vec::new(),
        cause: Cause { actor: "cli".into(), command: None, correlation: None, causation: None },
        events: (0..10).map(event).collect(),
    };
    for _ in 0..events / 1_000 {
        let appended = log.append((0..100).map(append).collect()).await.unwrap();
        assert!(appended.iter().all(Result::is_ok));
    }
}

async fn counted(place: &Place, events: usize) -> SqliteLog {
    std::fs::create_dir(place.path("data")).unwrap();
    let log = SqliteLog::open(&place.path("data/log.db").display().to_string(), Ambient::system()).await.unwrap();
    append(&log, Ambient::system().uuid().into(), events).await;
    log
}

/// How many events a file has by now, were it complete or not.
fn events_in(place: &Place, file: &str) -> i64 {
    if !exists(&place.path(file)) {
        return 0;
    }
    let log = Connection::open(place.path(file)).unwrap();
    log.busy_timeout(Duration::from_secs(5)).unwrap();
    log.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0)).unwrap_or(0)
}

fn until(what: &str, mut met: impl FnMut() -> bool) {
    let began = Instant::now();
    while !met() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        std::thread::yield_now();
    }
}

fn started(place: &Place, arguments: &[&str]) -> Child {
    place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_moves_to_each_kind_of_store_and_is_served_from_there() {
    let mut place = filled();
    let tables = place.ok(&["export", "customers"]);
    let (double, database) = (KurrentDouble::start(Version::Records).await, crate::support::postgres::database().await);
    let urls = [database, double.address(), "sqlite:elsewhere/log.db".to_owned()];
    let mut from = "sqlite:data/log.db".to_owned();
    for to in urls {
        let parts = ["--from", &from, "--to", &to];
        let part = copied(&place, &parts);
        assert_eq!((&part["complete"], &part["missing"]), (&Value::Bool(false), &Value::from(0)), "{to}");
        place.set("COMMLOG_LOG_URL", &to);
        let closed = place.fails(4, &["verify"]);
        assert!(closed.contains("is not complete: a copy or a backup is still being loaded into it"), "{to}: {closed}");
        let done = copied(&place, &[&parts[..], &["--finish"]].concat());
        assert_eq!((&done["complete"], &done["events"]), (&Value::Bool(true), &part["events"]), "{to}");
        assert!(place.ok(&["verify"]).contains("every hash, version and position is intact"), "{to}");
        let again = place.fails(3, &[&["copy-log"][..], &parts, &["--finish"]].concat());
        assert!(again.contains("is a complete copy of"), "{to}: {again}");
        let checked = copied(&place, &[&parts[..], &["--check-only"]].concat());
        assert_eq!((&checked["complete"], &checked["missing"]), (&Value::Bool(true), &Value::from(0)), "{to}");
        // From here on the copy is a log of its own: that somebody looked is recorded in it.
        assert_eq!(place.ok(&["export", "customers"]), tables, "{to}");
        place.ok(&["rebuild", "--check"]);
        from = to;
    }
}

#[test]
fn a_copy_sends_nothing_until_an_operator_says_so() {
    let mut place = filled();
    let server = Server::start(&place, &["serve"]);
    let copy = ["copy-log", "--to", "sqlite:copy/log.db"];
    place.ok(&copy);
    let refused = place.fails(3, &[&copy[..], &["--finish"]].concat());
    assert!(refused.contains("still works with sqlite:data/log.db: stop it"), "{refused}");
    assert_eq!(server.stop(), Some(0));
    let told = place.ok(&[&copy[..], &["--finish"]].concat());
    assert!(told.contains("sends nothing before `commlog confirm-dispatch`"), "{told}");
    place.set("COMMLOG_LOG_URL", "sqlite:copy/log.db");
    let status = place.run(&["status"]).stdout;
    assert!(status.contains("held: ") && status.contains("confirm-dispatch"), "{status}");
    place.ok(&["confirm-dispatch"]);
    let status = place.run(&["status"]).stdout;
    assert!(!status.contains("held: "), "{status}");
    place.ok(&["verify"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_killed_goes_on_where_it_stands() {
    let place = Place::new();
    let log = counted(&place, 60_000).await;
    let copy = ["copy-log", "--to", "sqlite:copy.db"];
    let mut kills = 0;
    loop {
        let (mut child, before) = (started(&place, &copy), events_in(&place, "copy.db"));
        let mut ended = None;
        until("it copies", || {
            ended = child.try_wait().unwrap();
            ended.is_some() || events_in(&place, "copy.db") > before
        });
        if ended.is_some() {
            break;
        }
        // SIGKILL.
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    assert!(kills > 1, "it was fast");
    let checked = copied(&place, &["--to", "sqlite:copy.db", "--check-only"]);
    assert_eq!((checked["events"].as_u64(), &checked["complete"]), (Some(60_000), &Value::Bool(false)));
    assert_eq!(copied(&place, &["--to", "sqlite:copy.db", "--finish"])["events"].as_u64(), Some(60_000));
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_follows_what_is_appended_until_it_is_interrupted() {
    let place = Place::new();
    let log = counted(&place, 5_000).await;
    let mut child = started(&place, &["copy-log", "--to", "sqlite:copy.db", "--follow", "--format", "json"]);
    for total in [5_000, 7_000, 9_000] {
        until("it follows", || events_in(&place, "copy.db") == total);
        append(&log, Ambient::system().uuid().into(), 2_000).await;
    }
    until("it follows", || events_in(&place, "copy.db") == 11_000);
    assert!(Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let printed = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
    let told: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((told["events"].as_u64(), told["missing"].as_u64()), (Some(11_000), Some(0)));
    log.close().await;
    copied(&place, &["--to", "sqlite:copy.db", "--finish"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_copied_is_refused_with_what_and_where() {
    let mut place = Place::new();
    let log = counted(&place, 10_000).await;
    log.close().await;
    let same = place.fails(2, &["copy-log", "--to", "sqlite:data/log.db"]);
    assert!(same.contains("--from and --to are both sqlite:data/log.db"), "{same}");
    let none = place.fails(4, &["copy-log", "--from", "sqlite:none.db", "--to", "sqlite:copy.db"]);
    assert!(none.contains("there is no log at sqlite:none.db"), "{none}");
    assert!(!exists(&place.path("none.db")) && !exists(&place.path("copy.db")));
    let none = place.fails(4, &["copy-log", "--to", "sqlite:copy.db", "--check-only"]);
    assert!(none.contains("there is no log at sqlite:copy.db") && !exists(&place.path("copy.db")), "{none}");
    let nobody = place.fails(4, &["copy-log", "--to", "postgres://nobody:secret@127.0.0.1:9/none"]);
    assert!(nobody.contains("postgres://127.0.0.1:9/none") && !nobody.contains("secret"), "{nobody}");
    place.file("text.db", "this is no database, and commlog must leave it as it is\n");
    let foreign = place.fails(4, &["copy-log", "--to", "sqlite:text.db"]);
    assert!(foreign.contains("sqlite:text.db cannot be used as a commlog log"), "{foreign}");

    // Another log, complete or not.
    let other = Place::new();
    counted(&other, 2_000).await.close().await;
    let taken = other.path("data/log.db").display().to_string();
    let refused = place.fails(3, &["copy-log", "--to", &format!("sqlite:{taken}")]);
    assert!(refused.contains("already holds a log"), "{refused}");
    other.ok(&["copy-log", "--to", "sqlite:copy.db"]);
    let part = other.path("copy.db").display().to_string();
    let refused = place.fails(3, &["copy-log", "--to", &format!("sqlite:{part}")]);
    assert!(refused.contains("holds a part of the log"), "{refused}");

    // A changed byte of the original, then of the copy.
    place.ok(&["copy-log", "--to", "sqlite:copy.db"]);
    let change = "DROP TRIGGER events_update; UPDATE events SET data = CAST('{}' AS BLOB) WHERE position = 7777";
    Connection::open(place.path("copy.db")).unwrap().execute_batch(change).unwrap();
    for check in ["--check-only", "--finish"] {
        let differs = place.fails(1, &["copy-log", "--to", "sqlite:copy.db", check]);
        assert!(differs.contains(&format!("at position {:032x} the original has Counted", 7777)), "{differs}");
    }
    Connection::open(place.path("data/log.db")).unwrap().execute_batch(change).unwrap();
    let damaged = place.fails(1, &["copy-log", "--to", "sqlite:fresh.db"]);
    assert!(damaged.contains(&format!("the event at position {:032x} is broken: its hash", 7777)), "{damaged}");
    assert_eq!(events_in(&place, "fresh.db"), 4_096);

    place.set("COMMLOG_LOG_URL", "sqlite:fresh.db");
    let loading = place.fails(4, &["copy-log", "--to", "sqlite:more.db"]);
    assert!(loading.contains("sqlite:fresh.db is not complete"), "{loading}");
}
