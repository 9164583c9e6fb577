//! What only a server's backend must stand: many processes, bystanders, absence.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use commlog::clock::Ambient;
use commlog::ids::Position;
use commlog::log::blobs::postgres::PostgresBlobStore;
use commlog::log::chain::{Incomplete, VerifyError, verify};
use commlog::log::keys::postgres::PostgresKeyStore;
use commlog::log::seal::MasterKey;
use commlog::log::sql::postgres::PostgresLog;
use commlog::log::{Category, Expected, LogError, ReadLimit, StreamId};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::time::timeout;

use crate::log_contract::child::{acknowledged, appender};
use crate::log_contract::world::{open_log, plain};
use crate::support::postgres::database;

const WRITERS: usize = 8;
const APPENDS: usize = 1_200;

/// Generous: what must not happen is waiting without end.
const PATIENCE: Duration = Duration::from_mins(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tailing_reader_misses_nothing_of_eight_writer_processes() {
    let url = database().await;
    let log = open_log(&url).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let mut child = appender(&url, APPENDS / 4, 100).spawn().expect("this program starts again");
            let output = BufReader::new(child.stdout.take().expect("was piped"));
            tokio::task::spawn_blocking(move || {
                let acknowledged: Vec<_> =
                    output.lines().filter_map(|line| acknowledged(&line.expect("text"))).collect();
                assert!(child.wait().expect("has ended").success());
                acknowledged
            })
        })
        .collect();

    let (mut seen, mut after, mut watcher) = (Vec::new(), Position::START, log.watch());
    let tail = async {
        while seen.len() < WRITERS * APPENDS {
            let events = log.read_all(after, ReadLimit::events(500)).await.expect("is read");
            for event in &events {
                assert!(event.envelope.position > after, "in order");
                after = event.envelope.position;
                seen.push(event.envelope.id);
            }
            if events.is_empty() {
                watcher.wait_for(|end| *end > after).await.expect("is open");
            }
        }
    };
    timeout(PATIENCE, tail).await.expect("the reader is told of every append");

    let mut promised = Vec::new();
    for writer in writers {
        promised.extend(writer.await.expect("the writer succeeds"));
    }
    promised.sort_unstable();
    seen.sort_unstable();
    assert_eq!(promised.len(), WRITERS * APPENDS);
    assert!(promised == seen, "the reader saw each event once");
    verify(&*log, |_| ()).await.expect("verifies");
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bystander_idle_in_a_transaction_stalls_nobody() {
    let url = database().await;
    let log = open_log(&url).await;
    let ambient = Ambient::system();
    let stream = StreamId::new(ambient.uuid().into(), Category::Customer, ambient.uuid());
    let append = || log.append(vec![plain(&ambient, stream, Expected::Any, b"{}".to_vec())]);
    append().await.expect("answers").remove(0).expect("is appended");

    // It has read the log, holds a transaction id of its own, and does nothing more.
    let mut bystander = PgConnection::connect(&url).await.expect("connects");
    let idle = "BEGIN ISOLATION LEVEL REPEATABLE READ; CREATE TABLE elsewhere (id int); SELECT * FROM log.events; \
                SELECT * FROM log.head; SELECT pg_current_xact_id()";
    bystander.execute(sqlx::raw_sql(idle)).await.expect("is idle in transaction");

    let started = Instant::now();
    for _ in 0..20 {
        append().await.expect("answers").remove(0).expect("is appended");
    }
    let end = log.head().await.expect("answers").position;
    assert_eq!(end, Position::from_counter(21));
    let read = log.read_all(Position::START, ReadLimit::events(100)).await.expect("is read");
    assert_eq!(read.len(), 21);
    let mut watcher = log.watch();
    timeout(PATIENCE, watcher.wait_for(|told| *told == end)).await.expect("is told").expect("is open");
    assert!(started.elapsed() < Duration::from_secs(10), "no time-out was waited for");
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_whose_connection_is_cut_connects_again() {
    let url = database().await;
    let log = open_log(&url).await;
    let ambient = Ambient::system();
    let stream = StreamId::new(ambient.uuid().into(), Category::Customer, ambient.uuid());
    let append = || log.append(vec![plain(&ambient, stream, Expected::Any, b"{}".to_vec())]);
    append().await.expect("answers").remove(0).expect("is appended");

    let mut operator = PgConnection::connect(&url).await.expect("connects");
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND application_name = 'commlog'";
    operator.execute(cut).await.expect("connections are cut");
    // The append that finds the connection dead is told so, and is not acknowledged.
    let first = append().await;
    assert!(matches!(first, Ok(_) | Err(LogError::Database { .. })));
    let last = append().await.expect("answers").remove(0).expect("is appended");

    let mut watcher = log.watch();
    let heard = timeout(PATIENCE, watcher.wait_for(|told| *told >= last.position)).await;
    heard.expect("the listener is back").expect("is open");
    verify(&*log, |_| ()).await.expect("verifies");
    log.close().await;
}

#[tokio::test]
async fn an_unreachable_server_is_told() {
    let connected = PostgresLog::connect("postgres://somebody:secret@127.0.0.1:1/commlog", Ambient::system()).await;
    let Err(error) = connected else { panic!("nobody listens there") };
    assert_eq!(error.to_string(), "the log at postgres://127.0.0.1:1/commlog could not be reached");
    assert!(!format!("{error:?}").contains("secret"));
}

#[tokio::test]
async fn a_schema_of_another_program_is_told() {
    let url = database().await;
    let mut other = PgConnection::connect(&url).await.expect("connects");
    other.execute(sqlx::raw_sql("CREATE SCHEMA log; CREATE TABLE log.lines (text text)")).await.expect("is made");
    let Err(error) = PostgresLog::connect(&url, Ambient::system()).await else { panic!("must be refused") };
    assert!(matches!(error, LogError::Foreign { .. }));
    assert!(error.to_string().ends_with("its schema log is of another program"), "{error}");
}

#[tokio::test]
async fn stores_of_a_development_build_are_refused_with_what_to_do() {
    let (url, ambient) = (database().await, Ambient::system());
    let master = MasterKey::generate(&ambient);
    open_log(&url).await.close().await;
    drop(PostgresKeyStore::connect(&url, &master, ambient.clone()).await.expect("is made"));
    drop(PostgresBlobStore::connect(&url).await.expect("is made"));
    let mut operator = PgConnection::connect(&url).await.expect("connects");
    for schema in ["log", "keys", "blobs"] {
        let mark = format!("COMMENT ON SCHEMA {schema} IS 'commlog, schema version 1'");
        operator.execute(sqlx::raw_sql(AssertSqlSafe(mark))).await.expect("is changed");
    }
    let what = "it has format 1, and this program reads format 2";
    let Err(error) = PostgresLog::connect(&url, ambient.clone()).await else { panic!("must be refused") };
    assert!(error.to_string().contains(what) && error.to_string().contains("import the files again"), "{error}");
    let Err(error) = PostgresKeyStore::connect(&url, &master, ambient).await else { panic!("must be refused") };
    assert!(error.to_string().contains(what), "{error}");
    let Err(error) = PostgresBlobStore::connect(&url).await else { panic!("must be refused") };
    assert!(error.to_string().contains(what), "{error}");
}

#[tokio::test]
async fn triggers_that_no_longer_refuse_are_named() {
    let changes = [
        ("CREATE OR REPLACE FUNCTION log.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$", 6),
        (
            "CREATE OR REPLACE FUNCTION log.refuse_going_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
            1,
        ),
        ("ALTER TABLE log.events DISABLE TRIGGER append_only", 1),
        ("ALTER TABLE log.events ENABLE TRIGGER append_only", 1),
        ("DROP TRIGGER append_only ON log.commands", 1),
        (
            "CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE ON log.events FOR EACH STATEMENT EXECUTE FUNCTION log.refuse(); \
             ALTER TABLE log.events ENABLE ALWAYS TRIGGER append_only",
            1,
        ),
        (
            "CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log.events FOR EACH STATEMENT \
             WHEN (false) EXECUTE FUNCTION log.refuse(); ALTER TABLE log.events ENABLE ALWAYS TRIGGER append_only",
            1,
        ),
    ];
    for (change, missing) in changes {
        let url = database().await;
        let log = open_log(&url).await;
        assert_eq!(log.missing_guards().await.expect("are read"), Vec::<String>::new());
        let mut operator = PgConnection::connect(&url).await.expect("connects");
        operator.execute(sqlx::raw_sql(change)).await.expect("is changed");
        let found = log.missing_guards().await.expect("are read");
        assert_eq!(found.len(), missing, "{change}: {found:?}");
        assert!(matches!(verify(&*log, |_| ()).await, Err(VerifyError::Incomplete(Incomplete::Unguarded(_)))));
        log.close().await;
    }
}
