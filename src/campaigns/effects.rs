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
use crate::queries::campaign_effects::{self, GroupRow, OrderedRow};
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
    }
}

/// A group, and what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The variant, empty without variants; absent for those held out.
    pub variant: Option<String>,
    /// Everybody who was assigned to it.
    pub customers: u64,
    /// Those of whom the metric holds; absent for those held out, where a metric is about messages.
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

/// How a group differs from those who were held out, in who ordered and for how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// Of the shares of customers who ordered.
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

/// Compares the groups of a campaign that started at a time, by orders of so many days.
pub async fn effects(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    started_at: DateTime<Utc>,
    days: u32,
    metric: Metric,
) -> Result<Effects, QueryError> {
    let until = started_at + TimeDelta::days(days.into());
    let rows = campaign_effects::groups(db, tenant, campaign).await?;
    let held_out = campaign_effects::held_out(db, tenant, campaign).await?;
    let ordered = campaign_effects::ordered(db, tenant, campaign, started_at, until).await?;
    let currency = most_used(&ordered);
    let mut groups: Vec<Group> = rows.iter().map(|row| group(row, &ordered, currency.as_deref(), metric)).collect();
    let verdict = verdict(&groups);
    if held_out > 0 {
        let base = of_orders(None, held_out, &ordered, currency.as_deref());
        for group in &mut groups {
            group.effect = Some(effect(group, &base));
        }
        let successes = (metric == Metric::Ordered).then_some(base.ordered);
        groups.push(Group { successes, rate: successes.and_then(|count| rate(count, held_out)), ..base });
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
    let found = effects(db, tenant, campaign, started_at, LONGEST_TEST_DAYS, metric).await?;
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

fn group(row: &GroupRow, ordered: &[OrderedRow], currency: Option<&str>, metric: Metric) -> Group {
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    let customers = count(row.customers);
    let group = of_orders(Some(row.variant.clone()), customers, ordered, currency);
    let successes = match metric {
        Metric::Opened => count(row.opened),
        Metric::Clicked => count(row.clicked),
        Metric::Replied => count(row.replied),
        Metric::Ordered => group.ordered,
    };
    Group { successes: Some(successes), rate: rate(successes, customers), ..group }
}

/// A group by what its customers ordered.
fn of_orders(variant: Option<String>, customers: u64, ordered: &[OrderedRow], currency: Option<&str>) -> Group {
    let of_group = |row: &&OrderedRow| match (&row.variant, &variant) {
        (None, None) => true,
        (Some(one), Some(other)) => one == other,
        // A message without a variant has none in its row.
        _ => false,
    };
    let rows: Vec<&OrderedRow> = ordered.iter().filter(of_group).collect();
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
    let counts = |group: &Group| Counts::try_new(group.ordered, group.customers).ok();
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
