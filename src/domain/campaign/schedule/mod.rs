//! When a campaign's messages go out, and how fast.
//!
//! Everything here is a pure function of what is passed in. A [`Schedule`] and a [`Rate`] are definitions as they are
//! stored; their `check` says what is wrong with them. A checked schedule is a [`Plan`], which gives each recipient a
//! [`Moment`]. A [`Bucket`] then decides how many of the messages that are due go now, and [`Pace::estimate`] when the
//! last one will have gone. [`Thresholds`] say when a campaign has to stop.
//!
//! Quiet hours, caps and blackout dates are not looked at here: they are rules about each message.

mod bucket;
mod calendar;
mod check;
mod clock;
mod finish;
mod habits;
mod moment;
mod plan;
mod rate;
mod recurrence;
mod spread;
mod thresholds;
mod warm_up;

pub use bucket::{Bucket, Grant};
pub use calendar::{Calendar, CalendarError, Season};
pub use check::{Due, Plan, ScheduleError};
pub use clock::{ClockChange, EARLIEST, END};
pub use finish::{Estimate, Pace, Ramp};
pub use habits::{Habits, HourChoice};
pub use moment::{Basis, Moment, Reason, Recipient, Span, Zone, ZoneSource};
pub(super) use plan::is_zero;
pub use plan::{DEFAULT_OBSERVATIONS, LONGEST_SPREAD_MINUTES, PAST_DUE_AFTER, Schedule, When};
pub use rate::{Per, Rate, RateError};
pub use recurrence::{LONGEST_CRON, Recurrence};
pub use thresholds::{Breach, Counts, Threshold, ThresholdError, ThresholdKind, Thresholds};
pub use warm_up::{Allowance, WarmUp, WarmUpError};
