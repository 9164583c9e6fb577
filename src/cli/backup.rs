//! `commlog backup`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::backup::{self, BackupError, KeysBackup, LogBackup, Report};
use crate::boot;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::ReportFormat;
use crate::cli::{Session, print, progress};
use crate::log::blobs::BlobError;
use crate::log::seal::MasterKey;

/// Backs up the log and the key store, each into a folder; checks backups.
#[derive(Debug, Args)]
#[command(
    long_about = "Backs up the log with the files of its messages into one folder, and the key store into another one, while \
                  servers run. Everything that was acknowledged before the command began is in the backup. Each run adds what \
                  came since the last one; one that was interrupted leaves the backup before it, and the next run goes on. \
                  Read tables are not backed up: they are rebuilt.\n\nThe keys are written anew each time, without those that \
                  were destroyed since: run this on every copy of that folder that you keep, or let such copies expire. The \
                  master key is not in a backup; keep it apart.",
    after_help = "Examples:\n  commlog backup --to /backup/log --keys-to /vault/keys\n  commlog backup --check /backup/log \
                  --check-keys /vault/keys\n\nIf --check finds something that is not what was written, exits with code 1 and \
                  names the file. `commlog restore` puts a backup back."
)]
pub struct BackupArgs {
    /// Backs up the log and the files of messages to this folder.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["check", "check_keys"])]
    to: Option<PathBuf>,
    /// Backs up the key store to this folder, which must not be beside the log's.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["check", "check_keys"])]
    keys_to: Option<PathBuf>,
    /// Reads the backup of a log, and recomputes the hash of every file and event; compares them with the signature if the master
    /// key is here. Needs no store.
    #[arg(long, value_name = "FOLDER")]
    check: Option<PathBuf>,
    /// Reads the backup of a key store.
    #[arg(long, value_name = "FOLDER")]
    check_keys: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
}

/// Runs `commlog backup`.
pub async fn run(session: &Session, args: BackupArgs) -> Outcome {
    if args.check.is_some() || args.check_keys.is_some() {
        return check(session, &args).await;
    }
    if args.to.is_none() && args.keys_to.is_none() {
        return Err(Failure::usage(
            "nothing to do: name a folder in --to or --keys-to, or one to read in --check or --check-keys",
        ));
    }
    let sources = boot::open_sources(&session.config, &session.ambient).await?;
    if args.keys_to.is_none() {
        print::note("the key store is not backed up: without its keys nobody can be read (--keys-to FOLDER)");
    }
    let bar = progress::bar("events", sources.log.head().await?.position.counter());
    let made =
        backup::back_up(&sources, args.to.as_deref(), args.keys_to.as_deref(), |events| bar.set_position(events));
    let made = made.await;
    bar.finish_and_clear();
    sources.log.close().await;
    report(&args, &made.map_err(failure)?)
}

fn report(args: &BackupArgs, report: &Report) -> Outcome {
    let log = report.log.as_ref().zip(args.to.as_deref());
    let keys = report.keys.as_ref().zip(args.keys_to.as_deref());
    if args.format == ReportFormat::Json {
        let log = log.map(|(log, folder)| {
            json!({
                "folder": folder, "events": log.checkpoint.events, "position": log.checkpoint.position,
                "log_id": log.checkpoint.log_id, "root": hex::encode(log.checkpoint.root),
                "new_events": log.new_events, "new_files": log.new_blobs, "new_bytes": log.new_bytes,
            })
        });
        let keys = keys.map(|(keys, folder)| {
            json!({
                "folder": folder, "keys": keys.keys, "tombstones": keys.tombstones, "secrets": keys.secrets,
                "resurrected": keys.resurrected,
            })
        });
        return print::line(json!({ "log": log, "keys": keys }));
    }
    if let Some((log, folder)) = log {
        print::line(format_args!(
            "{} holds {} events, up to position {}; {} events and {} files of messages came, {} bytes",
            folder.display(),
            log.checkpoint.events,
            log.checkpoint.position,
            log.new_events,
            log.new_blobs,
            log.new_bytes
        ))?;
    }
    if let Some((keys, folder)) = keys {
        print::line(format_args!(
            "{} holds {} keys, {} tombstones of destroyed ones, {} secrets of accounts",
            folder.display(),
            keys.keys,
            keys.tombstones,
            keys.secrets
        ))?;
        if keys.resurrected > 0 {
            print::note(format_args!(
                "{} people are forgotten in the backup, and the key store has their keys again: it was restored from an older \
                 copy. The backup leaves them out; `commlog restore --keys-from {}` destroys them",
                keys.resurrected,
                folder.display()
            ));
        }
    }
    Ok(())
}

/// Reads what is there.
async fn check(session: &Session, args: &BackupArgs) -> Outcome {
    let master = boot::find_master_key(&session.config).ok();
    if let (Some(folder), Some(keys_folder)) = (&args.check, &args.check_keys) {
        let log_id = LogBackup::open(folder, None).map_err(failure)?.manifest().log.checkpoint.log_id;
        let keys = KeysBackup::open(keys_folder, None, &session.ambient).map_err(failure)?;
        keys.check_log(log_id).map_err(failure)?;
    }
    let (mut log, mut keys) = (Value::Null, Value::Null);
    if let Some(folder) = &args.check {
        log = check_log(args, folder, master.as_ref()).await?;
    }
    if let Some(folder) = &args.check_keys {
        keys = check_keys(session, args, folder, master.as_ref())?;
    }
    match args.format {
        ReportFormat::Json => print::line(json!({ "log": log, "keys": keys })),
        ReportFormat::Text => Ok(()),
    }
}

async fn check_log(args: &BackupArgs, folder: &Path, master: Option<&MasterKey>) -> Outcome<Value> {
    let copy = LogBackup::open(folder, master).map_err(failure)?;
    let checkpoint = copy.manifest().log.checkpoint.clone();
    let bar = progress::bar("events", checkpoint.events);
    let checked = copy.check(|events| bar.set_position(events)).await;
    bar.finish_and_clear();
    checked.map_err(failure)?;
    let is_signed = master.is_some();
    if args.format == ReportFormat::Text {
        print::line(format_args!(
            "{}: {} events up to position {} and {} files of messages are what was written{}",
            folder.display(),
            checkpoint.events,
            checkpoint.position,
            copy.manifest().blobs(),
            if is_signed { ", and what was signed" } else { "; without the master key, the signature is not checked" }
        ))?;
    }
    Ok(json!({
        "folder": folder, "events": checkpoint.events, "position": checkpoint.position, "log_id": checkpoint.log_id,
        "root": hex::encode(checkpoint.root), "files": copy.manifest().blobs(), "made_at": copy.manifest().made_at,
        "matches_signature": is_signed.then_some(true),
    }))
}

fn check_keys(session: &Session, args: &BackupArgs, folder: &Path, master: Option<&MasterKey>) -> Outcome<Value> {
    let found = KeysBackup::open(folder, master, &session.ambient).and_then(|copy| copy.check()).map_err(failure)?;
    if args.format == ReportFormat::Text {
        print::line(format_args!(
            "{}: {} keys, {} tombstones and {} secrets are what was written",
            folder.display(),
            found.keys,
            found.tombstones,
            found.secrets
        ))?;
    }
    Ok(json!({ "folder": folder, "keys": found.keys, "tombstones": found.tombstones, "secrets": found.secrets }))
}

/// A finding is code 1, what is refused 3, what cannot be reached 4.
pub(super) fn failure(error: BackupError) -> Failure {
    let exit = match &error {
        error if error.is_finding() => Exit::Found,
        error if error.is_refusal() => Exit::Refused,
        BackupError::Blobs(BlobError::Damaged { .. }) => Exit::Found,
        _ => Exit::Unavailable,
    };
    Failure::from_error(exit, error)
}
