//! Output: results go to stdout, notes to stderr.

use std::fmt::Display;
use std::io::{self, Write};

use crate::cli::failure::Outcome;

/// Writes a line of the command's result to stdout. A reader that went away (`| head`) is not a failure.
pub fn line(text: impl Display) -> Outcome {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Writes a remark to stderr.
pub fn note(text: impl Display) {
    // If stderr is gone, there is nowhere left to report to.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
