//! Preferred hours: when a customer likes to be written to. Marketing that would come at another time waits.
//!
//! A wish does not keep a message from being sent for ever: where quiet hours and protected weekdays leave nothing of the
//! preferred hours, these do not count.

use chrono::{DateTime, Datelike, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::hours::{clock, first_open, next_day};
use super::{Case, Obstacle};
use crate::domain::tenant::policy::{RuleAction, Weekday};
use crate::domain::value::preferred_hours::PreferredHours;

/// All weeks are alike but those in which clocks are changed.
const HORIZON: TimeDelta = TimeDelta::days(15);

/// The preferred hours, if a message comes outside of them.
pub(super) fn outside(case: &Case<'_>) -> Option<Obstacle> {
    let preferred = case.customer.profile.preferred()?;
    if preferred.covers(case.clock().1) {
        return None;
    }
    let until = begins(case, &preferred)?;
    let mut inputs = looked_at(case);
    inputs["until"] = json!(until);
    Some(Obstacle { action: RuleAction::Hold, until: Some(until), inputs })
}

/// What the customer's clock shows, the hours, and whether they are set aside.
pub(super) fn looked_at(case: &Case<'_>) -> Value {
    let mut inputs = clock(case);
    if let Some(preferred) = case.customer.profile.preferred() {
        inputs["preferred_hours"] = json!(preferred.to_string());
        if !preferred.covers(case.clock().1) && begins(case, &preferred).is_none() {
            inputs["set_aside"] = json!(true);
        }
    }
    inputs
}

/// The first moment within the preferred hours at which other rules let marketing pass, if there is one in each week. Blackout
/// dates pass: what falls on one is judged again after it.
fn begins(case: &Case<'_>, preferred: &PreferredHours) -> Option<DateTime<Utc>> {
    let (zone, policy) = (case.zone(), &case.context.policy);
    let quiet: Vec<_> = policy.quiet_hours.iter().filter(|hours| hours.concerns(case.asked.channel)).collect();
    let is_shut = |local: NaiveDateTime| {
        !preferred.covers(local)
            || policy.weekdays.days.contains(&Weekday::from(local.date().weekday()))
            || quiet.iter().any(|hours| hours.covers(local.time()))
    };
    let next = |local: NaiveDateTime| {
        let midnight = next_day(local.date()).and_time(NaiveTime::MIN);
        let ends = quiet.iter().map(|hours| hours.to).chain([preferred.from()]);
        ends.map(|end| local.date().and_time(end)).filter(|end| *end > local).min().unwrap_or(midnight)
    };
    first_open(zone, case.context.now, HORIZON, is_shut, next)
}
