//! `commlog confirm-dispatch`

use clap::Args;

use crate::cli::failure::Outcome;
use crate::cli::{Session, print};

/// `commlog confirm-dispatch`
#[derive(Debug, Args)]
#[command(
    long_about = "Lets a log send again that was restored from a backup, copied, or left alone for more than an hour. \
                  commlog holds everything back on such a log, because another copy of it may have sent the same \
                  messages already. Make sure first that no other server sends from this log or from the one that it \
                  was copied from. Running servers notice within a second."
)]
pub struct ConfirmArgs {}

/// Runs `commlog confirm-dispatch`.
pub async fn run(session: &Session) -> Outcome {
    let stores = session.open_existing().await?;
    let epoch = stores.app.confirm_dispatch().await?;
    stores.close().await;
    print::line(format_args!("epoch {epoch} begins: messages are sent from this log"))
}
