//! When a campaign's last message will have gone.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::calendar::Calendar;
use super::clock::{END, from_micros};
use super::rate::{PARTS, Rate};
use super::warm_up::WarmUp;

/// How fast a campaign goes.
#[derive(Debug, Clone, Copy)]
pub struct Pace<'a> {
    /// The tenant's zone: its days are those of the calendar and of the ramp.
    pub zone: Tz,
    /// The rate outside the seasons.
    pub rate: Rate,
    /// The rates of the seasons.
    pub calendar: &'a Calendar,
    /// The ramp of the sending domain, if it is being warmed up.
    pub ramp: Option<Ramp>,
}

/// Where a sending domain is on its ramp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ramp {
    /// The ramp.
    pub warm_up: WarmUp,
    /// When the domain sent its first message; absent: the campaign sends it.
    pub first_sent: Option<DateTime<Utc>>,
    /// How many messages the domain has sent on the day of the start.
    pub sent_today: u32,
}

/// When a campaign's first and last message go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// The first, UTC.
    pub first: DateTime<Utc>,
    /// The last, UTC.
    pub last: DateTime<Utc>,
}

/// The part of a campaign between two changes of the rate or the allowance. Times are microseconds after its start.
struct Segment {
    rate: Rate,
    /// What the bucket holds at its start.
    parts: u128,
    length: u128,
}

impl Pace<'_> {
    /// When the first and the last of a number of messages go, if all are due at `start` and nothing else is sent; of
    /// no messages, both are `start`. [`None`] if the last one would not go before the year 2200.
    ///
    /// It is the arithmetic of a [`Bucket`](super::Bucket) that is empty at `start` and asked whenever it has a
    /// message, in closed form between two changes: the work grows with the number of seasons and, while there is a
    /// ramp, of days.
    #[must_use]
    pub fn estimate(&self, messages: u64, start: DateTime<Utc>) -> Option<Estimate> {
        let mut left = messages;
        let mut now = start;
        let mut parts = 0;
        let mut first = None;
        let mut sent_today = self.ramp.map_or(0, |ramp| ramp.sent_today);
        if left == 0 {
            return Some(Estimate { first: start, last: start });
        }
        while now < END {
            let rate = self.calendar.rate_at(self.zone, now, self.rate);
            let mut until = self.calendar.next_change(self.zone, now).unwrap_or(END).min(END);
            let mut most = left;
            let mut midnight = None;
            if let Some(ramp) = self.ramp {
                let allowance = ramp.warm_up.allowance(self.zone, ramp.first_sent.unwrap_or(start), now);
                most = most.min(u64::from(allowance.messages.saturating_sub(sent_today)));
                midnight = Some(allowance.until);
                until = until.min(allowance.until);
            }
            let length = micros(until).saturating_sub(micros(now));
            let segment = Segment { rate, parts, length: u128::try_from(length).unwrap_or_default() };
            let sent = segment.sent().min(most.into());
            let moment = |message| from_micros(micros(now).saturating_add_unsigned(segment.time_of(message)));
            if sent > 0 && first.is_none() {
                first = Some(moment(1));
            }
            let sent_now = u64::try_from(sent).unwrap_or(left);
            left -= sent_now.min(left);
            if left == 0 {
                return Some(Estimate { first: first.unwrap_or(start), last: moment(sent) });
            }
            parts = segment.left_after(sent);
            sent_today = sent_today.saturating_add(u32::try_from(sent_now).unwrap_or(u32::MAX));
            if midnight == Some(until) {
                sent_today = 0;
            }
            now = until;
        }
        None
    }
}

fn micros(at: DateTime<Utc>) -> i128 {
    at.timestamp_micros().into()
}

impl Segment {
    fn speed(&self) -> u128 {
        self.rate.speed().into()
    }

    /// What the bucket holds at the start: a new rate can have a lower burst.
    fn held(&self) -> u128 {
        if self.rate.is_off() { self.parts } else { self.parts.min(self.rate.capacity().into()) }
    }

    /// With a burst of one, a bucket is full as soon as it has a message: what it earns until the next whole
    /// microsecond is lost, and each message takes this many microseconds.
    fn step(&self) -> Option<u128> {
        (self.rate.burst() == 1).then(|| u128::from(PARTS).div_ceil(self.speed()).max(1))
    }

    /// When a message goes, counted from 1.
    fn time_of(&self, message: u128) -> u128 {
        if self.rate.is_off() || message == 0 {
            return 0;
        }
        let parts = u128::from(PARTS);
        let earned_by = |amount: u128| amount.saturating_sub(self.held()).div_ceil(self.speed());
        match self.step() {
            Some(step) => earned_by(parts).saturating_add(step.saturating_mul(message - 1)),
            None => earned_by(message.saturating_mul(parts)),
        }
    }

    /// How many messages could go before its end.
    fn sent(&self) -> u128 {
        if self.length == 0 {
            return 0;
        }
        if self.rate.is_off() {
            return u128::MAX;
        }
        let last = self.length - 1;
        match self.step() {
            Some(step) => last.checked_sub(self.time_of(1)).map_or(0, |rest| 1 + rest / step),
            None => (self.held() + last.saturating_mul(self.speed())) / u128::from(PARTS),
        }
    }

    /// What the bucket holds at the end, after that many messages went.
    fn left_after(&self, sent: u128) -> u128 {
        if self.rate.is_off() {
            return self.parts;
        }
        let (parts, capacity) = (u128::from(PARTS), u128::from(self.rate.capacity()));
        let earned = match self.step() {
            // It is empty after each message.
            Some(_) if sent > 0 => self.length.saturating_sub(self.time_of(sent)).saturating_mul(self.speed()),
            _ => (self.held() + self.length.saturating_mul(self.speed())).saturating_sub(sent.saturating_mul(parts)),
        };
        earned.min(capacity)
    }
}

#[cfg(test)]
mod tests;
