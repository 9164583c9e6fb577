//! What people report of applications on KurrentDB and its clients, each kind with the report that it comes from. On the double only.

use std::sync::atomic::Ordering;
use std::time::Duration;

use commlog::clock::Ambient;
use commlog::ids::Position;
use commlog::log::chain::{Incomplete, VerifyError, verify};
use commlog::log::kurrentdb::KurrentLog;
use commlog::log::{EventLog, Expected, LogError, MAX_EVENT_BYTES, ReadLimit, StreamId};
use tokio::time::{Instant, timeout};

use super::faults::{PATIENCE, VERSIONS, add, folder, ids, open, stream};
use crate::log_contract::world::plain;
use crate::support::doubles::kurrentdb::{KurrentDouble, Version};
use crate::support::doubles::tls::Authority;

/// What a stream of ours is called there.
fn name(stream: StreamId) -> String {
    format!("commlog_customer-{}_{}", stream.tenant.0, stream.key)
}

/// What a log that cannot be opened says, with all causes.
async fn refused(address: &str) -> String {
    let folder = folder();
    let index = folder.path().join("index.db");
    let opened = timeout(PATIENCE, KurrentLog::connect(address, &index, Ambient::system())).await.expect("in time");
    let Err(error) = opened else { panic!("{address} opens") };
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// kurrent-io/KurrentDB-Client-Rust#55: a server that is restarted, and a client that never finds it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_restarted_is_found_again() {
    for version in VERSIONS {
        let (mut double, folder) = (KurrentDouble::start(version).await, folder());
        let (log, stream) = (open(&double.address(), folder.path(), "index.db").await, stream());
        add(&log, stream, 0).await;
        double.stop();
        let waits = add(&log, stream, 1);
        let returns = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            double.start_again().await;
        };
        timeout(PATIENCE, async { tokio::join!(waits, returns) }).await.expect("in time");
        assert_eq!(ids(&log).await.len(), 2, "{version:?}");
        log.close().await;
    }
}

/// bwatts/Totem#101, kurrent-io/KurrentDB#3137: a call without a deadline, to a server that never responds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_never_answered_ends_at_its_deadline_and_is_made_again() {
    for version in [Version::Records, Version::Single] {
        let (double, folder) = (KurrentDouble::start(version).await, folder());
        let address = format!("{}&defaultDeadline=2000", double.address());
        let (log, stream) = (open(&address, folder.path(), "index.db").await, stream());
        double.faults.slow_down(Duration::from_hours(1));
        let began = Instant::now();
        let waits = add(&log, stream, 0);
        let returns = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            double.faults.slow_down(Duration::ZERO);
        };
        timeout(PATIENCE, async { tokio::join!(waits, returns) }).await.expect("in time");
        assert!(began.elapsed() < Duration::from_secs(20), "{version:?}");
        log.close().await;
    }
}

/// kurrent-io/KurrentDB#4058, KurrentDB-Client-Java#149: streams that somebody deletes. Whoever shares a group with an append to such
/// a stream does not fall with it, readers go on, and `verify` names the stream.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_deleted_for_good_concerns_nobody_else() {
    for version in VERSIONS {
        let (double, folder) = (KurrentDouble::start(version).await, folder());
        let (log, gone, other) = (open(&double.address(), folder.path(), "index.db").await, stream(), stream());
        add(&log, gone, 0).await;
        add(&log, other, 0).await;
        double.tombstone(&name(gone));
        let read = log.read_stream(gone, 0, ReadLimit::NONE).await;
        assert!(matches!(&read, Err(LogError::Damaged { reason, .. }) if reason.contains(&name(gone))), "{read:?}");
        let ambient = Ambient::system();
        let appends = [gone, other].map(|stream| plain(&ambient, stream, Expected::Exact(1), b"{}".to_vec()));
        let [fails, stands] = appends.map(|append| log.append(vec![append]));
        // Both wait while the writer works on another one, and are a group then.
        let (_, fails, stands) = tokio::join!(add(&log, stream(), 0), fails, stands);
        assert!(fails.is_err(), "{version:?}");
        assert!(stands.expect("answers")[0].is_ok(), "{version:?}");
        assert_eq!(ids(&log).await.iter().map(|(position, _)| position.counter()).collect::<Vec<_>>(), [1, 2, 3, 4]);
        let Err(VerifyError::Incomplete(Incomplete::Unguarded(what))) = verify(&log, |_| ()).await else {
            panic!("{version:?}: the deletion is not named")
        };
        assert_eq!(what, [format!("deletion of {}", name(gone))]);
        log.close().await;
    }
}

/// kurrent-io/KurrentDB#2622, #2750: streams that are truncated, whose readers see fewer events, or none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_truncated_is_not_read_as_a_shorter_one() {
    let (double, folder) = (KurrentDouble::start(Version::Records).await, folder());
    let (log, stream) = (open(&double.address(), folder.path(), "index.db").await, stream());
    for at in 0..3 {
        add(&log, stream, at).await;
    }
    for first in [2, 3] {
        double.store().tamper(|events| events.retain(|event| event.stream != name(stream) || event.revision >= first));
        let read = log.read_stream(stream, 0, ReadLimit::NONE).await;
        assert!(matches!(&read, Err(LogError::Damaged { reason, .. }) if reason.contains("truncated")), "{read:?}");
    }
    assert!(log.read_stream(stream, 3, ReadLimit::NONE).await.expect("is read").is_empty());
    log.close().await;
}

/// kurrent-io/KurrentDB-Client-Java#128, #234: more than the server takes at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_the_server_takes_for_too_large_fails_at_once_and_alone() {
    for version in VERSIONS {
        let (double, folder) = (KurrentDouble::start(version).await, folder());
        let (log, ambient) = (open(&double.address(), folder.path(), "index.db").await, Ambient::system());
        let event = || vec![b'x'; MAX_EVENT_BYTES - 1_000];
        let mut large = plain(&ambient, stream(), Expected::Exact(0), event());
        for _ in 0..5 {
            large.events.extend(plain(&ambient, large.stream, Expected::Exact(0), event()).events);
        }
        let many = (0..20).map(|_| plain(&ambient, stream(), Expected::Exact(0), event())).collect();
        let began = Instant::now();
        let (_, fails, stand) = tokio::join!(add(&log, stream(), 0), log.append(vec![large]), log.append(many));
        assert!(fails.is_err(), "{version:?}");
        assert!(began.elapsed() < Duration::from_secs(15), "{version:?}: {:?}", began.elapsed());
        assert!(stand.expect("answers").iter().all(Result::is_ok), "{version:?}");
        assert_eq!(ids(&log).await.len(), 21);
        log.close().await;
    }
}

/// kurrent-io/KurrentDB-Client-Dotnet#152, KurrentDB#1670: links, events of projections and of other programs between ours. They
/// take no positions, and however many they are, no reader takes them for the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_others_take_no_positions() {
    let (double, folder) = (KurrentDouble::start(Version::Records).await, folder());
    let (log, stream) = (open(&double.address(), folder.path(), "index.db").await, stream());
    for at in 0..3 {
        for (stream, event_type) in [
            ("$ce-commlog_customer".to_owned(), "$>"),
            ("commlog_notes-1".to_owned(), "NoteTaken"),
            ("commlog_notes-1".to_owned(), "NoteTaken"),
            ("commlog-notes".to_owned(), "NoteTaken"),
            (format!("$${}", name(stream)), "$metadata"),
        ] {
            double.add(&stream, event_type, "{}");
        }
        add(&log, stream, at).await;
    }
    double.add("commlog_notes-1", "NoteTaken", "{}");
    assert_eq!(ids(&log).await.iter().map(|(position, _)| position.counter()).collect::<Vec<_>>(), [1, 2, 3]);
    let one = ReadLimit::events(1);
    for after in 0..3 {
        let read = log.read_all(Position::from_counter(after), one).await.expect("is read");
        assert_eq!(read[0].envelope.position.counter(), after + 1);
        let read = log.read_all_backwards(Some(Position::from_counter(after + 2)), one).await.expect("is read");
        assert_eq!(read[0].envelope.position.counter(), after + 1);
    }
    assert_eq!(log.read_all_backwards(None, one).await.expect("is read")[0].envelope.position.counter(), 3);
    verify(&log, |_| ()).await.expect("verifies");
    log.close().await;
}

/// kurrent-io/KurrentDB-Client-Dotnet#263: a write is answered "not ready", its repetition with a wrong version: it was made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_was_made_and_refused_when_repeated_counts_as_made() {
    for version in VERSIONS {
        let (double, folder) = (KurrentDouble::start(version).await, folder());
        let (log, stream) = (open(&double.address(), folder.path(), "index.db").await, stream());
        double.faults.lost_answers.store(1, Ordering::SeqCst);
        let append = plain(&Ambient::system(), stream, Expected::Exact(0), b"{}".to_vec());
        let appended = log.append(vec![append]).await.expect("answers").remove(0).expect("is appended");
        assert_eq!((appended.last_version, appended.position), (1, Position::from_counter(1)), "{version:?}");
        log.close().await;
    }
}

/// kurrent-io/KurrentDB-Client-Dotnet#235: a certificate that is not trusted shows as a server that is not found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_not_trusted_is_told_at_once() {
    let (authority, folder) = (Authority::new(), folder());
    let double = KurrentDouble::start_secure(Version::Records, authority.acceptor()).await;
    let file = folder.path().join("authority.pem");
    std::fs::write(&file, authority.pem()).expect("our folder");
    let address = format!("{}?tlsCaFile={}", double.address(), file.display());
    let (log, stream) = (open(&address, folder.path(), "index.db").await, stream());
    add(&log, stream, 0).await;
    assert_eq!(ids(&log).await.len(), 1);
    log.close().await;

    let unverified = open(&format!("{}?tlsVerifyCert=false", double.address()), folder.path(), "index.db").await;
    add(&unverified, stream, 1).await;
    unverified.close().await;

    let other = folder.path().join("other.pem");
    std::fs::write(&other, Authority::new().pem()).expect("our folder");
    let began = Instant::now();
    let told = refused(&format!("{}?tlsCaFile={}", double.address(), other.display())).await;
    assert!(told.contains("localhost:") && told.contains("certificate"), "{told}");
    let told = refused(&format!("{}?tlsCaFile={}", double.address(), folder.path().join("none").display())).await;
    assert!(told.contains("certificates or keys"), "{told}");
    std::fs::write(&other, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").expect("our folder");
    refused(&format!("{}?tlsCaFile={}", double.address(), other.display())).await;
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());

    let plain = KurrentDouble::start(Version::Records).await;
    let told = refused(&plain.address().replace("?tls=false&", "?discoveryInterval=20&")).await;
    assert!(told.contains("cannot be reached"), "{told}");
}
