//! `commlog reclass`

use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args};
use serde_json::json;

use crate::app::{Reclassed, Step};
use crate::cli::failure::Outcome;
use crate::cli::listing::ReportFormat;
use crate::cli::{Session, TenantArg, ids, progress};
use crate::domain::message::reclass::ReclassEngagement;
use crate::domain::value::engagement::CURRENT;
use crate::ids::{CampaignId, CustomerId, MessageId, Position};

/// Reclassifies recorded opens and clicks by the current rule.
#[derive(Debug, Args)]
#[command(
    long_about = "Classifies recorded opens and clicks by this version's rule (a person, or a proxy, scanner or \
                  prefetcher?) and appends a correction wherever an earlier rule decided differently. Message states \
                  and campaign figures follow. The original events stay in the log. Engagements of forgotten \
                  customers are left unchanged. Repeating the command changes nothing, so an interrupted run can \
                  simply be repeated.",
    after_help = "Examples:\n  commlog reclass --campaign $ID\n  commlog reclass --since 2026-01-01 --until 2026-02-01\n  commlog \
                  reclass --customer $CUSTOMER --message $MESSAGE\n  commlog reclass --all",
    group = ArgGroup::new("scope").args(["customer", "campaign", "since", "until", "all"]).required(true).multiple(true)
)]
pub struct ReclassArgs {
    /// Only engagements with this customer's messages.
    #[arg(long, value_name = "ID", value_parser = ids::given::<CustomerId>)]
    customer: Option<CustomerId>,
    /// Only engagements with this message; requires --customer.
    #[arg(long, value_name = "ID", requires = "customer", value_parser = ids::given::<MessageId>)]
    message: Option<MessageId>,
    /// Only engagements with this campaign's messages.
    #[arg(long, value_name = "ID", value_parser = ids::given::<CampaignId>)]
    campaign: Option<CampaignId>,
    /// Only engagements at or after this time.
    #[arg(long, value_name = "TIME", value_parser = crate::cli::replay::time)]
    since: Option<DateTime<Utc>>,
    /// Only engagements before this time.
    #[arg(long, value_name = "TIME", value_parser = crate::cli::replay::time)]
    until: Option<DateTime<Utc>>,
    /// All recorded opens and clicks.
    #[arg(long, conflicts_with_all = ["customer", "campaign", "since", "until"])]
    all: bool,
    /// Resumes after this position, where an earlier run was interrupted.
    #[arg(long, value_name = "POSITION")]
    after: Option<Position>,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
    #[command(flatten)]
    tenant: TenantArg,
}

/// Runs `commlog reclass`.
pub async fn run(session: &Session, args: ReclassArgs) -> Outcome {
    let stores = session.open_existing().await?;
    let caller = session.caller(&args.tenant);
    let command = ReclassEngagement {
        customer_id: args.customer,
        message_id: args.message,
        campaign_id: args.campaign,
        since: if args.all { Some(DateTime::UNIX_EPOCH) } else { args.since },
        until: args.until,
    };
    let bar = progress::bar("events", stores.journal.backend().head().await?.position.counter());
    let (mut total, mut after) = (Reclassed::default(), args.after);
    loop {
        let step = stores.app.reclass_engagement(&caller, &command, Step::after(after), &CURRENT).await?;
        let step = step.into_result()?.value;
        total.judged += step.judged;
        after = step.next;
        let Some(next) = after else { break };
        bar.set_position(next.counter());
    }
    bar.finish_and_clear();
    stores.close().await;
    let judged = total.judged;
    args.format.line(
        format_args!(
            "{} opens and clicks classified by {}, {} corrected, {} skipped because the customer was forgotten",
            judged.judged, CURRENT.name, judged.corrected, judged.erased
        ),
        &json!({
            "rule": CURRENT.name, "classified": judged.judged, "corrected": judged.corrected, "forgotten": judged.erased,
        }),
    )
}
