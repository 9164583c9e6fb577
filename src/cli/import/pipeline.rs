//! From file to chunks: a thread reads and parses while the log appends what came before.

use std::collections::HashMap;

use tokio::sync::mpsc;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::import::records::Encoding;
use crate::cli::import::refused::RefusedLines;
use crate::cli::import::row::{Parsed, RawLine, RefusedLine, RowReader};
use crate::cli::import::source::Source;
use crate::cli::import::survey;
use crate::domain::import::decide::ImportedChunk;

/// A chunk goes out at this many lines: enough for one commit to pay, little enough to keep memory small.
const CHUNK_LINES: u64 = 4_000;

/// How many chunks may wait for the log.
const CHUNKS_AHEAD: usize = 2;

/// Rows for one call of a use case.
pub struct Chunk<T> {
    /// In the file's order.
    pub rows: Vec<T>,
    /// The lines of each row by the row's first line; empty if nobody wants to see refused lines.
    pub raw: HashMap<u64, Vec<RawLine>>,
    /// Lines that are refused without asking the log.
    pub refused: Vec<RefusedLine>,
    /// Lines that were read for this chunk.
    pub lines: u64,
}

impl<T> Chunk<T> {
    fn new() -> Self {
        Self { rows: Vec::new(), raw: HashMap::new(), refused: Vec::new(), lines: 0 }
    }
}

/// Starts reading. The last chunk is followed by the channel's end; an error ends it too.
pub fn start<R: RowReader + 'static>(
    source: Source,
    encoding: Encoding,
    reader: R,
    keep_lines: bool,
) -> mpsc::Receiver<Outcome<Chunk<R::Row>>> {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    tokio::task::spawn_blocking(move || {
        if let Err(failure) = read(&source, encoding, reader, keep_lines, &sender) {
            // Nobody waits for it any more if the import was given up.
            let _ = sender.blocking_send(Err(failure));
        }
    });
    receiver
}

fn read<R: RowReader>(
    source: &Source,
    encoding: Encoding,
    mut reader: R,
    keep_lines: bool,
    sender: &mpsc::Sender<Outcome<Chunk<R::Row>>>,
) -> Outcome {
    let refused = |error| Failure::from_error(Exit::Refused, error);
    let (mut records, _, _) = survey::records(source, encoding).map_err(refused)?;
    let mut chunk = Chunk::new();
    loop {
        let record = records.read().map_err(|error| refused(source.broken(records.lines_read(), error).into()))?;
        let Some(record) = record else { break };
        chunk.lines += 1;
        match reader.push(record).map_err(|reason| Failure::new(Exit::Refused, reason))? {
            Some(Parsed::Row(row, raw)) => {
                if keep_lines && let Some(first) = raw.first() {
                    chunk.raw.insert(first.number, raw);
                }
                chunk.rows.push(row);
            }
            Some(Parsed::Refused(mut lines)) => {
                if !keep_lines {
                    lines.iter_mut().for_each(|line| line.raw.fields = Vec::new());
                }
                chunk.refused.extend(lines);
            }
            None => {}
        }
        if chunk.lines >= CHUNK_LINES {
            let full = std::mem::replace(&mut chunk, Chunk::new());
            if sender.blocking_send(Ok(full)).is_err() {
                return Ok(());
            }
        }
    }
    // An import that was given up has no receiver any more.
    let _ = sender.blocking_send(Ok(chunk));
    Ok(())
}

/// What became of the file so far.
pub struct Totals {
    /// Rows that could be read.
    pub rows: u64,
    /// Events that were appended.
    pub appended: u64,
    /// Rows that the log knew already.
    pub already: u64,
    /// Rows that the log refused.
    pub refused_rows: u64,
    /// All refused lines.
    pub refused: RefusedLines,
}

impl Totals {
    /// Nothing yet.
    #[must_use]
    pub fn new(refused: RefusedLines) -> Self {
        Self { rows: 0, appended: 0, already: 0, refused_rows: 0, refused }
    }

    /// Rows that are in the log now.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.rows - self.refused_rows
    }

    /// Counts lines that were refused while reading.
    pub fn refuse(&mut self, lines: &[RefusedLine]) -> Outcome {
        lines.iter().try_for_each(|line| self.refused.add(line)).map_err(Failure::unavailable)
    }

    /// Counts what a use case made of a chunk.
    pub fn take(&mut self, taken: &ImportedChunk, mut raw: HashMap<u64, Vec<RawLine>>) -> Outcome {
        self.appended += taken.appended;
        self.already += taken.already;
        self.refused_rows += taken.refused.len() as u64;
        for row in &taken.refused {
            let reason = &row.refusal.message;
            match raw.remove(&row.line) {
                None => self.refused.count(row.line, row.file_lines, reason),
                Some(lines) => {
                    let lines: Vec<_> =
                        lines.into_iter().map(|raw| RefusedLine { raw, reason: reason.clone() }).collect();
                    self.refuse(&lines)?;
                }
            }
        }
        Ok(())
    }
}
