//! What is wrong in a folder of templates: with file, line and column, as compilers and editors write it.

use std::fmt;

use serde_json::{Value, json};

use crate::cli::failure::{Exit, Failure};
use crate::cli::print;
use crate::rendering::lint::Level;

/// A place in a file, from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The line.
    pub line: u32,
    /// The character in it.
    pub column: u32,
}

impl Spot {
    /// The place of a byte of a text.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
    }
}

/// Something to correct, or to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file or folder, beginning with the folder that was given.
    pub file: String,
    /// Where in it.
    pub spot: Option<Spot>,
    /// How bad it is.
    pub level: Level,
    /// For programs, such as `NO_UNSUBSCRIBE_LINK`.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl Problem {
    /// A mistake.
    pub fn error(file: impl Into<String>, spot: Option<Spot>, code: &'static str, message: impl Into<String>) -> Self {
        Self { file: file.into(), spot, level: Level::Error, code, message: message.into() }
    }

    /// The word for how bad it is.
    #[must_use]
    pub const fn level_word(&self) -> &'static str {
        match self.level {
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }

    /// As a row of JSON.
    #[must_use]
    pub fn as_json(&self) -> Value {
        json!({
            "file": self.file, "line": self.spot.map(|spot| spot.line), "column": self.spot.map(|spot| spot.column),
            "level": self.level_word(), "code": self.code, "message": self.message,
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // File names come from outside too, and must not steer a terminal.
        let plain = |text: &str| text.replace(char::is_control, "\u{FFFD}");
        f.write_str(&plain(&self.file))?;
        if let Some(Spot { line, column }) = self.spot {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}: {} ({})", self.level_word(), plain(&self.message), self.code)
    }
}

/// The refusal of a folder with mistakes, which go to stderr, one on a line.
#[must_use]
pub fn refused(problems: &[Problem]) -> Failure {
    let errors = problems.iter().filter(|problem| problem.level == Level::Error);
    let count = errors.clone().count();
    errors.for_each(print::note);
    let noun = if count == 1 { "mistake" } else { "mistakes" };
    Failure::new(Exit::Refused, format!("the templates have {count} {noun}; nothing was changed"))
}
