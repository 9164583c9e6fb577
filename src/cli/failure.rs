//! How a command fails: an exit code for scripts, one error with its causes for people.

use std::error::Error;
use std::fmt;
use std::io::Write;

use crate::app::AppError;
use crate::domain::refusal::Refusal;

/// The exit codes, as `commlog help` documents them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// A check was carried out and found something: a damaged event, a table that differs.
    Found = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The input was understood but refused.
    Refused = 3,
    /// A store, a port or a file cannot be used.
    Unavailable = 4,
    /// A fault in commlog itself.
    Internal = 5,
    /// The user interrupted the command.
    Interrupted = 130,
}

/// A command's failure.
#[derive(Debug)]
pub struct Failure {
    /// The exit code, for scripts.
    pub exit: Exit,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The result of a command or of a part of it.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// A failure without a further cause.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), source: None }
    }

    /// A failure with an error's text and causes.
    pub fn from_error(exit: Exit, error: impl Error + Send + Sync + 'static) -> Self {
        let message = error.to_string();
        // The message is the error's own text; only its causes remain.
        Self { exit, message, source: Some(Box::new(Causes(Box::new(error)))) }
    }

    /// A failure whose message says what was being done when `error` occurred.
    pub fn doing(exit: Exit, message: impl Into<String>, error: impl Error + Send + Sync + 'static) -> Self {
        Self { exit, message: message.into(), source: Some(Box::new(error)) }
    }

    /// A wrong command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A store, port or file that cannot be used.
    pub fn unavailable(error: impl Error + Send + Sync + 'static) -> Self {
        Self::from_error(Exit::Unavailable, error)
    }

    /// Writes the failure to stderr: the message, then each cause once.
    pub fn report(&self) {
        // If stderr is gone, there is nowhere left to report to.
        let _ = writeln!(std::io::stderr(), "error: {}", self.text());
    }

    /// The message, then each cause once on a line of its own.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = self.source.as_deref().map(|source| source as &dyn Error);
        while let Some(error) = cause {
            let line = error.to_string();
            // Drivers often repeat their cause in their own text.
            if !line.is_empty() && !text.contains(&line) {
                text.push_str("\n  because: ");
                text.push_str(&line);
            }
            cause = error.source();
        }
        text
    }
}

/// The causes of an error whose own text is already shown.
#[derive(Debug)]
struct Causes(Box<dyn Error + Send + Sync>);

impl fmt::Display for Causes {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl Error for Causes {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl From<crate::boot::BootError> for Failure {
    fn from(error: crate::boot::BootError) -> Self {
        Self::unavailable(error)
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::from_error(Exit::Usage, error)
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        let exit = match &error {
            AppError::Log(_) | AppError::Blobs(_) => Exit::Unavailable,
            AppError::KeyReused => Exit::Refused,
            AppError::Contended { .. }
            | AppError::Unanswerable { .. }
            | AppError::Decode { .. }
            | AppError::NoBlobs
            | AppError::Append(_) => Exit::Internal,
        };
        Self::from_error(exit, error)
    }
}

impl From<crate::log::LogError> for Failure {
    fn from(error: crate::log::LogError) -> Self {
        Self::unavailable(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(Exit::Refused, refusal.message)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::doing(Exit::Unavailable, "cannot write the output", error)
    }
}
