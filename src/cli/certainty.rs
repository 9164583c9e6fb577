//! Commands that cannot be taken back: they show what will happen, and ask.

use std::io::{self, IsTerminal, Write};

use clap::Args;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::print;

/// Asks a question that is answered by typing yes.
pub fn confirm(question: &str) -> Outcome<bool> {
    // If stderr is gone, no answer will come either.
    let _ = write!(io::stderr().lock(), "{question} Type yes: ");
    let _ = io::stderr().flush();
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|error| Failure::doing(Exit::Unavailable, "no answer came", error))?;
    if answer.trim() == "yes" { Ok(true) } else { Err(Failure::new(Exit::Refused, "nothing was done")) }
}

/// Whether a command that cannot be taken back is meant.
#[derive(Debug, Clone, Copy, Args)]
pub struct Certainty {
    /// Shows what would happen, and changes nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Does not ask. Required where there is no terminal to ask at.
    #[arg(long)]
    yes: bool,
}

impl Certainty {
    /// Refuses to begin if the command would have to ask and cannot; before anything is opened.
    pub fn check(self) -> Outcome {
        let may_ask = io::stdin().is_terminal() && io::stderr().is_terminal();
        if self.dry_run || self.yes || may_ask {
            return Ok(());
        }
        Err(Failure::usage(
            "this cannot be taken back, and there is no terminal to ask at: --dry-run shows what would happen, --yes does it",
        ))
    }

    /// Shows what will happen; true if it is to be done.
    pub fn settle(self, plan: &[String]) -> Outcome<bool> {
        if self.dry_run {
            plan.iter().try_for_each(print::line)?;
            print::line("dry run: nothing was changed")?;
            return Ok(false);
        }
        if self.yes {
            return Ok(true);
        }
        plan.iter().for_each(print::note);
        // If stderr is gone, no answer will come either.
        let _ = write!(io::stderr().lock(), "Type yes to do it: ");
        let _ = io::stderr().flush();
        let mut answer = String::new();
        io::stdin()
            .read_line(&mut answer)
            .map_err(|error| Failure::doing(Exit::Unavailable, "no answer came", error))?;
        if answer.trim() == "yes" { Ok(true) } else { Err(Failure::new(Exit::Refused, "nothing was changed")) }
    }
}
