//! `commlog restore`

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::json;

use super::backup::failure;
use crate::backup::{self, KeysBackup, LogBackup, Restored, Stage, Until};
use crate::boot::{self, BootError};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::ReportFormat;
use crate::cli::{Session, progress};
use crate::ids::Position;
use crate::log::load::LoadError;

/// Restores a backup into empty stores, of any kind.
#[derive(Debug, Args)]
#[command(
    long_about = "Restores a backup of `commlog backup` into the configured stores, of whatever kind: SQLite, PostgreSQL or \
                  KurrentDB. The place of the log must be empty, or hold the beginning of this restore: one that was \
                  interrupted goes on where it stands. All of it is verified; the log cannot be opened before that.\n\nKeys are \
                  merged into the key store: who is forgotten there, or in any of the copies, stays forgotten. If the key store \
                  is as it was, leave it, and give no --keys-from. The restored log sends nothing until `commlog \
                  confirm-dispatch`.",
    after_help = "Examples:\n  commlog restore --from /backup/log --keys-from /vault/keys\n  commlog restore --from /backup/log \
                  --until 2026-11-30T09:00:00Z\n  commlog restore --from old/log --keys-from old/keys --keys-from /vault/keys   \
                  an old backup, without anybody who was forgotten since"
)]
pub struct RestoreArgs {
    /// The folder of the log's backup.
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    /// The folder of the key store's backup; several are joined.
    #[arg(long, value_name = "FOLDER")]
    keys_from: Vec<PathBuf>,
    /// Restores the log as it was at this time, such as 2026-11-30T09:00:00Z, or at this position.
    #[arg(long, value_name = "TIME|POSITION", value_parser = until)]
    until: Option<Until>,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
}

fn until(text: &str) -> Result<Until, String> {
    if let Ok(position) = text.parse::<Position>() {
        return Ok(Until::Position(position));
    }
    let time =
        DateTime::parse_from_rfc3339(text).map_err(|_| "neither a time such as 2026-11-30T09:00:00Z nor a position")?;
    Ok(Until::Time(time.with_timezone(&Utc)))
}

/// Runs `commlog restore`.
pub async fn run(session: &Session, args: RestoreArgs) -> Outcome {
    // Everything that can be refused is looked at before a store is made.
    let master = boot::find_master_key(&session.config)?;
    let copy = LogBackup::open(&args.from, Some(&master)).map_err(failure)?;
    let checkpoint = copy.manifest().log.checkpoint.clone();
    let mut keys = Vec::with_capacity(args.keys_from.len());
    for folder in &args.keys_from {
        let copy = KeysBackup::open(folder, Some(&master), &session.ambient).map_err(failure)?;
        copy.check_log(checkpoint.log_id).map_err(failure)?;
        keys.push(copy);
    }
    let targets = boot::open_targets(&session.config, checkpoint.log_id, !keys.is_empty(), &session.ambient).await;
    let targets = targets.map_err(refused)?;
    let bar = progress::bar("events", checkpoint.events);
    let shown = |stage| match stage {
        Stage::Loading(events) => bar.set_position(events),
        Stage::Verifying(events) => {
            bar.set_message("are verified");
            bar.set_position(events);
        }
    };
    let restored = backup::restore(&targets, &copy, &keys, args.until, shown).await;
    bar.finish_and_clear();
    report(session, &args, &restored.map_err(failure)?)
}

/// A place that is taken, or a key store that is not there, is a reason to give other settings.
fn refused(error: BootError) -> Failure {
    match error {
        BootError::Load(error @ (LoadError::Occupied { .. } | LoadError::Other { .. })) => {
            Failure::from_error(Exit::Refused, error)
        }
        BootError::KeyStoreMissing { keys, .. } => Failure::new(
            Exit::Refused,
            format!("there is no key store at {keys}: give the folder of its backup in --keys-from"),
        ),
        error => error.into(),
    }
}

fn report(session: &Session, args: &RestoreArgs, restored: &Restored) -> Outcome {
    let Restored { log, blobs, keys } = restored;
    args.format.line(
        format_args!(
            "{} holds {} events in {} streams, up to position {}, every one verified; {blobs} files of messages and {} keys \
             came{}. Nothing is sent before `commlog confirm-dispatch`: look first with --dry-run",
            session.config.log,
            log.events,
            log.streams,
            log.head,
            keys.added,
            match keys.destroyed + keys.refused {
                0 => String::new(),
                forgotten => format!(", and {forgotten} of forgotten people did not"),
            }
        ),
        &json!({
            "events": log.events, "streams": log.streams, "position": log.head, "root": hex::encode(log.root),
            "files": blobs, "keys": keys.added, "forgotten": keys.destroyed + keys.refused,
        }),
    )
}
