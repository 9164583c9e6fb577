//! Servers that fail, nodes that come and go, and logs that somebody changed. On the double only.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use commlog::clock::Ambient;
use commlog::ids::{EventId, Position};
use commlog::log::chain::{Incomplete, VerifyError, verify};
use commlog::log::kurrentdb::KurrentLog;
use commlog::log::{AppendError, Category, EventLog, Expected, LogError, ReadLimit, StreamId};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::log_contract::world::plain;
use crate::support::doubles::kurrentdb::{KurrentDouble, Version};

/// Generous: what must not happen is waiting without end.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

pub(super) const VERSIONS: [Version; 3] = [Version::Records, Version::Session, Version::Single];

pub(super) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

pub(super) async fn open(address: &str, folder: &Path, index: &str) -> KurrentLog {
    KurrentLog::connect(address, &folder.join(index), Ambient::system()).await.expect("the log opens")
}

pub(super) fn stream() -> StreamId {
    let ambient = Ambient::system();
    StreamId::new(ambient.uuid().into(), Category::Customer, ambient.uuid())
}

/// Appends one event at a version, and returns its id.
pub(super) async fn add(log: &KurrentLog, stream: StreamId, version: u64) -> EventId {
    let append = plain(&Ambient::system(), stream, Expected::Exact(version), b"{}".to_vec());
    let id = append.events[0].id;
    log.append(vec![append]).await.expect("answers").remove(0).expect("is appended");
    id
}

pub(super) async fn ids(log: &KurrentLog) -> Vec<(Position, EventId)> {
    let events = log.read_all(Position::START, ReadLimit::events(10_000)).await.expect("is read");
    events.iter().map(|event| (event.envelope.position, event.envelope.id)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_answer_is_lost_stands_once() {
    for version in VERSIONS {
        let (double, folder) = (KurrentDouble::start(version).await, folder());
        let (log, stream) = (open(&double.address(), folder.path(), "index.db").await, stream());
        let mut made = vec![add(&log, stream, 0).await];
        double.faults.lost_answers.store(2, Ordering::SeqCst);
        for at in 1..4 {
            made.push(add(&log, stream, at).await);
        }
        let found: Vec<EventId> = ids(&log).await.into_iter().map(|(_, id)| id).collect();
        assert_eq!(found, made, "{version:?}");
        verify(&log, |_| ()).await.expect("verifies");
        log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_another_was_faster_is_asked_again() {
    for version in VERSIONS {
        let (double, folder) = (KurrentDouble::start(version).await, folder());
        let (log, stream) = (open(&double.address(), folder.path(), "index.db").await, stream());
        double.faults.wrong_versions.store(3, Ordering::SeqCst);
        add(&log, stream, 0).await;
        let stale = plain(&Ambient::system(), stream, Expected::Exact(0), b"{}".to_vec());
        let refused = log.append(vec![stale]).await.expect("answers").remove(0);
        assert_eq!(refused, Err(AppendError::Conflict { stream, expected: 0, actual: 1 }), "{version:?}");
        log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_breaks_off_is_made_again() {
    let (double, folder) = (KurrentDouble::start(Version::Records).await, folder());
    let (log, stream) = (open(&double.address(), folder.path(), "index.db").await, stream());
    for at in 0..5 {
        add(&log, stream, at).await;
    }
    double.faults.broken_reads.store(2, Ordering::SeqCst);
    assert_eq!(ids(&log).await.len(), 5);
    double.faults.broken_reads.store(1, Ordering::SeqCst);
    assert_eq!(log.read_stream(stream, 0, ReadLimit::NONE).await.expect("is read").len(), 5);
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_ends_in_an_orderly_way_or_falls_silent_is_begun_again() {
    let (double, folder) = (KurrentDouble::start(Version::Records).await, folder());
    let here = open(&double.address(), folder.path(), "here.db").await;
    let elsewhere = open(&double.address(), folder.path(), "elsewhere.db").await;
    let (stream, mut watcher) = (stream(), here.watch());
    for at in 0..3 {
        double.faults.end_subscriptions();
        add(&elsewhere, stream, at).await;
        let told = timeout(PATIENCE, watcher.wait_for(|end| end.counter() > at)).await;
        told.expect("in time").expect("is open");
    }
    // Silent subscriptions tell of nothing, not even of our own appends, until they are begun again.
    double.faults.deaf.store(true, Ordering::SeqCst);
    let append = add(&elsewhere, stream, 3);
    let hears = async {
        while timeout(Duration::from_secs(6), watcher.wait_for(|end| end.counter() >= 4)).await.is_err() {
            double.faults.deaf.store(false, Ordering::SeqCst);
        }
    };
    timeout(PATIENCE, async { tokio::join!(append, hears) }).await.expect("in time");
    assert_eq!(ids(&here).await, ids(&elsewhere).await);
    here.close().await;
    elsewhere.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_takes_over() {
    for version in VERSIONS {
        let (first, folder) = (KurrentDouble::start(version).await, folder());
        let second = first.beside().await;
        let (log, stream) = (open(&first.cluster_address(), folder.path(), "index.db").await, stream());
        add(&log, stream, 0).await;
        // The first node still answers, but follows.
        second.lead();
        add(&log, stream, 1).await;
        // The node that leads goes away.
        first.lead();
        second.stop();
        add(&log, stream, 2).await;
        assert_eq!(ids(&log).await.len(), 3, "{version:?}");
        verify(&log, |_| ()).await.expect("verifies");
        log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_server_is_waited_for() {
    let (double, folder) = (KurrentDouble::start(Version::Single).await, folder());
    let (log, stream) = (open(&double.address(), folder.path(), "index.db").await, stream());
    double.faults.slow_down(Duration::from_millis(300));
    add(&log, stream, 0).await;
    assert_eq!(ids(&log).await.len(), 1);
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_at_an_address_is_told_in_time_and_without_the_password() {
    let folder = folder();
    let address = "kurrentdb://crm:s3cret@127.0.0.1:9?tls=false&discoveryInterval=20";
    let index = folder.path().join("index.db");
    let opened = timeout(PATIENCE, KurrentLog::connect(address, &index, Ambient::system()));
    let Err(error) = opened.await.expect("in time") else { panic!("nobody is there") };
    assert!(matches!(error, LogError::Database { .. }));
    assert!(!format!("{error:?}").contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_index_is_made_again_with_the_same_positions() {
    let (double, folder) = (KurrentDouble::start(Version::Records).await, folder());
    let log = open(&double.address(), folder.path(), "index.db").await;
    let streams = [stream(), stream()];
    for at in 0..5 {
        for stream in streams {
            add(&log, stream, at).await;
        }
    }
    let before =
        (ids(&log).await, log.streams_after(0, 10).await.expect("answers"), log.head().await.expect("answers"));
    log.close().await;
    for file in ["index.db", "index.db-wal", "index.db-shm"] {
        _ = std::fs::remove_file(folder.path().join(file));
    }
    let log = open(&double.address(), folder.path(), "index.db").await;
    let after = (ids(&log).await, log.streams_after(0, 10).await.expect("answers"), log.head().await.expect("answers"));
    assert_eq!(after, before);
    log.close().await;

    // Another log at the same address, with the index of this one.
    let other = open(&format!("{}&log=other", double.address()), folder.path(), "index.db").await;
    assert!(ids(&other).await.is_empty());
    add(&other, streams[0], 0).await;
    assert_eq!(ids(&other).await.len(), 1);
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_in_one_folder_share_the_index() {
    let (double, folder) = (KurrentDouble::start(Version::Records).await, folder());
    std::fs::write(folder.path().join("index.db"), "not an index").expect("is written");
    let address = double.address();
    let node = || open(&address, folder.path(), "index.db");
    let (one, two, three) = tokio::join!(node(), node(), node());
    let nodes = [one, two, three];
    let mut added = Vec::new();
    for log in &nodes {
        added.push(add(log, stream(), 0).await);
    }
    for log in nodes {
        log.head().await.expect("has read the end");
        assert_eq!(ids(&log).await.into_iter().map(|(_, id)| id).collect::<Vec<_>>(), added);
        log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_lost_its_end_is_noticed_by_the_index() {
    let (double, folder) = (KurrentDouble::start(Version::Records).await, folder());
    let (log, stream) = (open(&double.address(), folder.path(), "index.db").await, stream());
    for at in 0..5 {
        add(&log, stream, at).await;
    }
    log.close().await;
    double.store().tamper(|events| events.truncate(events.len() - 2));
    let log = open(&double.address(), folder.path(), "index.db").await;
    assert_eq!(log.head().await.expect("answers").position, Position::from_counter(3));
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_and_removed_events_are_named_by_verify() {
    let (double, folder) = (KurrentDouble::start(Version::Records).await, folder());
    let log = open(&double.address(), folder.path(), "index.db").await;
    let streams = [stream(), stream()];
    for at in 0..4 {
        for stream in streams {
            add(&log, stream, at).await;
        }
    }
    let third = ids(&log).await[2].1.0;
    verify(&log, |_| ()).await.expect("verifies");
    let change = |data: &'static [u8]| {
        double.store().tamper(|events| {
            events.iter_mut().find(|event| event.id == third).expect("is there").data = data.to_vec();
        });
    };
    change(b"[]");
    let Err(VerifyError::Broken(broken)) = verify(&log, |_| ()).await else { panic!("is broken") };
    assert_eq!(broken.position, Position::from_counter(3));
    change(b"{}");
    double.store().tamper(|events| events.retain(|event| event.id != third));
    let Err(VerifyError::Broken(broken)) = verify(&log, |_| ()).await else { panic!("is broken") };
    assert_eq!(broken.position, Position::from_counter(4));
    let read = log.read_stream(streams[0], 0, ReadLimit::NONE).await.expect("is read");
    assert_eq!(read.len(), 3);
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_that_lets_the_server_drop_events_is_told_by_verify() {
    let (double, folder) = (KurrentDouble::start(Version::Records).await, folder());
    let (log, stream) = (Arc::new(open(&double.address(), folder.path(), "index.db").await), stream());
    add(&log, stream, 0).await;
    let name = format!("commlog_customer-{}_{}", stream.tenant.0, stream.key);
    for (metadata, is_told) in [(r#"{"$maxCount":10}"#, true), (r#"{"$acl":{}}"#, false), (r#"{"$tb":1}"#, true)] {
        double.set_metadata(&name, metadata);
        let verified = verify(&*log, |_| ()).await;
        match verified {
            Err(VerifyError::Incomplete(Incomplete::Unguarded(what))) => {
                assert!(is_told && what[0].ends_with(&name), "{what:?}");
            }
            other => assert!(!is_told && other.is_ok(), "{metadata}: {other:?}"),
        }
    }
    log.close().await;
}
