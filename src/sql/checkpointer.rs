//! Moves the pages of a SQLite write-ahead log into the database file, beside the connection that writes.
//!
//! A checkpoint by the writer stops it: it reads the log, writes the file and waits for the disk. Here another
//! connection does that while the writer goes on, whenever the log has grown by some thousand pages: a page that many transactions
//! change is then copied once for all of them. When nothing was written for a while, the log is cut to nothing, so that
//! no start has to read it. The writer keeps a checkpoint of its own for a log that grows nevertheless, since only a log
//! that is copied to its end can be restarted from its beginning.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// How many pages the log may have before the writer copies what is left itself.
pub const WRITER_PAGES: u32 = 32_000;

/// After how many new pages of the log a checkpoint is worth its while.
const PAGES: i64 = 8_000;

/// After how long without a write the log is cut; with a reader in the way, it is tried again after as long.
const IDLE: Duration = Duration::from_secs(2);

/// A thread with a connection of its own. Dropping this ends it and waits until its connection is closed: the last
/// connection to close writes the whole log into the database file.
#[derive(Debug)]
pub struct Checkpointer {
    wrote: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// For the database at `path`; `synchronous` says, as the pragma does, when the disk is waited for. Without a
    /// thread, the writer does it all.
    #[must_use]
    pub fn start(path: &Path, synchronous: &'static str) -> Self {
        let (wrote, writes) = channel();
        let path = path.to_owned();
        let thread = std::thread::Builder::new().name("commlog-checkpoint".to_owned());
        let thread = thread.spawn(move || run(&path, &writes, synchronous));
        if let Err(error) = &thread {
            tracing::warn!(%error, "no thread for checkpoints");
        }
        Self { wrote: Some(wrote), thread: thread.ok() }
    }

    /// Reports that something was committed.
    pub fn wrote(&self) {
        // Nobody hears it only if there is no thread.
        if let Some(thread) = &self.wrote {
            thread.send(()).ok();
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

fn run(path: &Path, writes: &Receiver<()>, synchronous: &'static str) {
    let mut connection = None;
    // Whether the log may hold something.
    let mut written = true;
    loop {
        let idle = match if written { writes.recv_timeout(IDLE) } else { writes.recv().map_err(Into::into) } {
            Ok(()) => false,
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let _ = writes.try_iter().count();
        match checkpoint(&mut connection, path, synchronous, idle) {
            Ok(cut) => written = !cut,
            Err(error) => {
                tracing::debug!(path = %path.display(), %error, "a checkpoint is left to the writer");
                (connection, written) = (None, !idle);
            }
        }
    }
}

/// Whether the log is cut.
fn checkpoint(
    connection: &mut Option<Connection>,
    path: &Path,
    synchronous: &str,
    idle: bool,
) -> Result<bool, rusqlite::Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let opened = Connection::open_with_flags(path, flags)?;
            opened.pragma_update(None, "synchronous", synchronous)?;
            connection.insert(opened)
        }
    };
    // Whether somebody was in the way, pages in the log, pages of it that are copied.
    let ask = |mode: &str| {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        connection.query_row(&sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
    };
    if idle {
        return Ok(ask("TRUNCATE")?.0 == 0);
    }
    let (_, pages, copied) = ask("NOOP")?;
    if pages - copied >= PAGES {
        ask("PASSIVE")?;
    }
    Ok(false)
}
