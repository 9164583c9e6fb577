use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::DateTime;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::ids::{EventId, TenantId};
use crate::log::{Category, Envelope, StreamId};

/// A log that counts how often it is read.
#[derive(Default)]
struct Log {
    sizes: Vec<usize>,
    reads: AtomicUsize,
}

impl Log {
    fn of(events: usize, size: usize) -> Self {
        Self { sizes: vec![size; events], reads: AtomicUsize::new(0) }
    }

    async fn read_all(&self, after: Position, limit: ReadLimit) -> Result<Vec<SealedEvent>, LogError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        // Others get their turn, as they do while a database answers.
        tokio::task::yield_now().await;
        let first = usize::try_from(after.counter()).expect("is small");
        let events = self.sizes.iter().enumerate().skip(first).take(limit.events);
        Ok(events.map(|(before, &size)| event(before + 1, size)).collect())
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

fn event(position: usize, size: usize) -> SealedEvent {
    let key = Uuid::from_u128(1);
    let envelope = Envelope {
        position: at(position),
        stream: StreamId { tenant: TenantId(key), category: Category::Customer, key },
        version: position as u64,
        id: EventId(Uuid::from_u128(position as u128)),
        event_type: "MessageQueued".to_owned(),
        schema_version: 1,
        occurred_at: DateTime::UNIX_EPOCH,
        recorded_at: DateTime::UNIX_EPOCH,
        actor: "cli".to_owned(),
        command_id: None,
        correlation_id: None,
        causation_id: None,
        subject: None,
        epoch: 1,
        hash: [0; 32],
    };
    SealedEvent { envelope, data: vec![b' '; size], personal: None }
}

fn at(position: usize) -> Position {
    Position::from_counter(position as u64)
}

async fn read(tail: &Tail, log: &Log, after: usize, limit: ReadLimit) -> Vec<u64> {
    let events = tail.read(at(after), limit, log.read_all(at(after), limit)).await.expect("is read");
    events.iter().map(|event| event.envelope.position.counter()).collect()
}

const TEN: ReadLimit = ReadLimit::events(10);

#[tokio::test]
async fn what_several_followers_want_at_once_is_read_once() {
    let (tail, log) = (Tail::default(), Log::of(7, 100));
    let (one, two, three) =
        tokio::join!(read(&tail, &log, 0, TEN), read(&tail, &log, 0, TEN), read(&tail, &log, 3, TEN));
    assert_eq!((one, two, three), ((1..=7).collect(), (1..=7).collect(), (4..=7).collect()));
    assert_eq!(log.reads(), 1);
}

#[tokio::test]
async fn one_who_is_far_behind_reads_the_log_and_leaves_what_is_kept() {
    let (tail, log) = (Tail::default(), Log::of(20, 100));
    assert_eq!(read(&tail, &log, 10, TEN).await, (11..=20).collect::<Vec<_>>());
    assert_eq!(read(&tail, &log, 2, TEN).await, (3..=12).collect::<Vec<_>>());
    assert_eq!(log.reads(), 2);
    assert_eq!(read(&tail, &log, 12, TEN).await, (13..=20).collect::<Vec<_>>());
    assert_eq!(log.reads(), 2, "the newest are still kept");
}

#[tokio::test]
async fn limits_hold_for_what_is_kept_as_for_what_is_read() {
    let (tail, log) = (Tail::default(), Log::of(9, 100));
    read(&tail, &log, 0, TEN).await;
    assert_eq!(read(&tail, &log, 0, ReadLimit::events(4)).await, [1, 2, 3, 4]);
    assert_eq!(read(&tail, &log, 0, ReadLimit { events: 10, bytes: 201 }).await, [1, 2, 3]);
    assert_eq!(read(&tail, &log, 0, ReadLimit { events: 10, bytes: 200 }).await, [1, 2]);
    assert_eq!(read(&tail, &log, 4, ReadLimit { events: 0, bytes: 0 }).await, [5], "one at least");
    assert_eq!(log.reads(), 1);
}

#[tokio::test]
async fn no_more_is_kept_than_the_bound() {
    let (tail, log) = (Tail::default(), Log::of(40, KEPT / 16));
    for after in (0..40).step_by(10) {
        read(&tail, &log, after, TEN).await;
    }
    let recent = tail.recent();
    assert!(recent.bytes <= KEPT, "{} bytes are counted", recent.bytes);
    assert_eq!(recent.bytes, recent.events.iter().map(|event| size(event) + ENVELOPE).sum::<usize>());
    assert_eq!(recent.events.len(), 15);
    assert_eq!(recent.after, at(25), "the newest are kept");
}

#[tokio::test]
async fn a_failed_read_is_told_and_leaves_what_is_kept() {
    let (tail, log) = (Tail::default(), Log::of(5, 100));
    read(&tail, &log, 0, TEN).await;
    let failing = async { Err(LogError::Closed) };
    let refused = tail.read(at(5), TEN, failing).await;
    assert!(matches!(refused, Err(LogError::Closed)));
    assert_eq!(read(&tail, &log, 0, TEN).await, [1, 2, 3, 4, 5]);
    assert_eq!(log.reads(), 1);
}

proptest! {
    /// However the log grows, and wherever followers begin: each gets every event after its place, once and in order.
    #[test]
    fn every_follower_gets_every_event_in_order(
        starts in prop::collection::vec(0_usize..60, 1..5),
        steps in prop::collection::vec((0_usize..5, 0_usize..KEPT / 4, 1_usize..8), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("starts");
        runtime.block_on(async {
            let (tail, mut log) = (Tail::default(), Log::of(60, KEPT / 50));
            let mut places = starts.clone();
            for (follower, size, events) in steps {
                log.sizes.push(size);
                let limit = ReadLimit::events(events);
                let place = &mut places[follower % starts.len()];
                for position in read(&tail, &log, *place, limit).await {
                    *place += 1;
                    assert_eq!(position, *place as u64);
                }
            }
            for place in &mut places {
                while *place < log.sizes.len() {
                    let found = read(&tail, &log, *place, TEN).await;
                    assert_eq!(found[0], *place as u64 + 1);
                    *place += found.len();
                }
                assert_eq!(read(&tail, &log, *place, TEN).await, Vec::<u64>::new());
            }
        });
    }
}
