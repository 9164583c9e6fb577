//! Quiet hours, blackout dates, weekdays: when by the customer's clock nothing is sent, and the first moment after it.
//!
//! What counts is what clocks show. An end that they skip in spring is the moment of the change; one that they show twice in
//! autumn is the first of the two. A time zone is never guessed from a phone number.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{Case, Obstacle};
use crate::domain::tenant::policy::{QuietHours, RuleAction, Weekday};
use crate::domain::value::Channel;

/// How far a release is looked for: further than the blackout dates of a policy reach.
const HORIZON: TimeDelta = TimeDelta::days(800);

impl QuietHours {
    /// Whether a time of the day is quiet.
    #[must_use]
    pub fn covers(&self, time: NaiveTime) -> bool {
        if self.from <= self.to { self.from <= time && time < self.to } else { self.from <= time || time < self.to }
    }

    /// The first moment, `now` or later, that is not quiet by the clocks of a zone.
    ///
    /// It goes by what the clocks show: an end that they skip in spring is the moment of the change; of an end that they
    /// show twice in autumn it is the first.
    #[must_use]
    pub fn ends(&self, zone: Tz, now: DateTime<Utc>) -> DateTime<Utc> {
        let next_end = |local: NaiveDateTime| {
            let today = local.date().and_time(self.to);
            if today > local { today } else { next_day(local.date()).and_time(self.to) }
        };
        first_open(zone, now, HORIZON, |local| self.covers(local.time()), next_end).unwrap_or(now)
    }

    pub(super) fn concerns(&self, channel: Channel) -> bool {
        self.channel.is_none_or(|quiet| quiet == channel)
    }
}

/// The first quiet hours that a message falls into.
pub(super) fn quiet(case: &Case<'_>) -> Option<Obstacle> {
    let (zone, local) = case.clock();
    let is_it = |hours: &&QuietHours| hours.concerns(case.asked.channel) && hours.covers(local.time());
    let hours = case.context.policy.quiet_hours.iter().find(is_it)?;
    let until = hours.ends(zone, case.context.now);
    let inputs = json!({
        "channel": hours.channel, "from": hours.from, "to": hours.to, "zone": zone.name(), "local_time": local,
        "until": until,
    });
    Some(Obstacle { action: hours.action, until: Some(until), inputs })
}

/// The blackout date that a message falls on.
pub(super) fn blackout(case: &Case<'_>) -> Option<Obstacle> {
    let blackout = &case.context.policy.blackout;
    on_day(case, blackout.action, |date| blackout.dates.binary_search(&date).is_ok())
}

/// The protected weekday that a message falls on.
pub(super) fn weekday(case: &Case<'_>) -> Option<Obstacle> {
    let weekdays = &case.context.policy.weekdays;
    on_day(case, weekdays.action, |date| weekdays.days.contains(&Weekday::from(chrono::Datelike::weekday(&date))))
}

fn on_day(case: &Case<'_>, action: RuleAction, is_shut: impl Fn(NaiveDate) -> bool) -> Option<Obstacle> {
    let (zone, local) = case.clock();
    if !is_shut(local.date()) {
        return None;
    }
    let until = first_day(zone, case.context.now, is_shut);
    let mut inputs = clock(case);
    inputs["until"] = json!(until);
    Some(Obstacle { action, until, inputs })
}

/// What the customer's clock shows.
pub(super) fn clock(case: &Case<'_>) -> Value {
    let (zone, local) = case.clock();
    let weekday = Weekday::from(chrono::Datelike::weekday(&local));
    json!({ "date": local.date(), "weekday": weekday, "zone": zone.name(), "local_time": local })
}

impl Case<'_> {
    /// The customer's time zone, and what its clocks show now.
    pub(super) fn clock(&self) -> (Tz, NaiveDateTime) {
        let zone = self.zone();
        (zone, zone.from_utc_datetime(&self.context.now.naive_utc()).naive_local())
    }

    /// The customer's time zone, or the tenant's.
    pub(super) fn zone(&self) -> Tz {
        self.context.policy.zone_of(self.customer.profile.time_zone.as_deref())
    }
}

/// The first moment, `now` or later, on a day that is not blocked; [`None`] if there is none for years.
pub(super) fn first_day(zone: Tz, now: DateTime<Utc>, is_shut: impl Fn(NaiveDate) -> bool) -> Option<DateTime<Utc>> {
    let midnight = |local: NaiveDateTime| next_day(local.date()).and_time(NaiveTime::MIN);
    first_open(zone, now, HORIZON, |local| is_shut(local.date()), midnight)
}

pub(super) fn next_day(date: NaiveDate) -> NaiveDate {
    date.succ_opt().unwrap_or(date)
}

/// The first moment, `now` or later, but within some time, at which the clocks of a zone show an open time. `next` gives, for a shut time, the
/// next time on the same clock that may be open, and that is later. In between, clocks may be changed: then they are
/// read again.
pub(super) fn first_open(
    zone: Tz,
    now: DateTime<Utc>,
    within: TimeDelta,
    is_shut: impl Fn(NaiveDateTime) -> bool,
    next: impl Fn(NaiveDateTime) -> NaiveDateTime,
) -> Option<DateTime<Utc>> {
    let mut at = now;
    while at <= now + within {
        let local = zone.from_utc_datetime(&at.naive_utc()).naive_local();
        if !is_shut(local) {
            return Some(at);
        }
        let end = at + (next(local) - local);
        at = first_change(zone, at, end).unwrap_or(end);
    }
    None
}

/// The moment of the first change of a zone's offset after `from`, until `to`. Looks hour by hour: no zone changes twice
/// within one.
fn first_change(zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    let before = offset(from);
    let mut low = from;
    while low < to {
        let high = to.min(low + TimeDelta::hours(1));
        if offset(high) != before {
            // Clocks are changed at whole seconds.
            let (mut before_it, mut at_it) = (low.timestamp(), high.timestamp());
            while at_it - before_it > 1 {
                let middle = i64::midpoint(before_it, at_it);
                let is_before = DateTime::from_timestamp(middle, 0).is_some_and(|at| offset(at) == before);
                if is_before { before_it = middle } else { at_it = middle }
            }
            return DateTime::from_timestamp(at_it, 0);
        }
        low = high;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn hours(from: &str, to: &str) -> QuietHours {
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").expect("a time");
        QuietHours { channel: None, from: time(from), to: time(to), action: RuleAction::Hold }
    }

    #[test]
    fn quiet_hours_end_by_the_customers_clock() {
        let night = hours("21:00", "08:00");
        let table = [
            // (zone, now, end)
            ("UTC", "2026-03-02T20:59:59Z", "2026-03-02T20:59:59Z"),
            ("UTC", "2026-03-02T21:00:00Z", "2026-03-03T08:00:00Z"),
            ("UTC", "2026-03-03T07:59:59.999999Z", "2026-03-03T08:00:00Z"),
            ("UTC", "2026-03-03T08:00:00Z", "2026-03-03T08:00:00Z"),
            ("America/New_York", "2026-03-03T02:30:00Z", "2026-03-03T13:00:00Z"),
            // The night of the change in spring is an hour shorter, that of autumn an hour longer.
            ("Europe/Berlin", "2026-03-28T22:00:00Z", "2026-03-29T06:00:00Z"),
            ("Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T07:00:00Z"),
            ("Asia/Kathmandu", "2026-03-02T18:00:00Z", "2026-03-03T02:15:00Z"),
        ];
        for (zone, now, end) in table {
            assert_eq!(night.ends(zone.parse().expect("a zone"), at(now)), at(end), "{zone} {now}");
        }
    }

    #[test]
    fn an_end_that_clocks_skip_is_the_moment_of_the_change_and_one_shown_twice_is_the_first() {
        let berlin = Tz::Europe__Berlin;
        assert_eq!(hours("22:00", "02:30").ends(berlin, at("2026-03-28T23:00:00Z")), at("2026-03-29T01:00:00Z"));
        assert_eq!(hours("22:00", "02:30").ends(berlin, at("2026-10-24T23:00:00Z")), at("2026-10-25T00:30:00Z"));
        // In the second hour between two and three it is quiet again.
        assert_eq!(hours("22:00", "02:30").ends(berlin, at("2026-10-25T01:10:00Z")), at("2026-10-25T01:30:00Z"));
    }

    #[test]
    fn a_day_begins_when_the_clocks_say_so() {
        let shut: NaiveDate = "2026-03-28".parse().expect("a date");
        let table = [
            ("Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-28T23:00:00Z"),
            ("Pacific/Auckland", "2026-03-28T00:00:00Z", "2026-03-28T11:00:00Z"),
            // Clocks in Beirut skip the first hour of that Sunday.
            ("Asia/Beirut", "2026-03-28T12:00:00Z", "2026-03-28T22:00:00Z"),
        ];
        for (zone, now, end) in table {
            let first = first_day(zone.parse().expect("a zone"), at(now), |date| date == shut);
            assert_eq!(first, Some(at(end)), "{zone}");
        }
        assert_eq!(first_day(Tz::UTC, at("2026-03-28T12:00:00Z"), |_| true), None);
    }

    /// The changes of a zone's clocks in 2026.
    fn changes(zone: Tz) -> Vec<DateTime<Utc>> {
        let (mut from, end) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        let mut changes = vec![];
        while let Some(change) = first_change(zone, from, end) {
            changes.push(change);
            from = change;
        }
        changes
    }

    #[test]
    fn in_every_zone_the_end_is_open_and_nothing_before_it_is() {
        let windows =
            [hours("21:00", "08:00"), hours("23:30", "02:30"), hours("00:00", "00:30"), hours("01:15", "03:00")];
        let mut with_changes = 0;
        for zone in chrono_tz::TZ_VARIANTS {
            let mut moments = changes(zone);
            with_changes += usize::from(moments.len() >= 2);
            moments.push(at("2026-06-10T12:00:00Z"));
            for moment in moments {
                for (index, minutes) in [-1500, -600, -95, -30, -5, 0, 5, 40, 100, 700].into_iter().enumerate() {
                    let now = moment + TimeDelta::minutes(minutes);
                    let window = &windows[index % windows.len()];
                    let is_quiet =
                        |at: DateTime<Utc>| window.covers(zone.from_utc_datetime(&at.naive_utc()).naive_local().time());
                    let end = window.ends(zone, now);
                    assert!(end >= now, "{zone} {now}");
                    assert!(!is_quiet(end), "{zone} {now} {end}");
                    assert!(end == now || is_quiet(end - TimeDelta::microseconds(1)), "{zone} {now} {end}");
                    let mut before = now;
                    while before < end {
                        assert!(is_quiet(before), "{zone} {now} {before} {end}");
                        before += TimeDelta::minutes(5);
                    }
                }
            }
        }
        assert!(with_changes > 100, "only {with_changes} zones change their clocks twice");
    }
}
