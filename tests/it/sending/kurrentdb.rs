//! A node whose log is in KurrentDB (on the double): keys in SQLite, read tables on either engine.

use super::story::{Accounts, Wire, from_sending_to_stop};
use crate::support::app::Engine;
use crate::support::doubles::kurrentdb::{KurrentDouble, Version};
use crate::support::postgres;

async fn wire(double: &KurrentDouble, settings: &str) -> Wire {
    let settings = format!("log_url = '{}'\n{settings}", double.address());
    // The log that the file names stands against the engine's own.
    Wire::with_settings(Engine::Sqlite, Accounts::OfFile, &settings).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_sent_heard_of_and_answered_with_read_tables_in_sqlite() {
    let double = KurrentDouble::start(Version::Records).await;
    from_sending_to_stop(wire(&double, "").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_sent_heard_of_and_answered_with_read_tables_in_postgresql() {
    let double = KurrentDouble::start(Version::Records).await;
    let read = format!("read_url = '{}'\n", postgres::database().await);
    from_sending_to_stop(wire(&double, &read).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_sent_heard_of_and_answered_on_a_server_that_appends_to_one_stream_at_a_time() {
    let double = KurrentDouble::start(Version::Single).await;
    from_sending_to_stop(wire(&double, "").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lost_its_index_reads_the_log_again() {
    let double = KurrentDouble::start(Version::Records).await;
    let wire = wire(&double, "").await;
    let ada = wire.ada().await;
    wire.send(ada, "SMS", "TRANSACTIONAL").await;
    let types = wire.app.until(ada, |types| types.iter().any(|name| name == "MessageSent")).await;
    let end = wire.app.head().await;
    let restarted = wire.app.restart_after("", async |folder| {
        for file in ["log-index.db", "log-index.db-wal", "log-index.db-shm"] {
            // The journal goes with the last connection.
            _ = std::fs::remove_file(folder.join(file));
        }
    });
    let app = restarted.await;
    assert!(app.head().await >= end);
    app.until(ada, |found| found.starts_with(&types)).await;
    app.finish().await;
}
