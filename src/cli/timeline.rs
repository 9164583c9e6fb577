//! `commlog timeline`

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::json;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing};
use crate::cli::{Session, TenantArg, ids, print, reading};
use crate::domain::value::Channel;
use crate::domain::value::money::decimal;
use crate::ids::CustomerId;
use crate::queries::page::PAGE;
use crate::queries::timeline::{self, TimelineFilter, TimelineKind, TimelineRow};
use crate::queries::{Page, customers};

/// Shows a customer's timeline: messages, orders, notes, consent, newest first.
#[derive(Debug, Args)]
#[command(
    long_about = "Shows a customer's timeline, newest first, with that of all records merged into the same person: messages with \
                  their state, orders and other activities, notes, changes of consent and of conversations. --personal \
                  adds texts and titles, and the log records the access.",
    after_help = "Examples:\n  commlog timeline --customer $ID\n  commlog timeline --customer $ID --personal --since 2026-01-01 \
                  --channel email\n  commlog timeline --customer $ID --limit 1000 --format jsonl\n\n`commlog find` shows a \
                  customer's id."
)]
pub struct TimelineArgs {
    /// The customer's id.
    #[arg(long, value_name = "ID", value_parser = ids::given::<CustomerId>)]
    customer: CustomerId,
    /// Only entries of this kind, such as `message`, `order` or `consent`. Repeatable.
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<TimelineKind>,
    /// Only entries of this channel, such as `email` or `sms`. Repeatable.
    #[arg(long = "channel", value_name = "CHANNEL")]
    channels: Vec<Channel>,
    /// Only entries at or after this time.
    #[arg(long, value_name = "TIME", value_parser = crate::cli::replay::time)]
    since: Option<DateTime<Utc>>,
    /// Only entries before this time.
    #[arg(long, value_name = "TIME", value_parser = crate::cli::replay::time)]
    until: Option<DateTime<Utc>>,
    /// The most entries that are shown.
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    limit: usize,
    /// Also shows texts of messages and notes; the log records this access.
    #[arg(long)]
    personal: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    tenant: TenantArg,
}

const COLUMNS: &[&str] = &["occurred_at", "kind", "channel", "direction", "state", "amount", "author", "entry_id"];
const WITH_TEXTS: &[&str] = &["occurred_at", "kind", "channel", "direction", "state", "amount", "author", "text"];

/// Runs `commlog timeline`.
pub async fn run(session: &Session, args: TimelineArgs) -> Outcome {
    let stores = session.open_existing().await?;
    let caller = session.caller(&args.tenant);
    let reads = session.read_store(&stores).await?;
    let (db, tenant) = (reads.db(), caller.tenant);
    if customers::by_id(&db, tenant, args.customer).await.map_err(Failure::unavailable)?.is_none() {
        return Err(Failure::new(Exit::Refused, format!("there is no customer {}", args.customer)));
    }
    if args.personal {
        session.record_read(&stores, &caller, reading::of_customers("timeline", &[args.customer])).await?;
    }
    let filter = TimelineFilter {
        kinds: args.kinds,
        channels: args.channels,
        since: args.since,
        until: args.until,
        ..TimelineFilter::default()
    };
    let mut listing = Listing::new(args.format, if args.personal { WITH_TEXTS } else { COLUMNS });
    let (mut left, mut more) = (args.limit, false);
    let mut page = Some(Page::first(left.clamp(1, PAGE.largest)));
    while let Some(wanted) = page.take().filter(|_| left > 0) {
        let slice = timeline::of_customer(&db, tenant, args.customer, &filter, &wanted).await;
        let slice = slice.map_err(Failure::unavailable)?;
        more = slice.has_next;
        left = left.saturating_sub(slice.rows.len());
        page = slice.next(left.clamp(1, PAGE.largest));
        for row in slice.into_rows() {
            listing.row(&object(&row, args.personal))?;
        }
    }
    stores.close().await;
    if more {
        print::note(format_args!("there are older entries: give a higher --limit than {}, or --until", args.limit));
    }
    listing.end("nothing is found")
}

fn object(row: &TimelineRow, personal: bool) -> serde_json::Value {
    let state = row.message_state.map(|state| state.to_string());
    let state = state.or_else(|| row.activity_status.clone()).or_else(|| row.result.clone());
    let amount = row.amount_micros.map(|micros| {
        let (amount, currency) = (decimal(micros.into(), 2), row.currency.as_deref().unwrap_or_default());
        format!("{amount} {currency}").trim_end().to_owned()
    });
    let mut entry = json!({
        "occurred_at": row.occurred_at, "position": row.position, "kind": row.kind, "entry_id": row.entry_id,
        "customer_id": row.customer_id, "channel": row.channel, "direction": row.direction, "state": state,
        "topic_or_assignee": row.detail, "amount": amount, "amount_micros": row.amount_micros, "currency": row.currency,
        "lines": row.line_count, "author": row.author, "campaign_id": row.campaign_id,
        "conversation_id": row.conversation_id, "import_id": row.import_id, "delivered_at": row.delivered_at,
        "opened_by_people": row.opened_human_count, "clicked_by_people": row.clicked_human_count,
        "replies": row.replied_count,
    });
    if personal && let Some(members) = entry.as_object_mut() {
        let parts =
            [&row.message_subject, &row.message_preview, &row.activity_title, &row.activity_reference, &row.note];
        let texts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        members.insert("text".to_owned(), json!(texts.join(" | ")));
        members.insert("subject".to_owned(), json!(row.message_subject));
        members.insert("preview".to_owned(), json!(row.message_preview));
        members.insert("title".to_owned(), json!(row.activity_title));
        members.insert("reference".to_owned(), json!(row.activity_reference));
        members.insert("note".to_owned(), json!(row.note));
    }
    entry
}
