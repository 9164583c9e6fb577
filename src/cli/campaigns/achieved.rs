//! `commlog campaign results` and `recipients`

use std::fs::File;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::One;
use crate::campaigns::attribution::{Share, attribution, converted};
use crate::campaigns::rates::{Rates, part};
use crate::campaigns::recipients as found;
use crate::cli::Session;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing};
use crate::cli::lists::Opened;
use crate::domain::campaign::attribution::{Touch, Windows};
use crate::domain::campaign::plan::CampaignPlan;
use crate::domain::value::Channel;
use crate::domain::value::money::decimal;
use crate::ids::CampaignId;
use crate::queries::campaign_attribution::page_of;
use crate::queries::campaign_groups::{self, GroupFigures};
use crate::queries::messages::{self, MessageRow};
use crate::queries::page::PAGE;
use crate::queries::{Page, campaign_metrics, campaigns};

/// What a campaign's figures are shown by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// Variant and channel
    Variant,
    /// Hour (UTC), variant and channel; reports, not messages
    Hour,
    /// Domain of the mailboxes
    Domain,
    /// List of the audience, by who was a member when the campaign started
    List,
    /// Link
    Link,
    /// Orders that belong to the messages, with revenue, cost and return
    Orders,
}

#[derive(Debug, Args)]
pub(super) struct ResultsArgs {
    /// What the figures are shown by.
    #[arg(long, value_enum, default_value = "variant")]
    by: By,
    /// Of orders: what makes a message one that an order can belong to: sent, opened or clicked.
    #[arg(long, default_value = "sent")]
    touch: Touch,
    /// Of orders: for how many days an order belongs to a message of a channel; repeat it for each [default: email=5, others=3]
    #[arg(long = "window", value_name = "CHANNEL=DAYS", value_parser = window)]
    windows: Vec<(Channel, u32)>,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct RecipientsArgs {
    /// What became of them: queued, held, suppressed, cancelled, in_doubt, failed, bounced, sent, delivered, opened, clicked,
    /// replied, opted_out, complained or converted.
    #[arg(long)]
    outcome: messages::Outcome,
    /// Only those with this reason, such as the rule that suppressed them.
    #[arg(long)]
    reason: Option<String>,
    /// Only those written to on this channel.
    #[arg(long)]
    channel: Option<Channel>,
    /// Only those of this variant.
    #[arg(long)]
    variant: Option<String>,
    /// Write all of them to this file, as CSV.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value = "table", conflicts_with = "csv")]
    format: Format,
}

/// Reads a window such as `sms=7`.
fn window(text: &str) -> Result<(Channel, u32), String> {
    let (channel, days) = text.split_once('=').ok_or("give a channel and days, such as sms=7")?;
    let channel = channel.parse().map_err(|error: crate::domain::value::InvalidValue| error.to_string())?;
    Ok((channel, days.parse().map_err(|_| "the days must be a whole number".to_owned())?))
}

pub(super) async fn results(session: &Session, one: &One, args: ResultsArgs) -> Outcome {
    let opened = Opened::of(session, &one.tenant).await?;
    crate::cli::rebuild::catch_up(&opened.reads, &opened.stores.journal).await?;
    match args.by {
        By::Variant => by_variant(&opened, one.campaign, args.format).await,
        By::Hour => by_hour(&opened, one.campaign, args.format).await,
        By::Domain => by_domain(&opened, one.campaign, args.format).await,
        By::List => by_list(&opened, one.campaign, args.format).await,
        By::Link => by_link(&opened, one.campaign, args.format).await,
        By::Orders => by_orders(&opened, one.campaign, args).await,
    }
}

const NO_MESSAGES: &str = "no message was requested in this campaign";

async fn by_variant(opened: &Opened, campaign: CampaignId, format: Format) -> Outcome {
    let rows = campaign_metrics::totals(&opened.reads.db(), opened.tenant, &[campaign]).await;
    let columns = &[
        "variant",
        "channel",
        "queued",
        "suppressed",
        "sent",
        "delivered",
        "unique_opens_human",
        "unique_clicks_human",
        "replied",
        "opted_out",
        "open_rate",
        "click_rate",
    ];
    let mut listing = Listing::new(format, columns);
    for row in rows.map_err(Failure::unavailable)? {
        let mut figures = json!({
            "variant": row.variant, "channel": row.channel, "queued": row.queued, "suppressed": row.suppressed,
            "cancelled": row.cancelled, "sent": row.sent, "delivered": row.delivered, "deferred": row.deferred,
            "arrived": row.arrived, "bounced": row.bounced, "soft_bounced": row.soft_bounced,
            "hard_bounced": row.hard_bounced, "failed": row.failed, "complained": row.complained,
            "opted_out": row.opted_out, "replied": row.replied, "opens": row.opens, "opens_machine": row.opens_machine,
            "opens_human": row.opens_human, "unique_opens": row.unique_opens,
            "unique_opens_human": row.unique_opens_human, "clicks": row.clicks, "clicks_machine": row.clicks_machine,
            "clicks_human": row.clicks_human, "unique_clicks": row.unique_clicks,
            "unique_clicks_human": row.unique_clicks_human,
        });
        add_rates(&mut figures, Rates::from(&row));
        listing.row(&figures)?;
    }
    listing.end(NO_MESSAGES)
}

fn add_rates(row: &mut Value, rates: Rates) {
    let rounded = |rate: Option<f64>| rate.map(|rate| (rate * 10_000.0).round() / 10_000.0);
    row["delivery_rate"] = json!(rounded(rates.delivery));
    row["bounce_rate"] = json!(rounded(rates.bounce));
    row["open_rate"] = json!(rounded(rates.open));
    row["click_rate"] = json!(rounded(rates.click));
    row["click_to_open_rate"] = json!(rounded(rates.click_to_open));
    row["reply_rate"] = json!(rounded(rates.reply));
    row["complaint_rate"] = json!(rounded(rates.complaint));
    row["opt_out_rate"] = json!(rounded(rates.opt_out));
}

async fn by_hour(opened: &Opened, campaign: CampaignId, format: Format) -> Outcome {
    let rows = campaign_metrics::by_hour(&opened.reads.db(), opened.tenant, campaign, None, None).await;
    let columns = &["hour", "variant", "channel", "sent", "delivered", "opens_human", "clicks_human"];
    let mut listing = Listing::new(format, columns);
    for row in rows.map_err(Failure::unavailable)? {
        listing.row(&json!({
            "hour": row.hour, "variant": row.variant, "channel": row.channel, "queued": row.queued, "sent": row.sent,
            "delivered": row.delivered, "soft_bounced": row.soft_bounced, "hard_bounced": row.hard_bounced,
            "failed": row.failed, "refused": row.refused, "complained": row.complained, "opted_out": row.opted_out,
            "replied": row.replied, "opens_machine": row.opens_machine, "opens_human": row.opens_human,
            "clicks_machine": row.clicks_machine, "clicks_human": row.clicks_human,
        }))?;
    }
    listing.end(NO_MESSAGES)
}

fn figures(row: &GroupFigures) -> Value {
    let mut figures = json!({
        "queued": row.queued, "suppressed": row.suppressed, "sent": row.sent, "arrived": row.arrived,
        "bounced": row.bounced, "failed": row.failed, "opened": row.opened, "clicked": row.clicked,
        "replied": row.replied, "complained": row.complained, "opted_out": row.opted_out,
    });
    add_rates(&mut figures, Rates::from(row));
    figures
}

async fn by_domain(opened: &Opened, campaign: CampaignId, format: Format) -> Outcome {
    let rows = campaign_groups::by_domain(&opened.reads.db(), opened.tenant, campaign, PAGE.largest).await;
    let columns =
        &["domain", "sent", "arrived", "bounced", "opened", "clicked", "complained", "opted_out", "open_rate"];
    let mut listing = Listing::new(format, columns);
    for row in rows.map_err(Failure::unavailable)? {
        let mut figures = figures(&row);
        figures["domain"] = json!(row.label);
        listing.row(&figures)?;
    }
    listing.end(NO_MESSAGES)
}

async fn by_list(opened: &Opened, campaign: CampaignId, format: Format) -> Outcome {
    let db = opened.reads.db();
    let row = campaigns::by_id(&db, opened.tenant, campaign).await.map_err(Failure::unavailable)?;
    let plan = row.as_ref().and_then(|row| row.plan.as_ref());
    let plan = plan.and_then(|plan| serde_json::from_value::<CampaignPlan>(plan.0.clone()).ok());
    let plan = plan.zip(row.and_then(|row| row.started_at));
    let (plan, at) = plan.ok_or_else(|| Failure::new(Exit::Refused, "no campaign with this id has started"))?;
    let mut listing =
        Listing::new(format, &["list_id", "sent", "arrived", "opened", "clicked", "opted_out", "members_as_of"]);
    for list in plan.audience.lists {
        let row = campaign_groups::of_list(&db, opened.tenant, campaign, list, at).await;
        let mut figures = figures(&row.map_err(Failure::unavailable)?);
        (figures["list_id"], figures["members_as_of"]) = (json!(list), json!(at));
        listing.row(&figures)?;
    }
    listing.end("the campaign goes to everybody")
}

async fn by_link(opened: &Opened, campaign: CampaignId, format: Format) -> Outcome {
    let rows = campaign_groups::by_link(&opened.reads.db(), opened.tenant, campaign, PAGE.largest).await;
    let mut listing = Listing::new(format, &["clicked", "clicks_human", "clicks_machine", "url"]);
    for row in rows.map_err(Failure::unavailable)? {
        listing.row(&json!({
            "clicked": row.messages_human, "clicks_human": row.clicks_human, "clicks_machine": row.clicks_machine,
            "url": row.url,
        }))?;
    }
    listing.end("no link of this campaign was followed")
}

async fn by_orders(opened: &Opened, campaign: CampaignId, args: ResultsArgs) -> Outcome {
    let windows = Windows::try_new(args.windows);
    let windows = windows.ok_or_else(|| Failure::usage("--window: a window has 1 to 90 days"))?;
    let found = attribution(&opened.reads.db(), opened.tenant, campaign, args.touch, &windows, None).await;
    let found = found.map_err(Failure::unavailable)?;
    let columns = &[
        "variant",
        "channel",
        "sent",
        "converted",
        "conversion_rate",
        "orders",
        "currency",
        "revenue",
        "cost",
        "unpriced",
        "roi",
    ];
    let mut listing = Listing::new(args.format, columns);
    for ((variant, channel), share) in &found.shares {
        of_share(&mut listing, variant, Some(*channel), share)?;
    }
    if found.shares.len() > 1 {
        of_share(&mut listing, "(all)", None, &found.total)?;
    }
    listing.end(NO_MESSAGES)
}

/// A row for each currency; one without, where there is no money.
fn of_share(listing: &mut Listing, variant: &str, channel: Option<Channel>, share: &Share) -> Outcome {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let mut row = json!({
        "variant": variant, "channel": channel, "sent": share.sent, "converted": share.converted,
        "conversion_rate": part(number(share.converted), number(share.sent)), "orders": share.orders,
        "unpriced": share.unpriced, "roi": share.roi(), "currency": null, "revenue": null, "cost": null,
    });
    if share.amounts.is_empty() {
        return listing.row(&row);
    }
    for (currency, amounts) in &share.amounts {
        row["currency"] = json!(currency);
        row["revenue"] = json!(decimal(amounts.revenue, 2));
        row["cost"] = json!(decimal(amounts.cost, 2));
        listing.row(&row)?;
    }
    Ok(())
}

pub(super) async fn recipients(session: &Session, one: &One, args: RecipientsArgs) -> Outcome {
    let opened = Opened::of(session, &one.tenant).await?;
    crate::cli::rebuild::catch_up(&opened.reads, &opened.stores.journal).await?;
    let RecipientsArgs { outcome, reason, channel, variant, .. } = args;
    let wanted = found::Wanted { outcome, reason, channel, variant };
    match args.csv {
        Some(path) => {
            let failed = |error: csv::Error| Failure::doing(Exit::Unavailable, "cannot write", error);
            let file = File::create(&path);
            let file = file.map_err(|error| Failure::doing(Exit::Unavailable, "cannot create the file", error))?;
            let mut out = csv::Writer::from_writer(file);
            out.write_record(COLUMNS).map_err(failed)?;
            each(&opened, one.campaign, &wanted, |row| {
                out.write_record(COLUMNS.map(|column| match &row[column] {
                    Value::Null => String::new(),
                    Value::String(text) => crate::files::cells::defused(text).into_owned(),
                    other => other.to_string(),
                }))
                .map_err(failed)
            })
            .await?;
            out.flush().map_err(|error| Failure::doing(Exit::Unavailable, "cannot write", error))
        }
        None => {
            let shown = &["message_id", "customer_id", "variant", "state", "sent_at"];
            let mut listing = Listing::new(args.format, shown);
            each(&opened, one.campaign, &wanted, |row| listing.row(row)).await?;
            listing.end("nobody")
        }
    }
}

const COLUMNS: [&str; 12] = [
    "message_id",
    "customer_id",
    "variant",
    "channel",
    "state",
    "created_at",
    "sent_at",
    "delivered_at",
    "opened_at",
    "clicked_at",
    "replied_at",
    "opted_out_at",
];

/// Reads all recipients page by page.
async fn each(
    opened: &Opened,
    campaign: CampaignId,
    wanted: &found::Wanted,
    mut write: impl FnMut(&Value) -> Outcome,
) -> Outcome {
    let (db, tenant) = (opened.reads.db(), opened.tenant);
    // Orders are credited once for all pages.
    let converted = match wanted.outcome {
        messages::Outcome::Converted => converted(&db, tenant, campaign, Touch::Sent, &Windows::default()).await,
        _ => Ok(Vec::new()),
    };
    let converted = converted.map_err(Failure::unavailable)?;
    let mut page = Some(Page::first(PAGE.largest));
    while let Some(asked) = page.take() {
        let slice = match wanted.outcome {
            messages::Outcome::Converted => page_of(&db, tenant, converted.clone(), &asked).await,
            _ => found::list(&db, tenant, campaign, wanted, &asked).await,
        };
        let slice = slice.map_err(Failure::unavailable)?;
        page = slice.next(PAGE.largest);
        slice.into_rows().iter().try_for_each(|row| write(&as_json(row)))?;
    }
    Ok(())
}

fn as_json(row: &MessageRow) -> Value {
    json!({
        "message_id": row.message_id, "customer_id": row.customer_id, "variant": row.variant, "channel": row.channel,
        "state": row.state, "created_at": row.created_at, "sent_at": row.sent_at, "delivered_at": row.delivered_at,
        "opened_at": row.opened_human_at, "clicked_at": row.clicked_human_at, "replied_at": row.replied_at,
        "opted_out_at": row.opted_out_at,
    })
}
