//! `commlog completions` and `commlog man`: made of the same definitions as the help.

use std::io;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::print;

/// Prints a script that completes commands in a shell.
#[derive(Debug, Args)]
#[command(
    long_about = "Prints a script that completes commands and options of commlog in a shell.",
    after_help = "Examples:\n  commlog completions bash > /etc/bash_completion.d/commlog\n  commlog completions zsh > \
                  ~/.zfunc/_commlog\n  commlog completions fish > ~/.config/fish/completions/commlog.fish"
)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes man pages.
#[derive(Debug, Args)]
#[command(
    long_about = "Writes a man page for commlog and for each of its commands into a folder, which must exist.",
    after_help = "Example:\n  commlog man /usr/local/share/man/man1"
)]
pub struct ManArgs {
    /// The folder.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs `commlog completions`.
pub fn complete(mut cli: Command, args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    generate(args.shell, &mut cli, "commlog", &mut script);
    print::line(String::from_utf8_lossy(&script).trim_end())
}

/// Runs `commlog man`.
pub fn man(cli: Command, args: &ManArgs) -> Outcome {
    let failed = |error: io::Error| {
        Failure::doing(Exit::Unavailable, format!("cannot write man pages to {}", args.folder.display()), error)
    };
    if !args.folder.is_dir() {
        return Err(failed(io::Error::from(io::ErrorKind::NotADirectory)));
    }
    clap_mangen::generate_to(cli, &args.folder).map_err(failed)?;
    print::line(format_args!("man pages are in {}", args.folder.display()))
}
