//! `commlog suppressions`

use clap::Args;
use serde_json::json;

use crate::cli::failure::{Failure, Outcome};
use crate::cli::listing::{Format, Listing};
use crate::cli::{Session, TenantArg, ids};
use crate::domain::address::event::SuppressionReason;
use crate::domain::value::AddressKind;
use crate::ids::AddressId;
use crate::queries::Page;
use crate::queries::page::PAGE;
use crate::queries::suppressions::{self, SuppressionFilter};

/// Lists suppressed addresses and their history.
#[derive(Debug, Args)]
#[command(
    long_about = "Lists suppressed addresses with the reason, newest first. An address is shown by its id, as in the log. \
                  --address shows one address's history instead, oldest first: every suppression, and who lifted it, \
                  when and why.",
    after_help = "Examples:\n  commlog suppressions --reason complaint --reason hard_bounce\n  commlog suppressions --lifted \
                  --format jsonl\n  commlog suppressions --address $ID"
)]
pub struct SuppressionsArgs {
    /// Only for this reason: `hard_bounce`, `complaint`, `stop`, `manual`, `unreachable`. Repeatable.
    #[arg(long = "reason", value_name = "REASON")]
    reasons: Vec<SuppressionReason>,
    /// Only addresses of this kind: `email`, `phone`, `push_token`, `in_app`.
    #[arg(long)]
    kind: Option<AddressKind>,
    /// Includes lifted suppressions.
    #[arg(long)]
    lifted: bool,
    /// Shows the history of the address with this id instead.
    #[arg(long, value_name = "ID", value_parser = ids::given::<AddressId>, conflicts_with_all = ["reasons", "kind", "lifted"])]
    address: Option<AddressId>,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    tenant: TenantArg,
}

const COLUMNS: &[&str] = &["suppressed_at", "reason", "kind", "address_id", "active", "source", "actor", "message_id"];
const WITH_LIFTED: &[&str] =
    &["suppressed_at", "reason", "kind", "address_id", "active", "actor", "lifted_at", "lifted_by", "note"];
const HISTORY: &[&str] = &["occurred_at", "suppressed", "reason", "source", "actor", "note", "message_id"];

/// Runs `commlog suppressions`.
pub async fn run(session: &Session, args: SuppressionsArgs) -> Outcome {
    let stores = session.open_existing().await?;
    let tenant = session.caller(&args.tenant).tenant;
    let reads = session.read_store(&stores).await?;
    let db = reads.db();
    if let Some(address) = args.address {
        let rows = suppressions::histories(&db, tenant, &[address]).await.map_err(Failure::unavailable)?;
        stores.close().await;
        let mut listing = Listing::new(args.format, HISTORY);
        for row in rows {
            listing.row(&json!({
                "address_id": row.address_id, "suppressed": row.suppressed, "reason": row.reason, "source": row.source,
                "note": row.note, "message_id": row.message_id, "customer_id": row.customer_id, "actor": row.actor,
                "event_id": row.event_id, "occurred_at": row.occurred_at, "recorded_at": row.recorded_at,
                "position": row.position,
            }))?;
        }
        return listing.end("this address was never suppressed");
    }
    let filter = SuppressionFilter { reasons: args.reasons.clone(), kind: args.kind, include_lifted: args.lifted };
    let mut listing = Listing::new(args.format, if args.lifted { WITH_LIFTED } else { COLUMNS });
    let mut page = Some(Page::first(PAGE.largest));
    while let Some(wanted) = page.take() {
        let slice = suppressions::list(&db, tenant, &filter, &wanted).await.map_err(Failure::unavailable)?;
        page = slice.next(PAGE.largest);
        for row in slice.into_rows() {
            listing.row(&json!({
                "address_id": row.address_id, "reason": row.reason, "kind": row.kind, "active": row.active,
                "suppressed_at": row.suppressed_at, "lifted_at": row.lifted_at, "lifted_by": row.lifted_by,
                "note": row.note, "source": row.source, "message_id": row.message_id, "customer_id": row.customer_id,
                "actor": row.actor,
            }))?;
        }
    }
    stores.close().await;
    listing.end("no address is suppressed")
}
