//! Questions at a terminal. An interruption ends the command before anything is stored, and leaves the terminal as it was.

use std::io::{self, IsTerminal, Write};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::signal;

/// Asks at the terminal.
pub struct Asker {
    stop: CancellationToken,
    _listening: AbortOnDropHandle<()>,
}

impl Asker {
    /// From now on an interruption ends questions.
    #[must_use]
    pub fn new() -> Self {
        let stop = CancellationToken::new();
        Self { _listening: signal::cancel_on_interrupt(stop.clone()), stop }
    }

    /// Whether there is somebody to ask.
    #[must_use]
    pub fn has_terminal() -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks for a line, which is shown as it is typed.
    pub async fn line(&self, prompt: &str) -> Outcome<String> {
        self.ask(prompt, &Echo::as_it_is()).await
    }

    /// Asks for a line that is not shown.
    pub async fn hidden(&self, prompt: &str) -> Outcome<String> {
        // Before the question is there: whoever types at once is not shown either.
        let answer = self.ask(prompt, &Echo::off()).await;
        // The end of the line was not shown.
        let _ = writeln!(io::stderr().lock());
        answer
    }

    /// Does something else, unless it is interrupted.
    pub async fn or_interrupted<T>(&self, work: impl Future<Output = T>) -> Outcome<T> {
        tokio::select! {
            done = work => Ok(done),
            () = self.stop.cancelled() => Err(interrupted()),
        }
    }

    async fn ask(&self, prompt: &str, echo: &Echo) -> Outcome<String> {
        // If stderr is gone, no answer will come either.
        let _ = write!(io::stderr().lock(), "{prompt}");
        let _ = io::stderr().flush();
        let (answer, answered) = oneshot::channel();
        // A thread of its own: nothing waits for it when the process ends.
        std::thread::spawn(move || answer.send(line()));
        let answer = tokio::select! {
            answer = answered => answer,
            () = self.stop.cancelled() => {
                let _ = writeln!(io::stderr().lock());
                return Err(interrupted());
            }
        };
        echo.restore();
        match answer {
            Ok(Ok(line)) => Ok(line.trim().to_owned()),
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Err(interrupted()),
            Ok(Err(error)) => Err(Failure::doing(Exit::Unavailable, "no answer came", error)),
            Err(_) => Err(Failure::new(Exit::Internal, "no answer came")),
        }
    }
}

fn line() -> io::Result<String> {
    let mut line = String::new();
    match io::stdin().read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line),
    }
}

impl Default for Asker {
    fn default() -> Self {
        Self::new()
    }
}

fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, "interrupted: nothing was stored")
}

/// How the terminal was before a question; it is so again when this goes away.
#[cfg(unix)]
struct Echo(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Echo {
    const fn as_it_is() -> Self {
        Self(None)
    }

    /// Shows nothing of what is typed from now on.
    fn off() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let Ok(before) = tcgetattr(io::stdin()) else { return Self(None) };
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        match tcsetattr(io::stdin(), OptionalActions::Now, &hidden) {
            Ok(()) => Self(Some(before)),
            Err(_) => Self(None),
        }
    }

    fn restore(&self) {
        if let Some(before) = &self.0 {
            // If the terminal is gone, it shows nothing any more.
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, before);
        }
    }
}

#[cfg(unix)]
impl Drop for Echo {
    fn drop(&mut self) {
        self.restore();
    }
}

#[cfg(not(unix))]
struct Echo;

#[cfg(not(unix))]
impl Echo {
    const fn as_it_is() -> Self {
        Self
    }

    const fn off() -> Self {
        Self
    }

    const fn restore(&self) {}
}
