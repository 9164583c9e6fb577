//! Points in time and what happened in them.

use std::collections::BTreeMap;

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Datelike, Days, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::graphql::engine::words::Channel;
use crate::queries::traffic::TrafficRow;

/// How long each point of traffic is.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrafficStep {
    /// An hour.
    Hour,
    /// A day of the time zone.
    Day,
    /// A week of the time zone, from Monday on.
    Week,
}

/// What came and went on a channel in an hour, a day or a week. Each report counts; what imports brought does not.
#[derive(SimpleObject, Debug, Clone, PartialEq, Eq)]
pub struct TrafficPoint {
    /// Its beginning.
    from: DateTime<Utc>,
    /// The channel.
    channel: Channel,
    /// Messages asked for.
    queued: i64,
    /// Times that a rule held a message.
    held: i64,
    /// Messages that a rule stopped.
    suppressed: i64,
    /// Reports of sending.
    sent: i64,
    /// Reports of delivery.
    delivered: i64,
    /// Reports of opening, by people and machines.
    opened: i64,
    /// Reports of clicks, by people and machines.
    clicked: i64,
    /// Reports of bounces, soft and hard.
    bounced: i64,
    /// Reports of failure, and final refusals of a provider.
    failed: i64,
    /// Complaints.
    complained: i64,
    /// Messages that came in.
    received: i64,
    /// Opt-outs.
    opted_out: i64,
}

impl TrafficPoint {
    fn of(from: DateTime<Utc>, row: &TrafficRow) -> Self {
        Self {
            from,
            channel: row.channel.into(),
            queued: row.queued,
            held: row.held,
            suppressed: row.suppressed,
            sent: row.sent,
            delivered: row.delivered,
            opened: row.opened,
            clicked: row.clicked,
            bounced: row.bounced,
            failed: row.failed,
            complained: row.complained,
            received: row.received,
            opted_out: row.opted_out,
        }
    }

    fn add(&mut self, row: &TrafficRow) {
        let sums = [
            (&mut self.queued, row.queued),
            (&mut self.held, row.held),
            (&mut self.suppressed, row.suppressed),
            (&mut self.sent, row.sent),
            (&mut self.delivered, row.delivered),
            (&mut self.opened, row.opened),
            (&mut self.clicked, row.clicked),
            (&mut self.bounced, row.bounced),
            (&mut self.failed, row.failed),
            (&mut self.complained, row.complained),
            (&mut self.received, row.received),
            (&mut self.opted_out, row.opted_out),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
    }

    /// The points that hours make, oldest first. An hour that two days share, in a zone that is half an hour off, counts where it
    /// begins.
    pub fn points(rows: &[TrafficRow], step: TrafficStep, zone: Tz) -> Vec<Self> {
        let mut points = BTreeMap::new();
        for row in rows {
            let from = step.beginning(row.hour, zone);
            points
                .entry((from, row.channel))
                .and_modify(|point: &mut Self| point.add(row))
                .or_insert_with(|| Self::of(from, row));
        }
        points.into_values().collect()
    }
}

impl TrafficStep {
    /// When the point that a moment is in begins.
    fn beginning(self, moment: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let day = moment.with_timezone(&zone).date_naive();
        let first = match self {
            Self::Hour => return moment,
            Self::Day => day,
            Self::Week => day - Days::new(day.weekday().num_days_from_monday().into()),
        };
        // Where clocks are put forward at midnight, the day begins later.
        let midnight = first.and_time(NaiveTime::MIN);
        let beginning =
            (0..4).find_map(|hour| zone.from_local_datetime(&(midnight + TimeDelta::hours(hour))).earliest());
        beginning.map_or(moment, |beginning| beginning.to_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value;

    fn hour(text: &str, sent: i64) -> TrafficRow {
        TrafficRow {
            tenant_id: uuid::Uuid::nil().into(),
            hour: text.parse().unwrap(),
            channel: value::Channel::Email,
            queued: 0,
            held: 0,
            suppressed: 0,
            sent,
            delivered: 0,
            opened: 0,
            clicked: 0,
            bounced: 0,
            failed: 0,
            complained: 0,
            received: 0,
            opted_out: 0,
        }
    }

    fn told(rows: &[TrafficRow], step: TrafficStep, zone: Tz) -> Vec<(String, i64)> {
        let points = TrafficPoint::points(rows, step, zone);
        points.into_iter().map(|point| (point.from.format("%FT%R").to_string(), point.sent)).collect()
    }

    #[test]
    fn a_day_is_one_of_the_time_zone_whatever_its_clocks_do() {
        // Vienna's clocks are put back on 25 October 2026: that day has 25 hours.
        let rows = [
            hour("2026-10-24T21:00:00Z", 1),
            hour("2026-10-24T22:00:00Z", 2),
            hour("2026-10-25T22:00:00Z", 4),
            hour("2026-10-25T23:00:00Z", 8),
        ];
        let days = told(&rows, TrafficStep::Day, Tz::Europe__Vienna);
        let expected = [("2026-10-23T22:00", 1), ("2026-10-24T22:00", 6), ("2026-10-25T23:00", 8)];
        assert_eq!(days, expected.map(|(from, sent)| (from.to_owned(), sent)));
        // In Beirut the day of 29 March 2026 begins at one o'clock.
        let spring = told(&[hour("2026-03-28T23:00:00Z", 1)], TrafficStep::Day, Tz::Asia__Beirut);
        assert_eq!(spring, [("2026-03-28T22:00".to_owned(), 1)]);
        let week = told(&rows, TrafficStep::Week, Tz::Europe__Vienna);
        assert_eq!(week, [("2026-10-18T22:00".to_owned(), 7), ("2026-10-25T23:00".to_owned(), 8)]);
        assert_eq!(told(&rows, TrafficStep::Hour, Tz::UTC).len(), 4);
    }
}
