//! When a cron pattern comes, by the clocks of a zone.
//!
//! Patterns are read and followed by `croner`. A pattern that names its hours and minutes comes once where clocks
//! change: at the first moment after a gap, and at the earlier of two. One that comes at intervals follows what clocks
//! show: it leaves out what they skip and comes again in an hour that they repeat.

use chrono::{DateTime, LocalResult, SubsecRound, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use super::check::ScheduleError;
use super::clock::{ClockChange, EARLIEST, END, add, local_time};

/// The longest pattern, in characters.
pub const LONGEST_CRON: usize = 100;

/// A cron pattern with its zone and its end.
#[derive(Debug, Clone)]
pub struct Recurrence {
    cron: Cron,
    zone: Tz,
    until: Option<DateTime<Utc>>,
}

impl Recurrence {
    /// Reads a pattern and makes sure that it comes at least once. `place` is the field it is from.
    pub(super) fn parse(
        place: &'static str,
        pattern: &str,
        zone: Tz,
        until: Option<DateTime<Utc>>,
    ) -> Result<Self, ScheduleError> {
        if pattern.chars().count() > LONGEST_CRON {
            return Err(ScheduleError::CronTooLong { place });
        }
        let found = pattern.split_whitespace().count();
        let is_nickname = found == 1 && pattern.trim_start().starts_with('@');
        if found != 5 && !is_nickname {
            return Err(ScheduleError::CronFields { place, found });
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(pattern).map_err(|cause| ScheduleError::Cron { place, cause })?;
        let recurrence = Self { cron, zone, until };
        if recurrence.first(EARLIEST).is_none() {
            return Err(ScheduleError::NeverComes { place });
        }
        Ok(recurrence)
    }

    /// The zone whose clocks the pattern is about.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The first moment, `from` or later, at which it comes; [`None`] after its end.
    #[must_use]
    pub fn first(&self, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let from = from.max(EARLIEST);
        // The pattern comes at whole seconds: a part of one would find the second that has begun already.
        let whole = from.trunc_subsecs(0);
        let from = if whole < from { add(whole, TimeDelta::seconds(1)) } else { whole };
        if from >= self.end() {
            return None;
        }
        // A search that begins just after a gap does not see what the gap moved there: it begins a second before.
        let before = add(from, TimeDelta::seconds(-1)).with_timezone(&self.zone);
        let at = self.cron.find_next_occurrence(&before, false).ok()?.to_utc();
        (from <= at && at < self.end()).then_some(at)
    }

    /// The first moment after `last` at which it comes; [`None`] after its end.
    #[must_use]
    pub fn next(&self, last: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.first(add(last.trunc_subsecs(0), TimeDelta::seconds(1)))
    }

    /// The last moment at which it comes; [`None`] if it does not end.
    #[must_use]
    pub fn last(&self) -> Option<DateTime<Utc>> {
        let until = self.until?;
        let end = self.end().with_timezone(&self.zone);
        Some(self.cron.find_previous_occurrence(&end, false).map_or(until, |at| at.to_utc()))
    }

    /// The first moment at which it no longer comes.
    fn end(&self) -> DateTime<Utc> {
        self.until.map_or(END, |until| add(until.trunc_subsecs(0), TimeDelta::seconds(1)).min(END))
    }

    /// The change of clocks that moved an occurrence, or that makes it one of two.
    pub(super) fn change_at(&self, at: DateTime<Utc>) -> Option<ClockChange> {
        let shown = local_time(self.zone, at);
        let is_gap = |local| matches!(self.zone.from_local_datetime(&local), LocalResult::None);
        if !self.cron.is_time_matching(&shown.and_utc()).unwrap_or(true) {
            // On clocks that are never changed, the pattern comes at the time that was skipped.
            let wanted = self.cron.find_previous_occurrence(&shown.and_utc(), false).ok()?.naive_utc();
            return is_gap(wanted).then_some(ClockChange::Skipped { wanted, shown });
        }
        match self.zone.from_local_datetime(&shown) {
            LocalResult::Ambiguous(one, two) if at == one.min(two) => {
                Some(ClockChange::ShownTwice { wanted: shown, later: one.max(two).to_utc() })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
