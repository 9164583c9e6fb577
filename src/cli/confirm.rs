//! `commlog confirm-dispatch`

use clap::Args;
use serde_json::json;

use crate::cli::Session;
use crate::cli::failure::Outcome;
use crate::cli::listing::ReportFormat;

/// `commlog confirm-dispatch`
#[derive(Debug, Args)]
#[command(
    long_about = "Allows sending from a log that was restored from a backup, cut short, copied or replaced. commlog \
                  recognises such a log by its content, and holds all of its messages, because they may have been sent \
                  already: after the backup was made, or by another copy. What the log does not know of is sent \
                  again once you confirm, so cancel first what must not be. First make sure that no other server \
                  sends from this log or from the one that it was copied from. Running servers notice within a second."
)]
pub struct ConfirmArgs {
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
}

/// Runs `commlog confirm-dispatch`.
pub async fn run(session: &Session, args: ConfirmArgs) -> Outcome {
    let stores = session.open_existing().await?;
    let epoch = stores.app.confirm_dispatch().await?;
    stores.close().await;
    args.format.line(format_args!("epoch {epoch} begins: this log sends messages again"), &json!({ "epoch": epoch }))
}
