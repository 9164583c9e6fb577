//! What a campaign changed: its groups beside each other, and beside those who were held out.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::campaign::experiment::decide::{Moment, Rule, Verdict, decide};
use crate::domain::campaign::experiment::level::{Interval, Level};
use crate::domain::campaign::experiment::means::{self, MeanDifference, Spend};
use crate::domain::campaign::experiment::proportions::{self, Counts, Estimate, Lift, ZTest, wilson, z_test};
use crate::domain::campaign::experiment::shares::Variant;
use crate::domain::campaign::winner::{TestedVariant, WinnerMetric};
use crate::domain::value::words;
use crate::ids::{CampaignId, CustomerId, TenantId};
use crate::queries::campaign_effects::{self, ActiveRow, GroupRow, OrderedRow};
use crate::queries::{Db, QueryError};

/// Orders of a test count for so many days at most: a test ends after 30 days.
const LONGEST_TEST_DAYS: u32 = 60;

words! {
    /// What counts as a success.
    Metric, "metric" {
        /// A person opened the message.
        Opened = "opened",
        /// A person followed a link in it.
        Clicked = "clicked",
        /// The customer replied.
        Replied = "replied",
        /// The customer ordered.
        Ordered = "ordered",
        /// The customer did something else, such as a visit: [`Success::activity`] says what.
        Activity = "activity",
    }
}

/// What counts as a success, and what is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Success {
    /// What kind of success.
    pub metric: Metric,
    /// An activity kind, or the name of custom activities; given if and only if the metric is [`Metric::Activity`].
    pub activity: Option<String>,
    /// For how many days from the start orders and activities count.
    pub days: u32,
}

impl Success {
    /// `days` is 1 to 365.
    ///
    /// # Errors
    /// What is missing or too much.
    pub fn try_new(metric: Metric, activity: Option<String>, days: u32) -> Result<Self, InvalidSuccess> {
        if !(1..=365).contains(&days) {
            return Err(InvalidSuccess::Days);
        }
        let activity = activity.map(|kind| kind.trim().to_owned()).filter(|kind| !kind.is_empty());
        match (metric, &activity) {
            (Metric::Activity, None) => Err(InvalidSuccess::NoActivity),
            (Metric::Activity, Some(_)) | (_, None) => Ok(Self { metric, activity, days }),
            (_, Some(_)) => Err(InvalidSuccess::NeedlessActivity),
        }
    }
}

/// What cannot be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSuccess {
    /// The window is too short or too long.
    #[error("must be 1 to 365")]
    Days,
    /// It is not said which activity counts.
    #[error("must say which activity counts, such as visit")]
    NoActivity,
    /// An activity is named that does not count.
    #[error("belongs to the metric activity only")]
    NeedlessActivity,
}

impl InvalidSuccess {
    /// What is wrong, as an option of the command line.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::Days => "--days",
            Self::NoActivity | Self::NeedlessActivity => "--activity-kind",
        }
    }

    /// What is wrong, in the schema's words.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::NoActivity | Self::NeedlessActivity => "activityKind",
        }
    }
}

/// A group, and what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The variant, empty without variants; absent for those held out.
    pub variant: Option<String>,
    /// Everybody who was assigned to it.
    pub customers: u64,
    /// Those of whom the metric holds; absent for those held out, where the metric is about messages.
    pub successes: Option<u64>,
    /// The share of successes, and where it lies with 95 %.
    pub rate: Option<(f64, Interval)>,
    /// Customers who ordered.
    pub ordered: u64,
    /// What they ordered, in micros of the currency; cancellations are taken off.
    pub revenue: Spend,
    /// Beside those who were held out, if anybody was.
    pub effect: Option<Effect>,
}

/// How a group differs from those who were held out: in the successes, or in who ordered where the metric is about messages, and
/// in the revenue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// Of the shares.
    pub difference: Option<Estimate>,
    /// The same as a part of the share of those who were held out.
    pub lift: Option<Lift>,
    /// Whether it may be chance.
    pub test: Option<ZTest>,
    /// Of the revenue per customer, in micros.
    pub revenue: Option<MeanDifference>,
}

/// What a campaign changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Effects {
    /// By variant; those who were held out last.
    pub groups: Vec<Group>,
    /// The currency of the revenue: the one that most customers ordered in; absent if nobody ordered.
    pub currency: Option<String>,
    /// Which variant is the best; absent without two variants.
    pub verdict: Option<Verdict>,
    /// From when orders count.
    pub since: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// Compares the groups of a campaign that started at a time.
pub async fn effects(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    started_at: DateTime<Utc>,
    success: &Success,
) -> Result<Effects, QueryError> {
    let metric = success.metric;
    let until = started_at + TimeDelta::days(success.days.into());
    let rows = campaign_effects::groups(db, tenant, campaign).await?;
    let held_out = campaign_effects::held_out(db, tenant, campaign).await?;
    let ordered = campaign_effects::ordered(db, tenant, campaign, started_at, until).await?;
    let currency = most_used(&ordered);
    let active = match &success.activity {
        Some(kind) => campaign_effects::active(db, tenant, campaign, kind, started_at, until).await?,
        None => vec![],
    };
    let seen = Seen { ordered: &ordered, active: &active, currency: currency.as_deref(), metric };
    let mut groups: Vec<Group> = rows.iter().map(|row| seen.group(row)).collect();
    let verdict = verdict(&groups);
    if held_out > 0 {
        let base = seen.held_out(held_out);
        for group in &mut groups {
            group.effect = Some(effect(group, &base));
        }
        groups.push(base);
    }
    Ok(Effects { groups, currency, verdict, since: started_at, until })
}

impl Metric {
    /// What a variant wins by.
    #[must_use]
    pub const fn of(metric: WinnerMetric) -> Self {
        match metric {
            WinnerMetric::Opened => Self::Opened,
            WinnerMetric::Clicked => Self::Clicked,
            WinnerMetric::Replied => Self::Replied,
            WinnerMetric::Ordered => Self::Ordered,
        }
    }
}

/// What the variants of a campaign achieved so far, in their order.
pub async fn tested(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    started_at: DateTime<Utc>,
    metric: Metric,
    variants: &[Variant],
) -> Result<Vec<TestedVariant>, QueryError> {
    let success = Success { metric, activity: None, days: LONGEST_TEST_DAYS };
    let found = effects(db, tenant, campaign, started_at, &success).await?;
    let of = |variant: &Variant| {
        let group = found.groups.iter().find(|group| group.variant.as_ref() == Some(&variant.name));
        TestedVariant {
            variant: variant.name.clone(),
            customers: group.map_or(0, |group| group.customers),
            successes: group.and_then(|group| group.successes).unwrap_or_default(),
        }
    };
    Ok(variants.iter().map(of).collect())
}

/// What was found of a campaign's customers.
struct Seen<'a> {
    ordered: &'a [OrderedRow],
    active: &'a [ActiveRow],
    currency: Option<&'a str>,
    metric: Metric,
}

impl Seen<'_> {
    fn group(&self, row: &GroupRow) -> Group {
        let customers = count(row.customers);
        let group = of_orders(Some(row.variant.clone()), customers, self.ordered, self.currency);
        let successes = match self.metric {
            Metric::Opened => count(row.opened),
            Metric::Clicked => count(row.clicked),
            Metric::Replied => count(row.replied),
            Metric::Ordered => group.ordered,
            Metric::Activity => self.active_of(Some(&row.variant)),
        };
        Group { successes: Some(successes), rate: rate(successes, customers), ..group }
    }

    fn held_out(&self, customers: u64) -> Group {
        let group = of_orders(None, customers, self.ordered, self.currency);
        let successes = match self.metric {
            Metric::Opened | Metric::Clicked | Metric::Replied => None,
            Metric::Ordered => Some(group.ordered),
            Metric::Activity => Some(self.active_of(None)),
        };
        Group { successes, rate: successes.and_then(|successes| rate(successes, customers)), ..group }
    }

    fn active_of(&self, variant: Option<&str>) -> u64 {
        let own = self.active.iter().find(|row| row.variant.as_deref() == variant);
        own.map_or(0, |row| count(row.customers))
    }
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// A group by what its customers ordered.
fn of_orders(variant: Option<String>, customers: u64, ordered: &[OrderedRow], currency: Option<&str>) -> Group {
    let rows: Vec<&OrderedRow> = ordered.iter().filter(|row| row.variant == variant).collect();
    let buyers: BTreeSet<CustomerId> = rows.iter().filter(|row| row.placed).map(|row| row.customer_id).collect();
    let amounts = rows.iter().filter(|row| row.currency.as_deref() == currency && currency.is_some());
    let (mut sum, mut squares) = (0_i128, 0_i128);
    for amount in amounts.filter_map(|row| row.amount_micros) {
        sum += i128::from(amount);
        squares += i128::from(amount) * i128::from(amount);
    }
    Group {
        variant,
        customers,
        successes: None,
        rate: None,
        ordered: buyers.len() as u64,
        revenue: Spend::try_new(customers, sum, squares).unwrap_or_default(),
        effect: None,
    }
}

fn rate(successes: u64, customers: u64) -> Option<(f64, Interval)> {
    let counts = Counts::try_new(successes, customers).ok()?;
    Some((counts.rate()?, wilson(counts, Level::FIVE_PERCENT)?))
}

fn effect(group: &Group, base: &Group) -> Effect {
    // Nobody who was held out opened anything: what is comparable then is who ordered.
    let is_comparable = base.successes.is_some();
    let successes = |group: &Group| group.successes.filter(|_| is_comparable).unwrap_or(group.ordered);
    let counts = |group: &Group| Counts::try_new(successes(group), group.customers).ok();
    let both = counts(group).zip(counts(base));
    Effect {
        difference: both.and_then(|(one, base)| proportions::difference(one, base, Level::FIVE_PERCENT)),
        lift: both.and_then(|(one, base)| proportions::lift(one, base, Level::FIVE_PERCENT)),
        test: both.and_then(|(one, base)| z_test(one, base)),
        revenue: means::difference(group.revenue, base.revenue, Level::FIVE_PERCENT),
    }
}

/// The best variant by a test that is made once.
fn verdict(groups: &[Group]) -> Option<Verdict> {
    if groups.len() < 2 {
        return None;
    }
    let counts = groups.iter().map(|group| Counts::try_new(group.successes?, group.customers).ok());
    let counts: Vec<Counts> = counts.collect::<Option<_>>()?;
    decide(&counts, &Rule { level: Level::FIVE_PERCENT, moment: Moment::Planned, sample: 0 }).ok()
}

fn most_used(ordered: &[OrderedRow]) -> Option<String> {
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    for currency in ordered.iter().filter_map(|row| row.currency.as_deref()) {
        *used.entry(currency).or_default() += 1;
    }
    used.into_iter().max_by_key(|(_, customers)| *customers).map(|(currency, _)| currency.to_owned())
}
