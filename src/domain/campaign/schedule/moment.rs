//! The moment at which a recipient's message goes out, and why then.

use chrono::{DateTime, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::check::Plan;
use super::clock::{ClockChange, add, resolve};
use super::habits::{Habits, HourChoice};
use super::plan::When;
use super::spread;

/// How far clocks of the world are ahead of UTC at most (Pacific/Kiritimati).
const FURTHEST_AHEAD: TimeDelta = TimeDelta::hours(14);
/// How far clocks of the world are behind UTC at most (Etc/GMT+12).
const FURTHEST_BEHIND: TimeDelta = TimeDelta::hours(12);

/// What of a recipient decides when their message goes out.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// The person: decides their place in a spread.
    pub person: Uuid,
    /// Their own zone, if it is known.
    pub zone: Option<Tz>,
    /// When they opened and replied, if that is known.
    pub habits: Option<&'a Habits>,
}

/// When a message goes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// The moment, UTC. It can lie in the past: see [`Due::of`](super::Due::of).
    pub at: DateTime<Utc>,
    /// Why then.
    pub reason: Reason,
}

/// Why a message goes out at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What the schedule says.
    pub basis: Basis,
    /// Whose clocks count, if any do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    /// The change of these clocks that the local time fell into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_change: Option<ClockChange>,
    /// How long after the schedule's own moment the recipient's place in the spread is, in milliseconds.
    pub spread_millis: i64,
}

/// What a schedule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Basis {
    /// When the campaign was started.
    Now,
    /// The same moment for everybody.
    At,
    /// The same local time for everybody.
    LocalTime {
        /// The local time that was asked for.
        wanted: NaiveDateTime,
    },
    /// The recipient's best hour.
    BestHour {
        /// The local time that follows from the choice.
        wanted: NaiveDateTime,
        /// The hour and the counts that it was chosen by.
        choice: HourChoice,
    },
    /// The first occurrence of a cron pattern since the moment that was given.
    Recurring,
}

/// A zone whose clocks count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// Its IANA name.
    pub name: String,
    /// Whose zone it is.
    pub of: ZoneSource,
}

/// Whose zone it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneSource {
    /// The recipient's own.
    Recipient,
    /// The tenant's: the recipient's is not known.
    Tenant,
    /// That of the schedule.
    Schedule,
}

/// Between which moments messages fall due, whatever zones and habits recipients have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// No message falls due before.
    pub earliest: DateTime<Utc>,
    /// No message falls due after; absent: a recurring schedule that does not end.
    pub latest: Option<DateTime<Utc>>,
}

impl Reason {
    /// Whether it says more than that everybody's message goes out at the same time.
    #[must_use]
    pub const fn is_own(&self) -> bool {
        self.spread_millis != 0 || matches!(self.basis, Basis::LocalTime { .. } | Basis::BestHour { .. })
    }
}

impl Plan {
    /// Whether it depends on when a recipient reads.
    #[must_use]
    pub const fn is_by_habits(&self) -> bool {
        matches!(self.when, When::BestHour { .. })
    }

    /// When a recipient's message goes out. [`None`] only if a recurring schedule is over.
    ///
    /// `since` is what a start "now" and a recurrence count from: the moment when the campaign was started, or just
    /// after the last run. Pass the stored moment, not the present one, so that a restart gives the same answer; the
    /// other kinds of schedule do not look at it.
    #[must_use]
    pub fn moment_for(&self, recipient: Recipient<'_>, since: DateTime<Utc>) -> Option<Moment> {
        let (at, basis, zone, clock_change) = match &self.when {
            When::Now {} => (since, Basis::Now, None, None),
            When::At { at } => (*at, Basis::At, None, None),
            When::LocalTime { date, time } => {
                let (zone, of) = self.zone_of(recipient);
                let wanted = date.and_time(*time);
                let (at, change) = resolve(zone, wanted);
                (at, Basis::LocalTime { wanted }, Some(Zone { name: zone.name().to_owned(), of }), change)
            }
            When::BestHour { date, fallback, observations } => {
                let (zone, of) = self.zone_of(recipient);
                let habits = recipient.habits.copied().unwrap_or_default();
                let (time, choice) = habits.choose(*fallback, *observations);
                let wanted = date.and_time(time);
                let (at, change) = resolve(zone, wanted);
                (at, Basis::BestHour { wanted, choice }, Some(Zone { name: zone.name().to_owned(), of }), change)
            }
            When::Recurring { .. } => {
                let recurrence = self.recurrence.as_ref()?;
                let at = recurrence.first(since)?;
                let zone = Zone { name: recurrence.zone().name().to_owned(), of: ZoneSource::Schedule };
                (at, Basis::Recurring, Some(zone), recurrence.change_at(at))
            }
        };
        let spread = spread::offset(recipient.person, self.spread_minutes);
        let reason = Reason { basis, zone, clock_change, spread_millis: spread.num_milliseconds() };
        Some(Moment { at: add(at, spread), reason })
    }

    /// Between which moments messages fall due, over all zones of the world (UTC+14 to UTC-12) and all habits. [`None`]
    /// only if a recurring schedule is over. For `since` see [`Plan::moment_for`].
    ///
    /// When the last message has gone depends on the rate too: see [`Pace::estimate`](super::Pace::estimate).
    #[must_use]
    pub fn span(&self, since: DateTime<Utc>) -> Option<Span> {
        let around = |from: NaiveDateTime, to: NaiveDateTime| {
            (add(from.and_utc(), -FURTHEST_AHEAD), Some(add(to.and_utc(), FURTHEST_BEHIND)))
        };
        let (earliest, latest) = match &self.when {
            When::Now {} => (since, Some(since)),
            When::At { at } => (*at, Some(*at)),
            When::LocalTime { date, time } => around(date.and_time(*time), date.and_time(*time)),
            When::BestHour { date, fallback, .. } => {
                let last_hour = NaiveTime::from_hms_opt(23, 0, 0).unwrap_or(*fallback);
                around(date.and_time(NaiveTime::MIN), date.and_time(last_hour.max(*fallback)))
            }
            When::Recurring { .. } => {
                let recurrence = self.recurrence.as_ref()?;
                (recurrence.first(since)?, recurrence.last())
            }
        };
        let spread = TimeDelta::minutes(self.spread_minutes.into());
        Some(Span { earliest, latest: latest.map(|latest| add(latest, spread)) })
    }

    /// The first run of a recurring schedule, from a moment on; [`None`] if there is none, or if the schedule is not a recurring
    /// one.
    #[must_use]
    pub fn first_run(&self, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.recurrence.as_ref()?.first(from)
    }

    /// The first run of a recurring schedule after its last one, before recipients are spread; [`None`] if there is
    /// none, or if the schedule is not a recurring one.
    #[must_use]
    pub fn next_run(&self, last: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.recurrence.as_ref()?.next(last)
    }

    fn zone_of(&self, recipient: Recipient<'_>) -> (Tz, ZoneSource) {
        match recipient.zone {
            Some(zone) => (zone, ZoneSource::Recipient),
            None => (self.tenant_zone, ZoneSource::Tenant),
        }
    }
}

#[cfg(test)]
mod tests;
