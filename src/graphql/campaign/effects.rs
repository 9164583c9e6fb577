//! What campaigns changed, as the schema shows it.

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};

use crate::campaigns::effects::{Effect, Effects, Group};
use crate::domain::campaign::experiment::decide::{Reason, Verdict};
use crate::domain::campaign::experiment::level::Interval as Bounds;
use crate::graphql::engine::money::Money;
use crate::graphql::engine::scalar::Micros;

/// What counts as a success of a campaign's message.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::campaigns::effects::Metric")]
pub enum CampaignMetric {
    /// A person opened the message.
    Opened,
    /// A person followed a link in it.
    Clicked,
    /// The customer replied.
    Replied,
    /// The customer ordered.
    Ordered,
    /// The customer did something else: `activityKind` says what.
    Activity,
}

/// Where a figure lies with 95 % confidence.
#[derive(SimpleObject, Debug, Clone, Copy)]
pub struct Interval {
    /// The lower bound.
    low: f64,
    /// The upper bound.
    high: f64,
}

/// How a group differs from the customers who were held out.
#[derive(SimpleObject, Debug, Clone)]
pub struct CampaignEffect {
    /// The difference of the shares of customers of whom the metric holds, or who ordered, where the metric is about messages.
    difference: Option<f64>,
    /// Its interval, by Newcombe's method 10.
    difference_interval: Option<Interval>,
    /// The difference as a part of the share of those who were held out: 0.5 is half as many more.
    lift: Option<f64>,
    /// Its interval, by Katz.
    lift_interval: Option<Interval>,
    /// The probability of a difference this large by chance: a two-sided two-proportion test.
    p_value: Option<f64>,
    /// The difference of the revenue per customer, in micros of the currency.
    revenue_difference: Option<f64>,
    /// Its interval, by Welch.
    revenue_interval: Option<Interval>,
}

/// A group of a campaign's audience. Everybody who was assigned to it counts, whether or not a message reached them.
#[derive(SimpleObject, Debug, Clone)]
pub struct CampaignGroup {
    /// The variant, empty without variants; null for the customers who were held out.
    variant: Option<String>,
    /// The number of customers.
    customers: u64,
    /// Those of whom the metric holds; null for the held out, unless the metric is `ORDERED` or `ACTIVITY`.
    successes: Option<u64>,
    /// Their share.
    rate: Option<f64>,
    /// Its interval, by Wilson.
    rate_interval: Option<Interval>,
    /// Customers who ordered.
    ordered: u64,
    /// What they ordered, cancellations taken off.
    revenue: Option<Money>,
    /// The revenue per customer of the group, in micros.
    revenue_per_customer: Option<f64>,
    /// Beside the held out; null without any.
    effect: Option<CampaignEffect>,
}

/// Which variant is the best: it must beat every other one, by two-proportion tests at 5 %, corrected for their number (Holm). The
/// test is meant to be made once, when the campaign is over; whoever looks again and again finds winners by chance.
#[derive(SimpleObject, Debug, Clone)]
pub struct CampaignVerdict {
    /// The winner; null if it is not decided.
    winner: Option<String>,
    /// The variant with the highest rate.
    leader: Option<String>,
    /// The largest corrected probability that it is not better than another one.
    p_value: Option<f64>,
    /// How many customers of each variant are needed, where there are too few.
    needed: Option<u64>,
}

/// What a campaign changed.
#[derive(SimpleObject, Debug, Clone)]
pub struct CampaignEffects {
    /// By variant; the held out last.
    groups: Vec<CampaignGroup>,
    /// Which variant is the best; null without two variants.
    verdict: Option<CampaignVerdict>,
    /// Orders and activities count from this time on.
    since: DateTime<Utc>,
    /// Orders and activities count before this time.
    until: DateTime<Utc>,
}

impl CampaignEffects {
    /// Out of what was found.
    #[must_use]
    pub fn new(found: Effects) -> Self {
        let Effects { groups, currency, verdict, since, until } = found;
        let name = |index: usize| groups.get(index).and_then(|group| group.variant.clone());
        let verdict = verdict.map(|verdict| match verdict {
            Verdict::Winner { index, p_value, .. } => {
                CampaignVerdict { winner: name(index), leader: name(index), p_value: Some(p_value), needed: None }
            }
            Verdict::Undecided { reason, leader } => {
                let (p_value, needed) = match reason {
                    Reason::TooFew { needed } => (None, Some(needed)),
                    Reason::NotSignificant { p_value } => (Some(p_value), None),
                };
                CampaignVerdict { winner: None, leader: leader.and_then(name), p_value, needed }
            }
        });
        let groups = groups.into_iter().map(|group| shown(group, currency.as_deref())).collect();
        Self { groups, verdict, since, until }
    }
}

fn shown(group: Group, currency: Option<&str>) -> CampaignGroup {
    let (sum, mean) = (group.revenue.sum(), group.revenue.mean());
    CampaignGroup {
        variant: group.variant,
        customers: group.customers,
        successes: group.successes,
        rate: group.rate.map(|(rate, _)| rate),
        rate_interval: group.rate.map(|(_, bounds)| interval(bounds)),
        ordered: group.ordered,
        revenue: currency.map(|currency| Money { micros: Micros(sum), currency: currency.to_owned() }),
        revenue_per_customer: currency.and(mean),
        effect: group.effect.map(|effect| effect_of(&effect)),
    }
}

fn effect_of(effect: &Effect) -> CampaignEffect {
    CampaignEffect {
        difference: effect.difference.map(|estimate| estimate.value),
        difference_interval: effect.difference.map(|estimate| interval(estimate.interval)),
        lift: effect.lift.map(|lift| lift.value),
        lift_interval: effect.lift.and_then(|lift| lift.interval).map(interval),
        p_value: effect.test.map(|test| test.p_value),
        revenue_difference: effect.revenue.map(|difference| difference.value),
        revenue_interval: effect.revenue.map(|difference| interval(difference.interval)),
    }
}

const fn interval(bounds: Bounds) -> Interval {
    Interval { low: bounds.low, high: bounds.high }
}
