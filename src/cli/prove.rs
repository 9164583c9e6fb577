//! `commlog prove`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::{Session, print, verify};
use crate::ids::EventId;
use crate::log::chain;

/// Prints a proof that an event is in the log, for somebody who has a checkpoint of it.
#[derive(Debug, Args)]
#[command(
    long_about = "Prints a proof that an event is in the log: its hash, and the few hashes that lead from it to the Merkle \
                  root (RFC 6962) of all events in their order. Whoever has the root, from a signed checkpoint, checks \
                  the proof without the log and without its keys; docs/proofs.md says how, and examples/check_proof.py \
                  does it.",
    after_help = "Examples:\n  commlog prove --event 01a220b4-…\n  commlog prove --event 01a220b4-… --against \
                  2026-03.checkpoint > proof.json"
)]
pub struct ProveArgs {
    /// The event's id.
    #[arg(long, value_name = "ID")]
    event: EventId,
    /// Proves it for the events that this signed checkpoint covers; otherwise for all. Needs the master key.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

/// Runs `commlog prove`.
pub async fn run(session: &Session, args: ProveArgs) -> Outcome {
    let checkpoint = args.against.as_deref().map(verify::read).transpose()?;
    if let Some(checkpoint) = &checkpoint {
        let key = verify::key(session)?;
        if !checkpoint.is_signed_with(&key) {
            return Err(Failure::new(
                Exit::Found,
                "the checkpoint was not signed with this master key, or was changed since",
            ));
        }
    }
    let log = crate::boot::open_existing_log(&session.config, &session.ambient).await?;
    let until = match &checkpoint {
        Some(checkpoint) => checkpoint.position,
        None => log.head().await?.position,
    };
    let proof = chain::prove(log.as_ref(), args.event, until).await;
    log.close().await;
    let Some(proof) = proof? else {
        return Err(Failure::new(Exit::Refused, format!("no event up to position {until} has the id {}", args.event)));
    };
    if checkpoint.is_some_and(|checkpoint| (checkpoint.events, checkpoint.root) != (proof.events, proof.root)) {
        let reason = "the log no longer contains what the checkpoint covers: `commlog verify --against` says more";
        return Err(Failure::new(Exit::Found, reason));
    }
    let path: Vec<String> = proof.path.iter().map(hex::encode).collect();
    print::line(json!({
        "event_id": args.event.0,
        "position": proof.position.to_string(),
        "hash": hex::encode(proof.hash),
        "index": proof.index,
        "events": proof.events,
        "path": path,
        "root": hex::encode(proof.root),
    }))
}
