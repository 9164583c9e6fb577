//! `commlog verify`

use clap::Args;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::{Session, print, progress};
use crate::log::chain;

/// `commlog verify`
#[derive(Debug, Args)]
#[command(
    long_about = "Recomputes the hash chain of every stream and checks that versions, positions and times are in order. \
                  Needs no keys: what is hashed is what is stored, sealed as it is.",
    after_help = "Exit code 1 and the first bad event, if anything was changed."
)]
pub struct VerifyArgs {}

/// Runs `commlog verify`.
pub async fn run(session: &Session, _: VerifyArgs) -> Outcome {
    let log = crate::boot::open_existing_log(&session.config, &session.ambient).await?;
    let head = log.head().await?;
    let bar = progress::bar("events", head.position.counter());
    let verified = chain::verify(log.as_ref(), |events| bar.set_position(events)).await;
    bar.finish_and_clear();
    log.close().await;
    match verified {
        Ok(verified) => print::line(format_args!(
            "{} events in {} streams: every hash, version and position is as it was written; the log ends at {}",
            verified.events, verified.streams, verified.head
        )),
        Err(chain::VerifyError::Broken(broken)) => {
            if let Some(event) = &broken.event {
                print::line(format_args!(
                    "event {} ({}, version {} of stream {}) is not what was appended",
                    event.id, event.event_type, event.version, event.stream
                ))?;
            }
            Err(Failure::from_error(Exit::Found, broken))
        }
        Err(chain::VerifyError::Log(error)) => Err(error.into()),
    }
}
