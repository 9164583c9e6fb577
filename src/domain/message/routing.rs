//! Which of several accounts takes a message: the order in which they are asked, with its reason.
//!
//! Accounts whose conditions exclude the message, and those whose circuit is open, are left out. Of the others, a lower priority
//! number comes first. Among equals, shares decide by the message's id: the same message always goes the same way. Without
//! shares, the lowest price of a message that arrives decides: the price divided by the measured rate of delivery.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::value::message::Route;
use crate::domain::value::routing::{RoutingTerms, is_none};
use crate::ids::MessageId;

/// What an account measured less often than this is not judged by.
pub const ENOUGH: u64 = 100;
/// A rate of delivery that nothing was measured against: all arrive.
const ALL: u32 = 10_000;

/// How well what an account took lately arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measured {
    /// How many messages it took.
    pub taken: u64,
    /// How many of them were reported as delivered.
    pub delivered: u64,
    /// How long that took on average, in milliseconds; absent if none was.
    pub latency_ms: Option<u64>,
    /// When something was last reported of one of them.
    pub last_report_at: Option<DateTime<Utc>>,
    /// How many it took since then.
    pub unreported: u64,
    /// When it took the first of those.
    pub unreported_since: Option<DateTime<Utc>>,
}

/// An account of which nothing is reported for so long is strange.
const SILENT_AFTER: TimeDelta = TimeDelta::hours(2);
/// Provided that it took so many messages since.
const MANY: u64 = 50;

/// An account that takes messages of which nothing is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// How many it took since the last report.
    pub sent: u64,
    /// When that came; absent: none did lately.
    pub since: Option<DateTime<Utc>>,
}

impl Measured {
    /// That nothing is reported any more, if that is strange.
    #[must_use]
    pub fn silence(&self, now: DateTime<Utc>) -> Option<Silence> {
        let is_long = |at: DateTime<Utc>| now - at > SILENT_AFTER;
        let is_strange = self.unreported >= MANY
            && self.unreported_since.is_some_and(is_long)
            && self.last_report_at.is_none_or(is_long);
        is_strange.then_some(Silence { sent: self.unreported, since: self.last_report_at })
    }

    /// How many of 10,000 messages arrive; absent while too few were measured, or none was reported: some providers do not.
    #[must_use]
    pub fn rate(&self) -> Option<u32> {
        let is_known = self.taken >= ENOUGH && self.delivered > 0;
        is_known.then(|| u32::try_from(self.delivered.min(self.taken) * u64::from(ALL) / self.taken).unwrap_or(ALL))
    }
}

/// An account that may take the message.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// Its way.
    pub route: &'a Route,
    /// A lower number comes first.
    pub priority: i32,
    /// What a message costs where no price by country says otherwise, in micros.
    pub cost_micros: i64,
    /// When it is used.
    pub terms: &'a RoutingTerms,
    /// What was measured.
    pub measured: Measured,
    /// Too many of its last calls failed: it rests.
    pub is_open: bool,
}

/// What the choice looks at of a message.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// The message.
    pub message_id: MessageId,
    /// The country of the receiver's number.
    pub country: Option<&'a str>,
    /// The domain of the receiver's mailbox, in small letters.
    pub domain: Option<&'a str>,
}

/// What decided between the accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChosenBy {
    /// No other one takes the message.
    Only,
    /// Its priority.
    Priority,
    /// Its share among those of its priority.
    Share,
    /// The price of a message that arrives.
    Price,
    /// What arrives of its messages, at the same price.
    Delivery,
    /// Its name: nothing else told them apart.
    Name,
    /// The accounts before it refused the message.
    Failover,
}

/// Why a message went by one account and not by another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteChoice {
    /// What decided.
    pub by: ChosenBy,
    /// The country of the receiver, where accounts differ by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// All that serve the channel, in the order in which they are asked; those left out come last.
    pub considered: Vec<Considered>,
}

/// One account, as the choice saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Considered {
    /// The provider.
    pub provider: String,
    /// The account.
    pub account: String,
    /// Its priority.
    pub priority: i32,
    /// Its share.
    #[serde(default, skip_serializing_if = "is_none")]
    pub share: u32,
    /// The price of a message, or of a segment of SMS, in micros of the installation's currency.
    pub price_micros: i64,
    /// How many of 10,000 messages arrived lately, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_rate: Option<u32>,
    /// How long they took on average, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// Why it is not asked: `country`, `domain` or `circuit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}

impl RouteChoice {
    /// The choice of an account after those before it refused.
    #[must_use]
    pub fn after_refusals(&self) -> Self {
        Self { by: ChosenBy::Failover, ..self.clone() }
    }
}

/// Puts accounts in the order in which they are asked, as indices, and says why. None is left if all are excluded.
#[must_use]
pub fn order(candidates: &[Candidate<'_>], sent: Sent<'_>) -> (Vec<usize>, RouteChoice) {
    let out: Vec<Option<&'static str>> = candidates.iter().map(|candidate| left_out(candidate, sent)).collect();
    let mut order: Vec<usize> = (0..candidates.len()).filter(|index| out[*index].is_none()).collect();
    order.sort_by_cached_key(|index| rank(&candidates[*index], sent));
    let by = match order[..] {
        [] | [_] => ChosenBy::Only,
        [first, second, ..] => decided(&candidates[first], &candidates[second], sent),
    };
    // Shares move one of those of the first priority to the front.
    let by = match share(candidates, &order, sent.message_id) {
        Some(at) if order.len() > 1 => {
            order[..=at].rotate_right(1);
            ChosenBy::Share
        }
        _ => by,
    };
    let mut shown = order.clone();
    shown.extend((0..candidates.len()).filter(|index| out[*index].is_some()));
    let considered = shown.iter().map(|index| considered(&candidates[*index], sent, out[*index])).collect();
    let is_by_country =
        |candidate: &Candidate<'_>| !candidate.terms.countries.is_empty() || !candidate.terms.prices.is_empty();
    let country = sent.country.filter(|_| candidates.iter().any(is_by_country)).map(str::to_owned);
    (order, RouteChoice { by, country, considered })
}

fn left_out(candidate: &Candidate<'_>, sent: Sent<'_>) -> Option<&'static str> {
    let RoutingTerms { countries, domains, .. } = candidate.terms;
    let is_in = |domain: &str, wanted: &str| {
        domain == wanted || domain.strip_suffix(wanted).is_some_and(|before| before.ends_with('.'))
    };
    if !countries.is_empty() && !sent.country.is_some_and(|country| countries.contains(country)) {
        return Some("country");
    }
    if !domains.is_empty() && !sent.domain.is_some_and(|domain| domains.iter().any(|wanted| is_in(domain, wanted))) {
        return Some("domain");
    }
    candidate.is_open.then_some("circuit")
}

/// The price of a message, or of a segment of SMS, in micros.
fn price(candidate: &Candidate<'_>, sent: Sent<'_>) -> i64 {
    let by_country = sent.country.and_then(|country| candidate.terms.prices.get(country));
    by_country.copied().unwrap_or(candidate.cost_micros)
}

/// What a message that arrives costs, in micros.
fn expected(candidate: &Candidate<'_>, sent: Sent<'_>) -> i64 {
    let rate = i128::from(candidate.measured.rate().unwrap_or(ALL).max(1));
    let expected = i128::from(price(candidate, sent)) * i128::from(ALL) / rate;
    i64::try_from(expected).unwrap_or(i64::MAX)
}

/// What does not arrive of 100 messages: a smaller difference is chance.
fn missing(candidate: &Candidate<'_>) -> u32 {
    candidate.measured.rate().map_or(0, |rate| (ALL - rate) / 100)
}

fn rank(candidate: &Candidate<'_>, sent: Sent<'_>) -> (i32, i64, u32, String, String) {
    let Route { provider, account, .. } = candidate.route;
    (candidate.priority, expected(candidate, sent), missing(candidate), provider.clone(), account.clone())
}

fn decided(first: &Candidate<'_>, second: &Candidate<'_>, sent: Sent<'_>) -> ChosenBy {
    if first.priority != second.priority {
        ChosenBy::Priority
    } else if expected(first, sent) != expected(second, sent) {
        ChosenBy::Price
    } else if missing(first) != missing(second) {
        ChosenBy::Delivery
    } else {
        ChosenBy::Name
    }
}

/// Where in the order the account stands that a message falls to by shares, if there are any.
fn share(candidates: &[Candidate<'_>], order: &[usize], message_id: MessageId) -> Option<usize> {
    let first = candidates[*order.first()?].priority;
    let with_shares: Vec<(usize, &Candidate<'_>)> = order
        .iter()
        .enumerate()
        .map(|(at, index)| (at, &candidates[*index]))
        .filter(|(_, candidate)| candidate.priority == first && candidate.terms.share > 0)
        .collect();
    let total: u64 = with_shares.iter().map(|(_, candidate)| u64::from(candidate.terms.share)).sum();
    let hash = Sha256::new().chain_update(b"route").chain_update(message_id.0.as_bytes()).finalize();
    let drawn = u64::from_be_bytes(hash[..8].try_into().ok()?);
    // The product of two numbers of 64 bits has 128: each share is met to within one of 2^64.
    let mut left = u64::try_from((u128::from(drawn) * u128::from(total)) >> 64).ok()?;
    // By name, so that prices do not move the borders.
    let mut by_name = with_shares;
    by_name.sort_by_key(|(_, candidate)| (&candidate.route.provider, &candidate.route.account));
    for (at, candidate) in by_name {
        let share = u64::from(candidate.terms.share);
        if left < share {
            return Some(at);
        }
        left -= share;
    }
    None
}

fn considered(candidate: &Candidate<'_>, sent: Sent<'_>, out: Option<&str>) -> Considered {
    Considered {
        provider: candidate.route.provider.clone(),
        account: candidate.route.account.clone(),
        priority: candidate.priority,
        share: candidate.terms.share,
        price_micros: price(candidate, sent),
        delivery_rate: candidate.measured.rate(),
        latency_ms: candidate.measured.latency_ms.filter(|_| candidate.measured.rate().is_some()),
        left_out: out.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests;
