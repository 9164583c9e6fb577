//! `commlog campaign effects`

use clap::Args;
use serde_json::json;

use crate::campaigns::effects::{Effects, Metric, Success, effects};
use crate::cli::campaigns::One;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing};
use crate::cli::lists::Opened;
use crate::cli::{Session, print};
use crate::domain::campaign::experiment::decide::{Reason, Verdict};
use crate::domain::campaign::experiment::level::Interval;
use crate::queries::campaigns;

/// What is compared.
#[derive(Debug, Args)]
pub(super) struct EffectsArgs {
    #[command(flatten)]
    one: One,
    /// What counts as a success: opened, clicked, replied, ordered or activity.
    #[arg(long, default_value = "clicked")]
    metric: Metric,
    /// With --metric activity: the kind of the activity, such as appointment, or the name of a custom one, such as visit.
    #[arg(long, value_name = "KIND", required_if_eq("metric", "activity"))]
    activity_kind: Option<String>,
    /// For how many days from the start orders and activities count.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=365))]
    days: u32,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Compares a campaign's groups.
pub(super) async fn compare(session: &Session, args: EffectsArgs) -> Outcome {
    let EffectsArgs { one, metric, activity_kind, days, format } = args;
    let success = Success::try_new(metric, activity_kind, days);
    let success = success.map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", error.option())))?;
    let opened = Opened::of(session, &one.tenant).await?;
    crate::cli::rebuild::catch_up(&opened.reads, &opened.stores.journal).await?;
    let row = campaigns::by_id(&opened.reads.db(), opened.tenant, one.campaign).await.map_err(Failure::unavailable)?;
    let started = row.and_then(|row| row.started_at);
    let started = started.ok_or_else(|| Failure::new(Exit::Refused, "no campaign with this id has started"))?;
    let found = effects(&opened.reads.db(), opened.tenant, one.campaign, started, &success).await;
    let Effects { groups, currency, verdict, .. } = found.map_err(Failure::unavailable)?;
    let name = |index: usize| groups.get(index).and_then(|group| group.variant.clone()).unwrap_or_default();
    match verdict {
        Some(Verdict::Winner { index, p_value, .. }) => {
            print::note(format_args!("the best variant by {metric}: {} (p = {p_value:.4})", name(index)));
        }
        Some(Verdict::Undecided { reason: Reason::NotSignificant { p_value }, .. }) => {
            print::note(format_args!(
                "no variant is the best by {metric}: the difference may be chance (p = {p_value:.4})"
            ));
        }
        Some(Verdict::Undecided { reason: Reason::TooFew { needed }, .. }) => {
            print::note(format_args!("too few customers to tell: {needed} of each variant are needed"));
        }
        None => {}
    }
    let columns = &["group", "customers", "successes", "rate", "ordered", "revenue_per_customer", "lift", "p_value"];
    let mut listing = Listing::new(format, columns);
    for group in &groups {
        let effect = group.effect;
        listing.row(&json!({
            "group": group.variant.clone().unwrap_or_else(|| "(held out)".to_owned()), "customers": group.customers,
            "successes": group.successes, "rate": group.rate.map(|(rate, _)| rate),
            "rate_interval": group.rate.map(|(_, own)| bounds(own)), "ordered": group.ordered,
            "currency": currency, "revenue_micros": group.revenue.sum().to_string(),
            "revenue_per_customer": group.revenue.mean().map(|mean| mean / 1e6),
            "difference": effect.and_then(|effect| effect.difference).map(|difference| difference.value),
            "difference_interval": effect.and_then(|effect| effect.difference).map(|own| bounds(own.interval)),
            "lift": effect.and_then(|effect| effect.lift).map(|lift| lift.value),
            "lift_interval": effect.and_then(|effect| effect.lift?.interval).map(bounds),
            "revenue_difference": effect.and_then(|effect| effect.revenue).map(|difference| difference.value / 1e6),
            "revenue_interval": effect.and_then(|effect| effect.revenue).map(|own| bounds(own.interval).map(|at| at / 1e6)),
            "p_value": effect.and_then(|effect| effect.test).map(|test| test.p_value),
        }))?;
    }
    listing.end("no message was requested in this campaign")
}

const fn bounds(interval: Interval) -> [f64; 2] {
    [interval.low, interval.high]
}
