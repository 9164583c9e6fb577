//! Where diagnostics go: stderr, which may be closed, on a full disk, or a pipe that nobody reads. What cannot be written is
//! lost; the work goes on.

use std::io::{self, Write};

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;

/// Writes to what it makes and never fails: the subscriber would report a failure on stderr, which panics if that fails
/// too, and with it whatever task had something to report.
#[derive(Debug, Clone, Copy)]
pub struct Lossy<M>(pub M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Lossy<M> {
    type Writer = Lossy<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Lossy(self.0.make_writer())
    }
}

impl<W: Write> Write for Lossy<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A line that was written in part is given up: its rest would begin the next one.
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

/// Lines that wait for the writer; further ones are lost.
const LINES: usize = 4_096;

/// Writes from a thread of its own: a full pipe holds up that thread only. What waits is written when the guard is
/// dropped, within about a second.
pub fn in_background(writer: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().buffered_lines_limit(LINES).lossy(true).finish(Lossy(writer))
}

/// Reports panics as diagnostics, so that they neither bypass the configured format nor wait for stderr.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a task panicked")));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe that nobody reads.
    struct Stuck(std::sync::mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Until the test has ended.
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_writer_that_never_ends_holds_nobody_up() {
        let (release, stuck) = std::sync::mpsc::channel();
        let (mut writer, written) = in_background(Stuck(stuck));
        for _ in 0..2 * LINES {
            writer.write_all(b"a line").expect("no error");
        }
        drop(release);
        drop(written);
    }

    /// A disk that is full.
    struct Full;

    impl Write for Full {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn what_cannot_be_written_is_lost_without_an_error() {
        let mut lossy = Lossy(Full);
        assert_eq!(lossy.write(b"line").expect("no error"), 4);
        lossy.flush().expect("no error");
        let subscriber = tracing_subscriber::fmt().with_writer(Lossy(|| Full)).finish();
        tracing::subscriber::with_default(subscriber, || tracing::warn!("nobody reads this"));
    }
}
