//! `commlog in-doubt`

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::app::ResolveInDoubt;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing, ReportFormat};
use crate::cli::{Session, TenantArg, ids};
use crate::domain::message::dispatch::Resolution;
use crate::ids::MessageId;
use crate::queries::messages;

/// The most messages that are listed.
const MOST: usize = 10_000;

/// Lists and resolves messages that may or may not have been sent.
#[derive(Debug, Args)]
#[command(
    long_about = "A message is in doubt when its provider was called and the response was lost: a time-out, a broken \
                  connection, a crash. commlog looks for evidence and never resends such a message on its own. Where \
                  there is no evidence, a person decides."
)]
pub struct InDoubtArgs {
    #[command(subcommand)]
    what: InDoubtCommand,
}

#[derive(Debug, Subcommand)]
enum InDoubtCommand {
    /// Lists the messages in doubt, oldest first.
    List {
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Resolves one manually.
    #[command(
        after_help = "Examples:\n  commlog in-doubt resolve $ID --as sent\n  commlog in-doubt resolve $ID --as not-sent\n  \
                      commlog in-doubt resolve $ID --as send-again"
    )]
    Resolve {
        /// The message's id, from `commlog in-doubt list`.
        #[arg(value_parser = ids::given::<MessageId>)]
        message: MessageId,
        /// The outcome.
        #[arg(long = "as", value_enum)]
        resolution: ResolutionWord,
        /// Output format.
        #[arg(long, value_enum, default_value = "text")]
        format: ReportFormat,
        #[command(flatten)]
        tenant: TenantArg,
    },
}

/// The words for [`Resolution`].
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ResolutionWord {
    /// It was sent: the provider's console shows it, or the recipient has it
    Sent,
    /// It was not sent and stays unsent
    NotSent,
    /// Sends it again, at the risk of a second copy; transactional messages only
    SendAgain,
}

impl From<ResolutionWord> for Resolution {
    fn from(word: ResolutionWord) -> Self {
        match word {
            ResolutionWord::Sent => Self::Sent,
            ResolutionWord::NotSent => Self::NotSent,
            ResolutionWord::SendAgain => Self::SendAgain,
        }
    }
}

const COLUMNS: &[&str] = &["in_doubt_at", "message_id", "channel", "class", "topic", "attempts", "customer_id"];

/// Runs `commlog in-doubt …`.
pub async fn run(session: &Session, args: InDoubtArgs) -> Outcome {
    match args.what {
        InDoubtCommand::List { format, tenant } => {
            let stores = session.open_existing().await?;
            let reads = session.read_store(&stores).await?;
            let rows = messages::in_doubt_of(&reads.db(), session.caller(&tenant).tenant, MOST).await;
            stores.close().await;
            let mut listing = Listing::new(format, COLUMNS);
            for row in rows.map_err(Failure::unavailable)? {
                listing.row(&json!({
                    "message_id": row.message_id, "customer_id": row.customer_id, "channel": row.channel,
                    "class": row.class, "topic": row.topic, "campaign_id": row.campaign_id,
                    "in_doubt_at": row.in_doubt_at, "dispatching_at": row.dispatching_at,
                    "attempts": row.dispatching_count, "created_at": row.created_at,
                }))?;
            }
            listing.end("no message is in doubt")
        }
        InDoubtCommand::Resolve { message, resolution, format, tenant } => {
            let stores = session.open_existing().await?;
            let caller = session.caller(&tenant);
            let reads = session.read_store(&stores).await?;
            let row = messages::by_id(&reads.db(), caller.tenant, message).await.map_err(Failure::unavailable)?;
            let Some(row) = row else {
                return Err(Failure::new(Exit::Refused, format!("there is no message {message}")));
            };
            let resolution = resolution.into();
            let command = ResolveInDoubt { customer_id: row.customer_id, message_id: message, resolution };
            stores.app.resolve_in_doubt(&caller, command).await?.into_result()?;
            stores.close().await;
            let (word, text) = match resolution {
                Resolution::Sent => ("sent", "counts as sent"),
                Resolution::NotSent => ("not_sent", "stays unsent"),
                Resolution::SendAgain => ("send_again", "will be sent again by the next `commlog serve`"),
            };
            format.line(format_args!("message {message} {text}"), &json!({ "message_id": message, "resolution": word }))
        }
    }
}
