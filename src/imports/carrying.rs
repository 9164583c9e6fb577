//! Rows on their way from a file into the log.

use std::collections::HashMap;

use tokio::sync::mpsc::Receiver;

use super::Totals;
use crate::app::AppError;
use crate::domain::import::decide::ImportedChunk;
use crate::files::chunks::{Chunk, ChunkError};
use crate::files::preview::Preview;
use crate::files::refused::WriteError;
use crate::files::row::RawLine;

/// Why rows stay where they are.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] ChunkError),
    /// The log does not take them.
    #[error(transparent)]
    App(#[from] AppError),
    /// The refused lines cannot be written.
    #[error(transparent)]
    Refused(#[from] WriteError),
}

/// How the carrying ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// At the end of the file.
    Whole,
    /// Before, because somebody asked for it. What is in the log stands; the same file goes on from there.
    Stopped,
}

/// Who looks on.
pub trait Watch {
    /// The rows of the next chunk, before they are taken in.
    fn rows(&mut self, rows: &[impl Preview]);
    /// So many lines more were read, and this is what became of the file so far.
    fn lines(&mut self, lines: u64, totals: &Totals);
    /// Whether to stop behind this chunk.
    fn is_stopped(&self) -> bool;
}

/// Hands over the rows of a file, chunk by chunk.
pub struct Carrier<'a, R, W> {
    chunks: Receiver<Result<Chunk<R>, ChunkError>>,
    totals: &'a mut Totals,
    watch: W,
    /// How many lines the chunk has that was handed over.
    lines: Option<u64>,
    /// The lines of its rows.
    raw: HashMap<u64, Vec<RawLine>>,
    ended: Ended,
}

impl<'a, R: Preview, W: Watch> Carrier<'a, R, W> {
    /// From the first chunk on; what becomes of the file is counted in `totals`.
    pub fn new(chunks: Receiver<Result<Chunk<R>, ChunkError>>, totals: &'a mut Totals, watch: W) -> Self {
        Self { chunks, totals, watch, lines: None, raw: HashMap::new(), ended: Ended::Whole }
    }

    /// The next rows; nothing at the end of the file, or where it was stopped.
    pub async fn next(&mut self) -> Result<Option<Vec<R>>, CarryError> {
        loop {
            if let Some(lines) = self.lines.take() {
                self.watch.lines(lines, self.totals);
                if self.watch.is_stopped() {
                    self.ended = Ended::Stopped;
                    return Ok(None);
                }
            }
            let Some(chunk) = self.chunks.recv().await else {
                self.totals.refused.finish()?;
                return Ok(None);
            };
            let Chunk { rows, raw, refused, left_out, lines } = chunk?;
            self.totals.refuse(&refused)?;
            self.totals.leave_out(&left_out);
            self.totals.rows += rows.len() as u64;
            self.lines = Some(lines);
            if !rows.is_empty() {
                self.raw = raw;
                self.watch.rows(&rows);
                return Ok(Some(rows));
            }
        }
    }

    /// What became of the rows that were handed over last.
    pub fn took(&mut self, taken: &ImportedChunk) -> Result<(), CarryError> {
        Ok(self.totals.take(taken, std::mem::take(&mut self.raw))?)
    }

    /// How it ended, once there are no more rows.
    #[must_use]
    pub const fn ended(&self) -> Ended {
        self.ended
    }
}
