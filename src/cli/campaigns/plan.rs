//! `commlog campaign create`: a plan out of its options.

use chrono::{DateTime, NaiveDateTime, Utc};
use clap::Args;
use serde_json::json;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::ReportFormat;
use crate::cli::lists::Opened;
use crate::cli::templates::values::ValuesArgs;
use crate::cli::{Session, TenantArg};
use crate::domain::campaign::budget::Budget;
use crate::domain::campaign::decide::CreateCampaign;
use crate::domain::campaign::experiment::shares::{Shares, Variant, WHOLE};
use crate::domain::campaign::plan::{Audience, CampaignPlan, Experiment, Fallback, VariantText};
use crate::domain::campaign::schedule::{
    Calendar, DEFAULT_OBSERVATIONS, Per, Rate, Schedule, Season, Thresholds, When,
};
use crate::domain::campaign::winner::{Undecided, WinnerMetric, WinnerRule};
use crate::domain::list::criteria::Amount;
use crate::domain::value::{Channel, Currency};
use crate::ids::CampaignId;

/// What a campaign is to do.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The name.
    name: String,
    /// The channel: email or sms.
    #[arg(long)]
    channel: Channel,
    /// The topic that consent is judged for.
    #[arg(long, default_value = "newsletter")]
    topic: String,
    /// The code of a published template.
    #[arg(long)]
    template: String,
    /// The published version of the template [default: the newest when the campaign starts]
    #[arg(long, value_name = "NUMBER")]
    template_version: Option<u32>,
    /// A channel for customers whom those before do not reach, with its template [default: the same]; repeat it for several.
    #[arg(long = "fallback", value_name = "CHANNEL[:TEMPLATE]", value_parser = fallback)]
    fallbacks: Vec<(Channel, Option<String>)>,
    #[command(flatten)]
    values: ValuesArgs,
    /// A list whose members it goes to, by id or name; repeat it for several.
    #[arg(long = "list", value_name = "LIST", required_unless_present = "everybody")]
    lists: Vec<String>,
    /// It goes to all customers.
    #[arg(long, conflicts_with = "lists")]
    everybody: bool,
    /// A list whose members are left out, by id or name; repeat it for several.
    #[arg(long, value_name = "LIST")]
    exclude: Vec<String>,
    /// When it starts, once it is started, as in 2026-12-24T09:00:00Z [default: at once]
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime<Utc>>,
    /// When it starts on each recipient's clock, as in 2026-12-24T09:00.
    #[arg(long, value_name = "LOCAL TIME", conflicts_with = "at", value_parser = local_time)]
    local_time: Option<NaiveDateTime>,
    /// The day on which each recipient is written to at the hour at which they most often read, with the time for those of whom too
    /// little is known, as in 2026-12-24T09:00.
    #[arg(long, value_name = "LOCAL TIME", conflicts_with_all = ["at", "local_time"], value_parser = local_time)]
    best_hour: Option<NaiveDateTime>,
    /// It comes again and again: minute, hour, day of the month, month and weekday, such as "0 9 * * 1"
    #[arg(long, value_name = "PATTERN", requires = "zone", conflicts_with_all = ["at", "local_time", "best_hour"])]
    cron: Option<String>,
    /// The time zone of the pattern, such as Europe/London.
    #[arg(long, value_name = "ZONE", requires = "cron")]
    zone: Option<String>,
    /// The last time at which it may come [default: it does not end]
    #[arg(long, value_name = "TIME", requires = "cron")]
    until: Option<DateTime<Utc>>,
    /// Over how many minutes recipients are spread.
    #[arg(long, default_value_t = 0, value_name = "MINUTES")]
    spread: u32,
    /// How many minutes after its start its messages may be sent; what still waits then is cancelled [default: without end]
    #[arg(long, default_value_t = 0, value_name = "MINUTES", hide_default_value = true)]
    stop_after: u32,
    /// The share of the audience that gets nothing, in percent.
    #[arg(long, default_value_t = 0, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..100))]
    hold_out: u32,
    /// A variant: its name, its share in percent and its template; repeat it for each.
    #[arg(long = "variant", value_name = "NAME:PERCENT[:TEMPLATE]", value_parser = variant)]
    variants: Vec<(Variant, Option<String>)>,
    /// How fast, such as 600/minute, 10/second, 5000/hour or 0/minute for no limit [default: 60/minute by SMS, 600 by email]
    #[arg(long, value_name = "NUMBER/TIME", value_parser = rate)]
    rate: Option<Rate>,
    /// What it may cost, such as "250 EUR" [default: as much as it does]
    #[arg(long, value_name = "AMOUNT CURRENCY", value_parser = money)]
    budget: Option<(i64, Currency)>,
    /// What a message, or a segment of an SMS, is expected to cost until its provider reports a price, such as 0.0075.
    #[arg(long, value_name = "AMOUNT", requires = "budget", value_parser = micros)]
    price: Option<i64>,
    /// How fast on some days, in place of the rate, such as 2026-12-20..2026-12-26=100/minute; repeat it for several.
    #[arg(long = "season", value_name = "FROM..UNTIL=NUMBER/TIME", value_parser = season)]
    seasons: Vec<Season>,
    /// The share of those who are not held out that tests the variants first, in percent; the rest receives the winner.
    #[arg(long, value_name = "PERCENT", requires = "winner_by", value_parser = clap::value_parser!(u32).range(1..100))]
    test: Option<u32>,
    /// What a variant wins by: opened, clicked, replied or ordered.
    #[arg(long, value_name = "METRIC", requires = "test")]
    winner_by: Option<WinnerMetric>,
    /// How many minutes after its last message the test is looked at, once.
    #[arg(long, default_value_t = 240, value_name = "MINUTES", requires = "test")]
    wait: u32,
    /// Pauses the campaign if the differences may be chance; without it the variant with the highest rate goes on.
    #[arg(long, requires = "test")]
    ask: bool,
}

/// Reads a rate such as `600/minute`.
pub fn rate(text: &str) -> Result<Rate, String> {
    let (messages, per) = text.split_once('/').ok_or("give a number and a time, such as 600/minute")?;
    let messages = messages.trim().parse().map_err(|_| "the number of messages must be a whole number".to_owned())?;
    let per = match per.trim() {
        "second" => Per::Second,
        "minute" => Per::Minute,
        "hour" => Per::Hour,
        _ => return Err("the time must be second, minute or hour".to_owned()),
    };
    Ok(Rate { messages, per, burst: 0 })
}

/// Reads a time on a clock such as `2026-12-24T09:00`.
fn local_time(text: &str) -> Result<NaiveDateTime, String> {
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"];
    let read = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    read.ok_or_else(|| "give a day and a time, such as 2026-12-24T09:00".to_owned())
}

/// Reads a variant such as `short:50:weekly-short`.
fn variant(text: &str) -> Result<(Variant, Option<String>), String> {
    let mut parts = text.splitn(3, ':');
    let (name, share) = (parts.next().unwrap_or_default(), parts.next());
    let share: Option<u32> = share.and_then(|share| share.trim_end_matches('%').parse().ok());
    let share = share.filter(|share| *share <= 100).ok_or("give a name and a share in percent, such as short:50")?;
    Ok((Variant { name: name.to_owned(), share: share * 100 }, parts.next().map(str::to_owned)))
}

/// Reads an amount such as `0.0075`, in micros.
fn micros(text: &str) -> Result<i64, String> {
    let amount: Amount = serde_json::from_value(text.into()).map_err(|error| error.to_string())?;
    Ok(amount.0)
}

/// Reads an amount with its currency, such as `250 EUR`.
pub fn money(text: &str) -> Result<(i64, Currency), String> {
    let (amount, currency) =
        text.trim().rsplit_once(' ').ok_or("give an amount and its currency, such as \"250 EUR\"")?;
    Ok((micros(amount)?, currency.parse().map_err(|_| format!("{currency} is not a currency such as EUR"))?))
}

/// Reads a channel and its template, such as `sms:short`.
fn fallback(text: &str) -> Result<(Channel, Option<String>), String> {
    let (channel, template) =
        text.split_once(':').map_or((text, None), |(channel, template)| (channel, Some(template)));
    let channel = channel.parse().map_err(|_| format!("{channel} is not a channel such as sms"))?;
    Ok((channel, template.map(str::to_owned)))
}

/// Reads a season such as `2026-12-20..2026-12-26=100/minute`.
fn season(text: &str) -> Result<Season, String> {
    let (days, fast) = text.split_once('=').ok_or("give days and a rate, such as 2026-12-20..2026-12-26=100/minute")?;
    let (from, until) = days.split_once("..").unwrap_or((days, days));
    let day = |text: &str| text.trim().parse().map_err(|_| format!("{text} is not a day such as 2026-12-20"));
    Ok(Season { from: day(from)?, until: day(until)?, rate: rate(fast)? })
}

impl PlanArgs {
    fn when(&self) -> When {
        match (self.at, self.local_time, self.best_hour, &self.cron, &self.zone) {
            (Some(at), ..) => When::At { at },
            (None, Some(local), ..) => When::LocalTime { date: local.date(), time: local.time() },
            (None, None, Some(local), ..) => {
                When::BestHour { date: local.date(), fallback: local.time(), observations: DEFAULT_OBSERVATIONS }
            }
            (None, None, None, Some(cron), Some(zone)) => {
                When::Recurring { cron: cron.clone(), zone: zone.clone(), until: self.until }
            }
            _ => When::Now {},
        }
    }
}

/// `commlog campaign create`
pub async fn create(session: &Session, plan: PlanArgs, format: ReportFormat, tenant: &TenantArg) -> Outcome {
    let opened = Opened::of(session, tenant).await?;
    let mut audience = Audience { everybody: plan.everybody, lists: vec![], exclude: vec![] };
    for named in &plan.lists {
        audience.lists.push(opened.list(named).await?.list_id);
    }
    for named in &plan.exclude {
        audience.exclude.push(opened.list(named).await?.list_id);
    }
    let when = plan.when();
    let variables = plan.values.read()?;
    let winner = plan.winner_by.map(|metric| WinnerRule {
        metric,
        wait_minutes: plan.wait,
        undecided: if plan.ask { Undecided::Ask } else { Undecided::Leader },
    });
    let experiment = experiment(plan.variants, plan.hold_out, plan.test.zip(winner))?;
    let budget = plan.budget.map(|(micros, currency)| Budget {
        micros,
        currency,
        warn_percent: Budget::WARN_PERCENT,
        price_micros: plan.price.unwrap_or_default(),
    });
    let fallback = |(channel, template): &(Channel, Option<String>)| Fallback {
        channel: *channel,
        template: template.clone().unwrap_or_else(|| plan.template.clone()),
        version: None,
    };
    let fallbacks = plan.fallbacks.iter().map(fallback).collect();
    let PlanArgs { name, channel, topic, template, template_version: version, rate, spread, seasons, .. } = plan;
    let plan = CampaignPlan {
        name,
        channel,
        topic,
        template,
        version,
        fallbacks,
        variables,
        audience,
        schedule: Schedule { when, spread_minutes: spread },
        stop_after_minutes: plan.stop_after,
        rate: rate.unwrap_or_else(|| Rate::default_of(channel)),
        seasons: Calendar { seasons },
        thresholds: Thresholds::default(),
        budget,
        experiment,
    };
    let campaign_id = CampaignId(opened.stores.ambient().uuid());
    let command = CreateCampaign { campaign_id, plan };
    let made = opened.stores.app.create_campaign(&session.caller(tenant), command).await?.into_result()?.value;
    let sentence = format!("campaign {} is made, as a draft", made.campaign_id);
    format.line(sentence, &json!({ "campaign_id": made.campaign_id }))
}

/// The experiment of given variants; with a hold-out alone, of one variant.
fn experiment(
    given: Vec<(Variant, Option<String>)>,
    hold_out: u32,
    test: Option<(u32, WinnerRule)>,
) -> Outcome<Option<Experiment>> {
    if given.is_empty() && hold_out == 0 && test.is_none() {
        return Ok(None);
    }
    let texts = given.iter().filter_map(|(variant, template)| {
        Some((variant.name.clone(), VariantText { template: template.clone()?, version: None }))
    });
    let texts = texts.collect();
    let mut variants: Vec<Variant> = given.into_iter().map(|(variant, _)| variant).collect();
    if variants.is_empty() {
        variants.push(Variant { name: "campaign".to_owned(), share: WHOLE });
    }
    let shares = Shares::try_new(variants, hold_out * 100, test.map(|(percent, _)| percent * 100));
    let shares = shares.map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    Ok(Some(Experiment { shares, texts, winner: test.map(|(_, rule)| rule) }))
}
