//! The real binary, from outside.

mod adding_accounts;
mod addresses;
mod asking;
mod auditing;
mod bad_stores;
mod callbacks;
mod campaign_results;
mod console;
mod copying;
mod forgetting;
mod hardship;
mod importing;
pub(crate) mod pages;
pub(crate) mod server;
mod serving;
mod status;
mod templates;
mod traces;
mod verifying;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder with a data folder of its own, and the binary run in it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    program: PathBuf,
    variables: Vec<(String, String)>,
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let program = env!("CARGO_BIN_EXE_commlog").into();
        Self { folder: tempfile::tempdir().unwrap(), program, variables: Vec::new() }
    }

    /// With log, read tables and keys on PostgreSQL.
    pub(crate) async fn postgres() -> Self {
        let (log, keys) = (crate::support::postgres::database().await, crate::support::postgres::database().await);
        let mut place = Self::new();
        place.set("COMMLOG_LOG_URL", &log);
        place.set("COMMLOG_KEYS_URL", &keys);
        place.set("COMMLOG_MASTER_KEY", &"6b".repeat(32));
        place
    }

    /// From now on, another build of the binary is run.
    pub(crate) fn run_by(&mut self, program: &Path) {
        program.clone_into(&mut self.program);
    }

    /// The binary that is run.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The value of a variable that was set.
    pub(crate) fn variable(&self, name: &str) -> &str {
        let found = self.variables.iter().rev().find(|(set, _)| set == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("{name} is not set"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and returns its name.
    pub(crate) fn file<'n>(&self, name: &'n str, content: impl AsRef<[u8]>) -> &'n str {
        std::fs::write(self.path(name), content).unwrap();
        name
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        // Whatever the machine has set must not reach the tests.
        for (name, _) in std::env::vars_os() {
            if ["COMMLOG_", "TWILIO_", "SENDGRID_", "OTEL_"].iter().any(|of| name.to_string_lossy().starts_with(of)) {
                command.env_remove(name);
            }
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A shell in the folder, with the variables of [`Self::command`].
    pub(crate) fn shell(&self, arguments: &[&str]) -> Command {
        let commlog = self.command(&[]);
        let mut shell = Command::new("sh");
        shell.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, value) in commlog.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().unwrap())
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}{}", ended.stdout, ended.stderr);
        ended.stdout
    }

    /// Runs a command that must fail with an exit code, and returns its error.
    pub(crate) fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains("error: "), "{arguments:?}: {}", ended.stderr);
        ended.stderr
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The rest of the first line that has this beginning.
pub(crate) fn after<'t>(text: &'t str, beginning: &str) -> &'t str {
    let found = text.lines().find_map(|line| line.trim_start().strip_prefix(beginning));
    found.unwrap_or_else(|| panic!("no line begins with {beginning:?} in:\n{text}")).trim()
}

/// The import's id in what `commlog import` printed.
pub(crate) fn import_id(printed: &str) -> String {
    after(printed, "undo it with: commlog import undo ").to_owned()
}

pub(crate) fn exists(path: &Path) -> bool {
    path.try_exists().unwrap()
}
