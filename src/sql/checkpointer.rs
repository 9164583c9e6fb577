//! Moves the pages of a SQLite write-ahead log into the database file, beside the connection that writes.
//!
//! A checkpoint by the writer stops it: it reads the log, writes the file and waits for the disk. Here another
//! connection does that while the writer goes on. The writer keeps a checkpoint of its own for a log that grows
//! nevertheless, since only a log that is copied to its end can be restarted from its beginning.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags};

/// How many pages the log may have before the writer copies what is left itself.
pub const WRITER_PAGES: u32 = 16_000;

/// A thread with a connection of its own. Dropping this ends it and waits until its connection is closed: the last
/// connection to close writes the whole log into the database file.
#[derive(Debug)]
pub struct Checkpointer {
    wrote: Option<Sender<usize>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// For the database at `path`; `events` is after how many of them a checkpoint is worth its while, and
    /// `synchronous` says, as the pragma does, when the disk is waited for. Without a thread, the writer does it all.
    #[must_use]
    pub fn start(path: &Path, events: usize, synchronous: &'static str) -> Self {
        let (wrote, writes) = channel();
        let path = path.to_owned();
        let thread = std::thread::Builder::new().name("commlog-checkpoint".to_owned());
        let thread = thread.spawn(move || run(&path, &writes, events, synchronous));
        if let Err(error) = &thread {
            tracing::warn!(%error, "no thread for checkpoints");
        }
        Self { wrote: Some(wrote), thread: thread.ok() }
    }

    /// Reports that so many events were committed.
    pub fn wrote(&self, events: usize) {
        // Nobody hears it only if there is no thread.
        if let Some(thread) = &self.wrote {
            thread.send(events).ok();
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.wrote.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of checkpoints ended unexpectedly");
        }
    }
}

fn run(path: &Path, writes: &Receiver<usize>, events: usize, synchronous: &'static str) {
    let mut connection = None;
    let mut waiting = 0;
    while let Ok(wrote) = writes.recv() {
        waiting += wrote + writes.try_iter().sum::<usize>();
        if waiting < events {
            continue;
        }
        waiting = 0;
        if let Err(error) = checkpoint(&mut connection, path, synchronous) {
            tracing::debug!(path = %path.display(), %error, "a checkpoint is left to the writer");
            connection = None;
        }
    }
}

fn checkpoint(connection: &mut Option<Connection>, path: &Path, synchronous: &str) -> Result<(), rusqlite::Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let opened = Connection::open_with_flags(path, flags)?;
            opened.pragma_update(None, "synchronous", synchronous)?;
            connection.insert(opened)
        }
    };
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}
