//! `commlog verify`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::boot::master_key;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::ReportFormat;
use crate::cli::{Session, print, progress};
use crate::log::chain::{self, VerifyError};
use crate::log::checkpoint::{Checkpoint, CheckpointError};
use crate::log::seal::MasterKey;

/// Recomputes every hash chain and names the first event that was changed.
#[derive(Debug, Args)]
#[command(
    long_about = "Recomputes the hash chain of every stream and checks that versions, positions and times are in order, that \
                  the log ends where it says, and that the triggers that refuse changes are in place. No keys are needed: the hashes cover the stored, sealed bytes.\n\nA log that was truncated, or \
                  rewritten from some event on including its hashes, can pass this check alone. Signed \
                  checkpoints detect both, and the end of one stream that was cut: the one that `commlog serve` keeps \
                  in the key store, which is compared if key store and master key are here, or one that you keep \
                  elsewhere.",
    after_help = "Examples:\n  commlog verify\n  commlog verify --sign 2026-03.checkpoint\n  commlog verify --against \
                  2026-03.checkpoint\n\nIf anything was changed, exits with code 1 and names the first changed event."
)]
pub struct VerifyArgs {
    /// Writes a signed checkpoint of the verified log to this file, which must not exist. Needs the master key.
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    sign: Option<PathBuf>,
    /// Checks that the log still contains everything that this signed checkpoint covers. Needs the master key.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
}

/// Runs `commlog verify`.
pub async fn run(session: &Session, args: VerifyArgs) -> Outcome {
    let signed = args.against.as_deref().map(read).transpose()?;
    let key = if args.sign.is_some() || signed.is_some() { Some(key(session)?) } else { None };
    let log = crate::boot::open_existing_log(&session.config, &session.ambient).await?;
    let bar = progress::bar("events", log.head().await?.position.counter());
    if let (Some(checkpoint), Some(key)) = (signed, &key) {
        let checked = checkpoint.check(log.as_ref(), key, |events| bar.set_position(events)).await;
        bar.finish_and_clear();
        checked.map_err(check_failure)?;
        args.sentence(format_args!("the first {} events match the checkpoint", checkpoint.events))?;
        bar.reset();
    }
    let keeper = crate::boot::open_existing_keeper(&session.config, &log, &session.ambient).await?;
    let progress = |events| bar.set_position(events);
    let verified = match &keeper {
        Some(keeper) => keeper.verify(progress).await,
        None => chain::verify(log.as_ref(), progress).await.map(|verified| (verified, None)).map_err(Into::into),
    };
    bar.finish_and_clear();
    log.close().await;
    let (verified, kept) = verified.map_err(check_failure)?;
    if let Some(kept) = &kept {
        args.sentence(format_args!("the first {} events match the checkpoint in the key store", kept.events))?;
    }
    args.format.line(
        format_args!(
            "{} events in {} streams: every hash, version and position is intact; the log ends at position {}",
            verified.events, verified.streams, verified.head
        ),
        &json!({
            "events": verified.events, "streams": verified.streams, "position": verified.head,
            "root": hex::encode(verified.root), "matches_kept_checkpoint": kept.as_ref().map(|kept| kept.events),
            "matches_given_checkpoint": args.against.is_some().then_some(true),
        }),
    )?;
    if let (Some(file), Some(key)) = (&args.sign, &key) {
        write(file, &Checkpoint::sign(&verified, key))?;
        args.sentence(format_args!("{} holds a signed checkpoint; keep it apart from the log", file.display()))?;
    }
    Ok(())
}

impl VerifyArgs {
    /// For people only.
    fn sentence(&self, text: impl std::fmt::Display) -> Outcome {
        match self.format {
            ReportFormat::Text => print::line(text),
            ReportFormat::Json => Ok(()),
        }
    }
}

/// The master key, which signs checkpoints.
pub(super) fn key(session: &Session) -> Outcome<MasterKey> {
    master_key::find(&session.config).map_err(Failure::unavailable)
}

/// Reads a checkpoint; its signature is not checked.
pub(super) fn read(file: &Path) -> Outcome<Checkpoint> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::doing(Exit::Unavailable, format!("cannot read {}", file.display()), error))?;
    text.trim()
        .parse()
        .map_err(|error| Failure::doing(Exit::Refused, format!("{} is not a checkpoint", file.display()), error))
}

fn write(file: &Path, checkpoint: &Checkpoint) -> Outcome {
    use std::io::Write;
    std::fs::File::create_new(file)
        .and_then(|mut file| writeln!(file, "{checkpoint}"))
        .map_err(|error| Failure::doing(Exit::Unavailable, format!("cannot write {}", file.display()), error))
}

fn check_failure(error: CheckpointError) -> Failure {
    match error {
        CheckpointError::Verify(error) => failure(error),
        found => Failure::from_error(Exit::Found, found),
    }
}

fn failure(error: VerifyError) -> Failure {
    match error {
        VerifyError::Log(error) => error.into(),
        VerifyError::Incomplete(incomplete) => Failure::from_error(Exit::Found, incomplete),
        VerifyError::Broken(broken) => {
            if let Some(event) = &broken.event {
                print::note(format_args!(
                    "event {} ({}, version {} of stream {}) is not what was appended",
                    event.id, event.event_type, event.version, event.stream
                ));
            }
            Failure::from_error(Exit::Found, broken)
        }
    }
}
