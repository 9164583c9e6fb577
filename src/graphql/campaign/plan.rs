//! Plans of campaigns, as they are given and shown.

use async_graphql::{Context, Enum, InputObject, OneofObject, Result, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::campaign::experiment::shares::Shares;
use crate::domain::campaign::plan;
use crate::domain::campaign::schedule::{Calendar, Rate, Schedule, Season, Threshold, Thresholds, When};
use crate::domain::refusal::Refusal;
use crate::graphql::campaign::budget::{BudgetInput, CampaignBudget};
use crate::graphql::campaign::experiment::{ExperimentInput, Variant, WinnerRule};
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::{Attributes, Date, TimeOfDay};
use crate::graphql::engine::words::Channel;
use crate::graphql::list::object::List;
use crate::ids::ListId;

/// The time that a rate counts in.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::domain::campaign::schedule::Per")]
pub enum RatePeriod {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

/// How many messages of a campaign are requested in a time.
#[derive(InputObject, Debug, Clone, Copy)]
pub struct RateInput {
    /// The number of messages; 0: no limit.
    messages: u32,
    /// The time.
    per: RatePeriod,
    /// How many messages may be requested at once after a pause; by default those of a second.
    #[graphql(default)]
    burst: u32,
}

/// How many messages of a campaign are requested in a time.
#[derive(SimpleObject, Debug, Clone, Copy)]
pub struct CampaignRate {
    /// The number of messages; 0: no limit.
    messages: u32,
    /// The time.
    per: RatePeriod,
    /// How many messages may be requested at once after a pause; 0: those of a second.
    burst: u32,
}

/// A local time.
#[derive(InputObject, Debug, Clone)]
pub struct LocalTimeInput {
    /// The day, such as 2026-12-24.
    date: Date,
    /// The time of the day, such as 09:30:00, on the recipient's clock; without a known zone, on the tenant's.
    time: TimeOfDay,
}

/// The hour at which each recipient most often opened or replied.
#[derive(InputObject, Debug, Clone)]
pub struct BestHourInput {
    /// The day, such as 2026-12-24.
    date: Date,
    /// The time for recipients of whom too little is known, such as 09:00:00, on their clock.
    fallback: TimeOfDay,
    /// How many opens and replies are enough to know an hour.
    #[graphql(default = 10)]
    observations: u32,
}

/// Again and again: each occurrence is a campaign of its own.
#[derive(InputObject, Debug, Clone)]
pub struct RecurringInput {
    /// A pattern of five fields: minute, hour, day of the month, month, weekday (0 and 7: Sunday), such as `0 9 * * 1`.
    cron: String,
    /// The zone whose clocks the pattern is about, as an IANA name.
    zone: String,
    /// The last moment at which it may come; by default it does not end.
    until: Option<DateTime<Utc>>,
}

/// When a campaign starts; exactly one field.
#[derive(OneofObject, Debug, Clone)]
pub enum StartInput {
    /// At a moment, the same for all recipients.
    At(DateTime<Utc>),
    /// At a local time of each recipient.
    LocalTime(LocalTimeInput),
    /// At the best hour of each recipient, on a day.
    BestHour(BestHourInput),
    /// Again and again.
    Recurring(RecurringInput),
}

/// A rate for some days.
#[derive(InputObject, Debug, Clone)]
pub struct SeasonInput {
    /// The first day, in the tenant's time zone.
    from: Date,
    /// The last day.
    until: Date,
    /// The rate.
    rate: RateInput,
}

/// What of a campaign's messages may go wrong before it is paused, in basis points (hundredths of a percent) of the messages
/// that were sent or failed; 0: off. Nothing is measured below 100 messages.
#[derive(InputObject, Debug, Clone)]
pub struct ThresholdsInput {
    /// Messages reported as spam; by default 10, which is 0.1 %.
    complaints: Option<u32>,
    /// Messages that bounced permanently; by default 500.
    hard_bounces: Option<u32>,
    /// Messages that failed for another reason; by default 1000.
    errors: Option<u32>,
}

/// A channel for customers whom those before do not reach: without an address there, or suppressed by a rule.
#[derive(InputObject, Debug, Clone)]
pub struct FallbackInput {
    /// The channel: `EMAIL` or `SMS`.
    channel: Channel,
    /// The code of the template; by default the campaign's.
    template: Option<String>,
    /// The published version; by default the newest when the campaign starts.
    version: Option<u32>,
}

/// A channel for customers whom those before do not reach.
#[derive(SimpleObject, Clone)]
pub struct CampaignFallback {
    /// The channel.
    channel: Channel,
    /// The code of the template.
    template: String,
    /// The published version that was requested; null: the newest when the campaign starts.
    version: Option<u32>,
}

/// Whom a campaign goes to: everybody, or the members of any of the lists when it starts.
#[derive(InputObject, Debug, Clone, Default)]
pub struct AudienceInput {
    /// All customers; then leave `lists` out.
    #[graphql(default)]
    everybody: bool,
    /// The lists whose members it goes to.
    #[graphql(default)]
    lists: Vec<Of<ListId>>,
    /// The lists whose members are left out.
    #[graphql(default)]
    exclude: Vec<Of<ListId>>,
}

/// What a campaign is to do.
#[derive(InputObject, Debug, Clone)]
pub struct CampaignInput {
    /// The name.
    name: String,
    /// The channel: `EMAIL` or `SMS`.
    channel: Channel,
    /// The topic that consent is judged for, such as `newsletter`.
    topic: String,
    /// The code of the template.
    template: String,
    /// The published version; by default the newest when the campaign starts.
    version: Option<u32>,
    /// Other channels, in the order in which they are tried for customers whom those before do not reach: without an address there,
    /// or suppressed by a rule.
    #[graphql(default)]
    fallbacks: Vec<FallbackInput>,
    /// Values of the templates' variables; they precede those of the customer.
    variables: Option<Attributes>,
    /// Whom it goes to.
    audience: AudienceInput,
    /// When it starts, once it is started; by default at once.
    start: Option<StartInput>,
    /// Over how many minutes recipients are spread after that moment, at most 10080.
    #[graphql(default)]
    spread_minutes: u32,
    /// How long after its start its messages may be sent, in minutes, at most 86400; what still waits then is cancelled. 0: without
    /// end.
    #[graphql(default)]
    stop_after_minutes: u32,
    /// How fast; by default 60 messages a minute by SMS, 600 by email.
    rate: Option<RateInput>,
    /// How fast on some days, in place of the rate; of seasons that share a day, the first counts.
    #[graphql(default)]
    seasons: Vec<SeasonInput>,
    /// What may go wrong before it is paused.
    thresholds: Option<ThresholdsInput>,
    /// What it may cost; by default as much as it does.
    budget: Option<BudgetInput>,
    /// Variants and hold-out.
    experiment: Option<ExperimentInput>,
}

/// Whom a campaign goes to.
#[derive(Clone)]
pub struct Audience(plan::Audience);

/// Whom a campaign goes to: everybody, or the members of any of the lists when it starts.
#[async_graphql::Object]
impl Audience {
    /// True if it goes to all customers.
    async fn everybody(&self) -> bool {
        self.0.everybody
    }

    /// The lists whose members it goes to; deleted ones are left out.
    async fn lists(&self, ctx: &Context<'_>) -> Result<Vec<List>> {
        shown(ctx, &self.0.lists).await
    }

    /// The lists whose members are left out.
    async fn exclude(&self, ctx: &Context<'_>) -> Result<Vec<List>> {
        shown(ctx, &self.0.exclude).await
    }
}

async fn shown(ctx: &Context<'_>, ids: &[ListId]) -> Result<Vec<List>> {
    let mut lists = Vec::with_capacity(ids.len());
    for id in ids {
        lists.extend(List::load(ctx, *id).await?);
    }
    Ok(lists)
}

/// When a campaign starts.
#[derive(SimpleObject, Clone, Default)]
pub struct CampaignStart {
    /// The moment, the same for all recipients.
    at: Option<DateTime<Utc>>,
    /// The day of a local time of each recipient.
    local_date: Option<Date>,
    /// The time of that day; of a start at the best hour, the time for recipients of whom too little is known.
    local_time: Option<TimeOfDay>,
    /// How many opens and replies are enough to know a recipient's best hour; null: each starts at the local time.
    observations: Option<u32>,
    /// The pattern of a recurring campaign.
    cron: Option<String>,
    /// The zone whose clocks the pattern is about.
    zone: Option<String>,
    /// The last moment at which it may come.
    until: Option<DateTime<Utc>>,
    /// Over how many minutes recipients are spread.
    spread_minutes: u32,
}

/// A rate for some days.
#[derive(SimpleObject, Clone)]
pub struct CampaignSeason {
    /// The first day, in the tenant's time zone.
    from: Date,
    /// The last day.
    until: Date,
    /// The rate.
    rate: CampaignRate,
}

/// What of a campaign's messages may go wrong before it is paused, in basis points; 0: off.
#[derive(SimpleObject, Clone)]
pub struct CampaignThresholds {
    /// Messages reported as spam.
    complaints: u32,
    /// Messages that bounced permanently.
    hard_bounces: u32,
    /// Messages that failed for another reason.
    errors: u32,
}

/// What a campaign is to do.
#[derive(SimpleObject, Clone)]
pub struct CampaignPlan {
    /// The channel.
    channel: Channel,
    /// The topic that consent is judged for.
    topic: String,
    /// The code of the template.
    template: String,
    /// The published version that was requested; null: the newest when the campaign starts.
    version: Option<u32>,
    /// Other channels, in the order in which they are tried for customers whom those before do not reach.
    fallbacks: Vec<CampaignFallback>,
    /// Values of the templates' variables.
    variables: Attributes,
    /// Whom it goes to.
    audience: Audience,
    /// When it starts, once it is started.
    start: CampaignStart,
    /// How long after its start its messages may be sent, in minutes; 0: without end.
    stop_after_minutes: u32,
    /// How fast, at present.
    rate: CampaignRate,
    /// How fast on some days, in place of the rate.
    seasons: Vec<CampaignSeason>,
    /// What may go wrong before it is paused.
    thresholds: CampaignThresholds,
    /// What it may cost, at present; null: as much as it does.
    budget: Option<CampaignBudget>,
    /// The variants; empty without an experiment.
    variants: Vec<Variant>,
    /// The share of the audience that gets nothing, in basis points.
    hold_out: u32,
    /// How the variant for the rest of the audience is found; null if everybody is tested.
    winner: Option<WinnerRule>,
}

impl RateInput {
    /// As the domain has it.
    #[must_use]
    pub fn read(self) -> Rate {
        Rate { messages: self.messages, per: self.per.into(), burst: self.burst }
    }
}

impl SeasonInput {
    fn read(self) -> Season {
        Season { from: self.from.0, until: self.until.0, rate: self.rate.read() }
    }
}

impl ThresholdsInput {
    fn read(&self) -> Thresholds {
        let defaults = Thresholds::default();
        let of = |given: Option<u32>, default: Threshold| Threshold {
            basis_points: given.unwrap_or(default.basis_points),
            ..default
        };
        Thresholds {
            complaints: of(self.complaints, defaults.complaints),
            hard_bounces: of(self.hard_bounces, defaults.hard_bounces),
            errors: of(self.errors, defaults.errors),
        }
    }
}

impl CampaignInput {
    /// As the domain has it.
    pub fn read(self) -> std::result::Result<plan::CampaignPlan, Refusal> {
        let ids = |lists: Vec<Of<ListId>>| lists.into_iter().map(|id| id.0).collect();
        let AudienceInput { everybody, lists, exclude } = self.audience;
        let channel = self.channel.into();
        let when = match self.start {
            None => When::Now {},
            Some(StartInput::At(at)) => When::At { at },
            Some(StartInput::LocalTime(local)) => When::LocalTime { date: local.date.0, time: local.time.0 },
            Some(StartInput::BestHour(BestHourInput { date, fallback, observations })) => {
                When::BestHour { date: date.0, fallback: fallback.0, observations }
            }
            Some(StartInput::Recurring(RecurringInput { cron, zone, until })) => When::Recurring { cron, zone, until },
        };
        let fallback = |fallback: FallbackInput| plan::Fallback {
            channel: fallback.channel.into(),
            template: fallback.template.unwrap_or_else(|| self.template.clone()),
            version: fallback.version,
        };
        Ok(plan::CampaignPlan {
            fallbacks: self.fallbacks.into_iter().map(fallback).collect(),
            name: self.name,
            channel,
            topic: self.topic,
            template: self.template,
            version: self.version,
            variables: self.variables.unwrap_or_default().0,
            audience: plan::Audience { everybody, lists: ids(lists), exclude: ids(exclude) },
            schedule: Schedule { when, spread_minutes: self.spread_minutes },
            stop_after_minutes: self.stop_after_minutes,
            rate: self.rate.map_or_else(|| Rate::default_of(channel), RateInput::read),
            seasons: Calendar { seasons: self.seasons.into_iter().map(SeasonInput::read).collect() },
            thresholds: self.thresholds.as_ref().map(ThresholdsInput::read).unwrap_or_default(),
            budget: self.budget.map(BudgetInput::read).transpose()?,
            experiment: self.experiment.map(ExperimentInput::read).transpose()?,
        })
    }
}

impl CampaignPlan {
    /// From what is stored. An error if this version of commlog cannot read it.
    pub fn of(reading: Reading<'_>, stored: &Value, rate: Option<&Value>, budget: Option<&Value>) -> Result<Self> {
        let failed = |error: serde_json::Error| opaque(reading.api.ambient(), &error);
        let plan: plan::CampaignPlan = serde_json::from_value(stored.clone()).map_err(failed)?;
        let rate: Option<Rate> = rate.cloned().map(serde_json::from_value).transpose().map_err(failed)?;
        let rate = rate.unwrap_or(plan.rate);
        let budget = match budget {
            Some(changed) => serde_json::from_value(changed.clone()).map_err(failed)?,
            None => plan.budget,
        };
        let shares = plan.experiment.as_ref().map(|experiment| &experiment.shares);
        Ok(Self {
            budget: budget.as_ref().map(CampaignBudget::of),
            variants: Variant::of(&plan),
            hold_out: shares.map_or(0, Shares::hold_out),
            winner: plan.experiment.as_ref().and_then(WinnerRule::of),
            start: start(&plan.schedule),
            stop_after_minutes: plan.stop_after_minutes,
            rate: rate.into(),
            seasons: plan.seasons.seasons.iter().map(Into::into).collect(),
            thresholds: CampaignThresholds {
                complaints: plan.thresholds.complaints.basis_points,
                hard_bounces: plan.thresholds.hard_bounces.basis_points,
                errors: plan.thresholds.errors.basis_points,
            },
            fallbacks: plan.fallbacks.iter().map(CampaignFallback::of).collect(),
            channel: plan.channel.into(),
            topic: plan.topic,
            template: plan.template,
            version: plan.version,
            variables: Attributes(plan.variables),
            audience: Audience(plan.audience),
        })
    }
}

impl CampaignFallback {
    fn of(fallback: &plan::Fallback) -> Self {
        let plan::Fallback { channel, template, version } = fallback;
        Self { channel: (*channel).into(), template: template.clone(), version: *version }
    }
}

impl From<Rate> for CampaignRate {
    fn from(rate: Rate) -> Self {
        Self { messages: rate.messages, per: rate.per.into(), burst: rate.burst }
    }
}

impl From<&Season> for CampaignSeason {
    fn from(season: &Season) -> Self {
        Self { from: Date(season.from), until: Date(season.until), rate: season.rate.into() }
    }
}

fn start(schedule: &Schedule) -> CampaignStart {
    let spread = CampaignStart { spread_minutes: schedule.spread_minutes, ..CampaignStart::default() };
    match &schedule.when {
        When::At { at } => CampaignStart { at: Some(*at), ..spread },
        When::LocalTime { date, time } => {
            CampaignStart { local_date: Some(Date(*date)), local_time: Some(TimeOfDay(*time)), ..spread }
        }
        When::BestHour { date, fallback, observations } => CampaignStart {
            local_date: Some(Date(*date)),
            local_time: Some(TimeOfDay(*fallback)),
            observations: Some(*observations),
            ..spread
        },
        When::Recurring { cron, zone, until } => {
            CampaignStart { cron: Some(cron.clone()), zone: Some(zone.clone()), until: *until, ..spread }
        }
        When::Now {} => spread,
    }
}
