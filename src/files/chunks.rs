//! From file to chunks: a thread reads and parses while the log appends earlier chunks.

use std::collections::HashMap;

use tokio::sync::mpsc;

use crate::files::records::Encoding;
use crate::files::row::{LeftOut, Parsed, RawLine, RefusedLine, RowReader};
use crate::files::source::Source;
use crate::files::survey::{self, SurveyError};

/// A chunk goes out at this many lines: enough for one commit to pay, little enough to keep memory small.
const CHUNK_LINES: u64 = 4_000;

/// How many chunks may wait for the log.
const CHUNKS_AHEAD: usize = 2;

/// Rows for one call of a use case.
pub struct Chunk<T> {
    /// In the file's order.
    pub rows: Vec<T>,
    /// The lines of each row by the row's first line; empty unless refused lines are kept.
    pub raw: HashMap<u64, Vec<RawLine>>,
    /// Lines that are refused without asking the log.
    pub refused: Vec<RefusedLine>,
    /// Values that their rows do not have.
    pub left_out: Vec<LeftOut>,
    /// Lines that were read for this chunk.
    pub lines: u64,
}

/// Why reading ended before the end of the file.
#[derive(Debug, thiserror::Error)]
pub enum ChunkError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] SurveyError),
    /// Its lines stand in an order that cannot be imported.
    #[error("{0}")]
    Unsorted(String),
}

impl<T> Chunk<T> {
    fn new() -> Self {
        Self { rows: Vec::new(), raw: HashMap::new(), refused: Vec::new(), left_out: Vec::new(), lines: 0 }
    }
}

/// Starts reading. The last chunk is followed by the channel's end; an error ends it too.
pub fn start<R: RowReader + 'static>(
    source: Source,
    encoding: Encoding,
    reader: R,
    keep_lines: bool,
) -> mpsc::Receiver<Result<Chunk<R::Row>, ChunkError>> {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read(&source, encoding, reader, keep_lines, &sender) {
            // Nobody waits for it any more if the import was given up.
            let _ = sender.blocking_send(Err(error));
        }
    });
    receiver
}

fn read<R: RowReader>(
    source: &Source,
    encoding: Encoding,
    mut reader: R,
    keep_lines: bool,
    sender: &mpsc::Sender<Result<Chunk<R::Row>, ChunkError>>,
) -> Result<(), ChunkError> {
    let mut records = survey::records(source, encoding)?;
    let mut chunk = Chunk::new();
    loop {
        let record = records.read().map_err(|error| SurveyError::from(source.broken(records.lines_read(), error)))?;
        let Some(record) = record else { break };
        chunk.lines += 1;
        match reader.push(record).map_err(ChunkError::Unsorted)? {
            Some(Parsed::Row { row, raw, left_out }) => {
                chunk.left_out.extend(left_out);
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
