//! `commlog confirm-dispatch`

use clap::Args;

use crate::cli::failure::Outcome;
use crate::cli::{Session, print};

/// `commlog confirm-dispatch`
#[derive(Debug, Args)]
#[command(
    long_about = "Allows sending from a log that was restored from a backup, cut short, copied or replaced. commlog \
                  recognises such a log by its content, and holds all of its messages, because they may have been sent \
                  already: after the backup was made, or by another copy. What the log does not know of is sent \
                  again once you confirm, so cancel first what must not be. First make sure that no other server \
                  sends from this log or from the one that it was copied from. Running servers notice within a second."
)]
pub struct ConfirmArgs {}

/// Runs `commlog confirm-dispatch`.
pub async fn run(session: &Session) -> Outcome {
    let stores = session.open_existing().await?;
    let epoch = stores.app.confirm_dispatch().await?;
    stores.close().await;
    print::line(format_args!("epoch {epoch} begins: this log sends messages again"))
}
