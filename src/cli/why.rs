//! `commlog why`

use clap::Args;
use serde_json::{Value, json};

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing};
use crate::cli::{Session, TenantArg, ids, print, reading};
use crate::domain::message::event::MessageClass;
use crate::domain::value::Direction;
use crate::ids::MessageId;
use crate::queries::messages::{self, MessageRow, ReasonRow};

/// Explains why a message was or was not sent: rules with their inputs, refusals, states.
#[derive(Debug, Args)]
#[command(
    long_about = "Explains the state of a message, in order of time: every rule that held or suppressed it, with the rule's \
                  inputs, every refusal by a provider, and every state that it reached. A message that no rule \
                  held or suppressed lists no rules.",
    after_help = "Examples:\n  commlog why 01920000-0000-7000-8000-00000000c0de\n  commlog why $ID --format jsonl | jq \
                  'select(.rule == \"consent\") | .inputs'\n\nA message's id is in the timeline, in `commlog in-doubt list` \
                  and in the result of sendMessage."
)]
pub struct WhyArgs {
    /// The message's id.
    #[arg(value_name = "MESSAGE", value_parser = ids::given::<MessageId>)]
    message: MessageId,
    /// Also shows the provider's own words, which may name people; the log records this access.
    #[arg(long)]
    personal: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    tenant: TenantArg,
}

const COLUMNS: &[&str] = &["at", "state", "rule", "code", "until", "inputs"];
const WITH_WORDS: &[&str] = &["at", "state", "rule", "code", "until", "detail", "inputs"];

/// Runs `commlog why`.
pub async fn run(session: &Session, args: WhyArgs) -> Outcome {
    let stores = session.open_existing().await?;
    let caller = session.caller(&args.tenant);
    let reads = session.read_store(&stores).await?;
    if args.personal {
        let read = reading::of_one("why", format!("message {}", args.message));
        session.record_read(&stores, &caller, read).await?;
    }
    let db = reads.db();
    let message = messages::by_id(&db, caller.tenant, args.message).await.map_err(Failure::unavailable)?;
    let reasons = messages::reasons(&db, caller.tenant, &[args.message]).await.map_err(Failure::unavailable)?;
    stores.close().await;
    let Some(message) = message else {
        return Err(Failure::new(Exit::Refused, format!("there is no message {}", args.message)));
    };
    let mut listing = Listing::new(args.format, if args.personal { WITH_WORDS } else { COLUMNS });
    if listing.is_table() {
        let class = [message.class.map(MessageClass::word), message.topic.as_deref()].into_iter().flatten();
        let class = class.collect::<Vec<_>>().join(" ");
        print::line(format_args!(
            "{} {} message to customer {}, {class}: {}\n",
            message.direction, message.channel, message.customer_id, message.state
        ))?;
    }
    for step in steps(&message, reasons, args.personal) {
        listing.row(&step)?;
    }
    listing.end("nothing is recorded about this message")
}

/// The message's history in order of time. A state that is listed with a reason is not repeated without it.
fn steps(message: &MessageRow, reasons: Vec<ReasonRow>, personal: bool) -> Vec<Value> {
    let id = message.message_id.to_string();
    let began = if message.direction == Direction::Inbound { "received" } else { "queued" };
    let reached = [
        (began, Some(message.created_at), 1),
        ("dispatching", message.dispatching_at, message.dispatching_count),
        ("sent", message.sent_at, message.sent_count),
        ("delivered", message.delivered_at, message.delivered_count),
        ("opened", message.opened_human_at, message.opened_human_count),
        ("clicked", message.clicked_human_at, message.clicked_human_count),
        ("replied", message.replied_at, message.replied_count),
        ("opted_out", message.opted_out_at, message.opted_out_count),
    ];
    let mut steps: Vec<_> = reached
        .into_iter()
        .filter_map(|(state, at, count)| {
            let at = at.filter(|_| count > 0)?;
            Some((at, json!({ "message_id": id, "at": at, "state": state, "count": count })))
        })
        .collect();
    steps.extend(reasons.into_iter().map(|row| {
        let step = json!({
            "message_id": id, "at": row.occurred_at, "state": row.state, "rule": row.reason.or(row.class.clone()),
            "class": row.class, "code": row.code, "until": row.until, "inputs": row.inputs.map(|inputs| inputs.0),
            "detail": row.detail.filter(|_| personal), "event_id": row.event_id,
        });
        (row.occurred_at, step)
    }));
    steps.sort_by_key(|(at, _)| *at);
    steps.into_iter().map(|(_, step)| step).collect()
}
