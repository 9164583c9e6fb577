//! Power cuts: whatever had not been synced is lost, in part or as a whole, and no acknowledged event is.
//!
//! A helper process appends under a preloaded library that records what is written and synced. The record is replayed
//! up to many moments; at each, the writes that no sync had made durable are dropped, all of them or a random part, and
//! the log is opened as the next start would find it.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use commlog::ids::{EventId, Position};
use commlog::log::chain::verify;
use commlog::log::{EventLog, ReadLimit};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::log_contract::child::{acknowledged, appender};
use crate::log_contract::world::open_log;
use crate::support::preloaded;

/// Enough that the write-ahead log is written back into the database and begun anew.
const APPENDS: usize = 250;
const BYTES: usize = 30_000;

/// How many moments are tried.
const CUTS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_event_is_lost_when_unsynced_writes_are() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = preloaded(folder.path(), "tests/it/log_contract/power_cut.c");
    let record = record(folder.path(), &library);
    let mut random = StdRng::seed_from_u64(2);
    let mut cuts: HashSet<usize> = (0..CUTS).map(|_| random.random_range(0..=record.len())).collect();
    cuts.insert(record.len());

    let (mut disk, mut promised, mut tried) = (Disk::default(), HashSet::new(), 0);
    for (moment, entry) in record.iter().enumerate() {
        match entry {
            Entry::Told(line) => promised.extend(acknowledged(line)),
            Entry::Did { file, what } => disk.apply(file, what),
        }
        if cuts.contains(&(moment + 1)) && !promised.is_empty() {
            for survival in [0.0, 0.5] {
                let cut = disk.after_power_cut(&mut random, survival);
                check(&folder.path().join(format!("cut-{tried}")), cut, &promised).await;
                tried += 1;
            }
        }
    }
    assert_eq!(promised.len(), 4 * APPENDS);
    assert!(tried > CUTS, "only {tried} power cuts came after a promise");
}

async fn check(folder: &Path, files: HashMap<String, Vec<u8>>, promised: &HashSet<EventId>) {
    std::fs::create_dir(folder).expect("a folder");
    for (name, content) in files {
        std::fs::write(folder.join(name), content).expect("is written");
    }
    let log = open_log(&folder.join("log.db").display().to_string()).await;
    verify(&*log, |_| ()).await.expect("verifies");
    let (mut stored, mut after) = (HashSet::new(), Position::START);
    while let Some(last) = collect(&*log, after, &mut stored).await {
        after = last;
    }
    assert_eq!(promised.difference(&stored).count(), 0, "acknowledged events are lost");
    log.close().await;
    std::fs::remove_dir_all(folder).expect("is removed");
}

async fn collect(log: &dyn EventLog, after: Position, ids: &mut HashSet<EventId>) -> Option<Position> {
    let events = log.read_all(after, ReadLimit::events(1_000)).await.expect("is read");
    ids.extend(events.iter().map(|event| event.envelope.id));
    events.last().map(|event| event.envelope.position)
}

/// Runs the helper to its end and reads what it did.
fn record(folder: &Path, library: &Path) -> Vec<Entry> {
    let data = folder.canonicalize().expect("is there").join("data");
    std::fs::create_dir(&data).expect("a folder");
    let record = folder.join("record");
    let ran = appender(&data.join("log.db").display().to_string(), APPENDS, BYTES)
        .env("LD_PRELOAD", library)
        .env("POWER_CUT_FOLDER", &data)
        .env("POWER_CUT_RECORD", &record)
        .output()
        .expect("this program starts again");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    parse(&std::fs::read(record).expect("something was recorded"))
}

/// One entry of the record; its layout stands in `power_cut.c`.
enum Entry {
    Told(String),
    Did { file: String, what: Change },
}

#[derive(Clone)]
enum Change {
    Write {
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        length: usize,
    },
    Sync,
    /// SQLite syncs the folder after it: taken as durable at once.
    Unlink,
}

fn parse(mut rest: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(21);
        let number = |range: std::ops::Range<usize>| {
            let mut bytes = [0; 8];
            bytes[..range.len()].copy_from_slice(&head[range]);
            usize::try_from(u64::from_le_bytes(bytes)).expect("fits")
        };
        let (path_length, offset, length) = (number(1..5), number(5..13), number(13..21));
        let (path, tail) = tail.split_at(path_length);
        let (bytes, tail) = tail.split_at(length);
        rest = tail;
        let path = String::from_utf8_lossy(path).into_owned();
        let what = match head[0] {
            b'A' => {
                let text = String::from_utf8_lossy(bytes).into_owned();
                entries.extend(text.lines().map(|line| Entry::Told(line.to_owned())));
                continue;
            }
            b'W' => Change::Write { offset, bytes: bytes.to_vec() },
            b'U' => Change::Unlink,
            b'T' => Change::Truncate { length: offset },
            _ => Change::Sync,
        };
        let file = Path::new(&path).file_name().expect("a file").to_string_lossy().into_owned();
        // Shared memory is lost in a power cut, and made anew.
        if !file.ends_with("-shm") {
            entries.push(Entry::Did { file, what });
        }
    }
    entries
}

/// Files, as far as they are durable, and the changes that are not.
#[derive(Default)]
struct Disk(HashMap<String, (Vec<u8>, Vec<Change>)>);

impl Disk {
    fn apply(&mut self, file: &str, change: &Change) {
        if let Change::Unlink = change {
            self.0.remove(file);
            return;
        }
        let (content, pending) = self.0.entry(file.to_owned()).or_default();
        match change {
            Change::Sync => pending.drain(..).for_each(|change| apply(content, &change)),
            change => pending.push(change.clone()),
        }
    }

    /// What is left when each unsynced change survives with this probability.
    fn after_power_cut(&self, random: &mut StdRng, survival: f64) -> HashMap<String, Vec<u8>> {
        let survivors = |(file, (content, pending)): (&String, &(Vec<u8>, Vec<Change>))| {
            let mut content = content.clone();
            pending.iter().filter(|_| random.random_bool(survival)).for_each(|change| apply(&mut content, change));
            (file.clone(), content)
        };
        self.0.iter().map(survivors).collect()
    }
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { offset, bytes } => {
            content.resize(content.len().max(offset + bytes.len()), 0);
            content[*offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        Change::Truncate { length } => content.resize(*length, 0),
        Change::Sync | Change::Unlink => {}
    }
}
