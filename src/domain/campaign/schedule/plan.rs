//! The definition of a schedule as it is stored.
//!
//! Zones and cron patterns are kept as text: what was stored once must stay readable when a later release of the time
//! zone database no longer knows a name. [`Schedule::check`](super::Schedule::check) reads them.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How many observations a recipient needs before their own hours count, unless the schedule says otherwise.
pub const DEFAULT_OBSERVATIONS: u32 = 10;

/// The longest spread, in minutes: 7 days.
pub const LONGEST_SPREAD_MINUTES: u32 = 7 * 24 * 60;

/// A moment that lies further back than this is long past due: somebody is asked before anything is sent.
pub const PAST_DUE_AFTER: TimeDelta = TimeDelta::hours(1);

/// When a campaign's messages go out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The moment, or how it is found.
    pub when: When,
    /// Over how many minutes after that moment recipients are spread; 0: all at once. A recipient's place is found from
    /// their id alone, so that it stays the same across restarts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub spread_minutes: u32,
}

impl Schedule {
    /// Whether it comes again and again.
    #[must_use]
    pub const fn is_recurring(&self) -> bool {
        matches!(self.when, When::Recurring { .. })
    }
}

/// The moment of a schedule, or how it is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// When the campaign is started. It has braces so that serde refuses unknown fields here too.
    Now {},
    /// The same moment for everybody.
    At {
        /// The moment, UTC.
        at: DateTime<Utc>,
    },
    /// The same local time for everybody, in each recipient's own zone; without one, in the tenant's.
    LocalTime {
        /// The day.
        date: NaiveDate,
        /// The time of the day, in whole seconds.
        time: NaiveTime,
    },
    /// The full hour at which each recipient most often opened or replied, in their own zone; without one, in the
    /// tenant's.
    BestHour {
        /// The day.
        date: NaiveDate,
        /// The time for recipients of whom too little is known, in whole seconds.
        fallback: NaiveTime,
        /// How many opens and replies are enough; 0 counts as 1.
        #[serde(default = "default_observations")]
        observations: u32,
    },
    /// Again and again.
    Recurring {
        /// A pattern of five fields: minute, hour, day of the month, month, weekday (0 and 7: Sunday); or `@daily` and
        /// its like. As in Vixie cron, a day counts if either its date or its weekday fits, when both are restricted.
        cron: String,
        /// IANA name of the zone whose clocks the pattern is about.
        zone: String,
        /// The last moment at which it may come, UTC; absent: it does not end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<DateTime<Utc>>,
    },
}

const fn default_observations() -> u32 {
    DEFAULT_OBSERVATIONS
}

// serde passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(in crate::domain::campaign) const fn is_zero(number: &u32) -> bool {
    *number == 0
}
