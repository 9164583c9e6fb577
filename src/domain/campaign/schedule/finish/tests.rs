use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;

use super::super::calendar::Season;
use super::super::clock::next_midnight;
use super::super::{Bucket, Per};
use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn a_minute(messages: u32, burst: u32) -> Rate {
    Rate { burst, ..Rate::per_minute(messages) }
}

fn pace(rate: Rate, calendar: &Calendar, ramp: Option<Ramp>) -> Pace<'_> {
    Pace { zone: Tz::Europe__Vienna, rate, calendar, ramp }
}

fn last(pace: Pace<'_>, messages: u64, start: &str) -> Option<DateTime<Utc>> {
    pace.estimate(messages, at(start)).map(|estimate| estimate.last)
}

#[test]
fn given_a_rate_the_last_message_goes_when_its_turn_comes() {
    let calendar = Calendar::default();
    let pace = pace(Rate::per_minute(600), &calendar, None);
    let estimate = pace.estimate(600, at("2026-03-29T00:00:00Z")).expect("it ends");
    assert_eq!((estimate.first, estimate.last), (at("2026-03-29T00:00:00.1Z"), at("2026-03-29T00:01:00Z")));
    // Ten million at 600 a minute take 11 days and some hours.
    assert_eq!(last(pace, 10_000_000, "2026-03-01T00:00:00Z"), Some(at("2026-03-12T13:46:40Z")));
    assert_eq!(last(pace, 0, "2026-03-01T00:00:00Z"), Some(at("2026-03-01T00:00:00Z")));
}

#[test]
fn given_no_limit_everything_goes_at_the_start() {
    let calendar = Calendar::default();
    let start = "2026-03-01T00:00:00Z";
    assert_eq!(last(pace(Rate::OFF, &calendar, None), u64::MAX, start), Some(at(start)));
}

#[test]
fn given_a_season_its_rate_counts_while_it_lasts() {
    let season = Season { from: day("2026-03-29"), until: day("2026-03-29"), rate: Rate::per_minute(1) };
    let calendar = Calendar { seasons: vec![season] };
    let pace = pace(Rate::per_minute(60), &calendar, None);
    // An hour at 60 a minute, then the day of 23 hours at one a minute, then at 60 again.
    let start = "2026-03-28T22:00:00Z";
    assert_eq!(last(pace, 3_600, start), Some(at("2026-03-28T23:00:00Z")));
    assert_eq!(last(pace, 3_600 + 23 * 60, start), Some(at("2026-03-29T22:00:00Z")));
    assert_eq!(last(pace, 3_600 + 23 * 60 + 60, start), Some(at("2026-03-29T22:01:00Z")));
}

#[test]
fn given_a_ramp_each_day_sends_what_it_allows() {
    let calendar = Calendar::default();
    let warm_up = WarmUp { start: 50, factor_percent: 200, ceiling: 400 };
    let ramp = Ramp { warm_up, first_sent: None, sent_today: 0 };
    let unlimited = pace(Rate::OFF, &calendar, Some(ramp));
    let start = "2026-03-28T09:00:00Z";
    assert_eq!(last(unlimited, 50, start), Some(at(start)));
    assert_eq!(last(unlimited, 51, start), Some(at("2026-03-28T23:00:00Z")));
    assert_eq!(last(unlimited, 151, start), Some(at("2026-03-29T22:00:00Z")));
    // 50, 100, 200, then 400 on each of three days.
    assert_eq!(last(unlimited, 1_550, start), Some(at("2026-04-01T22:00:00Z")));
    let used = Ramp { first_sent: Some(at("2026-03-27T09:00:00Z")), sent_today: 90, ..ramp };
    assert_eq!(last(pace(Rate::OFF, &calendar, Some(used)), 11, start), Some(at("2026-03-28T23:00:00Z")));
}

#[test]
fn given_a_pace_that_takes_centuries_there_is_no_end() {
    let calendar = Calendar::default();
    let slow = Rate { messages: 1, per: Per::Hour, burst: 0 };
    assert_eq!(last(pace(slow, &calendar, None), 10_000_000, "2026-03-01T00:00:00Z"), None);
    let ramp = Ramp { warm_up: WarmUp { start: 1, factor_percent: 100, ceiling: 1 }, first_sent: None, sent_today: 0 };
    assert_eq!(last(pace(Rate::OFF, &calendar, Some(ramp)), 10_000_000, "2026-03-01T00:00:00Z"), None);
}

/// Sends message by message through a bucket, which is also asked when a rate or a day changes.
fn simulated(pace: Pace<'_>, messages: u64, start: DateTime<Utc>) -> Estimate {
    let rate_at = |now| pace.calendar.rate_at(pace.zone, now, pace.rate);
    let mut bucket = Bucket::empty(start, rate_at(start));
    let (mut now, mut left, mut first) = (start, messages, None);
    let mut sent_today = pace.ramp.map_or(0, |ramp| ramp.sent_today);
    loop {
        let rate = rate_at(now);
        let change = pace.calendar.next_change(pace.zone, now).unwrap_or(END);
        let midnight = next_midnight(pace.zone, now);
        let until = change.min(midnight);
        while now < until {
            let allowed = pace.ramp.map_or(u32::MAX, |ramp| {
                let first_sent = ramp.first_sent.unwrap_or(start);
                ramp.warm_up.allowance(pace.zone, first_sent, now).messages.saturating_sub(sent_today)
            });
            let wanted = u32::try_from(left).unwrap_or(u32::MAX).min(allowed);
            if wanted == 0 {
                break;
            }
            let (rest, grant) = bucket.take(now, wanted, rate);
            bucket = rest;
            left -= u64::from(grant.granted);
            sent_today += grant.granted;
            if grant.granted > 0 {
                first = first.or(Some(now));
            }
            if left == 0 {
                return Estimate { first: first.unwrap_or(now), last: now };
            }
            now = grant.next.max(if rate.is_off() { until } else { now });
        }
        (bucket, _) = bucket.take(until, 0, rate);
        if midnight == until {
            sent_today = 0;
        }
        now = until;
    }
}

fn rates() -> impl Strategy<Value = Rate> {
    let per = prop_oneof![Just(Per::Second), Just(Per::Minute), Just(Per::Hour)];
    (0..300_u32, per, 0..5_u32).prop_map(|(messages, per, burst)| Rate { messages, per, burst })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_estimate_is_what_a_bucket_grants(
        rate in rates(),
        seasons in proptest::collection::vec((0..6_i64, 0..3_i64, rates()), 0..3),
        ramp in proptest::option::of((1..300_u32, 100..300_u32, 0..500_u32, 0..100_u32)),
        messages in 1..1_500_u64,
        offset in 0..100_000_000_000_i64,
    ) {
        let first_day = day("2026-03-27");
        let season = |(from, days, rate)| {
            let from = first_day + TimeDelta::days(from);
            Season { from, until: from + TimeDelta::days(days), rate }
        };
        let calendar = Calendar { seasons: seasons.into_iter().map(season).collect() };
        let ramp = ramp.map(|(start, factor_percent, more, sent_today)| {
            let warm_up = WarmUp { start, factor_percent, ceiling: start + more };
            Ramp { warm_up, first_sent: None, sent_today }
        });
        let pace = pace(rate, &calendar, ramp);
        let start = at("2026-03-27T00:00:00Z") + TimeDelta::microseconds(offset);
        prop_assert_eq!(pace.estimate(messages, start), Some(simulated(pace, messages, start)));
    }
}

#[test]
fn bursts_of_one_lose_what_is_earned_until_the_next_microsecond() {
    let calendar = Calendar::default();
    let pace = pace(Rate { messages: 7, per: Per::Second, burst: 1 }, &calendar, None);
    let start = at("2026-03-29T00:00:00Z");
    assert_eq!(pace.estimate(7, start), Some(simulated(pace, 7, start)));
    let faster = Pace { rate: a_minute(420, 2), ..pace };
    assert_eq!(last(faster, 7, "2026-03-29T00:00:00Z"), Some(at("2026-03-29T00:00:01Z")));
}

#[test]
fn a_message_whose_turn_is_at_midnight_belongs_to_the_new_day() {
    let season = Season { from: day("2026-06-02"), until: day("2026-06-02"), rate: Rate::OFF };
    let calendar = Calendar { seasons: vec![season] };
    let warm_up = WarmUp { start: 48, factor_percent: 100, ceiling: 48 };
    let ramp = Ramp { warm_up, first_sent: None, sent_today: 0 };
    let pace = pace(Rate { messages: 2, per: Per::Hour, burst: 1 }, &calendar, Some(ramp));
    // The first day has 47 turns before midnight; the second allows 48.
    assert_eq!(last(pace, 47, "2026-05-31T22:00:00Z"), Some(at("2026-06-01T21:30:00Z")));
    assert_eq!(last(pace, 95, "2026-05-31T22:00:00Z"), Some(at("2026-06-01T22:00:00Z")));
    let later = last(pace, 96, "2026-05-31T22:00:00Z").expect("it ends");
    assert!(later >= at("2026-06-02T22:00:00Z"), "{later}");
}
