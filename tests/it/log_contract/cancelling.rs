//! Callers that go away in the middle of their work with a database leave nothing behind: no transaction stays open in a pool,
//! where the next caller would work inside it (sqlx#4385, sqlx#4393).

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use commlog::clock::Ambient;
use commlog::log::keys::KeyStore;
use commlog::log::keys::postgres::PostgresKeyStore;
use commlog::log::seal::MasterKey;
use commlog::sql::Db;
use commlog::sql::postgres::pool;
use sqlx::PgPool;

use crate::support::postgres::database;

/// How often a piece of work is given up, and how often it is done, at least.
const ROUNDS: i64 = 10;
/// Where the database responds before anybody waits, more is done until so much was given up.
const MOST_ROUNDS: i64 = 50 * ROUNDS;

/// Gives a piece of work up when it waits once more than a number of times; absent then.
async fn given_up_after<T>(waits: usize, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut left) = (pin!(work), waits);
    poll_fn(move |context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Waits until no connection is within a transaction that nobody works on.
async fn nothing_stays_open(observer: &PgPool, waits: usize) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'";
    let began = Instant::now();
    loop {
        let open: i64 = sqlx::query_scalar(sql).fetch_one(observer).await.expect("the server answers");
        if open == 0 {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "given up after {waits} waits, {open} stay open");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_on_read_tables_that_is_given_up_at_any_point_is_taken_back() {
    let url = database().await;
    let observer = PgPool::connect(&url).await.expect("connects");
    sqlx::query("CREATE TABLE t (n bigint)").execute(&observer).await.expect("a table");
    // One connection: who comes next gets the one that was left.
    let db = Db::Postgres(pool(1).connect(&url).await.expect("connects"));
    let (mut given_up, mut done) = (0, 0);
    // A reply may have come before it is waited for: not every round has every point.
    let mut waits = 0;
    while done < ROUNDS || (given_up < ROUNDS && done < MOST_ROUNDS) {
        let work = async {
            let mut session = db.session().await?;
            session.begin().await?;
            session.execute("INSERT INTO t VALUES ($1)", &[1_i64.into()]).await?;
            session.execute("INSERT INTO t VALUES ($1)", &[1_i64.into()]).await?;
            session.commit().await
        };
        let ended = given_up_after(waits, work).await;
        nothing_stays_open(&observer, waits).await;
        let next = async {
            let mut session = db.session().await?;
            session.execute("INSERT INTO t VALUES ($1)", &[100_i64.into()]).await
        };
        next.await.expect("the connection is usable");
        if let Some(ended) = ended {
            ended.expect("it is committed");
            (done, waits) = (done + 1, 0);
        } else {
            (given_up, waits) = (given_up + 1, waits + 1);
        }
    }
    assert!(given_up >= ROUNDS, "only {given_up} points");
    let rows: Vec<(i64, i64)> = sqlx::query_as("SELECT n, count(*) FROM t GROUP BY n ORDER BY n")
        .fetch_all(&observer)
        .await
        .expect("the server answers");
    let [(1, halves), (100, wholes)] = rows[..] else { panic!("{rows:?}") };
    assert!(halves % 2 == 0, "{halves} rows of transactions");
    assert_eq!(wholes, given_up + done, "what was acknowledged stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_asked_for_by_callers_who_go_away_stay_whole() {
    let url = database().await;
    let observer = PgPool::connect(&url).await.expect("connects");
    let ambient = Ambient::system();
    let keys = PostgresKeyStore::connect(&url, &MasterKey::generate(&ambient), ambient.clone()).await.expect("is made");
    for destroys in [false, true] {
        let (mut given_up, mut done, mut waits) = (0, 0, 0);
        while done < ROUNDS || (given_up < ROUNDS && done < MOST_ROUNDS) {
            let subject = ambient.uuid().into();
            if destroys {
                keys.get_or_create(&[subject]).await.expect("a key");
            }
            let work = async {
                if destroys { keys.destroy(subject).await } else { keys.get_or_create(&[subject]).await.map(drop) }
            };
            let ended = given_up_after(waits, work).await;
            nothing_stays_open(&observer, waits).await;
            // The next callers, and more than there are connections.
            for _ in 0..6 {
                keys.get_or_create(&[ambient.uuid().into()]).await.expect("a key");
            }
            if let Some(ended) = ended {
                ended.expect("it is done");
                (done, waits) = (done + 1, 0);
            } else {
                (given_up, waits) = (given_up + 1, waits + 1);
            }
        }
        assert!(given_up >= ROUNDS, "only {given_up} points");
    }
}
