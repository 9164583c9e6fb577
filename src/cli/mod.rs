//! The command line: one file per subcommand.

pub mod accounts;
pub mod addresses;
mod asking;
pub mod back_test;
pub mod backup;
pub mod callbacks;
mod campaign_effects;
mod campaigns;
mod certainty;
pub mod completions;
pub mod confirm;
pub mod consents;
pub mod copy_log;
pub mod demo;
mod diagnostics;
pub mod explain_send;
pub mod export;
pub mod failure;
pub mod find;
pub mod forget;
pub mod ids;
pub mod import;
pub mod in_doubt;
pub mod inbox;
pub mod keys;
pub mod listing;
pub mod lists;
pub mod print;
pub mod progress;
pub mod prove;
mod reading;
pub mod rebuild;
pub mod reclass;
pub mod replay;
pub mod restore;
pub mod schema;
pub mod serve;
pub mod session;
pub mod signal;
pub mod sql;
pub mod status;
pub mod suppressions;
pub mod tables;
pub mod templates;
pub mod tenants;
pub mod timeline;
pub mod verify;
pub mod why;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::clock::Ambient;
use crate::config::Config;
use crate::domain::tenant::decide::user_id;
use crate::ids::TenantId;
use failure::{Exit, Failure, Outcome};
pub use session::Session;

const AFTER_HELP: &str = "\
Start here:
  commlog demo                        sample customers, a URL and an API key
  commlog serve                       the API on 127.0.0.1:7700, stores in ./data
  commlog import orders orders.csv    orders from a file, grouped by number
  commlog verify                      proof that nobody changed the log

Configuration comes from commlog.toml in the working directory (or --config), overridden by COMMLOG_* variables. \
`commlog serve --help` lists the keys. None is required: data is kept in ./data and only this machine can connect.

Exit codes:
  0    done
  1    a check found something (status, verify, rebuild --check, templates lint, addresses validate)
  2    wrong command line or configuration
  3    input was refused
  4    a store, port or file cannot be used
  5    a fault in commlog
  130  interrupted";

/// An event-sourced communication log for a CRM.
#[derive(Debug, Parser)]
#[command(name = "commlog", version, about, after_help = AFTER_HELP, propagate_version = true, max_term_width = 120)]
struct Cli {
    /// Reads this configuration file instead of commlog.toml.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Records what the command does as done by this user: an id of letters, digits and -_.:, never an email address or name.
    #[arg(long = "acting-as", global = true, value_name = "USER", value_parser = user)]
    acting: Option<String>,
    #[command(subcommand)]
    command: Command,
}

fn user(id: &str) -> Result<String, String> {
    user_id(id).map_err(|refusal| refusal.message)
}

// Each is described by the struct of its arguments: a description here would replace their longer one.
#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::DemoArgs),
    Serve(serve::ServeArgs),
    Import(import::args::ImportArgs),
    Export(export::ExportArgs),
    Sql(sql::SqlArgs),
    Tables(tables::TablesArgs),
    Replay(replay::ReplayArgs),
    Rebuild(rebuild::RebuildArgs),
    Status(status::StatusArgs),
    Verify(verify::VerifyArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    CopyLog(copy_log::CopyArgs),
    Prove(prove::ProveArgs),
    Forget(forget::ForgetArgs),
    Find(find::FindArgs),
    Lists(lists::ListsArgs),
    #[command(alias = "campaigns")]
    Campaign(campaigns::CampaignArgs),
    BackTest(back_test::BackTestArgs),
    Templates(templates::TemplatesArgs),
    Timeline(timeline::TimelineArgs),
    Why(why::WhyArgs),
    ExplainSend(explain_send::ExplainSendArgs),
    Consents(consents::ConsentsArgs),
    Suppressions(suppressions::SuppressionsArgs),
    Inbox(inbox::InboxArgs),
    Callbacks(callbacks::CallbacksArgs),
    InDoubt(in_doubt::InDoubtArgs),
    Reclass(reclass::ReclassArgs),
    ConfirmDispatch(confirm::ConfirmArgs),
    Keys(keys::KeysArgs),
    Accounts(accounts::AccountsArgs),
    Addresses(addresses::AddressesArgs),
    Tenants(tenants::TenantsArgs),
    /// Prints the GraphQL schema.
    Schema,
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
}

impl Command {
    /// Whether only errors are logged, because the output is the command's own.
    fn is_quiet(&self) -> bool {
        !matches!(self, Self::Demo(_) | Self::Serve(_))
    }
}

/// The tenant that a command acts for.
#[derive(Debug, Clone, Copy, Args)]
pub struct TenantArg {
    /// The tenant [default: the configured one, or else the one that the first command created]
    #[arg(long, value_name = "ID")]
    pub tenant: Option<TenantId>,
}

/// Parses arguments, runs the command and reports a failure; returns the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version arrive here too and are not failures. If stdout is gone, nothing is left to report to.
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
    // These need no configuration.
    match &cli.command {
        Command::Schema => return schema::run(),
        Command::Completions(args) => return completions::complete(Cli::command(), args),
        Command::Man(args) => return completions::man(Cli::command(), args),
        _ => {}
    }
    let config = Config::load(cli.config.as_deref(), &crate::boot::account_variables())?;
    crate::boot::keep_files_private();
    let runtime =
        crate::boot::runtime().map_err(|error| Failure::doing(Exit::Unavailable, "cannot start the runtime", error))?;
    runtime.block_on(run(cli.command, Session::new(config, Ambient::system(), cli.acting)))
}

async fn run(command: Command, session: Session) -> Outcome {
    if command.is_quiet() {
        session.trace_errors_only();
    }
    match command {
        Command::Demo(args) => demo::run(session, args).await,
        Command::Serve(args) => serve::run(session, args).await,
        Command::Import(args) => import::run(&session, args).await,
        Command::Export(args) => export::run(&session, args).await,
        Command::Sql(args) => sql::run(&session, args).await,
        Command::Tables(args) => tables::run(&session, &args),
        Command::Replay(args) => replay::run(&session, args).await,
        Command::Rebuild(args) => rebuild::run(&session, args).await,
        Command::Status(args) => status::run(&session, args).await,
        Command::Verify(args) => verify::run(&session, args).await,
        Command::Backup(args) => backup::run(&session, args).await,
        Command::Restore(args) => restore::run(&session, args).await,
        Command::CopyLog(args) => copy_log::run(&session, args).await,
        Command::Prove(args) => prove::run(&session, args).await,
        Command::Forget(args) => forget::run(&session, args).await,
        Command::Find(args) => find::run(&session, args).await,
        Command::Lists(args) => lists::run(&session, args).await,
        Command::Campaign(args) => campaigns::run(&session, args).await,
        Command::BackTest(args) => back_test::run(&session, args).await,
        Command::Templates(args) => templates::run(&session, args).await,
        Command::Timeline(args) => timeline::run(&session, args).await,
        Command::Why(args) => why::run(&session, args).await,
        Command::ExplainSend(args) => explain_send::run(&session, args).await,
        Command::Consents(args) => consents::run(&session, args).await,
        Command::Suppressions(args) => suppressions::run(&session, args).await,
        Command::Inbox(args) => inbox::run(&session, args).await,
        Command::Callbacks(args) => callbacks::run(&session, args).await,
        Command::InDoubt(args) => in_doubt::run(&session, args).await,
        Command::Reclass(args) => reclass::run(&session, args).await,
        Command::ConfirmDispatch(args) => confirm::run(&session, args).await,
        Command::Keys(args) => keys::run(&session, args).await,
        Command::Accounts(args) => accounts::run(&session, args).await,
        Command::Addresses(args) => addresses::run(&session, args).await,
        Command::Tenants(args) => tenants::run(&session, args).await,
        Command::Schema => schema::run(),
        Command::Completions(args) => completions::complete(Cli::command(), &args),
        Command::Man(args) => completions::man(Cli::command(), &args),
    }
}
