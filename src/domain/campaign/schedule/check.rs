//! Whether a schedule can be carried out, and whether its time has come.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::clock::{EARLIEST, END};
use super::plan::{LONGEST_SPREAD_MINUTES, PAST_DUE_AFTER, Schedule, When};
use super::recurrence::{LONGEST_CRON, Recurrence};

/// Why a schedule cannot be carried out. `place` is the path of the field.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// Outside the years that can be planned.
    #[error("{place}: must be between the years 2000 and 2199")]
    Year {
        /// Where.
        place: &'static str,
    },
    /// A part of a second, or a leap second.
    #[error("{place}: must be in whole seconds, without leap seconds")]
    PartOfSecond {
        /// Where.
        place: &'static str,
    },
    /// Not a zone.
    #[error("{place}: must be the IANA name of a time zone, such as Europe/Vienna")]
    Zone {
        /// Where.
        place: &'static str,
    },
    /// Another number of fields than five. Fields for seconds are refused: they let a pattern come more often than once
    /// a minute.
    #[error("{place}: must have five fields, from minute to weekday: once a minute at most; has {found}")]
    CronFields {
        /// Where.
        place: &'static str,
        /// How many fields it has.
        found: usize,
    },
    /// Too long.
    #[error("{place}: must have at most {LONGEST_CRON} characters")]
    CronTooLong {
        /// Where.
        place: &'static str,
    },
    /// Not a pattern.
    #[error("{place}: must be a cron pattern")]
    Cron {
        /// Where.
        place: &'static str,
        /// What is wrong with it.
        #[source]
        cause: croner::errors::CronError,
    },
    /// A pattern that no day fits, such as 30 February, or that does not come until the schedule ends.
    #[error("{place}: never comes")]
    NeverComes {
        /// Where.
        place: &'static str,
    },
    /// Too long a spread.
    #[error("{place}: must be at most {LONGEST_SPREAD_MINUTES} minutes (7 days); is {minutes}")]
    Spread {
        /// Where.
        place: &'static str,
        /// What was asked for.
        minutes: u32,
    },
}

/// A schedule that can be carried out.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) when: When,
    pub(super) spread_minutes: u32,
    pub(super) tenant_zone: Tz,
    pub(super) recurrence: Option<Recurrence>,
}

impl Schedule {
    /// Checks all of a schedule that does not depend on the present. Local times of recipients whose own zone is not
    /// known are those of `tenant_zone`.
    ///
    /// [`Plan::due`] says whether its time has passed.
    pub fn check(&self, tenant_zone: Tz) -> Result<Plan, ScheduleError> {
        let minutes = self.spread_minutes;
        if minutes > LONGEST_SPREAD_MINUTES {
            return Err(ScheduleError::Spread { place: "spread_minutes", minutes });
        }
        let mut recurrence = None;
        match &self.when {
            When::Now {} => {}
            When::At { at } => moment("when.at", *at)?,
            When::LocalTime { date, time } => {
                day("when.date", *date)?;
                whole_second("when.time", *time)?;
            }
            When::BestHour { date, fallback, .. } => {
                day("when.date", *date)?;
                whole_second("when.fallback", *fallback)?;
            }
            When::Recurring { cron, zone, until } => {
                if let Some(until) = until {
                    moment("when.until", *until)?;
                }
                let zone: Tz = zone.parse().map_err(|_| ScheduleError::Zone { place: "when.zone" })?;
                recurrence = Some(Recurrence::parse("when.cron", cron, zone, *until)?);
            }
        }
        Ok(Plan { when: self.when.clone(), spread_minutes: minutes, tenant_zone, recurrence })
    }
}

/// Whether the time of a schedule or a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Due {
    /// Not yet.
    Later {
        /// When.
        at: DateTime<Utc>,
    },
    /// Now, or within the last hour.
    Now,
    /// More than an hour ago: somebody is asked before anything is sent.
    LongPastDue {
        /// When it should have been.
        at: DateTime<Utc>,
        /// How many seconds ago that was.
        late_seconds: i64,
    },
    /// A recurring schedule that does not come again.
    Over,
}

impl Due {
    /// Whether the time `at` has come.
    #[must_use]
    pub fn of(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let late = now.signed_duration_since(at);
        if late < TimeDelta::zero() {
            Self::Later { at }
        } else if late > PAST_DUE_AFTER {
            Self::LongPastDue { at, late_seconds: late.num_seconds() }
        } else {
            Self::Now
        }
    }
}

impl Plan {
    /// Whether the time of the schedule has come. What counts is the tenant's zone, the fallback time where there is
    /// one, and no spread: recipients in zones further west may still be early.
    ///
    /// A recurring schedule is looked at from `since` on, as in [`Plan::moment_for`]: so a run is not lost that came
    /// between two looks.
    #[must_use]
    pub fn due(&self, since: DateTime<Utc>, now: DateTime<Utc>) -> Due {
        let local = |date: NaiveDate, time| super::clock::resolve(self.tenant_zone, date.and_time(time)).0;
        let at = match &self.when {
            When::Now {} => return Due::Now,
            When::At { at } => *at,
            When::LocalTime { date, time: fallback } | When::BestHour { date, fallback, .. } => local(*date, *fallback),
            When::Recurring { .. } => match self.recurrence.as_ref().and_then(|recurrence| recurrence.first(since)) {
                Some(at) => at,
                None => return Due::Over,
            },
        };
        Due::of(at, now)
    }
}

fn moment(place: &'static str, at: DateTime<Utc>) -> Result<(), ScheduleError> {
    if !(EARLIEST..END).contains(&at) {
        return Err(ScheduleError::Year { place });
    }
    // chrono holds a leap second as a second of more than a thousand milliseconds.
    if at.nanosecond() >= 1_000_000_000 { Err(ScheduleError::PartOfSecond { place }) } else { Ok(()) }
}

/// Whether the date is of a year that can be planned.
pub(super) fn day_is_planned(date: NaiveDate) -> bool {
    (2000..2200).contains(&date.year())
}

fn day(place: &'static str, date: NaiveDate) -> Result<(), ScheduleError> {
    if day_is_planned(date) { Ok(()) } else { Err(ScheduleError::Year { place }) }
}

fn whole_second(place: &'static str, time: NaiveTime) -> Result<(), ScheduleError> {
    if time.nanosecond() == 0 { Ok(()) } else { Err(ScheduleError::PartOfSecond { place }) }
}

#[cfg(test)]
mod tests;
