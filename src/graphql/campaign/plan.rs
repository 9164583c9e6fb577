//! Plans of campaigns, as they are given and shown.

use std::collections::BTreeMap;

use async_graphql::{Context, Enum, InputObject, OneofObject, Result, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::campaign::experiment::shares::{self, Shares};
use crate::domain::campaign::plan;
use crate::domain::campaign::schedule::{Rate, Schedule, Threshold, Thresholds, When};
use crate::domain::refusal::Refusal;
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

/// When a campaign starts; exactly one field.
#[derive(OneofObject, Debug, Clone)]
pub enum StartInput {
    /// At a moment, the same for all recipients.
    At(DateTime<Utc>),
    /// At a local time of each recipient.
    LocalTime(LocalTimeInput),
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

/// A variant of a campaign.
#[derive(InputObject, Debug, Clone)]
pub struct VariantInput {
    /// The name, unique in the campaign.
    name: String,
    /// The share of those who are not held out, in basis points; all shares add up to 10000.
    share: u32,
    /// The code of its template; by default the campaign's.
    template: Option<String>,
    /// The published version of its template; by default the newest when the campaign starts.
    version: Option<u32>,
}

/// Variants to compare, and customers who get nothing.
#[derive(InputObject, Debug, Clone)]
pub struct ExperimentInput {
    /// One to eight variants; one only with a hold-out.
    variants: Vec<VariantInput>,
    /// The share of the audience that gets nothing, in basis points.
    #[graphql(default)]
    hold_out: u32,
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
    /// Values of the templates' variables; they precede those of the customer.
    variables: Option<Attributes>,
    /// Whom it goes to.
    audience: AudienceInput,
    /// When it starts, once it is started; by default at once.
    start: Option<StartInput>,
    /// Over how many minutes recipients are spread after that moment, at most 10080.
    #[graphql(default)]
    spread_minutes: u32,
    /// How fast; by default 60 messages a minute by SMS, 600 by email.
    rate: Option<RateInput>,
    /// What may go wrong before it is paused.
    thresholds: Option<ThresholdsInput>,
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

/// A variant of a campaign.
#[derive(SimpleObject, Clone)]
pub struct Variant {
    /// The name.
    name: String,
    /// The share of those who are not held out, in basis points.
    share: u32,
    /// The code of its template.
    template: String,
    /// The published version that was requested; null: the newest when the campaign starts.
    version: Option<u32>,
}

/// When a campaign starts.
#[derive(SimpleObject, Clone, Default)]
pub struct CampaignStart {
    /// The moment, the same for all recipients.
    at: Option<DateTime<Utc>>,
    /// The day of a local time of each recipient.
    local_date: Option<Date>,
    /// The time of that day.
    local_time: Option<TimeOfDay>,
    /// Over how many minutes recipients are spread.
    spread_minutes: u32,
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
    /// Values of the templates' variables.
    variables: Attributes,
    /// Whom it goes to.
    audience: Audience,
    /// When it starts, once it is started.
    start: CampaignStart,
    /// How fast, at present.
    rate: CampaignRate,
    /// What may go wrong before it is paused.
    thresholds: CampaignThresholds,
    /// The variants; empty without an experiment.
    variants: Vec<Variant>,
    /// The share of the audience that gets nothing, in basis points.
    hold_out: u32,
}

impl RateInput {
    /// As the domain has it.
    #[must_use]
    pub fn read(self) -> Rate {
        Rate { messages: self.messages, per: self.per.into(), burst: self.burst }
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

impl ExperimentInput {
    fn read(self) -> std::result::Result<plan::Experiment, Refusal> {
        let mut texts = BTreeMap::new();
        let mut variants = Vec::with_capacity(self.variants.len());
        for VariantInput { name, share, template, version } in self.variants {
            if let Some(template) = template {
                texts.insert(name.clone(), plan::VariantText { template, version });
            }
            variants.push(shares::Variant { name, share });
        }
        let shares = Shares::try_new(variants, self.hold_out, None)
            .map_err(|error| Refusal::invalid(format!("experiment.{}", error.place()), error.to_string()))?;
        Ok(plan::Experiment { shares, texts })
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
        };
        Ok(plan::CampaignPlan {
            name: self.name,
            channel,
            topic: self.topic,
            template: self.template,
            version: self.version,
            variables: self.variables.unwrap_or_default().0,
            audience: plan::Audience { everybody, lists: ids(lists), exclude: ids(exclude) },
            schedule: Schedule { when, spread_minutes: self.spread_minutes },
            rate: self.rate.map_or_else(|| Rate::default_of(channel), RateInput::read),
            thresholds: self.thresholds.as_ref().map(ThresholdsInput::read).unwrap_or_default(),
            experiment: self.experiment.map(ExperimentInput::read).transpose()?,
        })
    }
}

impl CampaignPlan {
    /// From what is stored. An error if this version of commlog cannot read it.
    pub fn of(reading: Reading<'_>, stored: &Value, rate: Option<&Value>) -> Result<Self> {
        let failed = |error: serde_json::Error| opaque(reading.api.ambient(), &error);
        let plan: plan::CampaignPlan = serde_json::from_value(stored.clone()).map_err(failed)?;
        let rate: Option<Rate> = rate.cloned().map(serde_json::from_value).transpose().map_err(failed)?;
        let rate = rate.unwrap_or(plan.rate);
        let shares = plan.experiment.as_ref().map(|experiment| &experiment.shares);
        let variants = shares.map(Shares::variants).unwrap_or_default().iter().map(|variant| {
            let (template, version) = plan.text_of(Some(&variant.name));
            Variant { name: variant.name.clone(), share: variant.share, template: template.to_owned(), version }
        });
        Ok(Self {
            variants: variants.collect(),
            hold_out: shares.map_or(0, Shares::hold_out),
            start: start(&plan.schedule),
            rate: CampaignRate { messages: rate.messages, per: rate.per.into(), burst: rate.burst },
            thresholds: CampaignThresholds {
                complaints: plan.thresholds.complaints.basis_points,
                hard_bounces: plan.thresholds.hard_bounces.basis_points,
                errors: plan.thresholds.errors.basis_points,
            },
            channel: plan.channel.into(),
            topic: plan.topic,
            template: plan.template,
            version: plan.version,
            variables: Attributes(plan.variables),
            audience: Audience(plan.audience),
        })
    }
}

fn start(schedule: &Schedule) -> CampaignStart {
    let spread = CampaignStart { spread_minutes: schedule.spread_minutes, ..CampaignStart::default() };
    match &schedule.when {
        When::At { at } => CampaignStart { at: Some(*at), ..spread },
        When::LocalTime { date, time } => {
            CampaignStart { local_date: Some(Date(*date)), local_time: Some(TimeOfDay(*time)), ..spread }
        }
        When::Now {} | When::BestHour { .. } | When::Recurring { .. } => spread,
    }
}
