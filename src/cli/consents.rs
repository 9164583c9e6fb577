//! `commlog consents`

use clap::Args;
use serde_json::json;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing};
use crate::cli::{Session, TenantArg, ids, reading};
use crate::ids::CustomerId;
use crate::queries::consents::{self, ConsentRow};
use crate::queries::page::PAGE;
use crate::queries::{Page, customers};

/// Lists what a customer agreed to, with the evidence.
#[derive(Debug, Args)]
#[command(
    long_about = "Lists the changes of a customer's consent, newest first: source and method, who recorded it and when, and \
                  the resulting state. --personal adds the evidence that identifies the person: the wording shown, \
                  the IP address and the user agent.",
    after_help = "Examples:\n  commlog consents --customer $ID\n  commlog consents --customer $ID --current\n  commlog \
                  consents --customer $ID --channel email --personal --format jsonl > evidence.jsonl"
)]
pub struct ConsentsArgs {
    /// The customer's id.
    #[arg(long, value_name = "ID", value_parser = ids::given::<CustomerId>)]
    customer: CustomerId,
    /// Only this channel: `email`, `sms`, `whatsapp`, `voice`, `push`, `in_app`.
    #[arg(long)]
    channel: Option<crate::domain::value::Channel>,
    /// Only the current state of each channel and topic.
    #[arg(long)]
    current: bool,
    /// Also shows wording, IP address and user agent; the log records this access.
    #[arg(long)]
    personal: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    tenant: TenantArg,
}

const COLUMNS: &[&str] = &["occurred_at", "channel", "topic", "state", "source", "method", "actor", "message_id"];
const EVIDENCE: &[&str] =
    &["occurred_at", "channel", "topic", "state", "source", "method", "wording", "ip", "user_agent", "actor"];

/// Runs `commlog consents`.
pub async fn run(session: &Session, args: ConsentsArgs) -> Outcome {
    let stores = session.open_existing().await?;
    let caller = session.caller(&args.tenant);
    let reads = session.read_store(&stores).await?;
    let (db, tenant) = (reads.db(), caller.tenant);
    if customers::by_ids(&db, tenant, &[args.customer]).await.map_err(Failure::unavailable)?.is_empty() {
        return Err(Failure::new(Exit::Refused, format!("there is no customer {}", args.customer)));
    }
    if args.personal {
        let read = reading::of_customers("consents", &[args.customer]);
        session.record_read(&stores, &caller, read).await?;
    }
    let channel = args.channel;
    let mut listing = Listing::new(args.format, if args.personal { EVIDENCE } else { COLUMNS });
    if args.current {
        let rows = consents::of_customers(&db, tenant, &[args.customer]).await.map_err(Failure::unavailable)?;
        for row in rows.into_iter().filter(|row| channel.is_none_or(|channel| row.channel == channel)) {
            write(&mut listing, &row, args.personal)?;
        }
    } else {
        let mut page = Some(Page::first(PAGE.largest));
        while let Some(wanted) = page.take() {
            let slice = consents::history(&db, tenant, args.customer, channel, &wanted).await;
            let slice = slice.map_err(Failure::unavailable)?;
            page = slice.next(PAGE.largest);
            for row in slice.into_rows() {
                write(&mut listing, &row, args.personal)?;
            }
        }
    }
    stores.close().await;
    listing.end("no consent was ever recorded for this customer")
}

fn write(listing: &mut Listing, row: &ConsentRow, personal: bool) -> Outcome {
    let mut line = json!({
        "customer_id": row.customer_id, "channel": row.channel, "topic": row.topic, "state": row.state,
        "source": row.source, "method": row.method, "message_id": row.message_id, "campaign_id": row.campaign_id,
        "import_id": row.import_id, "actor": row.actor, "event_id": row.event_id, "occurred_at": row.occurred_at,
        "recorded_at": row.recorded_at, "position": row.position,
    });
    if personal {
        line["wording"] = json!(row.wording);
        line["ip"] = json!(row.ip);
        line["user_agent"] = json!(row.user_agent);
    }
    listing.row(&line)
}
