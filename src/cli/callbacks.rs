//! `commlog callbacks`

use std::io::Write as _;

use clap::{Args, Subcommand};
use serde_json::json;
use uuid::Uuid;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing};
use crate::cli::{Session, TenantArg, print, reading};
use crate::queries::Page;
use crate::queries::kept_callbacks::{self, KeptCallbackFilter};
use crate::queries::page::PAGE;

/// Lists and shows callbacks that could not be recorded as what they are.
#[derive(Debug, Args)]
#[command(
    long_about = "A callback is kept when it is genuine but cannot be recorded as what it is: nobody knows its message, or \
                  nobody understands it. It is looked at again when its message becomes known, and by the parsers of newer \
                  versions; after 90 days it is given up.",
    after_help = "Examples:\n  commlog callbacks list --provider sendgrid --format jsonl\n  commlog callbacks show $ID"
)]
pub struct CallbacksArgs {
    #[command(subcommand)]
    what: CallbacksCommand,
}

#[derive(Debug, Subcommand)]
enum CallbacksCommand {
    /// Lists kept callbacks, newest first.
    List {
        /// Only of this provider, such as `sendgrid`.
        #[arg(long)]
        provider: Option<String>,
        /// Only of this account.
        #[arg(long)]
        account: Option<String>,
        /// Only those kept for this reason, in full.
        #[arg(long)]
        reason: Option<String>,
        /// Includes those that were recorded since, or given up.
        #[arg(long)]
        ended: bool,
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Writes the whole body of one to standard output; the log records this access.
    Show {
        /// The callback's id, from `commlog callbacks list`.
        #[arg(value_name = "CALLBACK")]
        callback: Uuid,
        #[command(flatten)]
        tenant: TenantArg,
    },
}

const COLUMNS: &[&str] = &["received_at", "callback_id", "provider", "account", "reason", "provider_message_id"];
const WITH_ENDED: &[&str] =
    &["received_at", "callback_id", "provider", "account", "reason", "resolved_at", "expired_at"];

/// Runs `commlog callbacks …`.
pub async fn run(session: &Session, args: CallbacksArgs) -> Outcome {
    match args.what {
        CallbacksCommand::List { provider, account, reason, ended, format, tenant } => {
            let filter = KeptCallbackFilter { provider, account, reason, include_ended: ended };
            list(session, &filter, format, &tenant).await
        }
        CallbacksCommand::Show { callback, tenant } => show(session, callback, &tenant).await,
    }
}

async fn list(session: &Session, filter: &KeptCallbackFilter, format: Format, tenant: &TenantArg) -> Outcome {
    let stores = session.open_existing().await?;
    let tenant = session.caller(tenant).tenant;
    let reads = session.read_store(&stores).await?;
    let db = reads.db();
    let mut listing = Listing::new(format, if filter.include_ended { WITH_ENDED } else { COLUMNS });
    let mut page = Some(Page::first(PAGE.largest));
    while let Some(wanted) = page.take() {
        let slice = kept_callbacks::list(&db, tenant, filter, &wanted).await.map_err(Failure::unavailable)?;
        page = slice.next(PAGE.largest);
        for row in slice.into_rows() {
            listing.row(&json!({
                "callback_id": row.callback_id, "provider": row.provider, "account": row.account, "reason": row.reason,
                "provider_message_id": row.provider_message_id, "parser": row.parser, "received_at": row.received_at,
                "resolved_at": row.resolved_at, "expired_at": row.expired_at,
            }))?;
        }
    }
    stores.close().await;
    listing.end("no callback is kept")
}

async fn show(session: &Session, callback: Uuid, tenant: &TenantArg) -> Outcome {
    let stores = session.open_existing().await?;
    let caller = session.caller(tenant);
    let reads = session.read_store(&stores).await?;
    let row = kept_callbacks::by_id(&reads.db(), caller.tenant, callback).await.map_err(Failure::unavailable)?;
    let Some(row) = row else {
        return Err(Failure::new(Exit::Refused, format!("there is no kept callback {callback}")));
    };
    let read = reading::of_one("kept callback", format!("callback {callback}"));
    session.record_read(&stores, &caller, read).await?;
    let version = row.version.cast_unsigned();
    let content = stores.app.kept_content(&caller, &row.provider, &row.account, version).await?;
    stores.close().await;
    let Some(content) = content else {
        let why = "was recorded as what it is, or given up: nothing is kept of it any more";
        return Err(Failure::new(Exit::Refused, format!("callback {callback} {why}")));
    };
    print::note(format_args!("{} {} to account {}: {}", row.received_at, row.provider, row.account, row.reason));
    std::io::stdout().write_all(&content.body).map_err(Failure::unavailable)
}
