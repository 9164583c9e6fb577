//! Output: results go to stdout, notes to stderr.

use std::fmt::Display;
use std::io::{self, Write};

use crate::cli::failure::Outcome;

/// Writes a line of the command's result to stdout. A reader that went away (`| head`) is not a failure.
pub fn line(text: impl Display) -> Outcome {
    line_to_reader(text).map(drop)
}

/// As [`line()`]; false if the reader went away.
pub fn line_to_reader(text: impl Display) -> Outcome<bool> {
    write_to_reader(format_args!("{text}\n"))
}

/// Writes text that ends with a line's end.
pub fn text(text: impl Display) -> Outcome {
    write_to_reader(text).map(drop)
}

fn write_to_reader(text: impl Display) -> Outcome<bool> {
    match write!(io::stdout().lock(), "{text}") {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Writes a remark to stderr.
pub fn note(text: impl Display) {
    // If stderr is gone, there is nowhere left to report to.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
