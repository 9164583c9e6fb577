//! The command line: one file per subcommand.

pub mod confirm;
pub mod consents;
pub mod demo;
pub mod export;
pub mod failure;
pub mod forget;
pub mod import;
pub mod in_doubt;
pub mod inbox;
pub mod keys;
pub mod listing;
pub mod print;
pub mod progress;
pub mod rebuild;
pub mod reclass;
pub mod replay;
pub mod schema;
pub mod serve;
pub mod session;
pub mod signal;
pub mod suppressions;
pub mod tenants;
pub mod verify;
pub mod why;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::clock::Ambient;
use crate::config::Config;
use crate::ids::TenantId;
use failure::{Exit, Failure, Outcome};
pub use session::Session;

const AFTER_HELP: &str = "\
Start here:
  commlog demo                                   a living example: URL, API key, sample customers
  commlog serve                                  the API on 127.0.0.1:7700, embedded stores in ./data
  commlog import orders online-retail.csv.gz     orders from a file, grouped by invoice
  commlog verify                                 proof that nobody changed the log

Configuration: commlog.toml in the working directory (or --config), then COMMLOG_* variables; `commlog serve --help`
lists them. Without any, everything is in ./data and only this machine can connect.

Exit codes: 0 done; 1 a check found something (verify, rebuild --check); 2 wrong command line or configuration;
3 input was refused; 4 a store, port or file cannot be used; 5 a fault in commlog; 130 interrupted.";

/// An event-sourced communication log for a CRM.
#[derive(Debug, Parser)]
#[command(name = "commlog", version, about, after_help = AFTER_HELP, propagate_version = true, max_term_width = 120)]
struct Cli {
    /// Reads this configuration file instead of commlog.toml.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts with sample data and a simulated provider; prints URL and API key.
    Demo(demo::DemoArgs),
    /// Serves the API, brings read tables up to date, dispatches messages.
    Serve(serve::ServeArgs),
    /// Imports customers, orders or messages from CSV files; lists imports and takes them back.
    Import(import::args::ImportArgs),
    /// Writes events or a read model as JSON lines or CSV.
    Export(export::ExportArgs),
    /// Writes the read tables as they were at an earlier moment into a new SQLite file.
    Replay(replay::ReplayArgs),
    /// Builds the read tables anew beside the live ones; --check compares the two instead.
    Rebuild(rebuild::RebuildArgs),
    /// Recomputes every hash chain; names the first event that was changed.
    Verify(verify::VerifyArgs),
    /// Forgets a customer for good: the key is destroyed, the read tables are purged.
    Forget(forget::ForgetArgs),
    /// Tells why a message was sent, or not: rules and what they looked at, refusals, states.
    Why(why::WhyArgs),
    /// What a customer agreed to, and how that can be proved.
    Consents(consents::ConsentsArgs),
    /// Addresses that nothing is sent to, and their history.
    Suppressions(suppressions::SuppressionsArgs),
    /// Conversations that wait for an answer, and how many there are.
    Inbox(inbox::InboxArgs),
    /// Messages of which nobody knows whether they were sent: list, resolve.
    InDoubt(in_doubt::InDoubtArgs),
    /// Judges recorded opens and clicks by today's rule.
    Reclass(reclass::ReclassArgs),
    /// Lets a restored or copied log send again.
    ConfirmDispatch(confirm::ConfirmArgs),
    /// API keys: issue, revoke, list.
    Keys(keys::KeysArgs),
    /// Tenants: create, list.
    Tenants(tenants::TenantsArgs),
    /// Prints the GraphQL schema.
    Schema,
}

/// For whom a command acts.
#[derive(Debug, Clone, Copy, Args)]
pub struct TenantArg {
    /// The tenant [default: the configured one, or the one that is made with the first command]
    #[arg(long, value_name = "ID")]
    pub tenant: Option<TenantId>,
}

/// Parses arguments, runs the command, reports a failure; what `main` returns.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, and are no failures. Nobody can be told that stdout is gone.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(Exit::Usage as u8) } else { ExitCode::SUCCESS };
        }
    };
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            ExitCode::from(failure.exit as u8)
        }
    }
}

fn start(cli: Cli) -> Outcome {
    if matches!(cli.command, Command::Schema) {
        return schema::run();
    }
    let config = Config::load(cli.config.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::doing(Exit::Unavailable, "cannot start the runtime", error))?;
    runtime.block_on(run(cli.command, Session::new(config, Ambient::system())))
}

async fn run(command: Command, session: Session) -> Outcome {
    match command {
        Command::Demo(args) => demo::run(session, args).await,
        Command::Serve(args) => serve::run(session, args).await,
        Command::Import(args) => {
            session.trace_errors_only();
            import::run(&session, args).await
        }
        Command::Export(args) => {
            session.trace_errors_only();
            export::run(&session, args).await
        }
        Command::Replay(args) => {
            session.trace_errors_only();
            replay::run(&session, args).await
        }
        Command::Rebuild(args) => {
            session.trace_errors_only();
            rebuild::run(&session, args).await
        }
        Command::Verify(args) => {
            session.trace_errors_only();
            verify::run(&session, args).await
        }
        Command::Forget(args) => {
            session.trace_errors_only();
            forget::run(&session, args).await
        }
        Command::Why(args) => {
            session.trace_errors_only();
            why::run(&session, args).await
        }
        Command::Consents(args) => {
            session.trace_errors_only();
            consents::run(&session, args).await
        }
        Command::Suppressions(args) => {
            session.trace_errors_only();
            suppressions::run(&session, args).await
        }
        Command::Inbox(args) => {
            session.trace_errors_only();
            inbox::run(&session, args).await
        }
        Command::InDoubt(args) => {
            session.trace_errors_only();
            in_doubt::run(&session, args).await
        }
        Command::Reclass(args) => {
            session.trace_errors_only();
            reclass::run(&session, args).await
        }
        Command::ConfirmDispatch(_) => {
            session.trace_errors_only();
            confirm::run(&session).await
        }
        Command::Keys(args) => {
            session.trace_errors_only();
            keys::run(&session, args).await
        }
        Command::Tenants(args) => {
            session.trace_errors_only();
            tenants::run(&session, args).await
        }
        Command::Schema => schema::run(),
    }
}
