//! `commlog inbox`

use clap::Args;
use serde_json::{Value, json};

use crate::cli::failure::{Failure, Outcome};
use crate::cli::listing::{Format, Listing};
use crate::cli::{Session, TenantArg, print};
use crate::domain::conversation::decide::PRIORITIES;
use crate::domain::conversation::event::ConversationState;
use crate::domain::value::Channel;
use crate::queries::Page;
use crate::queries::conversations::{self, ConversationFilter, ConversationOrder};
use crate::queries::inbox::{self, Counts, Tally};
use crate::queries::page::PAGE;

/// Lists or counts conversations that await a reply.
#[derive(Debug, Args)]
#[command(
    long_about = "Lists conversations, most recently active first, and their number in each state. Without --state, \
                  resolved ones are omitted. Names and texts are not shown here; the API shows them to \
                  users with that permission.",
    after_help = "Examples:\n  commlog inbox --unassigned --unread\n  commlog inbox --assignee bob --state open\n  commlog inbox \
                  --counts\n  commlog inbox --state resolved --limit 1000 --format jsonl"
)]
pub struct InboxArgs {
    /// Only conversations in this state: open, pending, snoozed, resolved. Repeatable.
    #[arg(long = "state", value_name = "STATE")]
    states: Vec<ConversationState>,
    /// Only conversations on this channel. Repeatable.
    #[arg(long = "channel", value_name = "CHANNEL")]
    channels: Vec<Channel>,
    /// Only conversations assigned to this person.
    #[arg(long, value_name = "NAME")]
    assignee: Option<String>,
    /// Only unassigned conversations.
    #[arg(long, conflicts_with = "assignee")]
    unassigned: bool,
    /// Only conversations of this team.
    #[arg(long, value_name = "NAME")]
    team: Option<String>,
    /// Only conversations of this priority: low, normal, high, urgent.
    #[arg(long, value_parser = PRIORITIES)]
    priority: Option<String>,
    /// Only conversations with unread messages.
    #[arg(long)]
    unread: bool,
    /// Shows counts by assignee, team, priority and channel instead of the list.
    #[arg(long)]
    counts: bool,
    /// Maximum number of conversations.
    #[arg(long, default_value_t = PAGE.default)]
    limit: usize,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    tenant: TenantArg,
}

impl InboxArgs {
    fn filter(&self) -> ConversationFilter {
        use ConversationState::{Open, Pending, Snoozed};
        let waiting = vec![Open, Pending, Snoozed];
        // Counts are shown for all states side by side.
        let states = if self.states.is_empty() && !self.counts { &waiting } else { &self.states };
        ConversationFilter {
            customer_id: None,
            states: states.clone(),
            channels: self.channels.clone(),
            assignee: self.assignee.clone(),
            unassigned: self.unassigned,
            team: self.team.clone(),
            priority: self.priority.clone(),
            unread: self.unread,
        }
    }
}

const COLUMNS: &[&str] =
    &["changed_at", "state", "unread", "priority", "channel", "assignee", "team", "conversation_id"];
const FIGURES: &[&str] = &["by", "name", "open", "pending", "snoozed", "resolved", "unread", "unread_messages"];

/// Runs `commlog inbox`.
pub async fn run(session: &Session, args: InboxArgs) -> Outcome {
    let stores = session.open_existing().await?;
    let tenant = session.caller(&args.tenant).tenant;
    let reads = session.read_store(&stores).await?;
    let (db, filter) = (reads.db(), args.filter());
    let counts = inbox::counts(&db, tenant, &filter).await.map_err(Failure::unavailable)?;
    if args.counts {
        stores.close().await;
        return figures(&counts, args.format);
    }
    let mut listing = Listing::new(args.format, COLUMNS);
    if listing.is_table() {
        let Tally { open, pending, snoozed, resolved, unread, unread_messages } = counts.tally(|_| true);
        print::line(format_args!(
            "{open} open, {pending} pending, {snoozed} snoozed, {resolved} resolved; {unread} with {unread_messages} \
             unread messages\n"
        ))?;
    }
    let mut left = args.limit;
    let mut page = (left > 0).then(|| Page::first(left.min(PAGE.largest)));
    while let Some(wanted) = page.take() {
        let slice = conversations::list(&db, tenant, &filter, ConversationOrder::default(), &wanted)
            .await
            .map_err(Failure::unavailable)?;
        left = left.saturating_sub(slice.rows.len());
        page = slice.next(left.min(PAGE.largest)).filter(|_| left > 0);
        for row in slice.into_rows() {
            listing.row(&json!({
                "conversation_id": row.conversation_id, "customer_id": row.customer_id, "channel": row.channel,
                "state": row.state, "snoozed_until": row.snoozed_until, "assignee": row.assignee, "team": row.team,
                "priority": row.priority, "unread": row.unread, "started_at": row.started_at,
                "changed_at": row.changed_at, "last_inbound_at": row.last_inbound_at,
                "last_outbound_at": row.last_outbound_at, "position": row.position,
            }))?;
        }
    }
    stores.close().await;
    listing.end("the inbox is empty")
}

fn figures(counts: &Counts, format: Format) -> Outcome {
    let mut listing = Listing::new(format, FIGURES);
    listing.row(&figure("all", None, counts.tally(|_| true)))?;
    for (name, tally) in counts.by(|row| row.assignee.as_deref()) {
        listing.row(&figure("assignee", name, tally))?;
    }
    for (name, tally) in counts.by(|row| row.team.as_deref()) {
        listing.row(&figure("team", name, tally))?;
    }
    for (name, tally) in counts.by(|row| row.priority.as_str()) {
        listing.row(&figure("priority", Some(name), tally))?;
    }
    for (name, tally) in counts.by(|row| row.channel) {
        listing.row(&figure("channel", Some(name.word()), tally))?;
    }
    listing.end("the inbox is empty")
}

fn figure(by: &str, name: Option<&str>, tally: Tally) -> Value {
    let Tally { open, pending, snoozed, resolved, unread, unread_messages } = tally;
    json!({
        "by": by, "name": name, "open": open, "pending": pending, "snoozed": snoozed, "resolved": resolved,
        "unread": unread, "unread_messages": unread_messages,
    })
}
